use super::*;

/// Three segments: offsets 0..4 (times 10, 40), 4..8 (no time, 30), 8..12 (60, 50); each batch 400 bytes, 2 records.
fn three_segments() -> Log {
    let mut log = log_with(LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    });
    for time in [10, 40, -1, 30, 60, 50] {
        store(&mut log, at(100), &batch(400, 2, time));
    }
    assert_eq!(layout(&log), [(0, 800), (4, 800), (8, 800)]);
    log
}

fn plan(segment: i64, position: u32, len: u32, next: i64) -> Result<ReadStep, ErrorCode> {
    Ok(ReadStep::Plan(ReadPlan {
        segment: Offset(segment),
        position,
        len,
        next_offset: Offset(next),
    }))
}

#[test]
fn recent_reads_are_exact_whole_batches_of_one_segment() {
    let log = three_segments();
    let empty = Ok(ReadStep::Empty);
    let out = Err(ErrorCode::OffsetOutOfRange);
    for (offset, max_bytes, bound, min_one, expected) in [
        (0, 10_000, 12, false, plan(0, 0, 800, 4)),
        (1, 800, 12, false, plan(0, 0, 800, 4)),
        (1, 799, 12, false, plan(0, 0, 400, 2)),
        (2, 400, 12, false, plan(0, 400, 400, 4)),
        (2, 399, 12, false, empty),
        (2, 399, 12, true, plan(0, 400, 400, 4)),
        (2, 0, 12, true, plan(0, 400, 400, 4)),
        (2, 0, 12, false, empty),
        (4, 10_000, 6, false, plan(4, 0, 400, 6)),
        (4, 10_000, 7, false, plan(4, 0, 400, 6)),
        (11, 10_000, 12, false, plan(8, 400, 400, 12)),
        (11, 10_000, 11, true, empty),
        (12, 10_000, 12, true, empty),
        (11, 10_000, 9, true, empty),
        (13, 10_000, 12, true, out),
        (-1, 10_000, 12, true, out),
    ] {
        let step = log.read(Offset(offset), max_bytes, Offset(bound), min_one);
        assert_eq!(
            step.map_err(|e| e.code()),
            expected,
            "{offset} {max_bytes} {bound}"
        );
    }
}

#[test]
fn reads_before_the_start_are_refused() {
    let mut log = three_segments();
    assert!(log.advance_start(Offset(5)));
    assert!(log.read(Offset(4), 100, Offset(12), true).is_err());
    assert!(log.read(Offset(5), 100, Offset(12), true).is_ok());
    assert!(!log.advance_start(Offset(3)), "the start never moves back");
}

#[test]
fn other_reads_are_looked_for_in_a_file() {
    let mut log = three_segments();
    log.evict_recent(Offset(8), 400);
    let cold = |segment, scan_from, target, end_position, end_offset, next: Option<i64>| {
        ReadStep::Cold(ColdRead {
            segment: Offset(segment),
            scan_from,
            target: Offset(target),
            max_bytes: 500,
            min_one_batch: true,
            end_position,
            end_offset: Offset(end_offset),
            next_segment: next.map(Offset),
        })
    };
    for (offset, bound, expected) in [
        (1, 12, cold(0, ScanFrom::IndexFile, 1, 800, 12, Some(4))),
        (3, 4, cold(0, ScanFrom::IndexFile, 3, 800, 4, None)),
        (9, 12, cold(8, ScanFrom::Position(0), 9, 800, 12, None)),
        (9, 10, cold(8, ScanFrom::Position(0), 9, 400, 10, None)),
    ] {
        let step = log.read(Offset(offset), 500, Offset(bound), true);
        assert_eq!(step, Ok(expected), "{offset} {bound}");
    }
    assert!(matches!(
        log.read(Offset(10), 500, Offset(12), true),
        Ok(ReadStep::Plan(_))
    ));
}

