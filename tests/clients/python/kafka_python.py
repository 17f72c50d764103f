"""kafka-python: KafkaProducer, KafkaConsumer and KafkaAdminClient."""

import time

import kafka.errors
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.structs import OffsetAndMetadata

import scenario

COMMON = {"bootstrap_servers": scenario.BOOTSTRAP, "reconnect_backoff_max_ms": 500}


class MatrixProducer:
    def __init__(self, codec, acks, idempotent):
        self.producer = KafkaProducer(
            compression_type=None if codec == "none" else codec, acks="all" if acks == -1 else acks,
            enable_idempotence=idempotent, linger_ms=5, **COMMON)
        self.futures = []

    def send(self, topic, key, value, timestamp_ms=None):
        self.futures.append(self.producer.send(topic, key=key, value=value, timestamp_ms=timestamp_ms))

    def flush(self):
        self.producer.flush(timeout=scenario.PATIENCE_S)
        for future in self.futures:
            future.get(timeout=scenario.PATIENCE_S)
        self.futures = []

    def close(self):
        self.producer.close()


class MatrixMember(ConsumerRebalanceListener):
    def __init__(self, group, topics):
        self.consumer = KafkaConsumer(group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                                      session_timeout_ms=10000, heartbeat_interval_ms=300, **COMMON)
        self.on_revoked = lambda: None
        self.consumer.subscribe(topics, listener=self)
        # A leader whose metadata changes after its assignment joins again, and forgets to if poll() times out between
        # the answers to JoinGroup and SyncGroup: need_rejoin() compares the new metadata with itself by then. It keeps
        # its old partitions and sends no heartbeats, with any broker. So the metadata is there before the first poll.
        scenario.wait_for("the topics' metadata", lambda: self.know(topics))

    def know(self, topics):
        try:
            return self.consumer.topics() >= set(topics)
        except kafka.errors.KafkaError:
            return False

    def on_partitions_revoked(self, _revoked):
        self.on_revoked()

    def on_partitions_assigned(self, assigned):
        pass

    def poll(self):
        try:
            batches = self.consumer.poll(timeout_ms=100)
        except kafka.errors.KafkaConnectionError as error:
            # Of several nodes that are all away, the client tells its caller; the next poll tries again.
            print(f"poll: {error!r}", flush=True)
            return []
        return [(r.topic, r.partition, r.offset, r.value) for records in batches.values() for r in records]

    def assigned(self):
        return len(self.consumer.assignment())

    def commit(self, offsets):
        try:
            self.consumer.commit({TopicPartition(*tp): OffsetAndMetadata(next, "", -1) for tp, next in offsets.items()})
            return True
        except kafka.errors.KafkaError as error:
            print(f"commit: {error!r}", flush=True)
            return False

    def close(self):
        self.consumer.close(autocommit=False)


class KafkaPython:
    name = "kafka-python"
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    producer = MatrixProducer
    member = MatrixMember

    def __init__(self):
        self.reader = KafkaConsumer(auto_offset_reset="none", check_crcs=True, enable_auto_commit=False, **COMMON)
        # Decoders are compiled when they are first used, and two threads that do it at once can leave one that fails on every
        # answer of its kind from then on (StructField.compiled_decode_from). So one member comes alone before the three.
        alone = MatrixMember("alone", ["one"])
        scenario.wait_for("a member alone", lambda: alone.poll() is not None and alone.assigned() == 1)
        alone.commit({("one", 0): 0})
        alone.close()

    def read(self, topic, partition, start, count, ready=None):
        where = TopicPartition(topic, partition)
        self.reader.assign([where])
        if start == "earliest":
            self.reader.seek_to_beginning(where)
        elif start == "latest":
            self.reader.seek_to_end(where)
        elif isinstance(start, tuple):
            self.reader.seek(where, self.reader.offsets_for_times({where: start[1]})[where].offset)
        else:
            self.reader.seek(where, start)
        self.reader.position(where)
        if ready:
            ready()
        records, deadline = [], time.monotonic() + scenario.PATIENCE_S
        while len(records) < count:
            scenario.check(time.monotonic() < deadline, f"{len(records)} of {count} from {topic}-{partition}")
            for batch in self.reader.poll(timeout_ms=200).values():
                records.extend((record.offset, record.value) for record in batch)
        return records

    def end_offsets(self, topic):
        wanted = [TopicPartition(topic, p) for p in self.reader.partitions_for_topic(topic)]
        return {where.partition: end for where, end in self.reader.end_offsets(wanted).items()}

    def committed(self, group, topic):
        consumer = KafkaConsumer(group_id=group, enable_auto_commit=False, **COMMON)
        found = {p: consumer.committed(TopicPartition(topic, p)) for p in self.end_offsets(topic)}
        consumer.close(autocommit=False)
        return found


scenario.run(KafkaPython())
