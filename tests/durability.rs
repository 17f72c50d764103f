//! What was acknowledged is there after a crash, once and in order, and producers go on where they
//! were: kills in the middle of produce and of topic creation, and ends of logs that a crash has torn.
#![cfg(feature = "broker")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use common::broker::Kind;
use common::history::{Producer, judge};
use common::wire::{Connection, EARLIEST, Heard, LATEST, batch};
use common::{Broker, Options, announce, topics, wait_for};
use ringlog::protocol::records::Batches;

const ROUNDS: u64 = 10;
const KAFKA_STORAGE_ERROR: i16 = 56;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn kills_lose_nothing_and_duplicate_nothing() {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    // Small segments, so that rolls are hit too.
    connection.create_topic("kept", 2, &[("segment.bytes", "1048576")]);
    let mut producers: Vec<_> = [0, 1, 0, 1]
        .map(|partition| Producer::new(&mut connection, "kept", partition))
        .into();
    for round in 0..ROUNDS {
        produce_until_killed(&mut broker, &mut producers, pause_ms(round));
        broker.restart();
        let mut connection = Connection::open(broker.address());
        for producer in &mut producers {
            producer.settle(&mut connection);
            producer.repeat_last(&mut connection);
            producer.produce_next(&mut connection);
        }
        judge(&mut connection, &producers);
    }
    let acknowledged: usize = producers.iter().map(Producer::acknowledged).sum();
    announce(&format!(
        "{ROUNDS} kills, {acknowledged} batches acknowledged"
    ));
}

/// What an orderly stop leaves is no worse than what a kill leaves.
#[test]
fn stops_lose_nothing_and_duplicate_nothing() {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("kept", 1, &[("segment.bytes", "1048576")]);
    let mut producers = [(); 2].map(|()| Producer::new(&mut connection, "kept", 0));
    for round in 0..3 {
        let mut connection = Connection::open(broker.address());
        for _ in 0..7 {
            for producer in &mut producers {
                producer.produce_next(&mut connection);
            }
        }
        broker.terminate(if round % 2 == 0 { "TERM" } else { "INT" });
        broker.restart();
        let mut connection = Connection::open(broker.address());
        for producer in &mut producers {
            match broker.kind() {
                Kind::Ringlog => producer.repeat_last(&mut connection),
                // Its snapshot file has each producer's last batch only.
                Kind::Kafka => producer.repeat_last_one(&mut connection),
            }
            producer.produce_next(&mut connection);
        }
        judge(&mut connection, &producers);
    }
}

#[test]
fn kills_while_topics_come_and_go_keep_what_was_answered() {
    let mut broker = Broker::start(Options::default());
    let mut answered: BTreeMap<String, i32> = BTreeMap::new();
    for round in 0..5 {
        let storms: Vec<_> = (0..3)
            .map(|storm| {
                let connection = Connection::open(broker.address());
                thread::spawn(move || create_and_delete(connection, round, storm))
            })
            .collect();
        thread::sleep(Duration::from_millis(pause_ms(round)));
        broker.kill();
        for storm in storms {
            answered.extend(storm.join().expect("the storm's thread"));
        }
        broker.restart();
        let mut connection = Connection::open(broker.address());
        for (topic, partitions) in &answered {
            assert_exists(&mut connection, topic, *partitions);
        }
    }
    let kept = answered.values().filter(|partitions| **partitions > 0);
    announce(&format!(
        "{} of {} topics kept",
        kept.count(),
        answered.len()
    ));
}

