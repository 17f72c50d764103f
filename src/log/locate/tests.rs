use std::cell::Cell;

use super::*;
use crate::protocol::records::{BatchBuilder, Codec};

/// Offsets and timestamps of records; a batch for each inner list.
type Batches<'a> = &'a [&'a [(i64, i64)]];

fn segment(batches: Batches<'_>, codec: Codec) -> Vec<u8> {
    let mut file = Vec::new();
    for records in batches {
        let base = records[0].0;
        let mut builder = BatchBuilder::new()
            .codec(codec, None)
            .leader_epoch(LeaderEpoch(4))
            .base_offset(Offset(base));
        for (offset, timestamp) in *records {
            let delta = (offset - base) as i32;
            builder.push_at(delta, TimestampMs(*timestamp), None, Some(b"value"), &[]);
        }
        file.extend_from_slice(&builder.build().unwrap());
    }
    file
}

fn all(file: &[u8]) -> Extent {
    Extent {
        from: 0,
        end: file.len() as u64,
    }
}

/// Offsets 13 to 19 are gone, as after compaction; timestamps are out of order.
const BATCHES: Batches<'static> = &[
    &[(10, 100), (11, 300), (12, 200)],
    &[(20, 250)],
    &[(21, 400), (22, 150), (23, 400)],
];

#[test]
fn offsets_are_found_in_their_batch_or_after_a_gap() {
    let file = segment(BATCHES, Codec::None);
    let found = |target| {
        let found = find_offset(&file, all(&file), Offset(target)).unwrap();
        found.map(|batch| batch.header.base_offset.0)
    };
    assert_eq!(found(0), Some(10));
    assert_eq!(found(10), Some(10));
    assert_eq!(found(12), Some(10));
    assert_eq!(found(13), Some(20));
    assert_eq!(found(20), Some(20));
    assert_eq!(found(23), Some(21));
    assert_eq!(found(24), None);
}

#[test]
fn a_search_ends_at_the_extent_and_at_zeros_it_fails() {
    let mut file = segment(BATCHES, Codec::None);
    let end = file.len() as u64;
    file.resize(file.len() + 200, 0);
    let found = |end| find_offset(&file, Extent { from: 0, end }, Offset(99));
    assert!(found(end).unwrap().is_none());
    assert!(found(end - 1).unwrap().is_none());
    let error = found(end + 200).unwrap_err();
    assert!(matches!(error, LocateError::Batch { position, .. } if position == end));
}

fn cold_read(target: i64, end: (i64, u32), max_bytes: u32, min_one_batch: bool) -> ColdRead {
    ColdRead {
        segment: Offset(10),
        scan_from: crate::log::ScanFrom::Position(0),
        target: Offset(target),
        max_bytes,
        min_one_batch,
        end_position: end.1,
        end_offset: Offset(end.0),
        next_segment: None,
    }
}

#[test]
fn ranges_begin_with_a_whole_batch_and_end_at_a_bound() {
    let file = segment(BATCHES, Codec::None);
    let sizes = BATCHES
        .iter()
        .map(|batch| segment(&[batch], Codec::None).len() as u32);
    let [first, second, _] = sizes.collect::<Vec<_>>()[..] else {
        unreachable!("three batches")
    };
    let all = file.len() as u32;
    let check = |target, end, max_bytes, min_one_batch, expected: Option<(u32, u32)>| {
        let read = cold_read(target, end, max_bytes, min_one_batch);
        let expected = expected.map_or(ColdFound::Nothing, |(position, len)| ColdFound::Range {
            position: position.into(),
            len: len.into(),
        });
        let found = find_range(&file, 0, &read).unwrap();
        assert_eq!(found, expected, "{read:?}");
    };
    check(10, (24, all), 1 << 20, false, Some((0, all)));
    check(11, (24, all), 1 << 20, false, Some((0, all)));
    check(13, (24, all), 1 << 20, false, Some((first, all - first)));
    check(10, (24, all), first, false, Some((0, first)));
    // The second batch is cut; the first never is.
    check(10, (24, all), first + 1, false, Some((0, first + 1)));
    check(10, (24, all), first - 1, true, Some((0, first)));
    check(10, (24, all), first - 1, false, None);
    // What lies behind the end position is not readable, or not written yet.
    check(
        10,
        (21, first + second),
        1 << 20,
        true,
        Some((0, first + second)),
    );
    check(
        10,
        (21, first + second + 5),
        1 << 20,
        true,
        Some((0, first + second + 5)),
    );
    check(10, (12, all), 1 << 20, true, None);
    check(21, (21, all), 1 << 20, true, None);
    let beyond = find_range(&file, 0, &cold_read(24, (30, all), 1 << 20, true));
    assert_eq!(beyond.unwrap(), ColdFound::NextSegment);
}

