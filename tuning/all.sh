#!/bin/bash
# Every tuning script in turn, in the order of what they usually bring; --undo goes backwards.
set -uo pipefail
here=$(dirname "$0")
scripts=(limits io-scheduler write-cache filesystem cpu irq-affinity packet-steering nic sockets thp numa hugepages)
failed=0
if [[ " $* " == *" --undo "* ]]; then
    mapfile -t scripts < <(printf '%s\n' "${scripts[@]}" | tac)
fi
for script in "${scripts[@]}"; do
    "$here/$script.sh" "$@" || failed=1
done
exit $failed
