#!/bin/bash
# What the tuning scripts share: options, and settings that are checked, applied and undone by what was there.
#
# A script says what it wants by calls of `set_to` and `at_least` within a function `wanted`, and ends with `run`.
# Everything is read and written below RINGLOG_TUNING_ROOT, which is empty on a real host. What `--apply` replaces is
# recorded first: below /run for what a reboot resets by itself (/proc, /sys, mounts, devices), below /var/lib for
# files that stay.

set -euo pipefail

ROOT=${RINGLOG_TUNING_ROOT:-}
NAME=$(basename "$0" .sh)
MODE=
CORES=
NIC=
DATA_DIR=./ringlog-data
POWER_PROTECTED=no
WRONG=0

usage() {
    cat <<USAGE
usage: $0 --check | --apply | --undo [options]

  --check            say what is and what should be; exits with 1 when something is not as it should be
  --apply            make it so, and record what was there
  --undo             restore what --apply has recorded

  --cores LIST       the cores of the broker's shards, as in 0,2-3 [all that are online]
  --nic NAME         the network interface of the clients [that of the default route]
  --data-dir DIR     the broker's data directory [./ringlog-data]
  --power-protected  the drive keeps its cache through a power cut (write-cache.sh)
USAGE
}

fail() { echo "$NAME: $*" >&2; exit 2; }
say() { echo "$NAME: $*"; }

parse_options() {
    while (($#)); do
        # POWER_PROTECTED is asked for by write-cache.sh.
        # shellcheck disable=SC2034
        case $1 in
            --check | --apply | --undo) MODE=${1#--} ;;
            --cores) CORES=${2:?--cores needs a list}; shift ;;
            --nic) NIC=${2:?--nic needs a name}; shift ;;
            --data-dir) DATA_DIR=${2:?--data-dir needs a directory}; shift ;;
            --power-protected) POWER_PROTECTED=yes ;;
            --help | -h) usage; exit 0 ;;
            *) usage >&2; exit 2 ;;
        esac
        shift
    done
    [[ $CORES =~ ^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$ ]] || fail "--cores $CORES: give a list such as 0,2-3"
    [[ -z $CORES || -n $(list_of "$CORES") ]] || fail "--cores $CORES: there is no core in it"
    local core
    for core in $(list_of "$CORES"); do
        [[ " $(online_cores) " == *" $core "* ]] || fail "--cores $CORES: there is no core $core online"
    done
    [[ -n $MODE ]] || { usage >&2; exit 2; }
}