#[test]
fn an_index_out_of_step_costs_a_search_from_the_front() {
    let file = segment(BATCHES, Codec::None);
    let all = file.len() as u32;
    let read = cold_read(20, (24, all), 1 << 20, true);
    let expected = find_range(&file, 0, &read).unwrap();
    assert_eq!(find_range(&file, 7, &read).unwrap(), expected);
    let damaged = [&[9; 100], &file[100..]].concat();
    assert!(find_range(&damaged, 0, &read).is_err());
}

#[test]
fn timestamps_are_found_as_kafka_finds_them() {
    for codec in Codec::ALL {
        let file = segment(BATCHES, codec);
        let check = |target, start, expected: Option<(i64, i64)>| {
            let found = find_timestamp(
                &file,
                all(&file),
                TimestampMs(target),
                Offset(start),
                1 << 20,
            );
            let expected = expected.map(|(offset, timestamp)| RecordAt {
                offset: Offset(offset),
                timestamp: TimestampMs(timestamp),
                leader_epoch: Some(LeaderEpoch(4)),
            });
            assert_eq!(found.unwrap(), expected, "{target} {start} {codec:?}");
        };
        check(0, 0, Some((10, 100)));
        check(101, 0, Some((11, 300)));
        check(300, 0, Some((11, 300)));
        check(301, 0, Some((21, 400)));
        check(401, 0, None);
        check(250, 12, Some((20, 250)));
        check(400, 22, Some((23, 400)));
        check(0, 24, None);
    }
}

#[test]
fn unreadable_records_are_an_error_of_their_place() {
    let mut file = segment(BATCHES, Codec::Zstd);
    let second = segment(&BATCHES[..1], Codec::Zstd).len();
    file[second + HEADER_BYTES] ^= 0xff;
    let found = find_timestamp(&file, all(&file), TimestampMs(250), Offset(20), 1 << 20);
    assert!(matches!(
        found,
        Err(LocateError::Records { position, .. }) if position == second as u64
    ));
    // The batches before it do not mind.
    assert!(find_timestamp(&file, all(&file), TimestampMs(250), Offset(0), 1 << 20).is_ok());
}

/// A file that gives few bytes at a time, is interrupted, and counts the calls.
struct Slow {
    bytes: Vec<u8>,
    step: usize,
    calls: Cell<usize>,
}

impl ReadAt for Slow {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.calls.set(self.calls.get() + 1);
        if self.step < 100 && self.calls.get().is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = buf.len().min(self.step);
        self.bytes.read_at(&mut buf[..len], position)
    }
}

#[test]
fn short_reads_are_gone_on_with_and_small_batches_share_a_read() {
    let one = segment(&BATCHES[..1], Codec::None);
    let bytes: Vec<u8> = one.repeat(1000);
    let (extent, bytes_len) = (all(&bytes), bytes.len());
    let slow = Slow {
        bytes: bytes.clone(),
        step: 50,
        calls: Cell::new(0),
    };
    assert!(find_offset(&slow, extent, Offset(99)).unwrap().is_none());
    let quick = Slow {
        bytes,
        step: usize::MAX,
        calls: Cell::new(0),
    };
    assert!(find_offset(&quick, extent, Offset(99)).unwrap().is_none());
    // Windows double from the smallest to the largest, and then stay so.
    let doublings = (WINDOW_MAX_BYTES / WINDOW_MIN_BYTES).ilog2() as usize;
    let largest = bytes_len.div_ceil(WINDOW_MAX_BYTES - one.len());
    let calls = quick.calls.get();
    assert!(calls <= doublings + largest, "{calls} reads");
}

#[test]
fn a_window_gives_what_is_there() {
    let bytes: Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
    let mut window = Window::new(&bytes, 150_000);
    for (position, len) in [
        (0, 10),
        (65_530, 20),
        (3, 140_000),
        (149_990, 50),
        (150_000, 1),
        (900_000, 9),
    ] {
        let expected = bytes[..150_000].get(position..).unwrap_or_default();
        let expected = &expected[..len.min(expected.len())];
        assert_eq!(
            window.read(position as u64, len).unwrap(),
            expected,
            "{position} {len}"
        );
    }
}
