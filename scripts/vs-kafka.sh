#!/bin/bash
# Measures Ringlog beside Apache Kafka on this machine.
#
#   ./scripts/vs-kafka.sh                                               everything, which takes hours
#   ./scripts/vs-kafka.sh --rounds 3 --only batch-64k,acks-all --seconds 5    some of it, in minutes
#   ./scripts/vs-kafka.sh --list                                        what there is
#   ./scripts/vs-kafka.sh --help                                        all options
#
# What is missing is installed by the system's package manager, where it may be (as root, or with sudo that asks
# nothing). Kafka comes by Maven, unless KAFKA_HOME or KAFKA_JARS says where it is.
set -euo pipefail

have() { command -v "$1" > /dev/null; }
as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo -n "$@"; fi; }

# needs COMMAND APT DNF PACMAN APK: installs the package that brings the command, by the manager that is here.
needs() {
    have "$1" && return
    echo "== installing what brings $1" >&2
    if have apt-get; then
        as_root apt-get update -qq >&2 || true
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >&2
    elif have dnf; then as_root dnf install -y -q "$3" >&2
    elif have pacman; then as_root pacman -Sy --noconfirm --needed "$4" >&2
    elif have apk; then as_root apk add --quiet "$5" >&2
    fi || true
    have "$1" || { echo "$1 is needed and could not be installed" >&2; exit 1; }
}

needs python3 python3 python3 python python3
needs java default-jre-headless java-21-openjdk-headless jre-openjdk-headless openjdk21-jre-headless
[[ -n ${KAFKA_HOME:-}${KAFKA_JARS:-} ]] || needs mvn maven maven maven maven
[[ " $* " == *" --broker"* && " $* " == *" --floor"* ]] || have cargo || { echo "Rust is needed: https://rustup.rs" >&2; exit 1; }

PYTHONPATH=$(dirname "$(realpath "$0")") exec python3 -B -m vs_kafka "$@"
