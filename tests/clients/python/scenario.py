"""The four phases that every client walks (see ../README.md), over a small adapter a client library.

An adapter has:
  name, codecs          its name, and the codecs it can produce with
  producer(codec, acks, idempotent) -> object with send(topic, key, value, timestamp_ms=None), flush(), close()
  read(topic, partition, start, count, ready=None) -> [(offset, value)]; start is 'earliest', 'latest', an offset or
                        ('timestamp', ms); ready() is called once the position is fixed
  end_offsets(topic)    -> {partition: offset}
  member(group, topics) -> object with poll() -> [(topic, partition, offset, value)], commit({(topic, partition): next}),
                        on_revoked (a callable to set), assigned() -> number of partitions, close()
  committed(group, topic) -> {partition: offset}
"""

import json
import os
import sys
import threading
import time
import zlib

BOOTSTRAP = os.environ["BOOTSTRAP"]
PATIENCE_S = 90
RECORDS = 60
MODES = [("acks0", 0, False), ("acks1", 1, False), ("all", -1, False), ("idempotent", -1, True)]
TEXT = "the quick brown fox jumps over the lazy dog 0123456789 "


def value(tag, seq):
    body = f"{seq * 7919 % 1000003}:" + (TEXT * 20)[: seq * 37 % 900]
    return f"{tag}|{seq}|{zlib.crc32(body.encode()):08x}|{body}".encode()


def parse(data):
    tag, seq, crc, body = data.decode().split("|", 3)
    check(f"{zlib.crc32(body.encode()):08x}" == crc, f"checksum of {tag}|{seq}")
    return tag, int(seq)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def wait_for(what, ready):
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        check(time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.02)


def run(client):
    try:
        tags = codecs_and_acks(client)
        before = [complete(client, topic, tags) for topic in ("one", "twelve")]
        positions(client)
        redelivered = group_of_three(client)
        after = [complete(client, topic, tags) for topic in ("one", "twelve")]
        check(before == after, "the topics read differently after the restart")
    except BaseException as error:
        import traceback

        traceback.print_exc()
        print(f"{client.name}: {error!r}", flush=True)
        os._exit(1)
    verdict = {"client": client.name, "ok": True, "codecs": client.codecs, "records": 2 * len(tags) * RECORDS}
    print(json.dumps(verdict | {"redelivered": redelivered}), flush=True)
    sys.stdout.flush()
    os._exit(0)


def codecs_and_acks(client):
    tags = []
    for codec in client.codecs:
        for mode, acks, idempotent in MODES:
            tag = f"{codec}-{mode}"
            producer = client.producer(codec, acks, idempotent)
            for seq in range(RECORDS):
                for topic in ("one", "twelve"):
                    producer.send(topic, f"key-{seq % 24}".encode(), value(tag, seq))
            producer.flush()
            producer.close()
            tags.append(tag)
    return tags


def complete(client, topic, tags):
    """Reads a whole topic; acks=0 may still be on its way, so the end is waited for."""
    expected = len(tags) * RECORDS
    wait_for(f"{expected} records in {topic}", lambda: sum(client.end_offsets(topic).values()) >= expected)
    seen, checksum = {tag: [] for tag in tags}, 0
    for partition, end in sorted(client.end_offsets(topic).items()):
        records = client.read(topic, partition, "earliest", end) if end else []
        check([offset for offset, _ in records] == list(range(end)), f"offsets of {topic}-{partition}")
        last = {}
        for _, data in records:
            tag, seq = parse(data)
            check(seq > last.get(tag, -1), f"{topic}-{partition}: {tag}|{seq} after {last.get(tag)}")
            last[tag] = seq
            seen[tag].append(seq)
            checksum = zlib.crc32(data, checksum)
    for tag, seqs in seen.items():
        check(sorted(seqs) == list(range(RECORDS)), f"{topic}: {tag} has {len(seqs)} records of {RECORDS}")
    return checksum


def positions(client):
    base = int(time.time() * 1000) - 3_600_000
    for codec, part in (("none", range(50)), (client.codecs[-1], range(50, 100))):
        producer = client.producer(codec, -1, False)
        for seq in part:
            producer.send("positions", b"k", value("positions", seq), timestamp_ms=base + seq * 1000)
        producer.flush()
        producer.close()

    def seqs(records):
        return [parse(data)[1] for _, data in records]

    check(seqs(client.read("positions", 0, "earliest", 100)) == list(range(100)), "from the start")
    check(seqs(client.read("positions", 0, 40, 60)) == list(range(40, 100)), "from offset 40")
    by_time = client.read("positions", 0, ("timestamp", base + 69_500), 30)
    check(seqs(by_time) == list(range(70, 100)), f"from a timestamp: {seqs(by_time)[:1]}")

    def one_more():
        producer = client.producer("none", -1, False)
        producer.send("positions", b"k", value("positions", 100))
        producer.flush()
        producer.close()

    tail = client.read("positions", 0, "latest", 1, ready=one_more)
    check([offset for offset, _ in tail] == [100] and seqs(tail) == [100], f"from the end: {tail}")


