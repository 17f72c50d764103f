"""aiokafka: one event loop on a thread of its own; the phases call into it."""

import asyncio
import threading
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

import scenario

LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def wait(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result()


async def started(kind, *args, **config):
    client = kind(*args, bootstrap_servers=scenario.BOOTSTRAP, **config)
    await client.start()
    return client


class MatrixProducer:
    def __init__(self, codec, acks, idempotent):
        codec = None if codec == "none" else codec
        self.producer = wait(started(
            AIOKafkaProducer, compression_type=codec, acks="all" if acks == -1 else acks,
            enable_idempotence=idempotent, linger_ms=5, request_timeout_ms=60000))
        self.futures = []

    def send(self, topic, key, value, timestamp_ms=None):
        self.futures.append(wait(self.producer.send(topic, key=key, value=value, timestamp_ms=timestamp_ms)))

    def flush(self):
        async def all_sent():
            await asyncio.gather(*self.futures)

        wait(all_sent())
        self.futures = []

    def close(self):
        wait(self.producer.stop())


class MatrixMember(aiokafka.ConsumerRebalanceListener):
    def __init__(self, group, topics):
        self.consumer = wait(started(
            AIOKafkaConsumer, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
            session_timeout_ms=10000, heartbeat_interval_ms=300, metadata_max_age_ms=2000))
        self.on_revoked = lambda: None

        async def subscribe():
            self.consumer.subscribe(topics, listener=self)

        wait(subscribe())

    async def on_partitions_revoked(self, revoked):
        await LOOP.run_in_executor(None, self.on_revoked)

    async def on_partitions_assigned(self, assigned):
        pass

    def poll(self):
        batches = wait(self.consumer.getmany(timeout_ms=100))
        return [(r.topic, r.partition, r.offset, r.value) for records in batches.values() for r in records]

    def assigned(self):
        return len(self.consumer.assignment())

    def commit(self, offsets):
        try:
            wait(self.consumer.commit({TopicPartition(*tp): next for tp, next in offsets.items()}))
            return True
        except KafkaError as error:
            print(f"commit: {error!r}", flush=True)
            return False

    def close(self):
        wait(self.consumer.stop())


class AioKafka:
    name = "aiokafka"
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    producer = MatrixProducer
    member = MatrixMember

    def __init__(self):
        self.reader = wait(started(AIOKafkaConsumer, auto_offset_reset="none", check_crcs=True))

    def read(self, topic, partition, start, count, ready=None):
        return wait(self.read_async(TopicPartition(topic, partition), start, count, ready))

    async def read_async(self, where, start, count, ready):
        self.reader.assign([where])
        if start == "earliest":
            await self.reader.seek_to_beginning(where)
        elif start == "latest":
            await self.reader.seek_to_end(where)
        elif isinstance(start, tuple):
            found = await self.reader.offsets_for_times({where: start[1]})
            self.reader.seek(where, found[where].offset)
        else:
            self.reader.seek(where, start)
        await self.reader.position(where)
        if ready:
            await LOOP.run_in_executor(None, ready)
        records, deadline = [], time.monotonic() + scenario.PATIENCE_S
        while len(records) < count:
            scenario.check(time.monotonic() < deadline, f"{len(records)} of {count} from {where}")
            for batch in (await self.reader.getmany(timeout_ms=200)).values():
                records.extend((record.offset, record.value) for record in batch)
        return records

    def end_offsets(self, topic):
        async def ends():
            await self.reader._client.set_topics([topic])
            wanted = [TopicPartition(topic, p) for p in self.reader.partitions_for_topic(topic)]
            return await self.reader.end_offsets(wanted)

        return {where.partition: end for where, end in wait(ends()).items()}

    def committed(self, group, topic):
        async def found():
            consumer = await started(AIOKafkaConsumer, group_id=group, enable_auto_commit=False)
            answer = {p: await consumer.committed(TopicPartition(topic, p)) for p in partitions}
            await consumer.stop()
            return answer

        partitions = list(self.end_offsets(topic))
        return wait(found())


scenario.run(AioKafka())
