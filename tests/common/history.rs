//! Idempotent producers that remember what was acknowledged, and the judge of what is there later.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest};
use kafka_protocol::records::Record;
use ringlog::base::{ProducerEpoch, ProducerId, TimestampMs};
use ringlog::protocol::records::BatchBuilder;

use super::wait_for;
use super::wire::{Connection, EARLIEST, Heard, LATEST, decode_answer, produce_request};

/// Batches that a producer may have under way, as Java's does; a broker remembers as many.
const IN_FLIGHT_MAX: usize = 5;
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// One idempotent producer to one partition. What its records hold follows from their sequence
/// numbers, so that a reader can tell what must be there.
pub struct Producer {
    id: i64,
    epoch: i16,
    topic: String,
    partition: i32,
    next_sequence: i32,
    /// Base sequences and base offsets of acknowledged batches, in order.
    acknowledged: Vec<(i32, i64)>,
    /// Base sequences of batches that nobody has answered for.
    unanswered: VecDeque<i32>,
}

impl Producer {
    /// A producer with an id of its own.
    pub fn new(connection: &mut Connection, topic: &str, partition: i32) -> Producer {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(60_000);
        let given = wait_for("a producer id", ANSWER_LIMIT, || {
            let given = connection.call(4, &request);
            (given.error_code == 0).then_some(given)
        });
        Producer {
            id: given.producer_id.0,
            epoch: given.producer_epoch,
            topic: topic.to_owned(),
            partition,
            next_sequence: 0,
            acknowledged: Vec::new(),
            unanswered: VecDeque::new(),
        }
    }

    /// How many batches were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Produces with acks=all until the connection breaks or the broker refuses.
    pub fn run(&mut self, connection: &mut Connection) {
        loop {
            while self.unanswered.len() < IN_FLIGHT_MAX {
                self.send(connection);
            }
            if !self.hear(connection) {
                return;
            }
        }
    }

    /// Sends again what nobody has answered for: now it has to be acknowledged.
    pub fn settle(&mut self, connection: &mut Connection) {
        while let Some(sequence) = self.unanswered.pop_front() {
            let (error, offset) = self.produce(connection, sequence);
            assert_eq!(error, 0, "{self}: sequence {sequence} sent again");
            self.acknowledged.push((sequence, offset));
        }
    }

    /// Appends one batch more and waits for its acknowledgement.
    pub fn produce_next(&mut self, connection: &mut Connection) {
        let sequence = self.next_sequence;
        self.next_sequence += records_of(sequence);
        let (error, offset) = self.produce(connection, sequence);
        assert_eq!(error, 0, "{self}: sequence {sequence}");
        self.acknowledged.push((sequence, offset));
    }

    /// Sends the last five batches again: each has to be answered with the offset that it has.
    pub fn repeat_last(&self, connection: &mut Connection) {
        self.repeat(connection, IN_FLIGHT_MAX);
    }

    /// The same with the very last batch only.
    pub fn repeat_last_one(&self, connection: &mut Connection) {
        self.repeat(connection, 1);
    }

    fn repeat(&self, connection: &mut Connection, count: usize) {
        let from = self.acknowledged.len().saturating_sub(count);
        for &(sequence, offset) in &self.acknowledged[from..] {
            let answer = self.produce(connection, sequence);
            assert_eq!(answer, (0, offset), "{self}: sequence {sequence} repeated");
        }
    }

    fn produce(&self, connection: &mut Connection, sequence: i32) -> (i16, i64) {
        connection.produce(&self.topic, self.partition, self.batch(sequence))
    }

    fn send(&mut self, connection: &mut Connection) {
        let batch = self.batch(self.next_sequence);
        let request = produce_request(&self.topic, self.partition, -1, batch);
        let frame = connection.frame(7, &request);
        connection.send_raw(&frame);
        self.unanswered.push_back(self.next_sequence);
        self.next_sequence += records_of(self.next_sequence);
    }

    /// Takes in one answer; false when there is none, or a refusal.
    fn hear(&mut self, connection: &mut Connection) -> bool {
        let frame = match connection.hear(ANSWER_LIMIT) {
            Heard::Frame(frame) => frame,
            Heard::Closed => return false,
            Heard::Silence => panic!("{self}: no answer within {ANSWER_LIMIT:?}"),
        };
        let answer = decode_answer::<ProduceRequest>(7, &frame);
        let answer = &answer.responses[0].partition_responses[0];
        if answer.error_code == 0 {
            let sequence = self.unanswered.pop_front().expect("an answer to a batch");
            self.acknowledged.push((sequence, answer.base_offset));
        }
        answer.error_code == 0
    }

