"""Loads by the tools that come with Apache Kafka."""

import re
import subprocess

from . import process
from .loads import Consume, EndToEnd, LoadFailed, Produce, failure

TOOLS = "org.apache.kafka.tools"
HEAP = "512m"
# Its tools count records, not seconds: so many bytes a second are taken for a second's worth at saturation, of any broker alike.
BYTES_PER_SECOND = 100_000_000
# Its tools spend more on a record than on its bytes.
RECORD_OVERHEAD = 200
SLACK_SECONDS = 300
MIB = 1024 * 1024
MB = 1e6

# Of ProducerPerformance: the last line, which with --warmup-records is of the steady state.
PRODUCED = re.compile(r"^(\d+) .*records sent, ([\d.]+) records/sec \(([\d.]+) MB/sec\), [\d.]+ ms avg latency, ([\d.]+) ms max "
                      r"latency, (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th\.$", re.MULTILINE)
# Of EndToEndLatency.
PERCENTILES = re.compile(r"50th = (\d+), 99th = (\d+), 99\.9th = (\d+)")


class JavaTools:
    """Runs ProducerPerformance, ConsumerPerformance and EndToEndLatency against a broker."""

    def __init__(self, classpath, payload):
        self.classpath = classpath
        self.payload = payload

    def run(self, load, broker, length, topic):
        """Makes a load; returns its figures by name."""
        match load:
            case Produce():
                return self.produce(load, broker, length, topic)
            case Consume():
                return self.consume(load, broker, length, topic)
            case EndToEnd():
                return self.end_to_end(load.produce, broker, length, topic)
        raise LoadFailed(f"Kafka's tools have no load like {load}")

    def produce(self, load, broker, length, topic):
        self.create(broker, topic, load.partitions)
        warm_up, measured = (records_in(load, seconds) for seconds in (length.warm_up, length.seconds))
        source = ["--payload-file", str(self.payload)] if load.codec != "none" else ["--record-size", str(load.size)]
        text, spending = self.watched(broker, "ProducerPerformance", "--bootstrap-server", broker.address, "--topic", topic,
            "--num-records", str(warm_up + measured), "--warmup-records", str(warm_up), *source,
            "--throughput", str(int(load.rate) or -1), "--command-property", f"acks={load.acks}",
            f"batch.size={load.batch}", f"linger.ms={load.linger_ms}", f"compression.type={load.codec}",
            f"enable.idempotence={'true' if load.acks == 'all' else 'false'}")
        found = produced(text)
        records = warm_up + measured
        found.update(process.spent(spending, records * load.size, records))
        return found

    def consume(self, load, broker, length, topic):
        # One pass of the tool reads all that is there, once.
        filled = Produce(size=load.size, partitions=load.partitions)
        records = records_in(filled, length.seconds)
        self.create(broker, topic, load.partitions)
        self.call("ProducerPerformance", "--bootstrap-server", broker.address, "--topic", topic,
                  "--num-records", str(records), "--record-size", str(load.size), "--throughput", "-1",
                  "--command-property", "acks=1", "enable.idempotence=false", f"batch.size={filled.batch}", "linger.ms=5")
        pass_over_it = ("ConsumerPerformance", "--bootstrap-server", broker.address, "--topic", topic,
                        "--num-records", str(records), "--timeout", "60000", "--hide-header")
        if load.cold:
            broker.evict()
        else:
            # Who writes past the page cache has nothing in it yet.
            self.call(*pass_over_it)
        text, spending = self.watched(broker, *pass_over_it)
        found = consumed(text)
        found.update(process.spent(spending, records * load.size, records))
        return found

    def end_to_end(self, load, broker, length, topic):
        # It sends the next record when it has received the last one.
        records = max(1, int(load.rate * length.seconds / 2))
        self.create(broker, topic, load.partitions)
        text, spending = self.watched(broker, "EndToEndLatency", broker.address, topic, str(records), load.acks, str(load.size))
        found = end_to_end(text)
        found.update(process.spent(spending, 2 * records * load.size, records))
        return found

    def create(self, broker, topic, partitions):
        self.call("TopicCommand", "--bootstrap-server", broker.address, "--create", "--topic", topic,
                  "--partitions", str(partitions), "--replication-factor", "1")

    def watched(self, broker, *words):
        spending = process.Spending(broker.pid)
        return self.call(*words), spending.figures()

    def call(self, tool, *words):
        command = ["java", f"-Xmx{HEAP}", f"-Xms{HEAP}", "-cp", self.classpath, f"{TOOLS}.{tool}", *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SLACK_SECONDS)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"{tool}: no end after {SLACK_SECONDS} s") from None
        if done.returncode != 0:
            raise failure(done.stdout + done.stderr, command)
        return done.stdout


def records_in(load, seconds):
    """How many records are a load of so many seconds."""
    rate = load.rate or BYTES_PER_SECOND / (load.size + RECORD_OVERHEAD)
    return max(1, int(rate * seconds))


def produced(text):
    found = PRODUCED.findall(text)
    if not found:
        raise LoadFailed(f"ProducerPerformance told nothing:\n{text[-2000:]}")
    _, records, mib, greatest, p50, p99, p999 = (float(word) for word in found[-1])
    return {"produce MB/s": mib * MIB / MB, "produce records/s": records, "produce p50 ms": p50, "produce p99 ms": p99,
            "produce p99.9 ms": p999, "produce max ms": greatest}


def consumed(text):
    # start, end, MB consumed, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
    lines = [line.split(", ") for line in text.splitlines() if line.count(", ") == 9]
    if not lines or float(lines[-1][4]) == 0:
        raise LoadFailed(f"ConsumerPerformance received nothing:\n{text[-2000:]}")
    return {"consume MB/s": float(lines[-1][8]) * MIB / MB, "consume records/s": float(lines[-1][9])}


def end_to_end(text):
    found = PERCENTILES.search(text)
    if not found:
        raise LoadFailed(f"EndToEndLatency told nothing:\n{text[-2000:]}")
    p50, p99, p999 = (float(word) for word in found.groups())
    return {"end-to-end p50 ms": p50, "end-to-end p99 ms": p99, "end-to-end p99.9 ms": p999}
