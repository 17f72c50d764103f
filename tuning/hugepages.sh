#!/bin/bash
# Reserved huge pages (vm.nr_hugepages).
#
# Ringlog maps none: its memory is a few MiB a shard, and readers that fall behind live in the page cache. Huge pages that
# are reserved and that nobody uses are memory taken from that cache. So those in use stay, and the rest is given back.
. "$(dirname "$0")/lib.sh"

wanted() {
    local total free
    total=$(awk '$1 == "HugePages_Total:" { print $2 }' "$ROOT/proc/meminfo")
    free=$(awk '$1 == "HugePages_Free:" { print $2 }' "$ROOT/proc/meminfo")
    [[ -n $total && -n $free ]] || { say "this kernel has no huge pages: nothing to do"; return 0; }
    set_to /proc/sys/vm/nr_hugepages $((total - free)) "$free huge pages are kept from the page cache"
}

run
