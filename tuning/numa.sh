#!/bin/bash
# NUMA: memory, interface and disk of the shards' own node.
#
# A pinned thread allocates from its own node by itself. NUMA balancing looks for pages that would lie better elsewhere by
# taking mappings away and waiting for the faults: on pinned threads that is all cost. zone_reclaim_mode would throw the
# page cache away rather than use another node's memory. Crossing the interconnect to the interface or the disk costs each
# byte: where they hang on one node, --cores should name the cores of that node. That is only said, for it is the broker's
# option. On a host with one node there is nothing to do.
. "$(dirname "$0")/lib.sh"

wanted() {
    local nodes
    nodes=$(find "$ROOT/sys/devices/system/node" -maxdepth 1 -name 'node[0-9]*' 2> /dev/null | wc -l)
    if ((nodes < 2)); then say "ok: one node"; return 0; fi
    set_to /proc/sys/kernel/numa_balancing 0 "pinned threads take page faults for nothing"
    set_to /proc/sys/vm/zone_reclaim_mode 0 "the page cache is thrown away while other nodes have room"
    near "interface $(nic)" "$ROOT/sys/class/net/$(nic)/device/numa_node"
    near "disk $(disk)" "$ROOT/sys/block/$(disk)/device/numa_node"
}

# near WHAT FILE: whether every shard is on the node that the file names.
near() {
    local node core
    [[ -e $2 ]] || return 0
    node=$(< "$2")
    [[ $node != -1 ]] || return 0
    for core in $(shard_cores); do
        if [[ ! -e $ROOT/sys/devices/system/node/node$node/cpu$core ]]; then
            remark "$1 is on node $node and core $core is not" "run the shards on cores $(< "$ROOT/sys/devices/system/node/node$node/cpulist")"
            return 0
        fi
    done
    say "ok: $1 is on node $node, as the shards are"
}

run
