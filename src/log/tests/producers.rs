use super::*;

/// A batch (epoch, sequence, records) and the offset, or the code, that it is answered with.
type Step = ((i16, i32, i32), Result<i64, ErrorCode>);

/// What an append of each batch of one producer must come to.
#[track_caller]
fn check(batches: &[Step]) {
    let mut log = log_with(LogConfig::default());
    for (i, &((epoch, sequence, records), expected)) in batches.iter().enumerate() {
        let before = log.log_end_offset();
        let appended = log.append(
            at(0),
            &produced(7, epoch, sequence, records),
            LeaderEpoch(0),
        );
        let offset = match appended {
            Ok(Append::Planned(plan)) => {
                assert_eq!(plan.base_offset, before, "batch {i}");
                Ok(plan.base_offset.0)
            }
            Ok(Append::Duplicate(duplicate)) => {
                assert_eq!(
                    duplicate.last_offset.0 - duplicate.base_offset.0 + 1,
                    i64::from(records)
                );
                assert_eq!(log.log_end_offset(), before, "batch {i}");
                Ok(duplicate.base_offset.0)
            }
            Err(error) => Err(error.code()),
        };
        assert_eq!(offset, expected, "batch {i}");
    }
    log.invariants();
}

const OUT_OF_ORDER: Result<i64, ErrorCode> = Err(ErrorCode::OutOfOrderSequenceNumber);
const FENCED: Result<i64, ErrorCode> = Err(ErrorCode::InvalidProducerEpoch);

#[test]
fn sequences_must_follow() {
    check(&[
        ((0, 0, 3), Ok(0)),
        ((0, 4, 1), OUT_OF_ORDER),
        ((0, 2, 1), OUT_OF_ORDER),
        ((0, 3, 2), Ok(3)),
        ((0, 5, 1), Ok(5)),
    ]);
}

#[test]
fn an_unknown_producer_begins_anywhere() {
    check(&[((4, 1234, 1), Ok(0)), ((4, 1235, 1), Ok(1))]);
}

#[test]
fn sequences_wrap_from_the_largest_to_zero() {
    check(&[
        ((0, i32::MAX - 1, 2), Ok(0)),
        ((0, 1, 1), OUT_OF_ORDER),
        ((0, 0, 1), Ok(2)),
        ((0, i32::MAX - 1, 2), Ok(0)),
    ]);
    check(&[
        ((0, i32::MAX, 3), Ok(0)),
        ((0, 2, 1), Ok(3)),
        ((0, i32::MAX, 3), Ok(0)),
    ]);
}

#[test]
fn any_of_the_last_five_batches_is_recognized() {
    check(&[
        ((0, 0, 1), Ok(0)),
        ((0, 1, 2), Ok(1)),
        ((0, 3, 1), Ok(3)),
        ((0, 4, 1), Ok(4)),
        ((0, 5, 1), Ok(5)),
        ((0, 0, 1), Ok(0)),
        ((0, 5, 1), Ok(5)),
        ((0, 6, 1), Ok(6)),
        ((0, 0, 1), OUT_OF_ORDER),
        ((0, 1, 2), Ok(1)),
        ((0, 1, 1), OUT_OF_ORDER),
        ((0, 2, 1), OUT_OF_ORDER),
    ]);
}

#[test]
fn a_new_epoch_begins_at_zero_and_fences_the_old() {
    check(&[
        ((1, 0, 1), Ok(0)),
        ((0, 1, 1), FENCED),
        ((2, 1, 1), OUT_OF_ORDER),
        ((2, 0, 1), Ok(1)),
        ((1, 0, 1), FENCED),
        ((1, 1, 1), FENCED),
        ((2, 0, 1), Ok(1)),
        ((2, 1, 1), Ok(2)),
    ]);
}

#[test]
fn a_duplicate_tells_the_stored_batchs_time() {
    let mut log = log_with(LogConfig::default());
    store(&mut log, at(0), &produced(1, 0, 0, 2));
    let again = BatchInfo {
        max_timestamp: TimestampMs(5555),
        ..produced(1, 0, 0, 2)
    };
    assert_eq!(
        log.append(at(0), &again, LeaderEpoch(0)),
        Ok(Append::Duplicate(Duplicate {
            base_offset: Offset(0),
            last_offset: Offset(1),
            timestamp: TimestampMs(1000),
            log_start_offset: Offset(0),
        }))
    );
}

