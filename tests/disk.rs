//! Disks that are full, disks that are memory, and the space that deleted topics give back.
#![cfg(feature = "broker")]

mod common;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::broker::Kind;
use common::history::{Producer, judge, now_ms};
use common::metrics::Page;
use common::mount::{self, broker_on};
use common::wire::{Connection, EARLIEST, LATEST, batch, produce_request};
use common::{Broker, Options, announce, topics, wait_for};
use ringlog::base::TimestampMs;
use ringlog::protocol::records::BatchBuilder;

const KAFKA_STORAGE_ERROR: i16 = 56;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const TOPIC_ALREADY_EXISTS: i16 = 36;
const DISK_MIB: u32 = 64;
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_refuses_produce_until_a_topic_is_deleted() {
    let test = "a_full_disk_refuses_produce_until_a_topic_is_deleted";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("kept", 1, &[]);
    connection.create_topic("filler", 2, &[]);
    let mut kept = Producer::new(&mut connection, "kept", 0);
    (0..20).for_each(|_| kept.produce_next(&mut connection));
    let stored: [i64; 2] = fill_until_refused(&mut connection, "filler");
    announce(&format!(
        "{DISK_MIB} MiB took {stored:?} batches of 512 KiB"
    ));
    broker.assert_alive();
    for (partition, stored) in (0..).zip(stored) {
        assert_eq!(count_batches(&mut connection, "filler", partition), stored);
    }
    judge(&mut connection, std::slice::from_ref(&kept));

    assert_eq!(topics::delete(&mut connection, "filler"), 0);
    wait_until_accepted(&mut connection, "kept");
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    let end = connection.list_offset("kept", 0, LATEST);
    kept.repeat_last(&mut connection);
    assert_eq!(connection.list_offset("kept", 0, LATEST), end);
    assert_none_poisoned(&broker);
}

#[test]
fn a_full_disk_takes_records_again_when_somebody_frees_space() {
    let test = "a_full_disk_takes_records_again_when_somebody_frees_space";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("kept", 1, &[("segment.bytes", "1048576")]);
    let mut kept = Producer::new(&mut connection, "kept", 0);
    kept.produce_next(&mut connection);
    for round in 0..3 {
        let ballast = fill_disk(&broker.data_dir());
        // The segment's reserve is used up first, and perhaps it rolls, which takes space too.
        let refusal = first_refusal(&mut connection, "kept");
        assert_eq!(refusal, KAFKA_STORAGE_ERROR, "round {round}");
        let (error, records) = connection.fetch("kept", 0, 0);
        assert!(error == 0 && !records.is_empty(), "round {round}: {error}");
        std::fs::remove_file(ballast).expect("a file of ours");
        wait_until_accepted(&mut connection, "kept");
        kept.produce_next(&mut connection);
        kept.repeat_last(&mut connection);
    }
    assert_none_poisoned(&broker);
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    kept.repeat_last(&mut connection);
    kept.produce_next(&mut connection);
}

#[test]
fn a_broker_on_a_full_disk_stops_in_order() {
    let test = "a_broker_on_a_full_disk_stops_in_order";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("filler", 1, &[]);
    let [stored] = fill_until_refused(&mut connection, "filler");
    let ballast = fill_disk(&broker.data_dir());
    let asked = Instant::now();
    let status = broker.terminate("TERM");
    announce(&format!("stopped {status} after {:.1?}", asked.elapsed()));
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{:?}",
        asked.elapsed()
    );
    std::fs::remove_file(ballast).expect("a file of ours");
    broker.restart();
    let mut connection = Connection::open(broker.address());
    assert!(count_batches(&mut connection, "filler", 0) >= stored);
    wait_until_accepted(&mut connection, "filler");
}