#[test]
fn a_torn_end_is_cut_off_with_a_warning() {
    if Kind::under_test() != Kind::Ringlog {
        return;
    }
    type Tear = fn(&mut Vec<u8>, &[usize]);
    let table: [(&str, usize, Tear); 7] = [
        ("the last batch lost its end", 4, |log, ends| {
            log.truncate(ends[4] - 10)
        }),
        ("only a header's part is left", 4, |log, ends| {
            log.truncate(ends[3] + 20)
        }),
        ("zeros at the end of the last batch", 4, |log, ends| {
            log[ends[4] - 600..].fill(0)
        }),
        ("a byte of the last batch", 4, |log, ends| {
            log[ends[4] - 1] ^= 1
        }),
        ("noise behind the last batch", 5, |log, ends| {
            log.resize(ends[4], 0);
            log.extend((0..3000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
        }),
        ("a single byte behind the last batch", 5, |log, ends| {
            log.truncate(ends[4]);
            log.push(9);
        }),
        ("nothing: zeros behind the last batch", 5, |log, ends| {
            log.resize(ends[4], 0);
            log.resize(ends[4] + 10_000, 0);
        }),
    ];
    for (what, left, tear) in table {
        let mut broker = Broker::start(Options::default());
        five_batches(&mut Connection::open(broker.address()), "torn");
        broker.kill();
        let path = segment(&broker.data_dir().join("torn-0"));
        let mut log = fs::read(&path).expect("a segment");
        let ends = ends_of(&log);
        assert_eq!(ends.len(), 5, "{what}");
        tear(&mut log, &ends);
        fs::write(&path, log).expect("a file of ours");
        broker.restart();

        let warned = || {
            let log = broker.log();
            let mut lines = log.lines();
            lines.any(|l| l.contains("WARN") && l.contains("torn-0") && l.contains("cut off"))
        };
        if what.starts_with("nothing") {
            assert!(!warned(), "{what}: {}", broker.log());
        } else {
            // Its line may come through another pipe than the ready line.
            wait_for("a warning", ANSWER_LIMIT, || warned().then_some(()));
        }
        let mut connection = Connection::open(broker.address());
        assert_values(&mut connection, "torn", left, what);
        let (error, offset) = connection.produce("torn", 0, batch(&[b"next"]));
        assert_eq!((error, offset), (0, left as i64), "{what}");
        broker.kill();
        broker.restart();
        let mut connection = Connection::open(broker.address());
        assert_eq!(
            connection.list_offset("torn", 0, LATEST),
            left as i64 + 1,
            "{what}"
        );
    }
}

/// A crash does not explain sound batches behind damaged ones: cutting there would lose them.
#[test]
fn damage_in_the_middle_takes_one_partition_out_of_service() {
    if Kind::under_test() != Kind::Ringlog {
        return;
    }
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    five_batches(&mut connection, "damaged");
    five_batches(&mut connection, "sound");
    broker.kill();
    let path = segment(&broker.data_dir().join("damaged-0"));
    let mut log = fs::read(&path).expect("a segment");
    let ends = ends_of(&log);
    log[ends[2] - 1] ^= 1;
    fs::write(&path, &log).expect("a file of ours");
    broker.restart();
    let mut connection = Connection::open(broker.address());
    let (error, records) = connection.fetch("damaged", 0, 0);
    assert_eq!((error, records.len()), (KAFKA_STORAGE_ERROR, 0));
    let (error, _) = connection.produce("damaged", 0, batch(&[b"more"]));
    assert_eq!(error, KAFKA_STORAGE_ERROR);
    assert_eq!(
        fs::read(&path).expect("a segment"),
        log,
        "nothing is touched"
    );
    assert_values(&mut connection, "sound", 5, "another partition");

    log[ends[2] - 1] ^= 1;
    broker.kill();
    fs::write(&path, &log).expect("a file of ours");
    broker.restart();
    assert_values(
        &mut Connection::open(broker.address()),
        "damaged",
        5,
        "mended",
    );
}

/// Lets producers work, each on a connection of its own, until the broker is killed under them.
fn produce_until_killed(broker: &mut Broker, producers: &mut [Producer], after_ms: u64) {
    let address = broker.address();
    thread::scope(|scope| {
        for producer in producers {
            let mut connection = Connection::open(address);
            scope.spawn(move || producer.run(&mut connection));
        }
        thread::sleep(Duration::from_millis(after_ms));
        broker.kill();
    });
}

/// Creates topics, and deletes every third again, until the connection breaks. Returns those whose
/// fate was answered: how many partitions each has, none if it was deleted.
fn create_and_delete(mut connection: Connection, round: u64, storm: u64) -> BTreeMap<String, i32> {
    let mut answered = BTreeMap::new();
    for at in 0.. {
        let name = format!("storm-{round}-{storm}-{at}");
        let partitions = 1 + at % 8;
        let frame = connection.frame(5, &topics::create_request(&name, partitions));
        connection.send_raw(&frame);
        match connection.hear(ANSWER_LIMIT) {
            Heard::Frame(frame) => assert_eq!(topics::created(&frame), 0, "{name}"),
            Heard::Closed => break,
            Heard::Silence => panic!("no answer to the creation of {name}"),
        }
        if at % 3 != 0 {
            answered.insert(name, partitions);
            continue;
        }
        let frame = connection.frame(4, &topics::delete_request(&name));
        connection.send_raw(&frame);
        match connection.hear(ANSWER_LIMIT) {
            Heard::Frame(frame) => assert_eq!(topics::deleted(&frame), 0, "{name}"),
            Heard::Closed => break,
            Heard::Silence => panic!("no answer to the deletion of {name}"),
        }
        answered.insert(name, 0);
    }
    answered
}

/// The topic has so many partitions and the last of them takes records; or, with none, is unknown.
fn assert_exists(connection: &mut Connection, topic: &str, partitions: i32) {
    let found = connection.metadata(topic);
    let found = &found.topics[0];
    if partitions == 0 {
        assert_eq!(found.error_code, UNKNOWN_TOPIC_OR_PARTITION, "{topic}");
        return;
    }
    let there = (found.error_code, found.partitions.len() as i32);
    assert_eq!(there, (0, partitions), "{topic}");
    let (error, _) = connection.produce(topic, partitions - 1, batch(&[b"alive"]));
    assert_eq!(error, 0, "{topic}");
}

fn five_batches(connection: &mut Connection, topic: &str) {
    connection.create_topic(topic, 1, &[]);
    for at in 0..5 {
        let value = value(at);
        assert_eq!(
            connection.produce(topic, 0, batch(&[&value])),
            (0, at as i64)
        );
    }
}

fn assert_values(connection: &mut Connection, topic: &str, count: usize, what: &str) {
    assert_eq!(connection.list_offset(topic, 0, EARLIEST), 0, "{what}");
    assert_eq!(
        connection.list_offset(topic, 0, LATEST),
        count as i64,
        "{what}"
    );
    let (error, records) = connection.fetch(topic, 0, 0);
    assert_eq!((error, records.len()), (0, count), "{what}");
    for (at, record) in records.iter().enumerate() {
        assert_eq!(
            record.value.as_deref(),
            Some(&value(at)[..]),
            "{what}: record {at}"
        );
    }
}

/// About 2 KB that no other record has.
fn value(at: usize) -> Vec<u8> {
    (0..2000 + at)
        .map(|n| (n * 31 + at * 7 + 1) as u8 | 1)
        .collect()
}

/// The only segment of a partition.
fn segment(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory).expect("a partition's directory");
    let mut logs = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "log"));
    let path = logs.next().expect("a segment");
    assert!(logs.next().is_none(), "more than one segment");
    path
}

/// Where the batches of a segment end.
fn ends_of(log: &[u8]) -> Vec<usize> {
    let mut end = 0;
    Batches::new(log)
        .map_while(Result::ok)
        .map(|batch| {
            end += batch.bytes().len();
            end
        })
        .collect()
}

/// How long a round's work goes on before the kill: short and long ones, the same in every run.
fn pause_ms(round: u64) -> u64 {
    50 + (round * 2_654_435_761) % 450
}
