//! Producing and reading through the rdkafka crate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::PATIENCE;

const ASK: Duration = Duration::from_secs(20);

/// What a producer waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    None,
    Leader,
    All,
    Idempotent,
}

/// A configuration with the broker under test.
pub fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set(
        "bootstrap.servers",
        std::env::var("BOOTSTRAP").expect("BOOTSTRAP"),
    );
    config.set("reconnect.backoff.max.ms", "500");
    config
}

/// Counts what was delivered; a record that fails ends the program.
#[derive(Clone, Default)]
pub struct Deliveries(Arc<AtomicU64>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            println!("rdkafka: a record for {} failed: {error}", message.topic());
            std::process::exit(1);
        }
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer with its count of deliveries.
pub struct MatrixProducer {
    inner: ThreadedProducer<Deliveries>,
    deliveries: Deliveries,
}

/// A producer with this codec and these acks.
pub fn producer(codec: &str, acks: Acks) -> MatrixProducer {
    let mut config = config();
    config.set("compression.type", codec).set("linger.ms", "5");
    match acks {
        Acks::None => config.set("acks", "0"),
        Acks::Leader => config.set("acks", "1"),
        Acks::All => config.set("acks", "all"),
        Acks::Idempotent => config.set("enable.idempotence", "true"),
    };
    MatrixProducer::create(&config)
}

impl MatrixProducer {
    /// A producer with this configuration.
    pub fn create(config: &ClientConfig) -> MatrixProducer {
        let deliveries = Deliveries::default();
        let inner = config
            .create_with_context(deliveries.clone())
            .expect("a producer");
        MatrixProducer { inner, deliveries }
    }

    /// Queues a record; waits while the queue is full.
    pub fn send(&self, topic: &str, key: &str, value: &[u8], timestamp: Option<i64>) {
        let mut record = BaseRecord::to(topic).key(key).payload(value);
        record.timestamp = timestamp;
        while let Err((error, back)) = self.inner.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full, "a record for {topic}");
            record = back;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until everything is delivered.
    pub fn flush(&self) {
        self.inner.flush(PATIENCE).expect("everything is delivered");
    }

    /// How many records have been delivered.
    pub fn delivered(&self) -> u64 {
        self.deliveries.0.load(Ordering::Relaxed)
    }
}

/// Reads exactly `count` records of one partition; `ready` is called once the position is fixed.
pub fn read(
    topic: &str,
    partition: i32,
    from: Offset,
    count: usize,
    ready: impl FnOnce(),
) -> Vec<(i64, Vec<u8>)> {
    let consumer = reader();
    let mut wanted = TopicPartitionList::new();
    wanted
        .add_partition_offset(topic, partition, from)
        .expect("an offset");
    consumer.assign(&wanted).expect("a partition");
    ready();
    let (mut records, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    while records.len() < count {
        assert!(
            Instant::now() < deadline,
            "{} of {count} from {topic}-{partition}",
            records.len()
        );
        if let Some(message) = consumer.poll(Duration::from_millis(200)) {
            let message = message.expect("a record");
            records.push((
                message.offset(),
                message.payload().unwrap_or_default().to_vec(),
            ));
        }
    }
    records
}

/// The end offset of every partition.
pub fn end_offsets(topic: &str) -> BTreeMap<i32, i64> {
    let consumer = reader();
    let metadata = consumer.fetch_metadata(Some(topic), ASK).expect("metadata");
    let partitions = metadata.topics()[0].partitions();
    let end = |p| {
        consumer
            .fetch_watermarks(topic, p, ASK)
            .expect("watermarks")
            .1
    };
    partitions
        .iter()
        .map(|partition| (partition.id(), end(partition.id())))
        .collect()
}

/// The first offset at or after a time.
pub fn offset_for_time(topic: &str, partition: i32, timestamp: i64) -> Offset {
    let mut wanted = TopicPartitionList::new();
    wanted
        .add_partition_offset(topic, partition, Offset::Offset(timestamp))
        .expect("a time");
    let found = reader().offsets_for_times(wanted, ASK).expect("offsets");
    found.elements()[0].offset()
}

fn reader() -> BaseConsumer {
    let mut config = config();
    config
        .set("group.id", "reader")
        .set("enable.auto.commit", "false");
    config
        .set("auto.offset.reset", "error")
        .set("check.crcs", "true");
    config.create().expect("a consumer")
}