#[test]
fn on_a_full_disk_topics_can_be_deleted_and_not_made() {
    let test = "on_a_full_disk_topics_can_be_deleted_and_not_made";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    for name in ["kept", "filler"] {
        connection.create_topic(name, 1, &[]);
        for _ in 0..8 {
            assert_eq!(connection.produce(name, 0, large_batch()).0, 0);
        }
    }
    for round in 0..2 {
        let ballast = fill_disk(&broker.data_dir());
        let made = (0..1000).take_while(|n| {
            let name = format!("more-{round}-{n}");
            let error = topics::create(&mut connection, &name, 20);
            assert!(matches!(error, 0 | KAFKA_STORAGE_ERROR), "{name}: {error}");
            error == 0
        });
        let made = made.count();
        assert!(made < 1000, "a full disk takes a thousand topics");
        // The same connection goes on: nobody is thrown out.
        assert_eq!(
            topics::create(&mut connection, "kept", 1),
            TOPIC_ALREADY_EXISTS
        );
        for n in 0..made {
            assert_eq!(
                topics::delete(&mut connection, &format!("more-{round}-{n}")),
                0
            );
        }
        match round {
            0 => assert_eq!(topics::delete(&mut connection, "filler"), 0),
            _ => std::fs::remove_file(&ballast).expect("a file of ours"),
        }
        wait_for("topics to be made again", LIMIT, || {
            let error = topics::create(&mut connection, &format!("after-{round}"), 1);
            assert!(matches!(error, 0 | KAFKA_STORAGE_ERROR), "{error}");
            (error == 0).then_some(())
        });
        let _ = std::fs::remove_file(ballast);
    }
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    for (name, expected) in [
        ("kept", 0),
        ("after-0", 0),
        ("after-1", 0),
        ("filler", UNKNOWN_TOPIC_OR_PARTITION),
        ("more-0-0", UNKNOWN_TOPIC_OR_PARTITION),
    ] {
        let error = connection.metadata(name).topics[0].error_code;
        assert_eq!(error, expected, "{name}");
    }
}

#[test]
fn the_first_records_of_a_partition_wait_for_space() {
    let test = "the_first_records_of_a_partition_wait_for_space";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("new", 2, &[]);
    let ballast = fill_disk(&broker.data_dir());
    for partition in 0..2 {
        let (error, _) = connection.produce("new", partition, batch(&[b"no room"]));
        assert_eq!(error, KAFKA_STORAGE_ERROR, "partition {partition}");
    }
    // Whatever was made of the partition by then is no obstacle to a start.
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    let (error, _) = connection.produce("new", 0, batch(&[b"no room"]));
    assert_eq!(error, KAFKA_STORAGE_ERROR);
    std::fs::remove_file(ballast).expect("a file of ours");
    wait_until_accepted(&mut connection, "new");
    assert_none_poisoned(&broker);
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    assert!(connection.list_offset("new", 0, LATEST) > 0);
}

#[test]
fn a_start_finds_the_disk_full() {
    let test = "a_start_finds_the_disk_full";
    let Some((mut broker, _mount)) = small_disk(test) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("kept", 1, &[("segment.bytes", "1048576")]);
    connection.create_topic("empty", 1, &[]);
    for _ in 0..8 {
        assert_eq!(connection.produce("kept", 0, large_batch()).0, 0);
    }
    let ballast = fill_disk(&broker.data_dir());
    let _ = first_refusal(&mut connection, "kept");
    let end = connection.list_offset("kept", 0, LATEST);
    broker.kill();
    let more = broker.data_dir().join("more-ballast");
    std::fs::rename(fill_disk(&broker.data_dir().join("kept-0")), &more).expect("files of ours");
    broker.restart();
    let mut connection = Connection::open(broker.address());
    assert_eq!(count_batches(&mut connection, "kept", 0), end);
    assert_none_poisoned(&broker);
    for ballast in [ballast, more] {
        std::fs::remove_file(ballast).expect("a file of ours");
    }
    wait_until_accepted(&mut connection, "kept");
    wait_until_accepted(&mut connection, "empty");
}

