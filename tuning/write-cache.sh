#!/bin/bash
# The write cache of the disk with the data directory.
#
# `acks=all` waits for an fdatasync, and an fdatasync for the drive to empty its cache: microseconds on a drive whose
# cache survives a power cut, milliseconds on another. The kernel sends the flush wherever the drive reports a volatile
# cache (`write back`). For a drive, or a controller, that does protect its cache but does not say so, `write through`
# spares the flush. Said of a drive that does not, it is a lie that loses acknowledged records in a power cut: so it is
# only done with --power-protected.
. "$(dirname "$0")/lib.sh"

wanted() {
    local device cache
    device=$(disk)
    [[ -n $device ]] || { say "no block device is behind $DATA_DIR: nothing to do"; return 0; }
    cache=/sys/block/$device/queue/write_cache
    [[ -e $ROOT$cache ]] || { say "$cache is not there: nothing to do"; return 0; }
    if [[ $POWER_PROTECTED == yes ]]; then
        set_to "$cache" "write through" "each fdatasync flushes a cache that needs no flush"
    else
        say "ok: $cache is $(current "$cache"); with --power-protected it would have to be write through"
    fi
}

run
