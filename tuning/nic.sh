#!/bin/bash
# Rings and interrupt coalescing of the network interface.
#
# A ring that is full drops packets, and a dropped packet costs a retransmission, milliseconds of a stalled producer: so
# rings are as deep as they can be, up to 4096. An interrupt for every packet costs more than the packet: adaptive
# coalescing waits longer the more packets there are, and not at all for a single one. Both are ethtool's to set; an
# interface that cannot do it is left as it is.
. "$(dirname "$0")/lib.sh"

readonly RING_MAX=4096

# field SECTION NAME: the value of NAME in ethtool's output on standard input, behind the line that begins a section.
field() { awk -v section="$1" -v name="$2:" 'index($0, section) { on = 1 } on && index($0, name) == 1 { print $2; exit }'; }

wanted() {
    local interface rings coalescing way most now
    interface=$(nic)
    [[ -n $interface ]] || { say "no interface has a default route: name one with --nic"; return 0; }
    command -v ethtool > /dev/null || { say "ethtool is not installed: nothing to do"; return 0; }
    rings=$(ethtool -g "$interface" 2> /dev/null) || rings=
    for way in RX TX; do
        most=$(field "Pre-set" $way <<< "$rings")
        now=$(field "Current" $way <<< "$rings")
        [[ $most =~ ^[0-9]+$ && $now =~ ^[0-9]+$ ]] || continue
        ((most <= RING_MAX)) || most=$RING_MAX
        ethtool_change ring "-G $interface ${way,,}" "$now" "$most" "a full ring drops packets"
    done
    coalescing=$(ethtool -c "$interface" 2> /dev/null) || coalescing=
    now=$(awk '/^Adaptive RX:/ { print $3 }' <<< "$coalescing")
    [[ $now == on || $now == off ]] || return 0
    ethtool_change coalescing "-C $interface adaptive-rx" "$now" on "an interrupt for each packet"
}

# ethtool_change KIND ARGUMENTS NOW VALUE WHY
ethtool_change() {
    if [[ $3 == "$4" ]]; then say "ok: ethtool $2 is $3"; return 0; fi
    if [[ $1 == ring ]] && (($3 > $4)); then say "ok: ethtool $2 is $3"; return 0; fi
    WRONG=$((WRONG + 1))
    if [[ $MODE == check ]]; then say "WRONG: ethtool $2 is $3, should be $4: $5"; return 0; fi
    note ethtool "$2" "$3"
    # The arguments are words of ours.
    # shellcheck disable=SC2086
    if ethtool $2 "$4"; then say "ethtool $2: $3 -> $4"; else say "WRONG: ethtool $2 does not take $4"; fi
}

restore_own() {
    # shellcheck disable=SC2086
    ethtool $2 "$3"
}

run
