#!/usr/bin/env python3
"""Measures what `--advertise per-core` saves: the same loads with it and without, in alternating rounds.

    scripts/measure-per-core.py [--rounds N] [--broker target/release/ringlog]

The clients are kcat (librdkafka) and Kafka's Java perf tools; one that is not installed is left out. Each round starts a
fresh broker on an empty directory, and reads its CPU clock and its counters around each load. Printed are the medians of
the rounds, as a Markdown table. Kafka's jars are those in .test-deps/kafka, or in the directory that KAFKA_JARS names.
"""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JARS = Path(os.environ.get("KAFKA_JARS", ROOT / ".test-deps" / "kafka"))
PARTITIONS = 8
SMALL, BULK = 20_000, 150_000


class Broker:
    """One broker process on an empty directory."""

    def __init__(self, binary, home, per_core):
        command = [binary, "serve", "--data-dir", f"{home}/data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                   "--config", f"{home}/server.properties", "--log-level", "error"]
        Path(home, "server.properties").write_text(f"num.partitions={PARTITIONS}\n")
        self.process = subprocess.Popen(command + per_core * ["--advertise", "per-core"], stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        self.address, self.admin = re.search(r"kafka=(\S+) admin=(\S+)", ready).groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def reading(self):
        """CPU seconds by the process's own clock, hops, and requests that produce or fetch."""
        page = urllib.request.urlopen(f"http://{self.admin}/metrics").read().decode()
        total = lambda pattern: sum(int(n) for n in re.findall(rf"^{pattern} (\d+)$", page, re.M))
        hops = total(r"ringlog_hops_total\{.*\}")
        requests = total(r'ringlog_requests_total\{.*api="(?:Produce|Fetch)"\}')
        return time.clock_gettime((~self.process.pid << 3) | 2), hops, requests


def kcat(broker, home, topic, size, count, options):
    lines = Path(home, f"lines-{size}-{count}")
    if not lines.exists():
        lines.write_bytes((b"x" * (size - 1) + b"\n") * count)
    settings = [word for option in options for word in ("-X", option)]
    run(["kcat", "-P", "-b", broker.address, "-t", topic, "-X", "acks=1", *settings, "-l", str(lines)])


def kcat_read(broker, topic, count):
    run(["kcat", "-C", "-b", broker.address, "-t", topic, "-o", "beginning", "-c", str(count), "-f", ""])


def java(broker, topic, size, count, options):
    properties = [f"bootstrap.servers={broker.address}", "acks=1", *options]
    run(["java", "-Xmx512m", "-cp", f"{JARS}/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", topic,
         "--num-records", str(count), "--record-size", str(size), "--throughput", "-1", "--producer-props", *properties])


def java_read(broker, topic, count):
    run(["java", "-Xmx512m", "-cp", f"{JARS}/*", "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server",
         broker.address, "--topic", topic, "--messages", str(count), "--timeout", "60000"])


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def loads(home):
    """Name and work of each load, in their order; those that read find what the one before has written."""
    if shutil.which("kcat"):
        yield "librdkafka, produce 200 B, a record a request", lambda b: kcat(b, home, "a", 200, SMALL, ["batch.num.messages=1"])
        yield "librdkafka, produce 1 KiB, 64 KB batches", lambda b: kcat(b, home, "b", 1024, BULK, ["linger.ms=5", "batch.size=65536"])
        yield "librdkafka, consume them", lambda b: kcat_read(b, "b", BULK)
    if shutil.which("java") and JARS.exists():
        yield "Java, produce 200 B, a record a request", lambda b: java(b, "c", 200, SMALL, ["batch.size=1", "linger.ms=0"])
        yield "Java, produce 1 KiB, 64 KB batches", lambda b: java(b, "d", 1024, BULK, ["batch.size=65536", "linger.ms=5"])
        yield "Java, consume them", lambda b: java_read(b, "d", BULK)


def measure(binary, per_core):
    """One round: for each load the CPU seconds, hops and requests."""
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as home, Broker(binary, home, per_core) as broker:
        found = {}
        for name, work in loads(home):
            before = broker.reading()
            work(broker)
            found[name] = [after - early for after, early in zip(broker.reading(), before)]
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--broker", default=ROOT / "target" / "release" / "ringlog")
    arguments = parser.parse_args()
    rounds = {False: [], True: []}
    for number in range(2 * arguments.rounds):
        per_core = number % 2 == 1
        rounds[per_core].append(measure(arguments.broker, per_core))
    print("| load | hops a request, off | on | CPU s, off | on | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for name in rounds[True][0]:
        hops = [statistics.median(r[name][1] / max(r[name][2], 1) for r in rounds[side]) for side in (False, True)]
        cpu = [statistics.median(r[name][0] for r in rounds[side]) for side in (False, True)]
        print(f"| {name} | {hops[0]:.2f} | {hops[1]:.2f} | {cpu[0]:.2f} | {cpu[1]:.2f} | {cpu[1] / cpu[0]:.2f} |")


if __name__ == "__main__":
    main()
