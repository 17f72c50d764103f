//! Reads copy nothing, shown by the counters at /metrics: old records go from file to socket in the
//! kernel, new ones straight from the buffers that they were written from, and neither is copied to
//! get from the core that owns them to the core that sends them.
#![cfg(feature = "broker")]

mod common;

use std::ffi::OsString;
use std::io::Read;
use std::ops::{Add, Sub};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use common::broker::Kind;
use common::history::now_ms;
use common::metrics::Page;
use common::wire::{Connection, Heard, decode_answer, fetch_request, produce_request};
use common::{Broker, Options, announce, wait_for};
use kafka_protocol::messages::ProduceRequest;
use ringlog::base::TimestampMs;
use ringlog::protocol::records::{BatchBuilder, BatchView};

const MIB: usize = 1 << 20;
/// What one fetch asks for at most.
const FETCH_BYTES: i32 = 8 << 20;
/// Produce requests sent ahead of their answers.
const WINDOW: usize = 32;
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_cold_fetch_goes_from_file_to_socket_in_the_kernel() {
    if !ringlog() {
        return;
    }
    for (batch_bytes, total_bytes) in [(64 << 10, 100 * MIB), (1 << 10, 100 * MIB)] {
        let broker = cold_broker(batch_bytes, total_bytes);
        let before = Moved::total(&broker);
        let bytes = read_through(&mut Connection::open(broker.address()), 0);
        assert!(bytes.whole >= total_bytes as u64, "{bytes:?}");
        let moved = Moved::settled(&broker, before, bytes.all);
        announce(&format!(
            "cold, batches of {batch_bytes} bytes: {moved:?} of {bytes:?}"
        ));
        moved.assert_little_in_user_space();
        moved.assert_cold(bytes.all);
    }
}

#[test]
fn a_slow_reader_of_cold_records_is_waited_for_without_a_copy() {
    if !ringlog() {
        return;
    }
    let broker = cold_broker(64 << 10, 32 * MIB);
    let before = Moved::total(&broker);
    let mut connection = Connection::open(broker.address());
    let request = fetch_request("records", 0, 0, 32 << 20);
    connection.send_raw(&connection.frame(11, &request));
    let mut stream = connection.stream();
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer");
    let mut left = u32::from_be_bytes(length) as usize;
    let mut part = vec![0; 64 << 10];
    while left > 0 {
        std::thread::sleep(Duration::from_millis(1));
        let read = stream.read(&mut part).expect("more of the answer");
        assert!(read > 0, "{left} bytes are missing");
        left -= read;
    }
    let moved = Moved::settled(&broker, before, 31 << 20);
    announce(&format!("cold, to a slow reader: {moved:?}"));
    moved.assert_little_in_user_space();
}

#[test]
fn the_hot_tail_is_sent_from_memory() {
    if !ringlog() {
        return;
    }
    for (batch_bytes, total_bytes) in [(64 << 10, 8 * MIB), (1 << 10, MIB)] {
        let broker = Broker::start(Options::default());
        let mut connection = Connection::open(broker.address());
        connection.create_topic("records", 1, &[]);
        fill(&mut connection, 0, batch_bytes, total_bytes);
        let before = Moved::at_rest(&broker, connection.heard_bytes());
        let bytes = read_through(&mut connection, 0);
        assert!(bytes.whole >= total_bytes as u64, "{bytes:?}");
        let moved = Moved::settled(&broker, before, bytes.all);
        announce(&format!(
            "hot, batches of {batch_bytes} bytes: {moved:?} of {bytes:?}"
        ));
        moved.assert_little_in_user_space();
        let from_disk = (moved.sendfile, moved.cold_reads, moved.disk_read);
        assert_eq!((moved.tail, from_disk), (bytes.all, (0, 0, 0)), "{moved:?}");
    }
}