#[test]
fn the_sparse_index_shortens_a_scan() {
    let mut log = log_with(LogConfig {
        index_interval_bytes: 600,
        ..LogConfig::default()
    });
    for time in 0..9 {
        store(&mut log, at(0), &batch(400, 1, time));
    }
    // An entry after each 600 bytes: for the batches at 800, 1600, 2400 and 3200.
    for (target, position) in [
        (0, 0),
        (1, 0),
        (2, 800),
        (3, 800),
        (4, 1600),
        (8, 3200),
        (99, 3200),
    ] {
        let index = &log.active().index;
        assert_eq!(
            index.position_for(Offset::ZERO, Offset(target)),
            position,
            "{target}"
        );
    }
}

#[test]
fn a_timestamp_is_searched_in_the_first_segment_that_reaches_it() {
    let log = three_segments();
    for (timestamp, segment) in [
        (0, Some(0)),
        (40, Some(0)),
        (41, Some(8)),
        (60, Some(8)),
        (61, None),
    ] {
        let search = log.lookup_timestamp(TimestampMs(timestamp));
        assert_eq!(search.map(|s| s.segment.0), segment, "{timestamp}");
    }
    let search = log.lookup_timestamp(TimestampMs(55)).expect("60 is there");
    assert_eq!(
        (search.scan_from, search.end_position),
        (ScanFrom::Position(0), 800)
    );
}

#[test]
fn the_largest_timestamp_is_that_of_the_first_segment_that_has_it() {
    let mut log = three_segments();
    let search = log.lookup_max_timestamp().expect("there are times");
    assert_eq!((search.segment.0, search.timestamp.0), (8, 60));
    store(&mut log, at(100), &batch(400, 2, 60));
    assert_eq!(log.lookup_max_timestamp().map(|s| s.segment.0), Some(8));
    let mut timeless = log_with(LogConfig::default());
    store(&mut timeless, at(0), &batch(100, 1, -1));
    assert_eq!(timeless.lookup_max_timestamp(), None);
}

#[test]
fn a_cut_within_a_segment_needs_a_scan() {
    let mut log = three_segments();
    assert_eq!(
        log.truncate_to(at(0), Offset(12)),
        Ok(Truncation::default())
    );
    let cold = log
        .truncate_to(at(0), Offset(7))
        .expect_err("offset 7 lies within a segment");
    assert_eq!(
        (cold.segment, cold.size_bytes, cold.target),
        (Offset(4), 800, Offset(7))
    );
    let mut kept = ActiveSegment::empty(Offset(4), TimestampMs(0));
    kept.push(log.config(), TimestampMs(0), &batch(400, 2, -1), Offset(5));
    let done = log.truncate_with(kept, Offset(6));
    log.invariants();
    assert_eq!(layout(&log), [(0, 800), (4, 400)]);
    assert_eq!(
        done.deleted.iter().map(|d| d.segment.0).collect::<Vec<_>>(),
        [8]
    );
    assert_eq!(log.log_end_offset(), Offset(6));
    let done = log.truncate_to(at(0), Offset(0)).expect("all goes");
    assert_eq!(
        done.deleted.iter().map(|d| d.segment.0).collect::<Vec<_>>(),
        [4]
    );
    assert_eq!(layout(&log), [(0, 0)]);
}

#[test]
fn segments_out_of_order_are_no_log() {
    let segment = |base| Segment {
        size_bytes: 10,
        ..Segment::empty(Offset(base), TimestampMs(0))
    };
    let found = |closed: &[i64], active, end| RecoveredLog {
        closed: closed.iter().copied().map(segment).collect(),
        active: ActiveSegment {
            segment: segment(active),
            ..ActiveSegment::empty(Offset(active), TimestampMs(0))
        },
        log_start_offset: Offset(1),
        log_end_offset: Offset(end),
        epochs: LeaderEpochs::default(),
        producers: Producers::default(),
    };
    for (closed, active, end, start) in [
        (&[][..], 0, 0, Some(0)),
        (&[], 0, 9, Some(1)),
        (&[3, 5], 9, 9, Some(3)),
        (&[3, 5], 5, 9, None),
        (&[5, 3], 9, 9, None),
        (&[3], 9, 8, None),
    ] {
        let log = Log::recovered(LogConfig::default(), found(closed, active, end));
        let begins = log.map(|log| log.log_start_offset().0).ok();
        assert_eq!(begins, start, "{closed:?} {active} {end}");
    }
}