/// A partition on a disk of its own, which hangs while the partition is deleted.
#[test]
fn a_deletion_does_not_wait_for_a_disk_that_hangs() {
    let test = "a_deletion_does_not_wait_for_a_disk_that_hangs";
    if !ringlog() {
        return;
    }
    let place = tempfile::tempdir().expect("a temporary directory");
    let Some(mount) = mount::Mount::new(test, mount::Kind::Ext4(DISK_MIB), place.path()) else {
        return;
    };
    let broker = Broker::start(Options::default());
    let own = broker.data_dir().join("hung-0");
    std::os::unix::fs::symlink(place.path(), &own).expect("a directory of ours");
    let mut connection = Connection::open(broker.address());
    connection.create_topic("hung", 1, &[]);
    connection.create_topic("well", 2, &[]);
    assert_eq!(connection.produce("hung", 0, batch(&[b"before"])), (0, 0));
    let writes = || {
        let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
        page.total("ringlog_disk_writes_total")
    };
    let before = writes();
    let frozen = mount.freeze();
    let mut stuck = Connection::open(broker.address());
    let request = produce_request("hung", 0, -1, batch(&[b"stuck"]));
    stuck.send_raw(&stuck.frame(7, &request));
    wait_for("the write to begin", LIMIT, || {
        (writes() > before).then_some(())
    });

    let asked = Instant::now();
    assert_eq!(topics::delete(&mut connection, "hung"), 0);
    announce(&format!("deleted after {:.1?}", asked.elapsed()));
    assert_eq!(topics::create(&mut connection, "other", 2), 0);
    for (topic, partition) in [("well", 0), ("well", 1), ("other", 0), ("other", 1)] {
        let answer = connection.produce(topic, partition, batch(&[b"meanwhile"]));
        assert_eq!(answer, (0, 0), "{topic}-{partition}");
    }
    assert!(own.exists(), "the disk has let go");
    drop(frozen);
    wait_for("the directory to go", LIMIT, || {
        own.symlink_metadata().is_err().then_some(())
    });
}

/// Memory takes direct writes on new kernels only, ramfs on none: neither stops the broker.
#[test]
fn memory_serves_as_a_disk() {
    let test = "memory_serves_as_a_disk";
    for kind in [mount::Kind::Tmpfs(256), mount::Kind::Ramfs] {
        if !ringlog() {
            return;
        }
        let Some((mut broker, _mount)) = broker_on(test, kind, Options::default()) else {
            return;
        };
        let direct = takes_direct_writes(&broker.data_dir().join("probe"));
        let warned = broker.log().lines().any(|line| {
            line.contains("WARN") && line.to_lowercase().replace('-', " ").contains("direct")
        });
        assert_eq!(warned, !direct, "{kind:?}: {}", broker.log());
        let mut connection = Connection::open(broker.address());
        connection.create_topic("volatile", 2, &[("segment.bytes", "1048576")]);
        let mut producers =
            [0, 1].map(|partition| Producer::new(&mut connection, "volatile", partition));
        for _ in 0..3 {
            for producer in &mut producers {
                (0..300).for_each(|_| producer.produce_next(&mut connection));
            }
            judge(&mut connection, &producers);
            broker.kill();
            broker.restart();
            connection = Connection::open(broker.address());
            judge(&mut connection, &producers);
        }
    }
}

