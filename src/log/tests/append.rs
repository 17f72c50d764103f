use super::*;

#[test]
fn batches_follow_one_another() {
    let mut log = log_with(LogConfig::default());
    for (size, records, base, last, position) in [
        (100, 1, 0, 0, 0),
        (250, 10, 1, 10, 100),
        (61, 2, 11, 12, 350),
    ] {
        let plan = store(&mut log, at(5), &batch(size, records, 5));
        assert_eq!((plan.base_offset.0, plan.last_offset.0), (base, last));
        assert_eq!((plan.segment.0, plan.position), (0, position));
        assert_eq!(plan.log_append_time, None);
    }
    assert_eq!(log.log_end_offset(), Offset(13));
    assert_eq!(log.size_bytes(), 411);
}

/// `existing` is the first batch's (size, time), appended at time 0 of the clock; the second, of 100 bytes, comes at
/// `now` with its own time.
#[track_caller]
fn check_roll(config: LogConfig, existing: (u32, i64), now: i64, time: i64, rolls: bool) {
    let mut log = log_with(config);
    store(&mut log, at(0), &batch(existing.0, 1, existing.1));
    let plan = store(&mut log, at(now), &batch(100, 1, time));
    assert_eq!(plan.roll.is_some(), rolls, "{existing:?} then {now} {time}");
    assert_eq!(plan.segment.0, i64::from(rolls));
    assert_eq!(plan.position, if rolls { 0 } else { existing.0 });
}

#[test]
fn a_segment_rolls_by_size() {
    let config = LogConfig {
        segment_bytes: 1000,
        ..LogConfig::default()
    };
    check_roll(config.clone(), (900, 0), 0, 0, false);
    check_roll(config, (901, 0), 0, 0, true);
}

#[test]
fn a_segment_rolls_by_its_records_time_or_else_by_the_clock() {
    let config = LogConfig {
        segment_ms: 500,
        segment_jitter_ms: 100,
        ..LogConfig::default()
    };
    for (first, now, time, rolls) in [
        (1000, 0, 1400, false),
        (1000, 0, 1401, true),
        (1000, 9000, 1000, false),
        (-1, 400, 9000, false),
        (-1, 401, -1, true),
    ] {
        check_roll(config.clone(), (100, first), now, time, rolls);
    }
}

#[test]
fn a_segment_rolls_when_an_index_is_full() {
    let config = LogConfig {
        index_interval_bytes: 0,
        segment_index_bytes: 24,
        ..LogConfig::default()
    };
    let mut log = log_with(config);
    // The first batch gets no entry; the second's fills the time index, which has two slots and keeps one.
    for (time, rolls) in [(1, false), (2, false), (3, true), (4, false), (5, true)] {
        let plan = store(&mut log, at(0), &batch(100, 1, time));
        assert_eq!(plan.roll.is_some(), rolls, "{time}");
    }
}

#[test]
fn a_segment_rolls_before_an_offset_outgrows_its_index() {
    let mut log = log_with(LogConfig::default());
    store(&mut log, at(0), &batch(100, i32::MAX, 0));
    let plan = store(&mut log, at(0), &batch(100, 1, 0));
    assert!(plan.roll.is_none(), "offset 2^31 - 1 fits");
    let plan = store(&mut log, at(0), &batch(100, 1, 0));
    assert!(plan.roll.is_some());
}

#[test]
fn a_rolled_segment_is_handed_over_whole() {
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 300,
        ..LogConfig::default()
    };
    let mut log = log_with(config);
    for time in [10, 30, 20] {
        store(&mut log, at(0), &batch(310, 2, time));
    }
    let roll = store(&mut log, at(7), &produced(1, 0, 0, 1))
        .roll
        .expect("it is full");
    let sealed = roll.sealed;
    assert_eq!(
        (roll.new_base, sealed.snapshot_offset),
        (Offset(6), Offset(6))
    );
    assert_eq!(sealed.segment.size_bytes, 930);
    assert_eq!(sealed.segment.max_timestamp, TimestampMs(30));
    let offsets: Vec<_> = sealed
        .index
        .offset_entries()
        .iter()
        .map(|e| (e.relative_offset, e.position))
        .collect();
    assert_eq!(offsets, [(3, 310), (5, 620)]);
    let times: Vec<_> = sealed
        .index
        .time_entries()
        .iter()
        .map(|e| (e.timestamp.0, e.relative_offset))
        .collect();
    assert_eq!(times, [(30, 3)]);
    // The snapshot is of the segment's end: without the batch that came next.
    assert_eq!(
        Producers::decode_snapshot(&sealed.producer_snapshot),
        Ok(Producers::default())
    );
}

#[test]
fn the_brokers_time_is_told_where_the_topic_asks_for_it() {
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppendTime,
        ..LogConfig::default()
    };
    let plan = store(&mut log_with(config), at(9), &batch(100, 1, 9));
    assert_eq!(plan.log_append_time, Some(TimestampMs(9)));
}

#[test]
fn what_cannot_be_stored_is_refused_and_leaves_no_trace() {
    let config = LogConfig {
        segment_bytes: 1000,
        ..LogConfig::default()
    };
    let transactional = BatchInfo {
        transactional: true,
        ..produced(1, 0, 0, 1)
    };
    for (bad, code) in [
        (batch(1001, 1, 0), ErrorCode::RecordListTooLarge),
        (batch(100, 0, 0), ErrorCode::InvalidRecord),
        (batch(0, 1, 0), ErrorCode::InvalidRecord),
        (transactional, ErrorCode::InvalidTxnState),
    ] {
        let mut log = log_with(config.clone());
        let refused = log.append(at(0), &bad, LeaderEpoch(0));
        assert_eq!(refused.map_err(|e| e.code()), Err(code));
        assert_eq!((log.log_end_offset(), log.size_bytes()), (Offset::ZERO, 0));
        assert!(log.epochs().entries().is_empty() && log.producers().is_empty());
    }
}

#[test]
fn the_first_batch_of_an_epoch_is_noted() {
    let mut log = log_with(LogConfig::default());
    for (epoch, new) in [(0, true), (0, false), (3, true), (3, false)] {
        let appended = log.append(at(0), &batch(100, 2, 0), LeaderEpoch(epoch));
        assert!(matches!(appended, Ok(Append::Planned(plan)) if plan.new_epoch == new));
    }
    let entries: Vec<_> = log
        .epochs()
        .entries()
        .iter()
        .map(|e| (e.epoch.0, e.start_offset.0))
        .collect();
    assert_eq!(entries, [(0, 0), (3, 4)]);
}
