#!/bin/bash
# Transparent huge pages.
#
# With `always` the kernel looks for 2 MiB of free memory at any page fault, and compacts memory when it finds none: the
# fault that a shard takes for 4 KiB lasts milliseconds, and the small chunks of many partitions' tails grow to huge pages.
# `madvise` gives them to programs that ask, of which Ringlog is none, and has only those wait for compaction.
. "$(dirname "$0")/lib.sh"

wanted() {
    local base=/sys/kernel/mm/transparent_hugepage
    set_to $base/enabled madvise "page faults wait for memory to be compacted"
    set_to $base/defrag madvise "page faults wait for memory to be compacted"
}

run
