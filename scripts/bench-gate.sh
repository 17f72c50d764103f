#!/bin/bash
# Counts the instructions of every scenario in benches/instructions and compares them with benches/instructions.txt.
# More than 3% above that is a failure; so is a scenario that is on one side only.
#
#   ./scripts/bench-gate.sh            compares
#   ./scripts/bench-gate.sh --update   writes the file anew, for a commit that says why
#
# A count is exact, but it belongs to one toolchain: compiler, C library, valgrind, and the processor that valgrind shows.
# The file names its own. On any other, its figures say nothing; then the commit that wrote the file is built and
# counted here too, and the comparison is with that. In a clone without its history nothing is compared, and it says so.
#
# Valgrind shows no AVX-512: code that chooses by the processor's features is counted on its AVX2 path at best.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly baseline=benches/instructions.txt allowed_percent=3
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'bench-gate: %s\n' "$*" >&2; exit 1; }

toolchain() {
    local features=sse4.2 feature
    for feature in avx avx2; do grep -qw $feature /proc/cpuinfo && features=$feature; done
    echo "$(rustc --version), $(valgrind --version), $(getconf GNU_LIBC_VERSION 2> /dev/null || echo 'another libc')," \
        "$(uname -m) with $features, RUSTFLAGS='${RUSTFLAGS:-}'"
}

# The harness's other half, of the version that Cargo.lock has. Unoptimised: it only starts valgrind.
install_runner() {
    local version root=$PWD/.test-deps/gungraun
    version=$(awk '/^name = "gungraun"$/ { getline; gsub(/"/, "", $3); print $3 }' Cargo.lock)
    export GUNGRAUN_RUNNER=$root/$version/bin/gungraun-runner
    [[ -x $GUNGRAUN_RUNNER ]] && return
    say "gungraun-runner $version"
    CARGO_TARGET_DIR=$root/target \
        cargo install --quiet --debug --locked --root "$root/$version" "gungraun-runner@$version" ||
        fail "gungraun-runner $version cannot be installed"
    rm -rf "$root/target"
}

# count DIRECTORY: a line for each scenario of the package there, with its instructions.
count() {
    local results; results=$(mktemp -d)
    (cd "$1" && GUNGRAUN_HOME=$results cargo bench --quiet --profile counted --bench instructions) \
        > "$results/log" 2>&1 || { tail -n 40 "$results/log" >&2; fail "the benchmarks do not run"; }
    find "$results" -name 'callgrind.*.out' -exec awk '
        FNR == 1 { scenario = FILENAME; sub(/.*\/callgrind\./, "", scenario); sub(/\.out$/, "", scenario) }
        /^totals:/ { print scenario, $2 }' {} + | LC_ALL=C sort
    rm -rf "$results"
}

write_baseline() {
    {
        echo "# Instructions of each scenario; written by scripts/bench-gate.sh --update."
        echo "# toolchain: $(toolchain)"
        count .
    } > "$baseline.new"
    mv "$baseline.new" "$baseline"
}

# The counts to compare with: the file's own or, on another toolchain, those of its commit.
expected() {
    local written here commit base=$CARGO_TARGET_DIR/bench-base
    written=$(sed -n 's/^# toolchain: //p' "$baseline") here=$(toolchain)
    if [[ $written == "$here" ]]; then
        grep -v '^#' "$baseline"
        return
    fi
    printf 'The baseline was counted with %s.\nHere is %s.\n' "$written" "$here" >&2
    commit=$(git log -1 --format=%H -- "$baseline")
    say "counting ${commit:0:12}, which wrote the baseline"
    git worktree remove --force "$base" 2> /dev/null || true
    git worktree add --quiet --detach "$base" "$commit"
    count "$base"
    git worktree remove --force "$base"
}

compare() {
    awk -v allowed=$allowed_percent '
        NR == FNR { before[$1] = $2; next }
        !($1 in before) { printf "%-55s %12d  new: run with --update\n", $1, $2; bad = 1; next }
        {
            change = 100 * ($2 - before[$1]) / before[$1]
            verdict = change > allowed ? "  TOO MUCH" : change < -allowed ? "  better: keep it with --update" : ""
            printf "%-55s %12d  %+7.2f%%%s\n", $1, $2, change, verdict
            bad = bad || change > allowed
            delete before[$1]
        }
        END {
            for (gone in before) { printf "%-55s %12s  gone: run with --update\n", gone, "-"; bad = 1 }
            exit bad
        }' "$1" "$2"
}

command -v valgrind > /dev/null || fail "valgrind is needed; scripts/test.sh installs it where it may"
install_runner
if [[ ${1:-} == --update ]]; then
    write_baseline
    exit
fi
if [[ $(sed -n 's/^# toolchain: //p' "$baseline") != "$(toolchain)" &&
    $(git rev-parse --is-shallow-repository 2> /dev/null) != false ]]; then
    say "NOT COMPARED: another toolchain than the baseline's, and no git history to count it anew from"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expected > "$work/before"
count . > "$work/now"
compare "$work/before" "$work/now" ||
    fail "a scenario is more than $allowed_percent% above the baseline, or on one side only"
