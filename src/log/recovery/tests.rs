use super::*;
use crate::base::{LeaderEpoch, TimestampMs};
use crate::protocol::records::tests::Random;
use crate::protocol::records::{BatchBuilder, Codec, EndTxnMarker};

const BASE: Offset = Offset(100);

/// Batches of three records each, from [`BASE`] on.
fn batches(count: usize) -> Vec<Vec<u8>> {
    let one = |place: usize| {
        let mut builder = BatchBuilder::new()
            .base_offset(BASE.plus(3 * place as i64))
            .leader_epoch(LeaderEpoch(place as i32 / 4))
            .codec(Codec::ALL[place % 5], None);
        for record in 0..3 {
            builder.push(
                TimestampMs(place as i64 * 10 + record),
                None,
                Some(&[1; 40]),
                &[],
            );
        }
        builder.build().unwrap()
    };
    (0..count).map(one).collect()
}

fn config() -> LogConfig {
    LogConfig {
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

const MODIFIED: TimestampMs = TimestampMs(77);

fn run(file: &[u8]) -> Recovered {
    let segment = ActiveSegment::empty(BASE, MODIFIED);
    recover(
        &file,
        file.len() as u64,
        segment,
        BASE,
        &config(),
        MODIFIED,
        |_, _| {},
    )
    .unwrap()
}

#[test]
fn zeros_end_a_log_in_order() {
    let batches = batches(6);
    let valid = batches.concat();
    let mut expected = ActiveSegment::empty(BASE, MODIFIED);
    for batch in &batches {
        let header = BatchHeader::parse(batch).unwrap();
        expected.push(
            &config(),
            MODIFIED,
            &BatchInfo::from(&header),
            header.last_offset(),
        );
    }
    for zeros in [0, 1, 60, 61, 100_000] {
        let file = [&valid[..], &vec![0; zeros][..]].concat();
        let recovered = run(&file);
        assert_eq!(recovered.segment, expected);
        assert_eq!(recovered.segment.segment.size_bytes as usize, valid.len());
        assert_eq!(
            (recovered.next_offset, recovered.batches),
            (BASE.plus(18), 6)
        );
        assert_eq!(recovered.cut, None, "{zeros}");
    }
    assert_eq!(run(&[]).cut, None);
}

#[test]
fn recovery_goes_on_from_a_known_place() {
    let batches = batches(6);
    let file = batches.concat();
    let known = run(&batches[..2].concat());
    let from = known.segment.segment.size_bytes;
    let mut told = Vec::new();
    let len = file.len() as u64;
    let recovered = recover(
        &file,
        len,
        known.segment,
        known.next_offset,
        &config(),
        MODIFIED,
        |position, batch| {
            told.push((position, batch.header().base_offset));
        },
    )
    .unwrap();
    assert_eq!(recovered.batches, 4);
    assert_eq!(told[0], (from, BASE.plus(6)));
    assert_eq!(recovered.segment, run(&file).segment);
}

#[test]
fn markers_can_be_read_on_the_way() {
    let marker = EndTxnMarker {
        committed: true,
        coordinator_epoch: 3,
    };
    let file = marker
        .batch(
            TimestampMs(1),
            crate::base::ProducerId(5),
            crate::base::ProducerEpoch(0),
        )
        .unwrap();
    let mut found = None;
    let segment = ActiveSegment::empty(Offset::ZERO, MODIFIED);
    let len = file.len() as u64;
    recover(
        &file,
        len,
        segment,
        Offset::ZERO,
        &config(),
        MODIFIED,
        |_, batch| {
            let record = batch.records(batch.payload()).next().unwrap().unwrap();
            found = EndTxnMarker::parse(&record);
        },
    )
    .unwrap();
    assert_eq!(found, Some(marker));
}

/// A file of six batches after `damage`, and what is cut from it.
fn check_cut(
    damage: impl Fn(&mut Vec<u8>, usize),
    kept: usize,
    reason: impl Fn(CutReason) -> bool,
    valid_after: bool,
) {
    let batches = batches(6);
    let third: usize = batches[..2].iter().map(Vec::len).sum();
    let mut file = batches.concat();
    damage(&mut file, third);
    let last = file.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    file.resize(file.len() + 9000, 0);
    let recovered = run(&file);
    let end: usize = batches[..kept].iter().map(Vec::len).sum();
    assert_eq!(
        (recovered.segment.segment.size_bytes, recovered.batches),
        (end as u32, kept as u64)
    );
    let cut = recovered.cut.expect("something has to be cut");
    assert!(reason(cut.reason), "{:?}", cut.reason);
    assert_eq!((cut.position, cut.bytes), (end as u64, last - end as u64));
    assert_eq!(cut.valid_after, valid_after, "{:?}", cut.reason);
}

#[test]
fn damage_is_told_from_a_torn_end() {
    let checksum = |reason| matches!(reason, CutReason::Fault(BatchFault::Checksum { .. }));
    check_cut(|file, third| file[third + 70] ^= 1, 2, checksum, true);
    check_cut(|file, third| file.truncate(third + 80), 2, checksum, false);
    check_cut(
        |file, third| file.truncate(third + 30),
        2,
        |reason| reason != CutReason::Hole,
        false,
    );
    check_cut(
        |file, third| file[third + 16] = 7,
        2,
        |reason| reason == CutReason::Fault(BatchFault::Magic(7)),
        true,
    );
    check_cut(
        |file, third| file[third + 8..third + 12].fill(0x7f),
        2,
        |reason| matches!(reason, CutReason::Fault(BatchFault::Length(_))),
        true,
    );
    // A write that got lost under a later one.
    check_cut(
        |file, third| file[third..third + 100].fill(0),
        2,
        |reason| reason == CutReason::Hole,
        true,
    );
    check_cut(
        |file, third| file[third..third + 8].copy_from_slice(&105i64.to_be_bytes()),
        2,
        |reason| {
            matches!(
                reason,
                CutReason::Offset {
                    expected: Offset(106),
                    found: Offset(105)
                }
            )
        },
        true,
    );
    check_cut(
        |file, third| file[third + 23] = 0x80,
        2,
        |reason| matches!(reason, CutReason::LastOffset(_)),
        true,
    );
}

#[test]
fn a_batch_that_the_file_cuts_off_is_torn() {
    let mut file = batches(3).concat();
    file.pop();
    let cut = run(&file).cut.unwrap();
    assert!(matches!(
        cut.reason,
        CutReason::Fault(BatchFault::Truncated { .. })
    ));
    assert!(!cut.valid_after);
}

#[test]
fn offsets_beyond_a_segments_reach_are_refused() {
    let far = |offset| {
        let mut builder = BatchBuilder::new().base_offset(Offset(offset));
        builder.push(TimestampMs(0), None, None, &[]);
        run(&builder.build().unwrap()).cut.map(|cut| cut.reason)
    };
    let reach = BASE.0 + i64::from(i32::MAX);
    assert_eq!(far(reach), None);
    assert_eq!(
        far(reach + 1),
        Some(CutReason::LastOffset(Offset(reach + 1)))
    );
    assert_eq!(far(i64::MAX), Some(CutReason::LastOffset(Offset(i64::MAX))));
}

#[test]
fn fuzz_seeds() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let seed = batches(8).concat();
    fuzz_recovery(&seed);
    fuzz_recovery(&[]);
    for _ in 0..1500 {
        let mut bytes = seed.clone();
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            let len = random.below(40).min(bytes.len() - at);
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at..at + len].fill(0),
                _ => drop(bytes.drain(at..at + len)),
            }
        }
        bytes.resize(bytes.len() + random.below(200), 0);
        bytes.truncate(bytes.len() - random.below(3) * random.below(300));
        fuzz_recovery(&bytes);
    }
}
