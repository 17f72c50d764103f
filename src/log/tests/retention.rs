use super::*;

/// Segments of one batch each: 400 bytes, the given time; the last is active. The clock stood at 1000 for each append.
fn log_of(config: LogConfig, times: &[i64]) -> Log {
    let mut log = log_with(LogConfig {
        segment_bytes: 400,
        ..config
    });
    for &time in times {
        store(&mut log, at(1000), &batch(400, 1, time));
    }
    log
}

fn keep_all() -> LogConfig {
    LogConfig {
        retention_ms: None,
        retention_bytes: None,
        ..LogConfig::default()
    }
}

#[track_caller]
fn check(log: &mut Log, now: i64, high_watermark: i64, deleted: &[i64], start: i64) {
    let done = log.retention(at(now), Offset(high_watermark));
    log.invariants();
    let gone: Vec<i64> = done.deleted.iter().map(|d| d.segment.0).collect();
    assert_eq!(gone, deleted);
    assert_eq!(log.log_start_offset(), Offset(start));
    assert_eq!(log.segments().next().map(|s| s.base_offset.0), Some(start));
}

#[test]
fn old_segments_go() {
    let config = LogConfig {
        retention_ms: Some(100),
        ..keep_all()
    };
    for (times, now, deleted) in [
        (&[500, 600, 700][..], 600, &[][..]),
        (&[500, 600, 700], 601, &[0]),
        (&[500, 600, 700], 701, &[0, 1]),
        // A young segment protects the old ones behind it.
        (&[700, 500, 700], 701, &[]),
        // Without a time in the records the last change counts.
        (&[-1, -1, 9000], 1100, &[]),
        (&[-1, -1, 9000], 1101, &[0, 1]),
    ] {
        let mut log = log_of(config.clone(), times);
        check(&mut log, now, 3, deleted, deleted.len() as i64);
    }
}

#[test]
fn if_all_are_old_the_active_segment_is_rolled_first() {
    let config = LogConfig {
        retention_ms: Some(100),
        ..keep_all()
    };
    let mut log = log_of(config, &[500, 600]);
    let done = log.retention(at(9000), Offset(2));
    assert_eq!(done.roll.expect("it rolls").new_base, Offset(2));
    assert_eq!(done.deleted.len(), 2);
    assert_eq!(layout(&log), [(2, 0)]);
    assert_eq!(log.log_start_offset(), Offset(2));
    assert_eq!(
        log.retention(at(99_000), Offset(2)),
        Retention::default(),
        "an empty segment stays"
    );
}

#[test]
fn a_large_log_loses_whole_segments_down_to_its_size() {
    for (keep, deleted) in [
        (1200, &[][..]),
        (1199, &[]),
        (801, &[]),
        (800, &[0]),
        (400, &[0, 1]),
        (1, &[0, 1]),
        (0, &[0, 1, 2]),
    ] {
        let config = LogConfig {
            retention_bytes: Some(keep),
            ..keep_all()
        };
        let mut log = log_of(config, &[0, 0, 0]);
        check(&mut log, 0, 3, deleted, deleted.len() as i64);
    }
}

#[test]
fn nothing_beyond_the_high_watermark_goes() {
    let config = LogConfig {
        retention_bytes: Some(0),
        ..keep_all()
    };
    for (high_watermark, deleted) in [(0, &[][..]), (1, &[0]), (2, &[0, 1]), (3, &[0, 1, 2])] {
        let mut log = log_of(config.clone(), &[0, 0, 0]);
        check(&mut log, 0, high_watermark, deleted, deleted.len() as i64);
    }
}

#[test]
fn what_lies_below_the_start_goes_under_any_policy() {
    for (delete, compact) in [(true, false), (false, true), (false, false)] {
        let config = LogConfig {
            cleanup_delete: delete,
            cleanup_compact: compact,
            ..keep_all()
        };
        let mut log = log_of(config, &[0, 0, 0]);
        log.advance_start(Offset(2));
        check(&mut log, 0, 3, &[0, 1], 2);
    }
    let compacted = LogConfig {
        cleanup_delete: false,
        cleanup_compact: true,
        retention_bytes: Some(0),
        retention_ms: Some(1),
        ..LogConfig::default()
    };
    check(&mut log_of(compacted, &[0, 0, 0]), 99_000, 3, &[], 0);
}
