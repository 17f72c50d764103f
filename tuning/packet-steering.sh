#!/bin/bash
# RPS and XPS: which cores handle received packets and which send queue a core uses.
#
# With as many queues as cores the interface spreads connections by itself, and RPS only adds an interrupt between
# cores: it is off then. With fewer queues than cores (most virtual machines have one or two) one core would do the
# protocol work of all connections, so RPS spreads it over the cores that no shard has, or over all.
# XPS gives each core its own send queue, so that two shards never wait for the lock of one.
. "$(dirname "$0")/lib.sh"

queues() { find "$ROOT/sys/class/net/$1/queues" -mindepth 1 -maxdepth 1 -name "$2-*" -printf '%f\n' 2> /dev/null | sort -V; }

wanted() {
    local interface cores others receive=() send=() queue i mask
    interface=$(nic)
    [[ -n $interface ]] || { say "no interface has a default route: name one with --nic"; return 0; }
    read -ra cores <<< "$(online_cores)"
    read -ra others <<< "$(other_cores)"
    mapfile -t receive < <(queues "$interface" rx)
    mapfile -t send < <(queues "$interface" tx)
    mask=0
    if ((${#receive[@]} < ${#others[@]})); then mask=$(mask_of "${others[@]}"); fi
    for queue in "${receive[@]}"; do
        same_mask "/sys/class/net/$interface/queues/$queue/rps_cpus" "$mask" "received packets are handled by the wrong cores"
    done
    # One queue has nothing to choose.
    ((${#send[@]} > 1)) || return 0
    for ((i = 0; i < ${#send[@]}; i++)); do
        local own=() at
        for ((at = i; at < ${#cores[@]}; at += ${#send[@]})); do own+=("${cores[at]}"); done
        mask=0
        if ((${#own[@]})); then mask=$(mask_of "${own[@]}"); fi
        same_mask "/sys/class/net/$interface/queues/${send[i]}/xps_cpus" "$mask" "cores share a send queue and its lock"
    done
}

# The kernel fills masks up with zeros to the number of possible cores.
same_mask() {
    local now
    if [[ -e $ROOT$1 ]] && now=$(current "$1" 2> /dev/null) && [[ $(trim "$now") == "$(trim "$2")" ]]; then
        say "ok: $1 is $now"
    else
        set_to "$@"
    fi
}

trim() { sed -E 's/,//g; s/^0+(.)/\1/' <<< "$1"; }

run
