#!/bin/bash
# The file system of the data directory and its mount options.
#
# ext4 and XFS take direct writes beside reads of the same file, and reserve space without writing it. Others either refuse
# O_DIRECT (then writes go through the page cache, which costs CPU and memory), copy on each write (btrfs, ZFS), or are no
# disk (tmpfs, overlay, network). `noatime` keeps reads from writing inodes; `discard` makes each deleted segment stall the
# disk (fstrim.timer does it at night); `data=journal` writes everything twice; `nobarrier` loses data. The type of a
# file system is chosen when it is made, so that is only said.
. "$(dirname "$0")/lib.sh"

wanted() {
    local line point type options
    line=$(mount_of "$DATA_DIR")
    [[ -n $line ]] || fail "cannot tell the file system of $DATA_DIR"
    point=$(cut -d ' ' -f 5 <<< "$line")
    type=$(sed -E 's/.* - ([^ ]+) .*/\1/' <<< "$line")
    options=$(cut -d ' ' -f 6 <<< "$line"),$(awk '{ print $NF }' <<< "$line")
    case $type in
        ext4 | xfs) say "ok: $point is $type" ;;
        *) remark "$point is $type" "direct writes are refused or costly: use ext4 or XFS" ;;
    esac
    if has data=journal; then remark "$point has data=journal" "everything is written twice"; fi
    if has nobarrier; then remark "$point has nobarrier" "acknowledged records are lost in a power cut"; fi
    mount_option noatime "$(if has relatime; then echo relatime; else echo strictatime; fi)" "reads write inodes"
    if has discard; then mount_option nodiscard discard "each deleted segment stalls the disk"; fi
}

has() { [[ ",$options," == *",$1,"* ]]; }

# mount_option WANTED WAS WHY
mount_option() {
    if has "$1"; then say "ok: $point has $1"; return 0; fi
    WRONG=$((WRONG + 1))
    if [[ $MODE == check ]]; then say "WRONG: $point has $2, should have $1: $3"; return 0; fi
    note mount "$point $1" "$2"
    mount -o "remount,$1" "$point"
    say "$point: $2 -> $1"
}

restore_own() { mount -o "remount,$3" "${2% *}"; }

run