    /// The batch that begins with this sequence number.
    fn batch(&self, sequence: i32) -> Bytes {
        let mut builder =
            BatchBuilder::new().producer(ProducerId(self.id), ProducerEpoch(self.epoch), sequence);
        for sequence in sequence..sequence + records_of(sequence) {
            let value = value(self.id, sequence);
            builder.push(TimestampMs(now_ms()), None, Some(value.as_bytes()), &[]);
        }
        builder.build().expect("a batch").into()
    }

    /// Judges the producer's part of a partition: everything acknowledged is at its place, and what
    /// is there are its batches, once each, in order, from the first on.
    fn judge(&self, found: &BTreeMap<i64, Record>) {
        let own = found
            .iter()
            .filter(|(_, record)| record.producer_id == self.id);
        let mut next = 0;
        for (offset, record) in own {
            assert_eq!(record.sequence, next, "{self}: at offset {offset}");
            let expected = value(self.id, next);
            assert_eq!(
                record.value.as_deref(),
                Some(expected.as_bytes()),
                "{self}: at offset {offset}"
            );
            next += 1;
        }
        for (sequence, offset) in &self.acknowledged {
            let there = found
                .get(offset)
                .map(|record| (record.producer_id, record.sequence));
            assert_eq!(
                there,
                Some((self.id, *sequence)),
                "{self}: acknowledged at offset {offset}"
            );
        }
        let last = self.acknowledged.last();
        assert!(
            last.is_none_or(|(sequence, _)| sequence + records_of(*sequence) <= next),
            "{self}: {last:?} was acknowledged and the records end at {next}"
        );
    }
}

impl std::fmt::Display for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Producer {
            id,
            topic,
            partition,
            ..
        } = self;
        write!(f, "producer {id} to {topic}-{partition}")
    }
}

/// Judges all partitions to which these producers wrote; nobody else may have.
pub fn judge(connection: &mut Connection, producers: &[Producer]) {
    let partitions: BTreeMap<(&str, i32), Vec<&Producer>> =
        producers.iter().fold(BTreeMap::new(), |mut all, producer| {
            let key = (producer.topic.as_str(), producer.partition);
            all.entry(key).or_insert_with(Vec::new).push(producer);
            all
        });
    for ((topic, partition), producers) in partitions {
        let found = read_all(connection, topic, partition);
        let known = |record: &Record| producers.iter().any(|p| p.id == record.producer_id);
        assert!(found.values().all(known), "{topic}-{partition}");
        for producer in producers {
            producer.judge(&found);
        }
    }
}

/// Every record of a partition, by offset. There are no gaps.
pub fn read_all(connection: &mut Connection, topic: &str, partition: i32) -> BTreeMap<i64, Record> {
    let mut next = connection.list_offset(topic, partition, EARLIEST);
    let end = connection.list_offset(topic, partition, LATEST);
    let mut found = BTreeMap::new();
    while next < end {
        let (error, records) = connection.fetch(topic, partition, next);
        assert_eq!(error, 0, "fetch of {topic}-{partition} from {next}");
        let new = records.into_iter().filter(|record| record.offset >= next);
        let before = next;
        for record in new.collect::<Vec<_>>() {
            assert_eq!(record.offset, next, "{topic}-{partition} has a gap");
            found.insert(next, record);
            next += 1;
        }
        assert!(
            next > before,
            "{topic}-{partition} ends at {next}, not {end}"
        );
    }
    found
}

/// The wall clock, as records carry it.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_millis() as i64
}

/// Batches hold one to four records, as their first sequence number has it.
fn records_of(sequence: i32) -> i32 {
    1 + sequence % 4
}

/// Values from a few bytes to some KiB, so that batches begin and end anywhere in a page.
fn value(producer: i64, sequence: i32) -> String {
    let padding = (sequence as usize).wrapping_mul(2_654_435_761) % 3_000;
    format!("{producer}/{sequence}/{:.>padding$}", "")
}
