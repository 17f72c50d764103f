#!/bin/bash
# The I/O scheduler of the disk with the data directory.
#
# The broker writes whole pages in large pieces, and at most one at a time to each partition: there is nothing left to
# merge or sort. On a drive without a moving head every scheduler but `none` only adds a lock and a delay to each write and
# each flush. A rotating disk does need one: mq-deadline. A virtual disk calls itself rotating whatever is behind it, and is
# sorted by its host once more: `none`. rq_affinity=2 completes a request on the very core that asked for
# it, which is the one whose shard waits.
. "$(dirname "$0")/lib.sh"

wanted() {
    local device queue
    device=$(disk)
    [[ -n $device ]] || { say "no block device is behind $DATA_DIR: nothing to do"; return 0; }
    queue=/sys/block/$device/queue
    if [[ $(current "$queue/rotational") == 1 && $device != vd* && $device != xvd* ]]; then
        set_to "$queue/scheduler" mq-deadline "a rotating disk needs its requests sorted"
    else
        set_to "$queue/scheduler" none "each write and each flush passes a lock and a queue for nothing"
    fi
    set_to "$queue/rq_affinity" 2 "completions arrive on another core than the shard's"
}

run