/// Every connection reads partitions of both cores, hot and cold: the core of the connection sends
/// what the core of the partition has, and nothing is copied in between.
#[test]
fn no_record_byte_is_copied_between_cores() {
    if !ringlog() {
        return;
    }
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("records", 4, &[]);
    let mut owners = Vec::new();
    for partition in 0..4 {
        let appended = |shard| pages(&broker).of_shard(shard, "ringlog_appended_bytes_total");
        let before = [appended(0), appended(1)];
        fill(&mut connection, partition, 16 << 10, MIB);
        owners.push(usize::from(appended(1) > before[1]));
    }
    assert!(owners.contains(&0) && owners.contains(&1), "{owners:?}");
    let heard_bytes = connection.heard_bytes();
    let crossed = read_from_both_cores(&broker, &owners, heard_bytes, |moved, bytes| {
        assert_eq!(moved.tail, bytes.all, "{moved:?}");
    });
    assert_eq!(crossed, 4, "hot reads through the other core");

    broker.terminate("TERM");
    broker.restart();
    let crossed = read_from_both_cores(&broker, &owners, 0, |moved, bytes| {
        assert!(moved.sendfile >= bytes.all / 1000 * 999, "{moved:?}");
    });
    assert_eq!(crossed, 4, "cold reads through the other core");
}

/// Reads every partition through a connection on each core; returns how many of these reads were for
/// partitions of the other core.
fn read_from_both_cores(
    broker: &Broker,
    owners: &[usize],
    mut heard_bytes: u64,
    check: impl Fn(&Moved, &ReadBytes),
) -> usize {
    let mut connections = [(); 2].map(|()| Connection::open(broker.address()));
    let mut crossed = 0;
    for connection in &mut connections {
        for (partition, owner) in (0..).zip(owners) {
            Moved::at_rest(broker, heard_bytes + connection.heard_bytes());
            let before = [0, 1].map(|shard| Moved::of_shard(broker, shard));
            let bytes = read_through(connection, partition);
            Moved::settled(broker, before[0] + before[1], bytes.all);
            let [first, second] =
                [0, 1].map(|shard| Moved::of_shard(broker, shard) - before[shard]);
            let sender = usize::from(second.records() > first.records());
            let (moved, other) = if sender == 0 {
                (first, second)
            } else {
                (second, first)
            };
            assert_eq!(
                other.records() + other.own,
                0,
                "only one core sends: {other:?}"
            );
            moved.assert_little_in_user_space();
            check(&moved, &bytes);
            crossed += usize::from(sender != *owner);
        }
        heard_bytes += connection.heard_bytes();
    }
    crossed
}

/// What was sent since some moment, by where it came from.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Moved {
    tail: u64,
    sendfile: u64,
    copied: u64,
    /// Headers, and whatever else was put together for a connection.
    own: u64,
    cold_reads: u64,
    disk_read: u64,
}

impl Moved {
    fn total(broker: &Broker) -> Moved {
        let page = pages(broker);
        Moved::from(|name| page.total(name))
    }

    /// The counters once all that was heard since the broker's start is in them: an answer may be heard before it is
    /// counted.
    fn at_rest(broker: &Broker, heard_bytes: u64) -> Moved {
        wait_for("the counters to rest", LIMIT, || {
            let now = Moved::total(broker);
            (now.records() + now.own >= heard_bytes).then_some(now)
        })
    }

    fn of_shard(broker: &Broker, shard: usize) -> Moved {
        let page = pages(broker);
        Moved::from(|name| page.of_shard(shard, name))
    }

    fn from(counter: impl Fn(&str) -> u64) -> Moved {
        let tail = counter("ringlog_fetch_tail_bytes_total");
        let sendfile = counter("ringlog_fetch_sendfile_bytes_total");
        let copied = counter("ringlog_fetch_copied_bytes_total");
        Moved {
            tail,
            sendfile,
            copied,
            own: counter("ringlog_sent_bytes_total") - tail - sendfile - copied,
            cold_reads: counter("ringlog_fetch_cold_reads_total"),
            disk_read: counter("ringlog_disk_read_bytes_total"),
        }
    }

    /// What was moved since `before`, once all record bytes are counted.
    fn settled(broker: &Broker, before: Moved, record_bytes: u64) -> Moved {
        wait_for("the counters", LIMIT, || {
            let moved = Moved::total(broker) - before;
            (moved.records() >= record_bytes).then_some(moved)
        })
    }

    fn records(&self) -> u64 {
        self.tail + self.sendfile + self.copied
    }

    /// The promise: no record byte passes through user space, and what is made for the connection is headers: under
    /// 0.1% of what is sent.
    fn assert_little_in_user_space(&self) {
        assert_eq!(self.copied, 0, "{self:?}");
        assert!(self.own * 1000 < self.records(), "{self:?}");
    }

    /// All but the last page, which recovery keeps in memory, came from the disk.
    fn assert_cold(&self, record_bytes: u64) {
        assert!(self.sendfile >= record_bytes / 1000 * 999, "{self:?}");
        assert!(self.disk_read >= record_bytes / 2, "{self:?}");
    }

