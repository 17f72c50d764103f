#!/bin/bash
# Installs what the tests need and runs all of them.
#
#   ./scripts/test.sh                  everything
#   ./scripts/test.sh --test hostile   any arguments of `cargo test`
#
# The system's package manager is used where it may be (as root, or with sudo that asks nothing);
# all else goes into .test-deps. What cannot be had is skipped by name; with CI=true that is a failure.
# RINGLOG_TEST_BROKER=kafka runs the client tests against Apache Kafka instead.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly deps=$PWD/.test-deps
readonly go_version=1.26.8 node_major=18 kafka_version=4.3.1
readonly python_packages=(confluent-kafka==2.16.1 kafka-python==3.0.12 aiokafka==0.14.0
    lz4==4.4.5 python-snappy==0.7.3 zstandard==0.25.0 cramjam==2.14.0)
missing=()

have() { command -v "$1" > /dev/null; }
say() { printf '== %s\n' "$*"; }
# lacks NAME REASON: notes that the tests of NAME will be skipped.
lacks() { missing+=("$1: $2"); printf '!! %s: %s\n' "$1" "$2" >&2; }
# quietly NAME COMMAND...: runs a command; its output is shown only if it fails.
quietly() {
    local log=$deps/log-${1//[^a-z]/-} name=$1; shift
    "$@" > "$log" 2>&1 || { tail -n 20 "$log" >&2; lacks "$name" "$* failed"; return 1; }
}
# fresh NAME VERSION: whether NAME was made by this VERSION of its recipe; done_with marks it so.
fresh() { [[ -f $deps/stamp-$1 && $(< "$deps/stamp-$1") == "$2" ]]; }
done_with() { printf '%s\n' "$2" > "$deps/stamp-$1"; }

as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; elif have sudo && sudo -n true 2> /dev/null; then sudo -n "$@"; else return 1; fi
}

# system COMMAND-TO-LOOK-FOR apt|dnf|pacman|apk package names...: installs what is not there.
install_system() {
    local manager=$1; shift
    [[ $# -gt 0 ]] || return 0
    say "installing $*"
    case $manager in
        apt-get)
            as_root apt-get update -qq > "$deps/log-system" 2>&1 || true
            local package
            for package in "$@"; do
                as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" \
                    >> "$deps/log-system" 2>&1 || lacks "$package" "apt-get cannot install it"
            done ;;
        dnf) as_root dnf install -y -q "$@" > "$deps/log-system" 2>&1 || lacks "$*" "dnf cannot install them" ;;
        pacman) as_root pacman -Sy --noconfirm --needed "$@" > "$deps/log-system" 2>&1 || lacks "$*" "pacman cannot install them" ;;
        apk) as_root apk add --quiet "$@" > "$deps/log-system" 2>&1 || lacks "$*" "apk cannot install them" ;;
    esac
}

# What the system should have: a command to look for, and the package that brings it, by manager.
system_packages() {
    local manager wanted=() command apt dnf pacman apk
    for manager in apt-get dnf pacman apk none; do have $manager && break; done
    while read -r command apt dnf pacman apk; do
        present "$command" && continue
        case $manager in
            apt-get) wanted+=("$apt") ;; dnf) wanted+=("$dnf") ;; pacman) wanted+=("$pacman") ;; apk) wanted+=("$apk") ;;
        esac
    done <<- 'TABLE'
	cc       build-essential      gcc-c++             base-devel      build-base
	make     make                 make                make            make
	curl     curl                 curl                curl            curl
	kcat     kcat                 kcat                kcat            kcat
	valgrind valgrind             valgrind            valgrind        valgrind
	venv     python3-venv         python3             python          python3
	javac    default-jdk-headless java-21-openjdk-devel jdk-openjdk   openjdk21
	mvn      maven                maven               maven           maven
	node     nodejs               nodejs              nodejs          nodejs
	npm      npm                  nodejs-npm          npm             npm
	go       golang-go            golang              go              go
	TABLE
    if [[ $manager == none ]] || ! as_root true; then
        [[ ${#wanted[@]} -eq 0 ]] || printf '!! no package manager may be used; not installed: %s\n' "${wanted[*]}" >&2
    else
        install_system $manager "${wanted[@]}"
    fi
}

present() {
    case $1 in
        venv) python3 -c 'import venv, ensurepip' 2> /dev/null ;;
        *) have "$1" ;;
    esac
}