class Ledger:
    """What a group has been given and what it has committed, under one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = {}
        self.committed = {}
        self.values = {}
        self.redelivered = 0
        self.failure = None

    def delivered(self, partition, offset, data):
        with self.lock:
            expected = self.next.get(partition, 0)
            check(offset <= expected, f"{partition}: {offset} delivered, {expected} skipped")
            check(offset >= self.committed.get(partition, 0), f"{partition}: {offset} came after its commit")
            if offset < expected:
                self.redelivered += 1
                check(self.values[partition, offset] == data, f"{partition}: two values at {offset}")
                return
            self.values[partition, offset] = data
            self.next[partition] = offset + 1

    def acknowledged(self, offsets):
        with self.lock:
            for partition, offset in offsets.items():
                self.committed[partition] = max(offset, self.committed.get(partition, 0))

    def count(self):
        if self.failure:
            raise self.failure
        return len(self.values)


class Member(threading.Thread):
    """A member of the group in its own thread: poll, note, commit; leaves when told."""

    def __init__(self, client, ledger, name):
        super().__init__(name=name, daemon=True)
        self.client, self.ledger = client, ledger
        self.leaving = threading.Event()
        self.partitions = 0
        self.handled = {}
        self.start()

    def run(self):
        try:
            self.member = self.client.member("matrix", ["group-one", "group-twelve"])
            self.member.on_revoked = self.commit
            while not self.leaving.is_set():
                for topic, partition, offset, data in self.member.poll():
                    self.ledger.delivered((topic, partition), offset, data)
                    self.handled[topic, partition] = offset + 1
                self.partitions = self.member.assigned()
                self.commit()
            self.member.close()
        except BaseException as error:
            import traceback

            traceback.print_exc()
            self.ledger.failure = error

    def commit(self):
        """A commit that fails (a rebalance has begun, the broker is down) leaves its records to be delivered again."""
        offsets, self.handled = self.handled, {}
        if offsets and self.member.commit(offsets):
            self.ledger.acknowledged(offsets)

    def leave(self):
        """Tells the member to go; what it gives back waits until it has gone."""
        self.leaving.set()

        def left():
            self.join(PATIENCE_S)
            check(not self.is_alive(), f"{self.name} does not leave")

        return left


def group_of_three(client):
    ledger, produced = Ledger(), 0
    producer = client.producer("none", -1, True)

    def produce(tag, count, between=lambda: lambda: None):
        for seq in range(count):
            if seq == count // 2:
                done = between()
            topic = "group-twelve" if seq % 4 else "group-one"
            producer.send(topic, f"key-{seq % 50}".encode(), value(tag, seq))
        done()
        producer.flush()
        return count

    def settled(members, what):
        wait_for(what, lambda: ledger.count() == produced and all(m.partitions for m in members)
                 and sum(m.partitions for m in members) == 13)

    produced += produce("first", 600)
    a, b, c = (Member(client, ledger, name) for name in "ABC")
    settled([a, b, c], "three members to share the topics")
    produced += produce("second", 600, c.leave)
    settled([a, b], "two members to take over")
    d = Member(client, ledger, "D")
    produced += produce("third", 600, restart_broker)
    settled([a, b, d], "three members after a restart")
    for left in [member.leave() for member in (a, b, d)]:
        left()
    ends = {}
    for topic in ("group-one", "group-twelve"):
        ends[topic] = {p: end for p, end in client.end_offsets(topic).items() if end}
        committed = {p: o for p, o in client.committed("matrix", topic).items() if o and o > 0}
        check(committed == ends[topic], f"{topic}: committed {committed}, ends {ends[topic]}")
    exactly_once(ledger, sum(sum(end.values()) for end in ends.values()))
    producer.close()
    return ledger.redelivered


def exactly_once(ledger, total):
    seen = [parse(data) for data in ledger.values.values()]
    check(len(seen) == len(set(seen)) == total == 1800, f"{len(seen)} records, {len(set(seen))} distinct, {total} in the log")
    last = {}
    for (partition, _), data in sorted(ledger.values.items()):
        tag, seq = parse(data)
        check(seq > last.get((partition, tag), -1), f"{partition}: {tag}|{seq} out of order")
        last[partition, tag] = seq


def restart_broker():
    """Has the broker killed and restarted, while records go on being sent; what it gives back waits for the end."""
    print("@restart", flush=True)
    return lambda: check(sys.stdin.readline().strip() == "restarted", "the test answers @restart")