#[test]
fn idle_producers_are_forgotten() {
    for (now, left) in [(1999, 1), (2000, 0)] {
        let mut log = log_with(LogConfig {
            producer_id_expiration_ms: 1000,
            ..LogConfig::default()
        });
        store(&mut log, at(0), &produced(1, 0, 0, 1));
        log.expire_producers(at(now));
        assert_eq!(log.producers().len(), left, "{now}");
    }
}

#[test]
fn replay_gives_the_state_that_appends_gave() {
    let mut log = log_with(LogConfig::default());
    let mut replayed = Producers::default();
    for i in 0..9 {
        let next = produced(i64::from(i % 2), 0, i / 2 * 3, 3);
        let plan = store(&mut log, at(0), &next);
        replayed.replay(&next, plan.base_offset);
    }
    assert_eq!(&replayed, log.producers());
    let older = produced(0, -1, 0, 1);
    replayed.replay(&older, Offset(99));
    assert_eq!(
        &replayed,
        log.producers(),
        "an epoch long past changes nothing"
    );
}

#[test]
fn a_snapshot_is_kafkas_with_an_entry_for_each_remembered_batch() {
    let mut log = log_with(LogConfig::default());
    store(&mut log, at(0), &produced(1, 2, 0, 1));
    store(&mut log, at(0), &produced(1, 2, 1, 3));
    let bytes = log.producers().encode_snapshot();
    assert_eq!(bytes.len(), 2 + 4 + 4 + 2 * 46);
    assert_eq!(bytes[..2], [0, 1]);
    assert_eq!(bytes[2..6], crc32c::crc32c(&bytes[6..]).to_be_bytes());
    let expected = [
        &[0, 0, 0, 2][..],               // entries
        &[0, 0, 0, 0, 0, 0, 0, 1],       // producer id
        &[0, 2],                         // epoch
        &[0, 0, 0, 0],                   // last sequence
        &[0, 0, 0, 0, 0, 0, 0, 0],       // last offset
        &[0, 0, 0, 0],                   // offset delta
        &[0, 0, 0, 0, 0, 0, 0x03, 0xe8], // timestamp
        &[0xff; 4],                      // coordinator epoch
        &[0xff; 8],                      // transaction's first offset
        &[0, 0, 0, 0, 0, 0, 0, 1],       // producer id
        &[0, 2],                         // epoch
        &[0, 0, 0, 3],                   // last sequence
        &[0, 0, 0, 0, 0, 0, 0, 3],       // last offset
        &[0, 0, 0, 2],                   // offset delta
        &[0, 0, 0, 0, 0, 0, 0x03, 0xe8], // timestamp
        &[0xff; 4],                      // coordinator epoch
        &[0xff; 8],                      // transaction's first offset
    ]
    .concat();
    assert_eq!(bytes[6..], expected);
    let read = Producers::decode_snapshot(&bytes).expect("it was just written");
    assert_eq!(&read, log.producers());
    for (first, count, offset) in [(0, 1, 0), (1, 3, 1)] {
        let found = read.find_duplicate(&produced(1, 2, first, count));
        assert_eq!(found.map(|b| b.first_offset()), Some(Offset(offset)));
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let mut log = log_with(LogConfig::default());
    store(&mut log, at(0), &produced(1, 2, 0, 1));
    let good = log.producers().encode_snapshot();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        assert!(Producers::decode_snapshot(&bad).is_err(), "byte {at}");
        assert!(
            Producers::decode_snapshot(&good[..at]).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn no_snapshot_bytes_cause_harm() {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..3000 {
        // Mostly well-formed counts, so that entries are reached.
        let entries = random() % 4;
        let mut bytes = vec![0, 0, 0, entries as u8];
        let extra = if random() % 8 == 0 { random() % 46 } else { 0 };
        bytes.extend((0..entries * 46 + extra).map(|_| {
            let byte = (random() >> 24) as u8;
            if byte.is_multiple_of(3) { byte } else { 0 }
        }));
        fuzz_producer_snapshot(&bytes);
    }
}

#[test]
fn producers_are_bounded() {
    let mut producers = Producers::default();
    let max = crate::base::limits::PRODUCERS_MAX as i64;
    for id in 0..=max {
        let time = TimestampMs(id);
        let one = BatchInfo {
            max_timestamp: time,
            ..produced(id, 0, 0, 1)
        };
        producers.replay(&one, Offset(id));
    }
    assert!(producers.len() as i64 <= max);
    assert!(
        producers.get(ProducerId(0)).is_none(),
        "the longest idle is gone"
    );
    assert!(producers.get(ProducerId(max)).is_some());
}
