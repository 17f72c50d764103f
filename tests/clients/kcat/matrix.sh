#!/bin/bash
# kcat, with whatever librdkafka it was built on: the four phases of ../README.md.
# kcat cannot set timestamps and commits by itself, so positions in time are told by the clock,
# and redeliveries are counted instead of being held against commits.
set -euo pipefail

codecs=(none gzip snappy lz4 zstd)
per_tag=60
patience_s=90
work=$(mktemp -d)
exec 3>&1
trap 'jobs -p | xargs -r kill 2>/dev/null || true; rm -rf "$work"' EXIT

fail() { echo "kcat: $*" >&3; exit 1; }

# values TAG FIRST END: lines of `key<TAB>tag|seq|body`.
values() {
    awk -v tag="$1" -v first="$2" -v end="$3" 'BEGIN {
        text = "the quick brown fox jumps over the lazy dog 0123456789 "
        for (i = 0; i < 5; i++) text = text text
        for (seq = first; seq < end; seq++)
            printf "key-%d\t%s|%d|%s\n", seq % 24, tag, seq, substr(text, 1, seq * 37 % 900)
    }'
}

produce() { kcat -E -P -b "$BOOTSTRAP" -K '\t' -X linger.ms=5 -q "$@"; }
consume() { kcat -C -b "$BOOTSTRAP" -X check.crcs=true -X fetch.wait.max.ms=100 -f '%p %o %s\n' "$@" 2>>"$work/err"; }

