"""confluent-kafka: librdkafka from Python."""

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
import confluent_kafka

import scenario

COMMON = {"bootstrap.servers": scenario.BOOTSTRAP, "reconnect.backoff.max.ms": 500}
START = {"earliest": confluent_kafka.OFFSET_BEGINNING, "latest": confluent_kafka.OFFSET_END}


class MatrixProducer:
    def __init__(self, codec, acks, idempotent):
        config = {"compression.type": codec, "acks": acks, "enable.idempotence": idempotent, "linger.ms": 5}
        self.producer, self.failed = Producer(COMMON | config), None

    def send(self, topic, key, value, timestamp_ms=None):
        stamp = {"timestamp": timestamp_ms} if timestamp_ms else {}
        self.producer.produce(topic, key=key, value=value, on_delivery=self.delivered, **stamp)
        self.producer.poll(0)

    def delivered(self, error, _message):
        self.failed = self.failed or error

    def flush(self):
        left = self.producer.flush(scenario.PATIENCE_S)
        scenario.check(left == 0 and not self.failed, f"{left} not delivered, {self.failed}")

    def close(self):
        self.flush()


class MatrixMember:
    def __init__(self, group, topics):
        config = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                  "session.timeout.ms": 10000, "heartbeat.interval.ms": 300}
        self.consumer, self.on_revoked = Consumer(COMMON | config), lambda: None
        self.consumer.subscribe(topics, on_revoke=lambda *_: self.on_revoked())

    def poll(self):
        messages = self.consumer.consume(100, timeout=0.1)
        return [(m.topic(), m.partition(), m.offset(), m.value()) for m in messages if not m.error()]

    def assigned(self):
        return len(self.consumer.assignment())

    def commit(self, offsets):
        try:
            wanted = [TopicPartition(topic, partition, next) for (topic, partition), next in offsets.items()]
            results = self.consumer.commit(offsets=wanted, asynchronous=False)
            return all(result.error is None for result in results)
        except KafkaException as error:
            print(f"commit: {error}", flush=True)
            return False

    def close(self):
        self.consumer.close()


class Confluent:
    name = "confluent-kafka"
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    producer = MatrixProducer
    member = MatrixMember

    def __init__(self):
        # A fetch that waits for data holds up whatever else is asked on its connection.
        self.reader = Consumer(COMMON | {"group.id": "reader", "enable.auto.commit": False, "fetch.wait.max.ms": 50,
                                         "auto.offset.reset": "error", "check.crcs": True})

    def read(self, topic, partition, start, count, ready=None):
        where = TopicPartition(topic, partition, START.get(start, start) if not isinstance(start, tuple) else 0)
        if isinstance(start, tuple):
            [found] = self.reader.offsets_for_times([TopicPartition(topic, partition, start[1])], timeout=20)
            where.offset = found.offset
        if start == "latest":
            where.offset = self.reader.get_watermark_offsets(where, timeout=20)[1]
        self.reader.assign([where])
        if ready:
            ready()
        records, deadline = [], time.monotonic() + scenario.PATIENCE_S
        while len(records) < count:
            scenario.check(time.monotonic() < deadline, f"{len(records)} of {count} from {topic}-{partition}")
            for message in self.reader.consume(1000, timeout=0.2):
                scenario.check(not message.error(), f"{message.error()}")
                records.append((message.offset(), message.value()))
        return records

    def end_offsets(self, topic):
        partitions = self.reader.list_topics(topic, timeout=20).topics[topic].partitions
        ends = {p: self.reader.get_watermark_offsets(TopicPartition(topic, p), timeout=20) for p in partitions}
        return {p: high for p, (_, high) in ends.items()}

    def committed(self, group, topic):
        wanted = [TopicPartition(topic, p) for p in self.end_offsets(topic)]
        admin = AdminClient(COMMON)
        [answer] = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)]).values()
        return {p.partition: p.offset for p in answer.result(20).topic_partitions}


scenario.run(Confluent())
