//! Produce: what a broker takes, and what it refuses and how.

use std::time::Duration;

use ringlog::base::{TimestampMs, TopicId};
use ringlog::protocol::messages::ProduceRequest;
use ringlog::protocol::messages::produce::{PartitionProduceData, TopicProduceData};
use ringlog::protocol::records::{BatchBuilder, Codec, Header};
use ringlog::protocol::{ApiKey, Records};

use super::fetch::{Fetch, fetch_request};
use crate::batches::{at, base_time, compressed, forged, idempotent, plain, timed, with_payload};
use crate::client::{Request, request};
use crate::pair::{Pair, Side};

type Case = (&'static str, Vec<u8>);

/// Topic, partition, records.
type Part<'a> = (&'a str, i32, Option<&'a [u8]>);

pub fn run(pair: &mut Pair) {
    pair.create_topic("pr-compacted", 1, &[("cleanup.policy", "compact")]);
    pair.create_topic("pr-small", 1, &[("max.message.bytes", "300")]);
    pair.create_topic(
        "pr-append-time",
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    let hour = "3600000";
    pair.create_topic(
        "pr-timely",
        1,
        &[
            ("message.timestamp.before.max.ms", "7200000"),
            ("message.timestamp.after.max.ms", hour),
        ],
    );
    for version in pair.versions(ApiKey::Produce) {
        let mut topic = Topic::new(pair, version);
        let tables = [good(), framing(), lies(), contents(), compressed_lies()];
        for (what, batch) in tables.concat() {
            topic.judge(pair, what, &batch);
        }
        by_settings(pair, version);
        addresses(pair, version, topic.name());
        acks(pair, version, topic.name());
    }
}

/// A topic that is left for a fresh one as soon as the brokers disagree about what lies in it, so
/// that one difference does not show as many.
struct Topic {
    version: i16,
    round: usize,
}

impl Topic {
    fn new(pair: &mut Pair, version: i16) -> Topic {
        let topic = Topic { version, round: 0 };
        pair.create_topic(&topic.name(), 1, &[]);
        topic
    }

    fn name(&self) -> String {
        format!("pr-{}-{}", self.version, self.round)
    }

    fn judge(&mut self, pair: &mut Pair, what: &str, batch: &[u8]) {
        let before = pair.differences.len();
        let name = self.name();
        pair.ask(what, |side| append(side, self.version, &name, batch));
        if pair.differed_since(before) {
            self.round += 1;
            pair.create_topic(&self.name(), 1, &[]);
        }
    }
}

fn good() -> Vec<Case> {
    let three = ["a", "b", "c"];
    let mut headers = BatchBuilder::new();
    let header = |key: &'static str, value| Header {
        key: key.as_bytes(),
        value,
    };
    let time = TimestampMs(base_time());
    headers.push(
        time,
        None,
        None,
        &[header("h", Some(b"v")), header("", None)],
    );
    vec![
        ("one record", plain(&["a"])),
        ("three records", plain(&three)),
        ("gzip", compressed(Codec::Gzip, &three)),
        ("snappy", compressed(Codec::Snappy, &three)),
        ("lz4", compressed(Codec::Lz4, &three)),
        ("zstd", compressed(Codec::Zstd, &three)),
        (
            "headers, no key, no value",
            headers.build().expect("a batch"),
        ),
        (
            "times that go back",
            timed(&[("a", 5000), ("b", 0), ("c", 2000)]),
        ),
    ]
}

#[rustfmt::skip]
fn framing() -> Vec<Case> {
    let batch = plain(&["a", "b"]);
    let cut = |bytes: usize| batch[..bytes].to_vec();
    let length = |by: i32| {
        let length = batch.len() as i32 - 12 + by;
        forged(batch.clone(), at::LENGTH, &length.to_be_bytes())
    };
    let magic = |magic: u8| forged(batch.clone(), at::MAGIC, &[magic]);
    let mut wrong_crc = batch.clone();
    wrong_crc[at::CRC] ^= 1;
    let mut flipped = batch.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    vec![
        ("no bytes", Vec::new()),
        ("one byte", cut(1)),
        ("eleven bytes", cut(11)),
        ("a length only", cut(12)),
        ("up to the magic", cut(17)),
        ("a header less a byte", cut(at::RECORDS - 1)),
        ("a header only", cut(at::RECORDS)),
        ("a batch less a byte", cut(batch.len() - 1)),
        ("a byte behind the batch", [&batch[..], &[0]].concat()),
        ("two batches", [batch.clone(), plain(&["c"])].concat()),
        ("a batch and a cut one", [&batch[..], &batch[..30]].concat()),
        ("a length too long", length(1)),
        ("a length too short", length(-1)),
        ("a length below a header", forged(batch.clone(), at::LENGTH, &48i32.to_be_bytes())),
        ("no length", forged(batch.clone(), at::LENGTH, &0i32.to_be_bytes())),
        ("a negative length", forged(batch.clone(), at::LENGTH, &(-1i32).to_be_bytes())),
        ("the largest length", forged(batch.clone(), at::LENGTH, &i32::MAX.to_be_bytes())),
        ("magic 0", magic(0)),
        ("magic 1", magic(1)),
        ("magic 3", magic(3)),
        ("magic -1", magic(0xff)),
        ("a wrong checksum", wrong_crc),
        ("a flipped bit", flipped),
    ]
}

#[rustfmt::skip]
fn lies() -> Vec<Case> {
    let batch = plain(&["a", "b"]);
    let forge = |place, bytes: &[u8]| forged(batch.clone(), place, bytes);
    let int = |place, value: i32| forge(place, &value.to_be_bytes());
    let long = |place, value: i64| forge(place, &value.to_be_bytes());
    let attributes = |bits: i16| forge(at::ATTRIBUTES, &bits.to_be_bytes());
    vec![
        ("a base offset", long(at::BASE_OFFSET, 77)),
        ("a negative base offset", long(at::BASE_OFFSET, -5)),
        ("a leader epoch", int(at::LEADER_EPOCH, 12)),
        ("one record more claimed", int(at::COUNT, 3)),
        ("one record fewer claimed", int(at::COUNT, 1)),
        ("no record claimed", int(at::COUNT, 0)),
        ("a negative count", int(at::COUNT, -1)),
        ("the largest count", int(at::COUNT, i32::MAX)),
        ("a last offset too far", int(at::LAST_OFFSET_DELTA, 5)),
        ("a last offset too near", int(at::LAST_OFFSET_DELTA, 0)),
        ("a negative last offset", int(at::LAST_OFFSET_DELTA, -1)),
        ("count and last offset agree on a lie", forged(int(at::COUNT, 6), at::LAST_OFFSET_DELTA, &5i32.to_be_bytes())),
        ("a larger maximum timestamp", long(at::MAX_TIMESTAMP, base_time() + 60_000)),
        ("a smaller maximum timestamp", long(at::MAX_TIMESTAMP, base_time() - 60_000)),
        ("no maximum timestamp", long(at::MAX_TIMESTAMP, -1)),
        ("no base timestamp", long(at::BASE_TIMESTAMP, -1)),
        ("codec 5", attributes(5)),
        ("codec 7", attributes(7)),
        ("gzip claimed", attributes(1)),
        ("snappy claimed", attributes(2)),
        ("lz4 claimed", attributes(3)),
        ("zstd claimed", attributes(4)),
        ("log append time claimed", attributes(8)),
        ("a transaction without a producer", attributes(0x10)),
        ("a control batch", attributes(0x20)),
        ("a transactional control batch", attributes(0x30)),
        ("a delete horizon", attributes(0x40)),
        ("an unknown attribute", attributes(0x80)),
        ("a sequence without a producer", int(at::BASE_SEQUENCE, 4)),
        ("a producer without a sequence", long(at::PRODUCER_ID, 1000)),
        ("a transaction without its id", forged(idempotent(1000, 0, 0, &["a"]), at::ATTRIBUTES, &0x10i16.to_be_bytes())),
        ("a producer and no records", with_count_zero(idempotent(1000, 0, 0, &["a"]))),
    ]
}

fn with_count_zero(batch: Vec<u8>) -> Vec<u8> {
    let batch = forged(batch, at::COUNT, &0i32.to_be_bytes());
    forged(batch, at::LAST_OFFSET_DELTA, &(-1i32).to_be_bytes())
}

/// Records by hand: length, attributes, time, offset, key, value, number of headers; zigzag varints.
#[rustfmt::skip]
fn contents() -> Vec<Case> {
    let record: &[u8] = &[0x0e, 0, 0, 0, 2, b'k', 0x01, 0];
    let second: &[u8] = &[0x0e, 0, 0, 2, 2, b'k', 0x01, 0];
    let skipping: &[u8] = &[0x0e, 0, 0, 4, 2, b'k', 0x01, 0];
    let one = |bytes: &[u8]| with_payload(1, 0, bytes);
    let two = |a: &[u8], b: &[u8]| with_payload(2, 0, &[a, b].concat());
    vec![
        ("a record by hand", one(record)),
        ("two records by hand", two(record, second)),
        ("no records at all", with_payload(0, 0, &[])),
        ("an offset skipped", two(record, skipping)),
        ("an offset twice", two(record, record)),
        ("offsets that go back", two(second, record)),
        ("a first offset of one", one(second)),
        ("a record cut short", one(&record[..4])),
        ("a record of no length", one(&[0])),
        ("a record of negative length", one(&[1])),
        ("a record longer than the batch", one(&[0x7e, 0, 0, 0, 2, b'k', 1, 0])),
        ("bytes left in the record", one(&[0x10, 0, 0, 0, 2, b'k', 1, 0, 0])),
        ("bytes left in the batch", one(&[0x0e, 0, 0, 0, 2, b'k', 1, 0, 9])),
        ("a key beyond the record", one(&[0x0e, 0, 0, 0, 0x40, b'k', 1, 0])),
        ("a header that is not there", one(&[0x0e, 0, 0, 0, 2, b'k', 1, 2])),
        ("a negative number of headers", one(&[0x0e, 0, 0, 0, 2, b'k', 1, 1])),
        ("a header without a key", one(&[0x12, 0, 0, 0, 2, b'k', 1, 2, 1, 1])),
        ("record attributes", one(&[0x0e, 0xff, 0, 0, 2, b'k', 1, 0])),
        ("a varint without end", one(&[0xff; 12])),
    ]
}

/// Compressed batches that do not hold what they say.
fn compressed_lies() -> Vec<Case> {
    let behind = |codec, bytes: &[u8]| with_payload(1, codec, bytes);
    let lie = |codec, count: i32| {
        let batch = compressed(codec, &["a", "b"]);
        forged(batch, at::COUNT, &count.to_be_bytes())
    };
    vec![
        ("garbage behind gzip", behind(1, b"no gzip at all")),
        ("garbage behind snappy", behind(2, b"no snappy at all")),
        ("garbage behind lz4", behind(3, b"no lz4 at all")),
        ("garbage behind zstd", behind(4, b"no zstd at all")),
        ("nothing behind gzip", behind(1, b"")),
        ("nothing behind zstd", behind(4, b"")),
        ("a lie behind gzip", lie(Codec::Gzip, 3)),
        ("a lie behind zstd", lie(Codec::Zstd, 1)),
    ]
}

fn by_settings(pair: &mut Pair, version: i16) {
    let day = 86_400_000;
    let wide = "x".repeat(400);
    let no_key = with_payload(1, 0, &[0x0e, 0, 0, 0, 1, 2, b'v', 0]);
    let gzip_time = timed_gzip(&[("a", 2 * day)]);
    let cases: &[(&str, &str, Vec<u8>)] = &[
        (
            "a keyed record to a compacted topic",
            "pr-compacted",
            plain(&["a"]),
        ),
        (
            "a record without a key to a compacted topic",
            "pr-compacted",
            no_key,
        ),
        ("a batch that fits", "pr-small", plain(&["a"])),
        ("a batch too large", "pr-small", plain(&[&wide])),
        (
            "a batch too large and wrong",
            "pr-small",
            forged(plain(&[&wide]), at::MAGIC, &[1]),
        ),
        (
            "a batch to a topic of append times",
            "pr-append-time",
            plain(&["a", "b"]),
        ),
        (
            "append time claimed, and right",
            "pr-append-time",
            forged(plain(&["a"]), at::ATTRIBUTES, &8i16.to_be_bytes()),
        ),
        (
            "a compressed batch to a topic of append times",
            "pr-append-time",
            compressed(Codec::Lz4, &["a"]),
        ),
        ("a time that is near", "pr-timely", timed(&[("a", 0)])),
        ("a time long ago", "pr-timely", timed(&[("a", -day)])),
        ("a time far ahead", "pr-timely", timed(&[("a", 2 * day)])),
        (
            "a good and a bad time",
            "pr-timely",
            timed(&[("a", 0), ("b", -day), ("c", 2 * day)]),
        ),
        ("a bad time, compressed", "pr-timely", gzip_time),
        ("no time", "pr-timely", timed(&[("a", -base_time() - 1)])),
        (
            "a negative time",
            "pr-timely",
            timed(&[("a", -base_time() - 2)]),
        ),
    ];
    for (what, topic, batch) in cases {
        pair.ask(what, |side| append(side, version, topic, batch));
    }
}

fn timed_gzip(records: &[(&str, i64)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new().codec(Codec::Gzip, None);
    for (value, after) in records {
        let time = TimestampMs(base_time() + after);
        builder.push(time, None, Some(value.as_bytes()), &[]);
    }
    builder.build().expect("a batch")
}

fn addresses(pair: &mut Pair, version: i16, topic: String) {
    let (batch, other) = (plain(&["addressed"]), plain(&["to", "another"]));
    let (batch, other) = (batch.as_slice(), other.as_slice());
    let topic = topic.as_str();
    let cases: &[(&str, &[Part<'_>])] = &[
        ("an unknown partition", &[(topic, 7, Some(batch))]),
        ("a negative partition", &[(topic, -1, Some(batch))]),
        ("an unknown topic", &[("pr-unknown", 0, Some(batch))]),
        ("a bad topic name", &[("pr/bad", 0, Some(batch))]),
        ("an empty topic name", &[("", 0, Some(batch))]),
        (
            "an internal topic",
            &[("__consumer_offsets", 0, Some(batch))],
        ),
        (
            "known and unknown",
            &[(topic, 0, Some(batch)), (topic, 3, Some(batch))],
        ),
        (
            "two topics",
            &[(topic, 0, Some(batch)), ("pr-compacted", 0, Some(batch))],
        ),
        (
            "a partition twice",
            &[(topic, 0, Some(batch)), (topic, 0, Some(other))],
        ),
        (
            "a topic twice",
            &[
                (topic, 3, Some(batch)),
                ("pr-compacted", 0, Some(batch)),
                (topic, 0, Some(other)),
            ],
        ),
        ("nothing", &[]),
    ];
    for (what, parts) in cases {
        pair.ask(what, |side| produce(side, version, -1, parts));
    }
    pair.ask("what lies there now", |side| {
        fetch_request(side, 12, Fetch::from(topic, 0, 0))
    });
    pair.ask("a topic without partitions", |side| {
        let named = TopicProduceData {
            name: if version >= 13 { "" } else { topic },
            topic_id: match version {
                13.. => side.topic_id(topic),
                _ => TopicId::ZERO,
            },
            ..TopicProduceData::default()
        };
        request(version, &produce_request(-1, vec![named]))
    });
    if [3, 9].contains(&version) {
        // Kafka 4.3.1 fails within and never answers.
        let null = produce(&pair.sides[0], version, -1, &[(topic, 0, None)]);
        pair.ask_raw("null records", &null.frame, Duration::from_millis(300));
    }
    if version >= 13 {
        pair.ask("no topic id", |_| by_id(version, TopicId::ZERO, batch));
        pair.ask("an unknown topic id", |_| {
            by_id(version, TopicId([3; 16]), batch)
        });
    }
}

fn by_id(version: i16, topic_id: TopicId, batch: &[u8]) -> Request {
    let data = TopicProduceData {
        topic_id,
        partition_data: vec![data(0, Some(batch))],
        ..TopicProduceData::default()
    };
    request(version, &produce_request(-1, vec![data]))
}

fn acks(pair: &mut Pair, version: i16, topic: String) {
    let batch = plain(&["acked"]);
    let parts: &[Part<'_>] = &[(&topic, 0, Some(&batch))];
    for acks in [1, -1, 2, -2, i16::MAX] {
        pair.ask(&format!("acks {acks}"), |side| {
            produce(side, version, acks, parts)
        });
    }
    pair.tell(|side| produce(side, version, 0, parts));
    pair.ask("behind acks 0", |side| produce(side, version, 1, parts));
    pair.ask("what lies there now", |side| {
        fetch_request(side, 12, Fetch::from(&topic, 0, 0))
    });
}

/// A produce request with acks=all for one batch to partition 0.
pub fn append(side: &Side, version: i16, topic: &str, batch: &[u8]) -> Request {
    produce(side, version, -1, &[(topic, 0, Some(batch))])
}

/// A produce request for these topics, partitions and records.
pub fn produce(side: &Side, version: i16, acks: i16, parts: &[Part<'_>]) -> Request {
    let mut topics: Vec<TopicProduceData<'_>> = Vec::new();
    for (name, index, records) in parts {
        if topics.last().is_none_or(|topic| topic.name != *name) {
            topics.push(TopicProduceData {
                name,
                ..TopicProduceData::default()
            });
        }
        let topic = topics.last_mut().expect("just pushed");
        topic.partition_data.push(data(*index, *records));
    }
    if version >= 13 {
        for topic in &mut topics {
            topic.topic_id = side.topic_id(topic.name);
            topic.name = "";
        }
    }
    request(version, &produce_request(acks, topics))
}

fn produce_request(acks: i16, topic_data: Vec<TopicProduceData<'_>>) -> ProduceRequest<'_> {
    ProduceRequest {
        acks,
        timeout_ms: 10_000,
        topic_data,
        ..ProduceRequest::default()
    }
}

fn data(index: i32, records: Option<&[u8]>) -> PartitionProduceData<'_> {
    PartitionProduceData {
        index,
        records: records.map(Records::Inline),
    }
}
