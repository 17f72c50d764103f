//! The rdkafka crate: the four phases of ../README.md, or with `produce-files LIST TOPIC` the
//! producing side of the real-input test.

mod files;
mod group;
mod link;
mod value;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::Offset;

use link::{Acks, end_offsets, producer, read};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const MODES: [(&str, Acks); 4] = [
    ("acks0", Acks::None),
    ("acks1", Acks::Leader),
    ("all", Acks::All),
    ("idempotent", Acks::Idempotent),
];
const PER_TAG: usize = 60;

/// How long anything may take before it counts as lost.
pub const PATIENCE: Duration = Duration::from_secs(90);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => matrix(),
        ["produce-files", list, topic] => files::produce(list, topic),
        _ => panic!("usage: rdkafka-client [produce-files LIST TOPIC]"),
    }
}

fn matrix() {
    let tags = codecs_and_acks();
    let before = (complete("one", &tags), complete("twelve", &tags));
    positions();
    let redelivered = group::group_of_three();
    let after = (complete("one", &tags), complete("twelve", &tags));
    assert_eq!(
        before, after,
        "the topics read differently after the restart"
    );
    let records = 2 * tags.len() * PER_TAG;
    println!(
        "{{\"client\": \"rdkafka\", \"ok\": true, \"codecs\": {CODECS:?}, \"records\": {records}, \
         \"redelivered\": {redelivered}}}"
    );
}

fn codecs_and_acks() -> Vec<String> {
    let mut tags = Vec::new();
    for codec in CODECS {
        for (mode, acks) in MODES {
            let tag = format!("{codec}-{mode}");
            let producer = producer(codec, acks);
            for seq in 0..PER_TAG {
                for topic in ["one", "twelve"] {
                    producer.send(
                        topic,
                        &format!("key-{}", seq % 24),
                        &value::make(&tag, seq),
                        None,
                    );
                }
            }
            producer.flush();
            tags.push(tag);
        }
    }
    tags
}

/// Reads a whole topic; acks=0 may still be on its way, so the end is waited for.
fn complete(topic: &str, tags: &[String]) -> u32 {
    let expected = (tags.len() * PER_TAG) as i64;
    wait_for("all records of a topic", || {
        end_offsets(topic).values().sum::<i64>() >= expected
    });
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut checksum = crc32fast::Hasher::new();
    for (partition, end) in end_offsets(topic) {
        let mut last: HashMap<String, usize> = HashMap::new();
        let records = read(topic, partition, Offset::Beginning, end as usize, || ());
        for ((offset, data), place) in records.into_iter().zip(0..) {
            assert_eq!(offset, place, "{topic}-{partition}: a gap");
            let (tag, seq) = value::parse(&data);
            let previous = last.insert(tag.clone(), seq);
            assert!(
                previous.is_none_or(|p| p < seq),
                "{topic}-{partition}: {tag}|{seq} after {previous:?}"
            );
            *seen.entry(tag).or_default() += 1;
            checksum.update(&data);
        }
    }
    for tag in tags {
        assert_eq!(seen.get(tag), Some(&PER_TAG), "{topic}: records of {tag}");
    }
    checksum.finalize()
}

fn positions() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis() as i64;
    let base = now - 3_600_000;
    for (codec, half) in [("none", 0..50), ("zstd", 50..100)] {
        let producer = producer(codec, Acks::All);
        for seq in half {
            let at = base + seq as i64 * 1000;
            producer.send("positions", "k", &value::make("positions", seq), Some(at));
        }
        producer.flush();
    }
    let seqs = |from, count, ready: fn()| -> Vec<usize> {
        let records = read("positions", 0, from, count, ready);
        records
            .iter()
            .map(|(_, data)| value::parse(data).1)
            .collect()
    };
    assert_eq!(
        seqs(Offset::Beginning, 100, || ()),
        (0..100).collect::<Vec<_>>(),
        "from the start"
    );
    assert_eq!(
        seqs(Offset::Offset(40), 60, || ()),
        (40..100).collect::<Vec<_>>(),
        "from offset 40"
    );
    let by_time = link::offset_for_time("positions", 0, base + 69_500);
    assert_eq!(
        seqs(by_time, 30, || ()),
        (70..100).collect::<Vec<_>>(),
        "from a timestamp"
    );
    let one_more = || {
        let producer = producer("none", Acks::All);
        producer.send("positions", "k", &value::make("positions", 100), None);
        producer.flush();
    };
    let end = Offset::Offset(end_offsets("positions")[&0]);
    assert_eq!(seqs(end, 1, one_more), [100], "from the end");
}

/// Polls `ready` until it is true; [`PATIENCE`] later the program fails.
pub fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