#[test]
fn a_deleted_topic_leaves_nothing_and_its_successor_is_empty() {
    let mut broker = Broker::start(Options::default().set("log.segment.delete.delay.ms", 100));
    let mut connection = Connection::open(broker.address());
    for round in 0..3 {
        connection.create_topic("again", 2, &[]);
        for partition in 0..2 {
            assert_eq!(connection.list_offset("again", partition, EARLIEST), 0);
            assert_eq!(connection.list_offset("again", partition, LATEST), 0);
            let value = format!("{round}/{partition}");
            let answer = connection.produce("again", partition, batch(&[value.as_bytes()]));
            assert_eq!(answer, (0, 0), "round {round}");
            let (error, records) = connection.fetch("again", partition, 0);
            assert_eq!((error, records.len()), (0, 1), "round {round}");
            assert_eq!(records[0].value.as_deref(), Some(value.as_bytes()));
        }
        assert_eq!(directories(&broker, "again").len(), 2);
        assert_eq!(topics::delete(&mut connection, "again"), 0);
        wait_for("the directories to go", LIMIT, || {
            directories(&broker, "again").is_empty().then_some(())
        });
    }
    connection.create_topic("again", 2, &[]);
    broker.kill();
    broker.restart();
    let mut connection = Connection::open(broker.address());
    assert_eq!(connection.list_offset("again", 1, LATEST), 0);
    assert_eq!(topics::delete(&mut connection, "again"), 0);
    broker.kill();
    broker.restart();
    let left = directories(&broker, "again");
    assert!(left.is_empty(), "after a restart: {left:?}");
    let unknown = Connection::open(broker.address()).metadata("again");
    assert_eq!(unknown.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

fn small_disk(test: &str) -> Option<(Broker, mount::Mount)> {
    // Deleted files go at once: the space is what the test waits for.
    let options = Options::default().set("log.segment.delete.delay.ms", 0);
    match ringlog() {
        true => broker_on(test, mount::Kind::Ext4(DISK_MIB), options),
        false => None,
    }
}

/// Appends to every partition in turn until all of them refuse; returns how many batches each took.
fn fill_until_refused<const PARTITIONS: usize>(
    connection: &mut Connection,
    topic: &str,
) -> [i64; PARTITIONS] {
    let mut stored = [0; PARTITIONS];
    let mut open = [true; PARTITIONS];
    while open.contains(&true) {
        for at in (0..PARTITIONS).filter(|at| open[*at]).collect::<Vec<_>>() {
            let (error, offset) = connection.produce(topic, at as i32, large_batch());
            match error {
                0 => {
                    assert_eq!(offset, stored[at]);
                    stored[at] += 1;
                }
                KAFKA_STORAGE_ERROR => open[at] = false,
                other => panic!("{topic}-{at} refuses with {other}"),
            }
            let most = i64::from(DISK_MIB) * 2;
            assert!(
                stored[at] < most,
                "{topic}-{at} took more than the disk has"
            );
        }
    }
    stored
}

/// Appends to partition 0 until it refuses; the error.
fn first_refusal(connection: &mut Connection, topic: &str) -> i16 {
    for _ in 0..200 {
        let (error, _) = connection.produce(topic, 0, large_batch());
        if error != 0 {
            return error;
        }
    }
    panic!("{topic} takes 100 MiB on a full disk");
}

/// Waits until partition 0 takes a batch, without a restart.
fn wait_until_accepted(connection: &mut Connection, topic: &str) {
    let since = Instant::now();
    wait_for("produce to be accepted again", LIMIT, || {
        let (error, _) = connection.produce(topic, 0, batch(&[b"space"]));
        assert!(matches!(error, 0 | KAFKA_STORAGE_ERROR), "{topic}: {error}");
        (error == 0).then_some(())
    });
    announce(&format!(
        "{topic} takes records again after {:.1?}",
        since.elapsed()
    ));
}

/// A record of half a MiB.
fn large_batch() -> Bytes {
    let value = vec![7; 512 << 10];
    let mut builder = BatchBuilder::new();
    builder.push(TimestampMs(now_ms()), None, Some(&value), &[]);
    builder.build().expect("a batch").into()
}

/// Reads a partition of [`large_batch`]es to its end: how many there are.
fn count_batches(connection: &mut Connection, topic: &str, partition: i32) -> i64 {
    let end = connection.list_offset(topic, partition, LATEST);
    let mut next = 0;
    while next < end {
        let (error, records) = connection.fetch(topic, partition, next);
        assert_eq!(error, 0, "{topic}-{partition} at {next}");
        for record in records {
            assert_eq!(record.offset, next);
            assert_eq!(record.value.map_or(0, |value| value.len()), 512 << 10);
            next += 1;
        }
    }
    end
}

/// Writes a file beside the partitions that leaves no block free.
fn fill_disk(data_dir: &Path) -> PathBuf {
    let path = data_dir.join("ballast");
    let mut file = File::create(&path).expect("a file");
    for step in [1 << 20, 4096] {
        while file.write_all(&vec![1; step]).is_ok() && file.sync_data().is_ok() {}
    }
    path
}

/// The directories of a topic's partitions, deleted ones included.
fn directories(broker: &Broker, topic: &str) -> Vec<String> {
    let names = std::fs::read_dir(broker.data_dir()).expect("a directory");
    names
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&format!("{topic}-")))
        .collect()
}

fn takes_direct_writes(probe: &Path) -> bool {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    let opened = options.custom_flags(libc::O_DIRECT).open(probe).is_ok();
    let _ = std::fs::remove_file(probe);
    opened
}

fn assert_none_poisoned(broker: &Broker) {
    let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
    assert_eq!(page.total("ringlog_poisoned_partitions"), 0);
}

/// Whether Ringlog is the broker under test: Kafka's data directory is laid out before its start.
fn ringlog() -> bool {
    Kind::under_test() == Kind::Ringlog
}
