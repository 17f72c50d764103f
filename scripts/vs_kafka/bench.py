"""Loads by `ringlog bench`."""

import json
import subprocess

from . import process
from .loads import CatchUp, Connections, Consume, EndToEnd, LoadFailed, Partitions, Produce, failure

# Beyond its own time a run may take this long to prepare and to end.
SLACK_SECONDS = 300
CONSUMED_BYTES = 1_000_000_000
# What Kafka's own producer puts into one request by default: a batch of every partition that has one, up to so many bytes.
REQUEST_BYTES_MAX = 1024 * 1024

SHOWN_PERCENTILES = ("p50", "p99", "p99.9", "p99.99", "max")


class Bench:
    """Runs `ringlog bench` against a broker."""

    def __init__(self, binary, payload):
        self.binary = binary
        # A file of text that compresses as real records do.
        self.payload = payload

    def run(self, load, broker, length, topic):
        """Makes a load; returns its figures by name."""
        match load:
            case Consume():
                self.fill(load, broker, topic, CONSUMED_BYTES)
                if load.cold:
                    broker.evict()
                else:
                    # Who writes past the page cache has nothing in it yet.
                    self.call(["consume", "--topic", topic], broker, None)
            case CatchUp():
                self.fill(load.produce, broker, topic, load.backlog_bytes)
                broker.evict()
            case _:
                pass
        return figures(self.call(self.words(load, length, topic), broker, length, ["--broker-pid", str(broker.pid)]))

    def warm_up(self, load, broker, seconds, topic):
        """Lets the broker become warm with what is like the load. The first seconds of a JVM are no measure of it."""
        produce = load if isinstance(load, Produce) else getattr(load, "produce", Produce())
        words = ["produce", "--topic", topic, *self.produce(produce, rated=False), "--warm-up", "0", "--duration", str(seconds)]
        self.call(words, broker, None)

    def fill(self, load, broker, topic, amount):
        records = amount // load.size
        words = ["produce", "--topic", topic, *self.produce(Produce(size=load.size, partitions=load.partitions)),
                 "--records", str(records)]
        self.call(words, broker, None)

    def words(self, load, length, topic):
        lasting = ["--warm-up", str(length.warm_up), "--duration", str(length.seconds)]
        match load:
            case Produce():
                return ["produce", "--topic", topic, *self.produce(load), *lasting]
            case Consume():
                return ["consume", "--topic", topic, "--consumers", str(load.consumers), "--repeat", *lasting]
            case EndToEnd():
                return ["e2e", "--topic", topic, *self.produce(load.produce), *lasting]
            case CatchUp():
                return ["catchup", "--topic", topic, *self.produce(load.produce), "--backlog", "0", *lasting]
            case Connections():
                return ["connections", "--connections", str(load.connections), *lasting]
            case Partitions():
                return ["partitions", "--topic", topic, "--partitions", str(load.partitions), "--keep",
                        "--rate", "10000", "--timeout", str(SLACK_SECONDS), *lasting]
        raise LoadFailed(f"ringlog bench has no load like {load}")

    def produce(self, load, rated=True):
        words = ["--partitions", str(load.partitions), "--record-size", str(load.size), "--batch-size", str(load.batch),
                 "--linger-ms", str(load.linger_ms), "--acks", load.acks, "--compression", load.codec,
                 "--producers", str(load.producers), "--in-flight", str(load.in_flight),
                 "--batches-per-request", str(max(1, min(load.partitions, REQUEST_BYTES_MAX // load.batch)))]
        words += ["--rate", str(load.rate)] * bool(rated and load.rate)
        words += ["--keyed"] * load.keyed
        # What Kafka's own producer does by default.
        words += ["--idempotence"] * (load.acks == "all")
        words += ["--payload-file", str(self.payload)] * (load.codec != "none")
        return words

    def call(self, words, broker, length, more=()):
        command = [str(self.binary), "bench", words[0], "--bootstrap-server", broker.address, "--json", *words[1:], *more]
        limit = SLACK_SECONDS + (length.warm_up + length.seconds if length else 0)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"{' '.join(command)}: no end after {limit} s") from None
        # Errors of the broker are told in the result; without one the run did not come to its end.
        if not done.stdout:
            raise failure(done.stderr, command)
        return json.loads(done.stdout)


def figures(document):
    """The figures of `ringlog bench --json` by the names that all tools share."""
    found = {}
    moved = records = 0
    for kind, total in document["totals"].items():
        if total["bytes"]:
            found[f"{kind} MB/s"] = total["mb_per_s"]
            found[f"{kind} records/s"] = total["records_per_s"]
        for name in SHOWN_PERCENTILES:
            if name in total["latency_ms"]:
                found[f"{kind} {name} ms"] = total["latency_ms"][name]
        moved += total["bytes"]
        records += total["records"]
    found["errors"] = sum(document["errors"].values())
    found.update(process.spent(document["broker"], moved, records))
    return found
