#!/bin/bash
# CPU frequency and idle states of the shards' cores.
#
# A shard sleeps whenever it has nothing to do, thousands of times a second, and is judged by how soon it answers. A
# governor that waits for load before it raises the frequency has it answer at the lowest one, and a deep idle state takes
# 50 to 200 us to leave, more than an acknowledgement. So: the governor `performance`, and no idle state that takes longer
# than 20 us to leave. It costs energy, and turbo frequencies where other cores could have rested.
#
# In most virtual machines the host decides about both. But a core that goes to rest there is taken away by the host, and to
# get it back takes 40 us and more, several times for each acknowledgement: for the shard, for the kernel's threads that
# write, for the disk's interrupt. Linux can have a core wait for up to some time before it gives itself up
# (the governor haltpoll), and waits that long only where it lately came to something. So: 2 ms. The host sees a
# busy core for as long.
. "$(dirname "$0")/lib.sh"

readonly LATENCY_US_MAX=20
readonly HALT_POLL_NS=2000000

wanted() {
    local core state base=/sys/devices/system/cpu found=no
    for core in $(shard_cores); do
        if [[ -e $ROOT$base/cpu$core/cpufreq/scaling_governor ]]; then
            found=yes
            set_to "$base/cpu$core/cpufreq/scaling_governor" performance "the core answers at a low frequency first"
        fi
        if [[ -e $ROOT$base/cpu$core/cpufreq/energy_performance_preference ]]; then
            set_to "$base/cpu$core/cpufreq/energy_performance_preference" performance "the core answers at a low frequency first"
        fi
        for state in "$ROOT$base/cpu$core"/cpuidle/state*; do
            [[ -e $state/latency && $(< "$state/latency") -gt $LATENCY_US_MAX ]] || continue
            found=yes
            set_to "${state#"$ROOT"}/disable" 1 "leaving this idle state takes $(< "$state/latency") us"
        done
    done
    if [[ $(cat "$ROOT$base/cpuidle/current_governor" 2> /dev/null) == haltpoll ]]; then
        found=yes
        at_least /sys/module/haltpoll/parameters/guest_halt_poll_ns $HALT_POLL_NS "a core that rests is taken away by the host"
    fi
    [[ $found == yes ]] || say "ok: frequency and idle states are not this system's to choose"
}

run
