#!/bin/bash
# What the broker cannot run without: io_uring allowed, memory that may be locked, files that may be open.
#
# Every read and write goes through io_uring, which some distributions switch off by kernel.io_uring_disabled. Rings may
# count as locked memory, of which the broker wants 512 KiB a shard before it starts. A partition keeps several files open,
# a connection one more. For users who log in, the limits stand in limits.d; a systemd service has its own
# (LimitMEMLOCK, LimitNOFILE in ringlog.service), and so has a container (--ulimit).
. "$(dirname "$0")/lib.sh"

readonly FILES=1048576

wanted() {
    set_to /proc/sys/kernel/io_uring_disabled 0 "the broker cannot start"
    at_least /proc/sys/fs/nr_open $FILES "the limit of open files cannot be raised"
    at_least /proc/sys/fs/file-max $FILES "the system runs out of open files"
    file_with /etc/security/limits.d/ringlog.conf "# Ringlog: rings with locked buffers, and files of partitions.
* - memlock unlimited
* - nofile $FILES" "sessions get too little locked memory or too few open files"
}

run