python_clients() {
    have python3 || { lacks python "no python3"; return; }
    local recipe="$(python3 --version) ${python_packages[*]}"
    fresh python "$recipe" && return
    say "Python clients"
    rm -rf "$deps/python"
    quietly python python3 -m venv "$deps/python" || return 0
    quietly python "$deps/python/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}" || return 0
    done_with python "$recipe"
}

node_client() {
    have node && have npm || { lacks kafkajs "no node with npm"; return; }
    (($(node -p 'process.versions.node.split(".")[0]') >= node_major)) || { lacks kafkajs "node is older than $node_major"; return; }
    local recipe; recipe=$(cksum < tests/clients/node/package-lock.json)
    fresh node "$recipe" && return
    say "kafkajs"
    mkdir -p "$deps/node"
    cp tests/clients/node/package.json tests/clients/node/package-lock.json "$deps/node/"
    quietly kafkajs npm --prefix "$deps/node" ci --no-audit --no-fund || return 0
    done_with node "$recipe"
}

# A Go that can build the program, or that can fetch the toolchain which its go.mod names (from 1.21 on).
go_toolchain() {
    [[ -x $deps/go/bin/go ]] && PATH=$deps/go/bin:$PATH
    have go && [[ $(go env GOVERSION) =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21)) && return
    local machine archive
    case $(uname -m) in x86_64) machine=amd64 ;; aarch64) machine=arm64 ;; *) return 1 ;; esac
    archive=go$go_version.linux-$machine.tar.gz
    say "Go $go_version"
    curl -fsSL -o "$deps/$archive" "https://dl.google.com/go/$archive" || return 1
    curl -fsSL "https://dl.google.com/go/$archive.sha256" | sed "s|\$|  $deps/$archive|" | sha256sum -c --quiet || return 1
    rm -rf "$deps/go" && tar -xzf "$deps/$archive" -C "$deps" && rm "$deps/$archive"
    PATH=$deps/go/bin:$PATH
}

go_client() {
    local recipe; recipe=$(cat tests/clients/go/*.go tests/clients/go/go.* | cksum)
    fresh go "$recipe" && return
    go_toolchain || { lacks franz-go "no Go from 1.21 on, and none to download"; return; }
    say "franz-go"
    quietly franz-go go build -C tests/clients/go -o "$deps/bin/franz-go" . || return 0
    done_with go "$recipe"
}

rdkafka_client() {
    local recipe; recipe=$(cat tests/clients/rdkafka/Cargo.* tests/clients/rdkafka/src/*.rs | cksum)
    fresh rdkafka "$recipe" && return
    have cc && have make || { lacks rdkafka "no C compiler with make"; return; }
    say "the rdkafka crate (builds librdkafka)"
    quietly rdkafka cargo build --release --locked --manifest-path tests/clients/rdkafka/Cargo.toml \
        --target-dir "$deps/rdkafka" || return 0
    install "$deps/rdkafka/release/rdkafka-client" "$deps/bin/"
    done_with rdkafka "$recipe"
}

kafka_jars() {
    fresh kafka $kafka_version && return
    have mvn && have javac || { lacks kafka "no JDK with Maven"; return; }
    say "Apache Kafka $kafka_version (jars)"
    rm -rf "$deps/kafka"
    quietly kafka mvn -B -q -f tests/clients/java/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$deps/kafka" || return 0
    done_with kafka $kafka_version
}

summary() {
    local log=$1 skipped
    skipped=$(grep -a -o 'SKIPPED .*' "$log" || true)
    say "summary"
    [[ ${#missing[@]} -eq 0 ]] || printf 'missing: %s\n' "${missing[@]}"
    [[ -z $skipped ]] || printf '%s\n' "$skipped"
    awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
         /SKIPPED / { skipped++ }
         END { printf "%d passed, %d failed, %d skipped\n", passed - skipped, failed, ignored + skipped }' "$log"
}

mkdir -p "$deps/bin"
have cargo || { echo "Rust is needed: https://rustup.rs" >&2; exit 1; }
system_packages
have kcat || lacks kcat "not installed"
python_clients
node_client
go_client
rdkafka_client
kafka_jars
if [[ ${CI:-} == true && ${#missing[@]} -gt 0 ]]; then
    printf 'missing, and CI skips nothing: %s\n' "${missing[@]}" >&2
    exit 1
fi

say "cargo test"
log=$deps/log-tests
status=0
cargo test --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
summary "$log"
exit "$status"
