#!/bin/bash
# The backlog of listening sockets and the largest socket buffers.
#
# The kernel cuts the broker's backlog (4096) to net.core.somaxconn: a burst of clients that come back after a restart is
# refused beyond it, and each waits a second before it tries again. A connection can have no more bytes on its way than
# its buffers hold: 16 MiB fill a link of 10 Gbit/s over 13 ms. Only the largest sizes are raised; the kernel
# still grows each connection's buffers as it needs them. After an idle moment TCP begins slowly again unless told
# otherwise, which makes each burst of a quiet producer pay the round trips of a new connection.
. "$(dirname "$0")/lib.sh"

wanted() {
    local ipv4=/proc/sys/net/ipv4 core=/proc/sys/net/core
    at_least $core/somaxconn 4096 "clients that come at once are refused"
    at_least $ipv4/tcp_max_syn_backlog 4096 "clients that come at once are refused"
    at_least $core/rmem_max 16777216 "long links stay below their bandwidth"
    at_least $core/wmem_max 16777216 "long links stay below their bandwidth"
    at_least $ipv4/tcp_rmem "4096 87380 16777216" "long links stay below their bandwidth"
    at_least $ipv4/tcp_wmem "4096 16384 16777216" "long links stay below their bandwidth"
    set_to $ipv4/tcp_slow_start_after_idle 0 "bursts after a pause begin slowly"
}

run
