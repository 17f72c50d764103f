"""What Ringlog is meant to reach, and whether it did."""

from dataclasses import dataclass

from . import summary
from .scenarios import BENCH, NONE


@dataclass(frozen=True)
class Target:
    """A bound on one figure of Ringlog's, or on how many times another contestant's figure or another scenario's it is."""
    what: str
    scenario: str
    figure: str
    bound: float
    at_most: bool = True
    driver: str = BENCH
    # Ringlog's figure is divided by this contestant's ...
    contestant: str = ""
    # ... or by its own in this scenario.
    beside: str = ""
    # ... or by this figure of the same run; with a contestant, of its run.
    beside_figure: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a target."""
    target: Target
    # None when it was not measured.
    seen: float
    # Whether some of it was measured on a busy machine.
    busy: bool

    @property
    def met(self):
        if self.seen is None:
            return None
        return self.seen <= self.target.bound if self.target.at_most else self.seen >= self.target.bound

    @property
    def text(self):
        """The verdict in words."""
        return ("met" if self.met else "not met") + ", on a busy machine" * self.busy


CPU, BY_SEND = "broker CPU s/GB", "by send CPU s/GB"

TARGETS = (
    Target("produce: broker CPU per GB, of Kafka's", "batch-64k", CPU, 1 / 4, contestant="kafka"),
    Target("consume, hot: broker CPU per GB, of Kafka's", "consume-1", CPU, 1.0, contestant="kafka"),
    Target("consume, cold: broker CPU per GB, of Kafka's", "consume-cold", CPU, 1.0, contestant="kafka"),
    Target("produce, acks=1, requests of 1 MB: broker CPU per GB, of the floor's", "batch-1m", CPU, 2.0, contestant="floor"),
    Target("consume, hot: broker CPU per GB, of the floor's by send", "consume-1", CPU, 1.3, contestant="floor",
           beside_figure=BY_SEND),
    Target("consume, hot: broker CPU per GB, of the floor's by sendfile", "consume-1", CPU, 1.3, contestant="floor"),
    Target("consume, cold, read again: broker CPU per GB, of the floor's by sendfile", "consume-cold", CPU, 1.3,
           contestant="floor"),
    Target("a small request: broker CPU, us", "small-requests", "broker CPU us/record", 15),
    Target("saturated produce, acks=all, 8 producers: MB/s, of Kafka's without fsync", "acks-all-8", "produce MB/s", 3,
           at_most=False, contestant="kafka"),
    Target("saturated produce, acks=all, 8 producers: MB/s, of Kafka's with flush.messages=1", "acks-all-8", "produce MB/s", 6,
           at_most=False, contestant="kafka-flush"),
    Target("saturated produce, acks=all, one producer: MB/s, of Kafka's without fsync", "acks-all", "produce MB/s", 3,
           at_most=False, contestant="kafka"),
    Target("saturated produce, acks=all, one producer: MB/s, of Kafka's with flush.messages=1", "acks-all", "produce MB/s", 6,
           at_most=False, contestant="kafka-flush"),
    Target("50% of Kafka's saturation: p99, of Kafka's without fsync", "open-50", "produce p99 ms", 1 / 5, contestant="kafka"),
    Target("50% of Kafka's saturation: p99.9, of Kafka's without fsync", "open-50", "produce p99.9 ms", 1 / 10,
           contestant="kafka"),
    Target("quiet acks=1: p50 ms", "quiet-acks-1", "produce p50 ms", 0.12),
    Target("quiet acks=1: p99 ms", "quiet-acks-1", "produce p99 ms", 0.4),
    Target("quiet acks=all: p50 ms", "quiet-acks-all", "produce p50 ms", 0.25),
    Target("quiet acks=all: p99 ms", "quiet-acks-all", "produce p99 ms", 2),
    Target("tail p99 while a cold reader drains, of that before", "catchup", "end-to-end-beside p99 ms", 1.3,
           beside_figure="end-to-end p99 ms"),
    Target("256 partitions: MB/s, of that with 1", "size-1k-p256", "produce MB/s", 0.8, at_most=False, beside="size-1k-p1"),
    Target("idle: CPU, % of a core", "idle", "idle CPU %", 0.5, driver=NONE),
    Target("idle: memory, MiB", "idle", "broker memory MiB", 40, driver=NONE),
    Target("start: ms", "start", "start ms", 100, driver=NONE),
    Target("10,000 partitions: memory, MiB", "partitions-10000", "memory after restart MiB", 300),
    Target("10,000 partitions: ready after, ms", "partitions-10000", "restart ms", 2000),
)


def verdicts(runs):
    return [verdict(target, runs) for target in TARGETS]


def verdict(target, runs):
    ours = figure(runs, target, target.scenario, "ringlog", target.figure)
    if target.contestant:
        other = figure(runs, target, target.scenario, target.contestant, target.beside_figure or target.figure)
    elif target.beside:
        other = figure(runs, target, target.beside, "ringlog", target.figure)
    elif target.beside_figure:
        other = figure(runs, target, target.scenario, "ringlog", target.beside_figure)
    else:
        other = summary.spread([1.0])
    if ours is None or other is None or other.median == 0:
        return Verdict(target, None, False)
    return Verdict(target, ours.median / other.median, ours.busy + other.busy > 0)


def figure(runs, target, scenario, contestant, name):
    return summary.spread_of(runs, scenario, target.driver, contestant, name)