# wait_for WHAT COMMAND...: polls until the command succeeds.
wait_for() {
    local what=$1 deadline=$((SECONDS + patience_s)); shift
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited $patience_s s for $what: $(tail -n 3 "$work"/*err* 2>/dev/null)"
        sleep 0.05
    done
}

produce_everything() {
    local codec mode topic flags
    for codec in "${codecs[@]}"; do
        for mode in acks0 acks1 all idempotent; do
            case $mode in
                acks0) flags=(-X acks=0) ;;
                acks1) flags=(-X acks=1) ;;
                all) flags=(-X acks=all) ;;
                idempotent) flags=(-X enable.idempotence=true) ;;
            esac
            values "$codec-$mode" 0 $per_tag > "$work/values"
            cut -f2 "$work/values" >> "$work/expected"
            for topic in one twelve; do
                produce -t $topic -z "$codec" "${flags[@]}" < "$work/values" || fail "produce $codec $mode"
            done
        done
    done
}

# in_order FILE: `partition offset tag|seq|...` lines have every offset from 0 and ascending seqs.
in_order() {
    sort -s -n -k1,1 "$1" | awk '{
        split($3, v, "|"); run = $1 " " v[1]
        if ($2 != next_offset[$1] + 0) { print "offset " $2 " of partition " $1 " at place " next_offset[$1]; exit 1 }
        if (run in last && v[2] + 0 <= last[run] + 0) { print run " " v[2] " after " last[run]; exit 1 }
        next_offset[$1] = $2 + 1; last[run] = v[2]
    }' >&3 || fail "$1 is not in order"
}

values_of() { cut -d' ' -f3- "$1" | sort | sha256sum; }

# acks=0 may still be on its way: the whole topic is read until it has as many records as expected.
all_there() { consume -t "$1" -o beginning -e -q > "$work/$1"; (($(wc -l < "$work/$1") >= $(wc -l < "$work/expected"))); }

complete() {
    local topic
    for topic in one twelve; do
        wait_for "all records of $topic" all_there $topic
        in_order "$work/$topic"
        [[ $(values_of "$work/$topic") == "$(sort "$work/expected" | sha256sum)" ]] || fail "$topic: other values"
    done
    cat "$work/one" <(sort -s -n -k1,1 "$work/twelve") | sha256sum
}

seqs() { cut -d'|' -f2 | tr '\n' ' '; }
now_ms() { date +%s%3N; }
later() { (($(now_ms) > $1)); }

positions() {
    values positions 0 50 | produce -t positions
    local between reader
    between=$(($(now_ms) + 5))
    wait_for "the clock" later $between
    values positions 50 100 | produce -t positions -z zstd
    local from=(consume -t positions -e -q -o)
    [[ $("${from[@]}" beginning | seqs) == "$(seq -s ' ' 0 99) " ]] || fail "from the start"
    [[ $("${from[@]}" 40 | seqs) == "$(seq -s ' ' 40 99) " ]] || fail "from offset 40"
    [[ $("${from[@]}" "s@$between" | seqs) == "$(seq -s ' ' 50 99) " ]] || fail "from a timestamp"
    kcat -C -b "$BOOTSTRAP" -t positions -o end -c 1 -f '%p %o %s\n' > "$work/tail" 2> "$work/tail.err" &
    reader=$!
    wait_for "a reader at the end" grep -q 'Reached end' "$work/tail.err"
    values positions 100 101 | produce -t positions
    wait $reader
    [[ $(cut -d'|' -f1,2 < "$work/tail") == "0 100 positions|100" ]] || fail "from the end: $(cat "$work/tail")"
}

member() {
    kcat -E -G matrix -b "$BOOTSTRAP" -X auto.offset.reset=earliest -X session.timeout.ms=10000 \
        -X heartbeat.interval.ms=300 -X auto.commit.interval.ms=200 -X fetch.wait.max.ms=100 -u \
        -f '%t-%p %o %s\n' group-one group-twelve > "$work/member-$1" 2> "$work/member-$1.err" &
    pids[$1]=$!
}

leave() { kill -TERM "${pids[$1]}"; wait "${pids[$1]}" || fail "member $1 ended with $?"; }

# held MEMBER: how many partitions its last rebalance gave it.
held() { { grep -a 'rebalanced' "$work/member-$1.err" || true; } | tail -n 1 | { grep -a ' assigned:' || true; } | { grep -ao '\[' || true; } | wc -l; }

# settled COUNT MEMBER...: everything is read and the members share all 13 partitions.
settled() {
    local count=$1 sum=0 n name; shift
    for name in "$@"; do
        n=$(held "$name")
        ((n > 0)) || return 1
        sum=$((sum + n))
    done
    ((sum == 13)) && (($(cat "$work"/member-? | cut -d' ' -f1,2 | sort -u | wc -l) == count))
}

# both_topics TAG FIRST END: the same values to the two topics of the group.
both_topics() {
    values "$1" "$2" "$3" > "$work/run"
    local topic
    for topic in group-one group-twelve; do
        cut -f2 "$work/run" >> "$work/group-expected"
        produce -t $topic -X enable.idempotence=true < "$work/run"
    done
}

restart_under_a_producer() {
    echo "@restart" >&3
    both_topics third 150 300
    local line
    read -r line
    [[ $line == restarted ]] || fail "the test answers @restart"
}

group_of_three() {
    declare -gA pids
    both_topics first 0 300
    member A; member B; member C
    wait_for "three members" settled 600 A B C
    both_topics second 0 150
    leave C
    both_topics second 150 300
    wait_for "two members" settled 1200 A B
    member D
    both_topics third 0 150
    restart_under_a_producer
    wait_for "three members after a restart" settled 1800 A B D
    leave A; leave B; leave D
    cat "$work"/member-? | sort -u -k1,1 -k2,2n > "$work/group"
    (($(cat "$work"/member-? | sort -u | wc -l) == $(wc -l < "$work/group"))) || fail "two values at one offset"
    in_order "$work/group"
    [[ $(values_of "$work/group") == "$(sort "$work/group-expected" | sha256sum)" ]] || fail "group: other values"
    nothing_left
}

# The group has committed all of it: one more member finds nothing.
nothing_left() {
    kcat -G matrix -b "$BOOTSTRAP" -X auto.offset.reset=earliest -e -q group-one group-twelve \
        > "$work/rest" 2>> "$work/err" || fail "a late member"
    [[ ! -s $work/rest ]] || fail "$(wc -l < "$work/rest") records were not committed"
}

produce_everything
before=$(complete)
positions
group_of_three
after=$(complete)
[[ $before == "$after" ]] || fail "the topics read differently after the restart"
redelivered=$(($(cat "$work"/member-? | wc -l) - 1800))
version=$(kcat -V | grep -o 'librdkafka [0-9.]*')
echo "{\"client\": \"kcat ($version)\", \"ok\": true, \"codecs\": \"${codecs[*]}\", \"records\": 2400, \"redelivered\": $redelivered}"