# record_of PATH: the file that records what was at PATH.
record_of() {
    case $1 in
        /etc/*) echo "$ROOT/var/lib/ringlog-tuning/$NAME" ;;
        *) echo "$ROOT/run/ringlog-tuning/$NAME" ;;
    esac
}

# note KIND WHERE VALUE: records what was there, unless an earlier --apply has.
note() {
    local record
    record=$(record_of "$2")
    mkdir -p "$(dirname "$record")"
    if ! grep -qsF "$1"$'\t'"$2"$'\t' "$record"; then
        printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$record"
    fi
}

# current PATH: the value there on one line; of a choice such as `none [kyber]` the one that is chosen.
current() {
    local text
    text=$(tr '\t\n' '  ' < "$ROOT$1")
    if [[ $text =~ \[([^]]*)\] ]]; then echo "${BASH_REMATCH[1]}"; else echo "${text%"${text##*[! ]}"}"; fi
}

# offers PATH VALUE: whether a choice has this value; anything that is no choice takes all.
offers() {
    local text
    text=$(< "$ROOT$1")
    [[ $text != *"["* ]] || [[ " ${text//[\[\]]/} " == *" $2 "* ]]
}

# set_to PATH VALUE WHY: the file should hold exactly this.
set_to() {
    local now
    [[ -e $ROOT$1 ]] || { say "$1 is not there: nothing to do"; return 0; }
    if ! now=$(current "$1" 2> /dev/null); then say "$1 cannot be read: nothing to do"; return 0; fi
    if [[ $now == "$2" ]]; then say "ok: $1 is $2"; return 0; fi
    if ! offers "$1" "$2"; then say "$1 has no $2: nothing to do"; return 0; fi
    change "$1" "$now" "$2" "$3"
}

# at_least PATH VALUE WHY: each number of the file should be no less than the one at its place.
at_least() {
    local now is wanted=() result=() i
    [[ -e $ROOT$1 ]] || { say "$1 is not there: nothing to do"; return 0; }
    now=$(current "$1")
    read -ra is <<< "$now"
    read -ra wanted <<< "$2"
    for ((i = 0; i < ${#wanted[@]}; i++)); do
        result+=($((${is[i]:-0} < wanted[i] ? wanted[i] : is[i])))
    done
    if [[ ${result[*]} == "${is[*]}" ]]; then say "ok: $1 is $now"; return 0; fi
    change "$1" "$now" "${result[*]}" "$3"
}

# change PATH NOW VALUE WHY: says it, or does it.
change() {
    WRONG=$((WRONG + 1))
    if [[ $MODE == check ]]; then
        say "WRONG: $1 is $2, should be $3: $4"
        return 0
    fi
    note value "$1" "$2"
    if (echo "$3" > "$ROOT$1") 2> /dev/null; then say "$1: $2 -> $3"; else say "WRONG: $1 does not take $3"; fi
}

# file_with PATH TEXT WHY: a file of ours should hold this text.
file_with() {
    local old=absent
    if [[ -e $ROOT$1 ]]; then
        if [[ $(< "$ROOT$1") == "$2" ]]; then say "ok: $1 is there"; return 0; fi
        old=$(base64 -w 0 < "$ROOT$1")
    fi
    WRONG=$((WRONG + 1))
    if [[ $MODE == check ]]; then say "WRONG: $1 is not as it should be: $3"; return 0; fi
    note file "$1" "$old"
    mkdir -p "$(dirname "$ROOT$1")"
    printf '%s\n' "$2" > "$ROOT$1"
    say "wrote $1"
}

# remark WHAT WHY: something that no script changes.
remark() {
    WRONG=$((WRONG + 1))
    say "WRONG: $1: $2"
}

undo() {
    local record kind where value found=no
    for record in "$ROOT/run/ringlog-tuning/$NAME" "$ROOT/var/lib/ringlog-tuning/$NAME"; do
        [[ -e $record ]] || continue
        found=yes
        while IFS=$'\t' read -r kind where value; do
            restore "$kind" "$where" "$value"
        done < <(tac "$record")
        rm "$record"
        rmdir "$(dirname "$record")" 2> /dev/null || true
    done
    [[ $found == yes ]] || say "nothing was applied"
}

# restore KIND WHERE VALUE: what a script records beyond values and files, it restores in `restore_own`.
restore() {
    case $1 in
        value) echo "$3" > "$ROOT$2" ;;
        file) if [[ $3 == absent ]]; then rm -f "$ROOT$2"; else base64 -d <<< "$3" > "$ROOT$2"; fi ;;
        *) restore_own "$@" ;;
    esac
    say "$2: restored"
}

run() {
    case $MODE in
        undo) undo ;;
        check) wanted; ((WRONG == 0)) ;;
        apply) wanted ;;
    esac
}

# list_of TEXT: 0,2-3 as 0 2 3.
list_of() {
    local part numbers=()
    for part in ${1//,/ }; do
        if [[ $part == *-* ]]; then mapfile -t -O "${#numbers[@]}" numbers < <(seq "${part%-*}" "${part#*-}"); else numbers+=("$part"); fi
    done
    echo "${numbers[*]}"
}

online_cores() { list_of "$(< "$ROOT/sys/devices/system/cpu/online")"; }

# The cores of the shards.
shard_cores() { if [[ -n $CORES ]]; then list_of "$CORES"; else online_cores; fi; }

# The cores that no shard has; where there are none, those of the shards.
other_cores() {
    local shards core others=()
    shards=" $(shard_cores) "
    for core in $(online_cores); do
        [[ $shards == *" $core "* ]] || others+=("$core")
    done
    if ((${#others[@]})); then echo "${others[*]}"; else shard_cores; fi
}

# mask_of CORES...: as the kernel writes masks, in groups of 32 bits.
mask_of() {
    local groups=() core top=0 text
    for core in "$@"; do
        groups[core / 32]=$((${groups[core / 32]:-0} | 1 << core % 32))
        ((core / 32 <= top)) || top=$((core / 32))
    done
    printf -v text '%x' "${groups[top]:-0}"
    while ((top-- > 0)); do printf -v text '%s,%08x' "$text" "${groups[top]:-0}"; done
    echo "$text"
}

# The interface of the clients.
nic() {
    if [[ -n $NIC ]]; then echo "$NIC"; return; fi
    awk 'NR > 1 && $2 == "00000000" { print $1; exit }' "$ROOT/proc/net/route" 2> /dev/null
}

# mount_of DIR: the line of mountinfo for the file system of DIR, which need not exist yet.
mount_of() {
    local dir
    dir=$(realpath -m "$1")
    awk -v dir="$dir" '
        { at = $5; gsub(/\\040/, " ", at) }
        at == "/" || dir == at || index(dir, at "/") == 1 { if (length(at) >= best) { best = length(at); line = $0 } }
        END { print line }' "$ROOT/proc/self/mountinfo"
}

# The disk of the data directory, by its name below /sys/block.
disk() {
    local number device
    number=$(mount_of "$DATA_DIR" | cut -d ' ' -f 3)
    device=$(realpath -e "$ROOT/sys/dev/block/$number" 2> /dev/null) || return 0
    if [[ -e $device/partition ]]; then device=$(dirname "$device"); fi
    if [[ -e $ROOT/sys/block/$(basename "$device")/queue ]]; then basename "$device"; fi
}

# is_running NAME: whether a process has this name.
is_running() { grep -qsx "$1" "$ROOT"/proc/[0-9]*/comm; }

parse_options "$@"
