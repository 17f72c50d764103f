#!/usr/bin/env python3
"""Measures Ringlog beside Apache Kafka with Kafka's own Java perf tools, in alternating rounds.

    scripts/measure.py [--rounds N] [--records N] [--broker target/release/ringlog]

Each round starts a fresh broker on an empty directory, produces and consumes with ProducerPerformance and
ConsumerPerformance, and reads the broker's CPU clock and memory around each load. What is printed is the median of
the rounds, as a Markdown table. Needs Java, and Kafka's jars in .test-deps/kafka (scripts/test.sh puts them there)
or in the directory that KAFKA_JARS names.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JARS = Path(os.environ.get("KAFKA_JARS", ROOT / ".test-deps" / "kafka"))
GB = 1e9
PARTITIONS = 6
BATCHING = ["batch.size=65536", "linger.ms=5"]
LATENCY = re.compile(r"([\d.]+) MB/sec\).*?(\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99.9th")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def java(*words, heap="512m", **options):
    command = ["java", f"-Xmx{heap}", f"-Xms{heap}", "-XX:+UseG1GC", "-cp", f"{JARS}/*", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Broker:
    """One broker process on an empty directory."""

    def __init__(self, name, home):
        self.name = name
        self.home = Path(home)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = self.spawn()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start; see {self.home}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def cpu_seconds(self):
        # The process's own CPU clock (clock_getcpuclockid), to the nanosecond.
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def rss_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class Ringlog(Broker):
    binary = ROOT / "target" / "release" / "ringlog"

    def spawn(self):
        log = open(self.home / "log", "w")
        command = [self.binary, "serve", "--data-dir", self.home / "data", "--listen", self.address,
                   "--admin", "127.0.0.1:0"]
        return subprocess.Popen(command, stdout=log, stderr=log)


class Kafka(Broker):
    def spawn(self):
        controller = f"127.0.0.1:{free_port()}"
        properties = self.home / "server.properties"
        properties.write_text("\n".join([
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.bootstrap.servers={controller}",
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://{controller}",
            f"advertised.listeners=PLAINTEXT://{self.address}",
            "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            f"log.dirs={self.home}/data", "offsets.topic.replication.factor=1",
            "group.initial.rebalance.delay.ms=0", ""]))
        storage = ["kafka.tools.StorageTool"]
        cluster = java(*storage, "random-uuid").strip()
        java(*storage, "format", "--standalone", "-t", cluster, "-c", str(properties))
        log = open(self.home / "log", "w")
        command = ["java", "-Xmx1g", "-Xms1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                   "-cp", f"{JARS}/*", "kafka.Kafka", str(properties)]
        return subprocess.Popen(command, stdout=log, stderr=log)


def create_topic(broker, topic):
    java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", broker.address, "--create",
         "--topic", topic, "--partitions", str(PARTITIONS), "--replication-factor", "1")


def produce(broker, topic, records, size, acks, throughput=-1):
    before = broker.cpu_seconds()
    text = java("org.apache.kafka.tools.ProducerPerformance", "--topic", topic,
                "--num-records", str(records), "--record-size", str(size),
                "--throughput", str(throughput), "--producer-props",
                f"bootstrap.servers={broker.address}", f"acks={acks}",
                "enable.idempotence=false" if acks == "1" else "enable.idempotence=true", *BATCHING)
    cpu = broker.cpu_seconds() - before
    found = LATENCY.search(text.strip().splitlines()[-1])
    rate, p50, _, p99, p999 = (float(figure) for figure in found.groups())
    return {"MB/s": rate * 1.048576, "p50 ms": p50, "p99 ms": p99, "p99.9 ms": p999,
            "CPU s/GB": cpu / (records * size / GB), "RSS MiB": broker.rss_mib()}


def consume(broker, topic, records, size):
    before = broker.cpu_seconds()
    text = java("org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", broker.address,
                "--topic", topic, "--num-records", str(records), "--timeout", "60000")
    cpu = broker.cpu_seconds() - before
    # start, end, MB consumed, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, ...
    figures = text.strip().splitlines()[-1].split(", ")
    return {"MB/s": float(figures[8]) * 1.048576, "CPU s/GB": cpu / (records * size / GB),
            "RSS MiB": broker.rss_mib()}


def one_round(kind, records):
    """Every load once, on one broker. Yields (load, figures)."""
    home = tempfile.mkdtemp(prefix=f"measure-{kind.__name__.lower()}-", dir=ROOT / "target")
    try:
        with kind(kind.__name__, home) as broker:
            time.sleep(1)
            yield "at rest", {"RSS MiB": broker.rss_mib()}
            create_topic(broker, "warm")
            produce(broker, "warm", records // 4, 1024, "1")
            for size, count in ((100, records * 5), (1024, records)):
                for acks in ("1", "all"):
                    topic = f"t-{size}-{acks}"
                    create_topic(broker, topic)
                    yield (f"produce {size} B, acks={acks}",
                           produce(broker, topic, count, size, acks))
                yield f"consume {size} B", consume(broker, f"t-{size}-all", count, size)
            create_topic(broker, "open-loop")
            yield ("produce 1024 B at 20,000/s, acks=all",
                   produce(broker, "open-loop", 200_000, 1024, "all", 20_000))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=1_000_000, help="of 1 KiB; five times as many of 100 B")
    parser.add_argument("--broker", type=Path, default=Ringlog.binary)
    options = parser.parse_args()
    Ringlog.binary = options.broker
    results = {}
    for number in range(options.rounds):
        for kind in (Ringlog, Kafka):
            for load, figures in one_round(kind, options.records):
                print(f"round {number + 1} {kind.__name__:8} {load}: {figures}", flush=True)
                for figure, value in figures.items():
                    results.setdefault((load, figure), {}).setdefault(kind.__name__, []).append(value)
    print("\n| load | figure | Ringlog | Kafka | ratio |\n|---|---|---|---|---|")
    for (load, figure), values in results.items():
        ours, theirs = (statistics.median(values[name]) for name in ("Ringlog", "Kafka"))
        ratio = f"{ours / theirs:.2f}" if theirs else "-"
        print(f"| {load} | {figure} | {ours:.4g} | {theirs:.4g} | {ratio} |")


if __name__ == "__main__":
    main()
