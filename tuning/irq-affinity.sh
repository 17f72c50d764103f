#!/bin/bash
# Interrupts of the network interface beside the shards' cores.
#
# A shard is one thread pinned to one core. An interrupt on that core, and the softirq with its packets behind it, stops
# the shard wherever it is, and throws its caches out. So the queues' interrupts go to cores that no shard has
# (--cores names those of the shards). Where shards have every core, each queue gets a core of its own, so that none has
# to bear all. irqbalance moves interrupts every ten seconds, and has to be off.
# Interrupts of NVMe queues are spread by the kernel itself and cannot be moved.
. "$(dirname "$0")/lib.sh"

interrupts_of() {
    local device=$ROOT/sys/class/net/$1/device folder
    # Of a virtio interface, the interrupts belong to the PCI device above.
    for folder in "$device/msi_irqs" "$device/../msi_irqs"; do
        if [[ -d $folder ]]; then find "$folder" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n; return; fi
    done
}

wanted() {
    local interface targets number at=0
    interface=$(nic)
    [[ -n $interface ]] || { say "no interface has a default route: name one with --nic"; return 0; }
    if is_running irqbalance; then
        remark "irqbalance runs" "it undoes this: systemctl disable --now irqbalance"
    fi
    read -ra targets <<< "$(other_cores)"
    for number in $(interrupts_of "$interface"); do
        set_to "/proc/irq/$number/smp_affinity_list" "${targets[at++ % ${#targets[@]}]}" \
            "interrupts of $interface stop the shard on whose core they are served"
    done
}

run
