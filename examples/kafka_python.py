"""Write three records and read them back with kafka-python (pip install kafka-python)."""

import os

from kafka import KafkaConsumer, KafkaProducer

server = os.environ.get("BOOTSTRAP", "127.0.0.1:9092")

producer = KafkaProducer(bootstrap_servers=server, acks="all")
for number in range(3):
    producer.send("greetings-python", key=b"hello", value=f"hello {number}".encode())
producer.close()

consumer = KafkaConsumer(
    "greetings-python", bootstrap_servers=server, group_id="readers-python", auto_offset_reset="earliest",
    consumer_timeout_ms=10000)
for _, record in zip(range(3), consumer):
    print(record.partition, record.offset, record.value.decode(), flush=True)
consumer.close()