    fn with(self, other: Moved, of: impl Fn(u64, u64) -> u64) -> Moved {
        Moved {
            tail: of(self.tail, other.tail),
            sendfile: of(self.sendfile, other.sendfile),
            copied: of(self.copied, other.copied),
            own: of(self.own, other.own),
            cold_reads: of(self.cold_reads, other.cold_reads),
            disk_read: of(self.disk_read, other.disk_read),
        }
    }
}

impl Sub for Moved {
    type Output = Moved;

    fn sub(self, before: Moved) -> Moved {
        self.with(before, |now, before| now - before)
    }
}

impl Add for Moved {
    type Output = Moved;

    fn add(self, other: Moved) -> Moved {
        self.with(other, |one, other| one + other)
    }
}

/// Record bytes that fetches brought.
#[derive(Clone, Copy, Debug, Default)]
struct ReadBytes {
    /// All of them.
    all: u64,
    /// Without the batches that the ends of answers cut off.
    whole: u64,
}

/// Reads a partition from its first record to its last. Every batch is sound and follows its
/// predecessor.
fn read_through(connection: &mut Connection, partition: i32) -> ReadBytes {
    let mut read = ReadBytes::default();
    let mut offset = 0;
    loop {
        let request = fetch_request("records", partition, offset, FETCH_BYTES);
        let response = connection.call(11, &request);
        let answer = &response.responses[0].partitions[0];
        assert_eq!(answer.error_code, 0);
        let records = answer.records.clone().unwrap_or_default();
        read.all += records.len() as u64;
        let mut rest = &records[..];
        while let Ok(batch) = BatchView::first(rest) {
            batch.verify_checksum().expect("a sound batch");
            assert_eq!(batch.header().base_offset.get(), offset);
            offset = batch.header().next_offset().get();
            rest = &rest[batch.bytes().len()..];
        }
        read.whole += (records.len() - rest.len()) as u64;
        if offset == answer.high_watermark {
            return read;
        }
    }
}

/// A broker with records in partition 0 of `records`, none of them in its memory or in the kernel's.
fn cold_broker(batch_bytes: usize, total_bytes: usize) -> Broker {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("records", 1, &[]);
    fill(&mut connection, 0, batch_bytes, total_bytes);
    broker.terminate("TERM");
    broker.restart();
    for entry in std::fs::read_dir(broker.data_dir().join("records-0")).expect("a directory") {
        drop_from_page_cache(&entry.expect("an entry").path());
    }
    broker
}

/// Copies nothing to the file, and has the kernel let go of what it has cached of it.
fn drop_from_page_cache(path: &Path) {
    let mut of = OsString::from("of=");
    of.push(path);
    let done = Command::new("dd")
        .arg(of)
        .args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0"])
        .output();
    assert!(done.is_ok_and(|done| done.status.success()), "{path:?}");
}

/// Appends batches of one size with acks=1, many of them under way at once.
fn fill(connection: &mut Connection, partition: i32, batch_bytes: usize, total_bytes: usize) {
    let batch = batch_of(batch_bytes);
    let count = total_bytes.div_ceil(batch.len());
    let request = produce_request("records", partition, 1, batch);
    let frame = connection.frame(7, &request);
    for sent in 0..count + WINDOW {
        if sent < count {
            connection.send_raw(&frame);
        }
        if sent >= WINDOW.min(count) {
            hear_success(connection);
        }
    }
}

fn hear_success(connection: &mut Connection) {
    let Heard::Frame(frame) = connection.hear(LIMIT) else {
        panic!("no answer to a produce");
    };
    let answer = decode_answer::<ProduceRequest>(7, &frame);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

/// A batch of about this size, of records below 1 KiB that no compression would shrink.
fn batch_of(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new();
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    while builder.is_empty() || builder.len_bytes() + 900 <= bytes {
        let mut value = Vec::with_capacity(880);
        while value.len() < 880 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            value.extend(noise.to_le_bytes());
        }
        builder.push(TimestampMs(now_ms()), None, Some(&value), &[]);
    }
    builder.build().expect("a batch").into()
}

fn pages(broker: &Broker) -> Page {
    Page::read(broker.admin().expect("Ringlog has an admin port"))
}

/// Whether Ringlog is the broker under test: the counters are its own.
fn ringlog() -> bool {
    Kind::under_test() == Kind::Ringlog
}
