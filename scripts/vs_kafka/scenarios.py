"""The loads that are compared, by name."""

from dataclasses import dataclass

from .floor import least
from .loads import (CatchUp, Connections, Consume, EndToEnd, Idle, KB, Partitions, Produce, Start)

BENCH, JAVA, NONE = "ringlog bench", "Kafka's tools", "none"

ALL, BOTH = ("ringlog", "kafka", "kafka-flush"), ("ringlog", "kafka")
FLOOR = "floor"

# What tells Kafka's saturation, of which open loops take a part.
SATURATION = "acks-all"


@dataclass(frozen=True)
class Scenario:
    """One row of the comparison."""
    name: str
    what: str
    load: object
    # Those that take part: Kafka with an fsync for each append only where an acknowledgement means as much, and the
    # machine without a broker where it can do the same.
    contestants: tuple
    drivers: tuple


def scenario(name, what, load):
    durable = getattr(getattr(load, "produce", load), "acks", None) == "all"
    contestants = (ALL if durable else BOTH) + (FLOOR,) * (least(load) is not None)
    return Scenario(name, what, load, contestants, drivers(load))


def drivers(load):
    """The tools that can make a load. Kafka's have one producer or consumer, no keys, and nothing to hold connections."""
    match load:
        case Produce(producers=1, keyed=False, in_flight=5) | EndToEnd():
            return BENCH, JAVA
        case Consume(consumers=1):
            return BENCH, JAVA
        case Start() | Idle():
            return (NONE,)
        case _:
            return (BENCH,)


def sizes():
    for size, name in ((100, "100b"), (1024, "1k")):
        for partitions in (1, 16, 256):
            yield scenario(f"size-{name}-p{partitions}",
                           f"produce {size:,} B records, {partitions} partition{'s' * (partitions > 1)}, acks=1, 64 KB batches",
                           Produce(size=size, partitions=partitions))


def batches():
    for batch, name in ((KB, "1k"), (16 * 1024, "16k"), (64 * 1024, "64k"), (1000 * KB, "1m")):
        yield scenario(f"batch-{name}", f"produce 1 KiB records, 6 partitions, acks=1, batches of {batch:,} B",
                       Produce(batch=batch))


def acknowledgements():
    # With none and acks=1 this is batch-64k.
    for acks, codec in (("all", "none"), ("1", "lz4"), ("all", "lz4")):
        name = f"acks-{acks}" + ("" if codec == "none" else f"-{codec}")
        yield scenario(name, f"produce 1 KiB records, 6 partitions, acks={acks}, 64 KB batches" + f", {codec}" * (codec != "none"),
                       Produce(acks=acks, codec=codec))
    yield scenario("acks-all-8", "produce 1 KiB records, 8 producers, 6 partitions, acks=all, 64 KB batches",
                   Produce(acks="all", producers=8))
    yield scenario("acks-all-100b", "produce 100 B records, 16 partitions, acks=all, 64 KB batches",
                   Produce(size=100, partitions=16, acks="all"))


def open_loops():
    for percent in (20, 50, 80):
        yield scenario(f"open-{percent}", f"produce 1 KiB records, acks=all, at {percent}% of Kafka's saturation",
                       Produce(acks="all", linger_ms=1, share=percent / 100))
    for acks in ("1", "all"):
        yield scenario(f"quiet-acks-{acks}", f"produce 1 KiB records one at a time, 1,000/s, acks={acks}",
                       Produce(acks=acks, linger_ms=0, rate=1000))


def end_to_end():
    yield scenario("e2e", "produce to consume, 200 B records, 1,000/s, acks=all",
                   EndToEnd(Produce(size=200, partitions=1, acks="all", linger_ms=0, rate=1000)))


def consumers():
    for count in (1, 4, 8):
        yield scenario(f"consume-{count}", f"consume cached 1 KiB records, {count} consumer{'s' * (count > 1)} of one topic",
                       Consume(consumers=count))
    yield scenario("consume-100b", "consume cached 100 B records, 1 consumer of one topic", Consume(size=100))
    yield scenario("consume-cold", "consume 1 KiB records that no cache holds, and again", Consume(cold=True))


def mixtures(cold_gb):
    tail = Produce(acks="1", linger_ms=1, rate=10_000)
    yield scenario("catchup", f"10,000 1 KiB records/s to tail consumers while a cold one drains {cold_gb} GB",
                   CatchUp(tail, cold_gb * 1000 ** 3))
    yield scenario("producers-50", "produce 100 B keyed records, 50 producers, 16 partitions, acks=all, 1 KB batches",
                   Produce(size=100, partitions=16, batch=KB, acks="all", producers=50, keyed=True))


def sheer_numbers():
    yield scenario("small-requests", "requests of about 200 B, a record each, 16 in flight on one connection, acks=1",
                   Produce(size=100, partitions=1, batch=1, linger_ms=0, in_flight=16))
    yield scenario("connections-1000", "1,000 connections, mostly idle", Connections(1000))
    yield scenario("partitions-10000", "10,000 partitions, all sent to, then a restart", Partitions(10_000))
    yield scenario("start", "start on an empty directory", Start())
    yield scenario("idle", "nothing to do", Idle())


def scenarios(cold_gb):
    """All of them, in the order in which they are run."""
    return [*sizes(), *batches(), *acknowledgements(), *open_loops(), *end_to_end(), *consumers(), *mixtures(cold_gb),
            *sheer_numbers()]


class NoSuchScenario(Exception):
    """The text says which there are."""


def selected(everything, names):
    """Those of these names, in their own order; all without names. Open loops bring what tells Kafka's saturation."""
    if not names:
        return everything
    known = {each.name for each in everything}
    for name in names:
        if name not in known:
            raise NoSuchScenario(f"{name}: there are {', '.join(each.name for each in everything)}")
    chosen = {each.name for each in everything if each.name in names}
    if any(getattr(each.load, "share", 0) and each.name in chosen for each in everything):
        chosen.add(SATURATION)
    return [each for each in everything if each.name in chosen]
