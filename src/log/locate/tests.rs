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

#[test]
fn ranges_are_whole_batches_below_the_end() {
    let file = segment(BATCHES, Codec::None);
    let sizes: Vec<u32> = BATCHES
        .iter()
        .map(|batch| segment(&[batch], Codec::None).len() as u32)
        .collect();
    let found = |target, end_offset, max_bytes, min_one_batch| {
        let read = ColdRead {
            segment: Offset(10),
            scan_from: crate::log::ScanFrom::Position(0),
            target: Offset(target),
            max_bytes,
            min_one_batch,
            end_position: file.len() as u32,
            end_offset: Offset(end_offset),
            next_segment: None,
        };
        find_range(&file, 0, &read).unwrap()
    };
    let check = |target, end_offset, max_bytes, expected: std::ops::Range<usize>| {
        let plan = ReadPlan {
            segment: Offset(10),
            position: sizes[..expected.start].iter().sum(),
            len: sizes[expected.clone()].iter().sum(),
            next_offset: Offset(BATCHES[expected.end - 1].last().unwrap().0 + 1),
        };
        let found = found(target, end_offset, max_bytes, true);
        assert_eq!(
            found,
            ColdFound::Plan(plan),
            "{target} {end_offset} {max_bytes}"
        );
    };
    check(10, 24, 1 << 20, 0..3);
    check(11, 24, 1 << 20, 0..3);
    check(13, 24, 1 << 20, 1..3);
    check(10, 24, 1, 0..1);
    check(10, 24, sizes[0] + sizes[1], 0..2);
    check(10, 24, sizes[0] + sizes[1] - 1, 0..1);
    check(10, 23, 1 << 20, 0..2);
    assert_eq!(found(10, 12, 1 << 20, true), ColdFound::Nothing);
    assert_eq!(found(21, 21, 1 << 20, true), ColdFound::Nothing);
    assert_eq!(found(10, 24, sizes[0] - 1, false), ColdFound::Nothing);
    assert_eq!(found(24, 30, 1 << 20, true), ColdFound::NextSegment);
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
