//! Old segments go, by size and by age; offsets stay what they were, and times find their records.
#![cfg(feature = "broker")]

mod common;

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use common::history::now_ms;
use common::wire::{Connection, EARLIEST, LATEST};
use common::{Broker, Options, wait_for};
use ringlog::base::TimestampMs;
use ringlog::protocol::records::BatchBuilder;

const OFFSET_OUT_OF_RANGE: i16 = 1;
const LIMIT: Duration = Duration::from_secs(30);
const HOUR_MS: i64 = 3_600_000;

#[test]
fn by_size_the_oldest_segments_go() {
    let mut broker = Broker::start(eager());
    let mut connection = Connection::open(broker.address());
    let config = [("segment.bytes", "1048576"), ("retention.bytes", "2097152")];
    connection.create_topic("small", 1, &config);
    for at in 0..100 {
        let answer = connection.produce("small", 0, batch(&[now_ms()], 64 << 10));
        assert_eq!(answer, (0, at));
    }
    // The log may exceed the limit by less than the segment that would have to go.
    let start = wait_for("the oldest segments to go", LIMIT, || {
        let start = connection.list_offset("small", 0, EARLIEST);
        (start >= 100 - 48).then_some(start)
    });
    assert!(start <= 100 - 32, "{start}: two MiB of 64 KiB batches stay");
    assert_eq!(connection.list_offset("small", 0, LATEST), 100);
    assert_eq!(
        connection.fetch("small", 0, start - 1).0,
        OFFSET_OUT_OF_RANGE
    );
    let (error, records) = connection.fetch("small", 0, start);
    assert_eq!((error, records[0].offset), (0, start));
    wait_for("their files to go", LIMIT, || {
        (log_bytes(&broker, "small-0") <= 4 << 20).then_some(())
    });
    for _ in 0..2 {
        broker.kill();
        broker.restart();
        let mut connection = Connection::open(broker.address());
        assert_eq!(connection.list_offset("small", 0, EARLIEST), start);
        assert_eq!(connection.list_offset("small", 0, LATEST), 100);
    }
}

/// When everything is too old the log is empty, and goes on at the offset where it was, also after a
/// kill.
#[test]
fn by_age_everything_goes_but_the_offsets_go_on() {
    for stop in [Broker::kill, terminate] {
        let mut broker = Broker::start(eager());
        let mut connection = Connection::open(broker.address());
        let config = [("segment.bytes", "1048576"), ("retention.ms", "60000")];
        connection.create_topic("old", 1, &config);
        let times = [now_ms() - HOUR_MS];
        for at in 0..40 {
            let answer = connection.produce("old", 0, batch(&times, 64 << 10));
            assert_eq!(answer, (0, at));
        }
        wait_for("all segments to go", LIMIT, || {
            (connection.list_offset("old", 0, EARLIEST) == 40).then_some(())
        });
        wait_for("their files to go", LIMIT, || {
            (log_bytes(&broker, "old-0") < 500 << 10).then_some(())
        });
        stop(&mut broker);
        broker.restart();
        let mut connection = Connection::open(broker.address());
        assert_eq!(connection.list_offset("old", 0, LATEST), 40);
        // A kill may have come between the decision and the file's end: then it is taken once more.
        wait_for("all segments to go again", LIMIT, || {
            (connection.list_offset("old", 0, EARLIEST) == 40).then_some(())
        });
        let answer = connection.produce("old", 0, batch(&[now_ms()], 100));
        assert_eq!(answer, (0, 40));
    }
}

/// What is young stays, whatever is in older segments.
#[test]
fn by_age_only_the_old_go() {
    let broker = Broker::start(eager());
    let mut connection = Connection::open(broker.address());
    let config = [("segment.bytes", "1048576"), ("retention.ms", "600000")];
    connection.create_topic("mixed", 1, &config);
    for at in 0..60 {
        let age_ms = if at < 30 { HOUR_MS } else { 0 };
        let answer = connection.produce("mixed", 0, batch(&[now_ms() - age_ms], 64 << 10));
        assert_eq!(answer, (0, at));
    }
    let start = wait_for("the old segment to go", LIMIT, || {
        let start = connection.list_offset("mixed", 0, EARLIEST);
        (start > 0).then_some(start)
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(connection.list_offset("mixed", 0, EARLIEST), start);
    assert!(start <= 30, "{start}");
}

#[test]
fn times_find_their_records_in_every_segment_and_after_every_end() {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    let config = [("segment.bytes", "1048576"), ("retention.ms", "-1")];
    connection.create_topic("timed", 1, &config);
    let base = now_ms() - 100 * HOUR_MS;
    // Two records a batch, a second apart; the batches are ten seconds apart.
    for at in 0..60 {
        let times = [base + at * 10_000, base + at * 10_000 + 1_000];
        let answer = connection.produce("timed", 0, batch(&times, 32 << 10));
        assert_eq!(answer, (0, at * 2));
    }
    assert_times(&mut connection, base);
    for stop in [Broker::kill, terminate] {
        stop(&mut broker);
        broker.restart();
        assert_times(&mut Connection::open(broker.address()), base);
    }
    for index in files(&broker, "timed-0", "timeindex") {
        fs::remove_file(index).expect("a file of the broker's");
    }
    broker.kill();
    broker.restart();
    assert_times(&mut Connection::open(broker.address()), base);
}

fn assert_times(connection: &mut Connection, base: i64) {
    for at in 0..60 {
        let first = base + at * 10_000;
        for (time, offset) in [
            (first - 1, at * 2),
            (first, at * 2),
            (first + 1, at * 2 + 1),
            (first + 1_000, at * 2 + 1),
        ] {
            let found = connection.list_offset("timed", 0, time);
            assert_eq!(found, offset, "the first record at {time} or later");
        }
    }
    assert_eq!(connection.list_offset("timed", 0, 0), 0);
    assert_eq!(connection.list_offset("timed", 0, now_ms()), -1);
}

/// Looks for old segments all the time, and unlinks them at once.
fn eager() -> Options {
    Options::default()
        .set("log.initial.task.delay.ms", 100)
        .set("log.retention.check.interval.ms", 200)
        .set("log.segment.delete.delay.ms", 0)
}

fn terminate(broker: &mut Broker) {
    broker.terminate("TERM");
}

/// A batch of about this size: a record for each of these times.
fn batch(times: &[i64], bytes: usize) -> Bytes {
    let value = vec![b'v'; bytes / times.len()];
    let mut builder = BatchBuilder::new();
    for time in times {
        builder.push(TimestampMs(*time), None, Some(&value), &[]);
    }
    builder.build().expect("a batch").into()
}

/// How many bytes a partition's segments have on disk.
fn log_bytes(broker: &Broker, partition: &str) -> u64 {
    let logs = files(broker, partition, "log").into_iter();
    logs.filter_map(|path| Some(fs::metadata(path).ok()?.len()))
        .sum()
}

fn files(broker: &Broker, partition: &str, end: &str) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(broker.data_dir().join(partition)).expect("a directory");
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == end))
        .collect()
}
