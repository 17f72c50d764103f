use super::super::*;
use crate::base::{ProducerEpoch, ProducerId, TimestampMs};
use crate::log::write_plan::{IoFailed, ReserveError};
use crate::log::{BatchInfo, Durability, EpochEnd, ReadStep, ScanFrom};

fn now() -> Now {
    Now {
        wall: TimestampMs(1000),
        mono: MonoMs(0),
    }
}

fn batch(sequence: i32) -> BatchInfo {
    BatchInfo {
        size_bytes: 100,
        last_offset_delta: 0,
        record_count: 1,
        base_timestamp: TimestampMs(1000),
        max_timestamp: TimestampMs(1000),
        producer_id: ProducerId(1),
        producer_epoch: ProducerEpoch(0),
        base_sequence: sequence,
        transactional: false,
        control: false,
    }
}

/// A partition, and what it has asked for and not been answered.
struct Bench {
    partition: Partition,
    out: Effects,
    sequence: i32,
}

impl Bench {
    fn new(config: LogConfig) -> Bench {
        Bench {
            partition: Partition::new(now(), config, LeaderEpoch(3)),
            out: Effects::new(),
            sequence: 0,
        }
    }

    /// Appends a batch of one record; its token is its sequence number.
    fn append(&mut self, acks: Acks) {
        let sequence = self.sequence;
        self.sequence += 1;
        let appended = self.append_again(sequence, acks, sequence as u64);
        assert!(matches!(appended, Ok(Appended::Stored { .. })));
    }

    fn append_again(
        &mut self,
        sequence: i32,
        acks: Acks,
        token: u64,
    ) -> Result<Appended, AppendError> {
        let (batch, out) = (batch(sequence), &mut self.out);
        let appended = self.partition.append(now(), &batch, acks, token, out);
        self.partition.pump(out);
        self.partition.invariants();
        appended
    }

    fn reserved(&mut self) {
        self.partition.on_reserved(Ok(()), &mut self.out);
        self.partition.invariants();
    }

    fn written(&mut self) {
        self.partition.on_written(Ok(()), &mut self.out);
        self.partition.invariants();
    }

    fn synced(&mut self) {
        self.partition.on_synced(Ok(()), &mut self.out);
        self.partition.invariants();
    }

    /// The answers and wake-ups since the last look, as text; other effects are dropped.
    fn answers(&mut self) -> Vec<String> {
        let told = |effect| match effect {
            Effect::Ack { token, result } => Some(match result {
                Ok(()) => format!("ack {token}"),
                Err(code) => format!("{code:?} {token}"),
            }),
            Effect::Wake { token } => Some(format!("wake {token}")),
            _ => None,
        };
        self.out.drain().filter_map(told).collect()
    }
}

#[test]
fn acks_are_answered_when_they_are_earned() {
    let mut bench = Bench::new(LogConfig::default());
    bench.reserved();
    bench.append(Acks::None);
    bench.reserved();
    bench.append(Acks::Leader);
    bench.append(Acks::All);
    bench.written();
    assert_eq!(
        bench.answers(),
        [""; 0],
        "the first write had the first batch only"
    );
    bench.written();
    assert_eq!(bench.answers(), ["ack 1"]);
    bench.synced();
    assert_eq!(bench.answers(), ["ack 2"]);
    assert_eq!(bench.partition.high_watermark(), Offset(3));
}

#[test]
fn a_topic_may_have_all_answered_at_the_write() {
    let mut bench = Bench::new(LogConfig {
        durability: Durability::Write,
        ..LogConfig::default()
    });
    bench.append(Acks::All);
    bench.reserved();
    bench.written();
    assert_eq!(bench.answers(), ["ack 0"]);
    assert!(bench.partition.writes().is_idle(), "no sync is asked for");
}

#[test]
fn a_duplicate_waits_for_its_original() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::Leader);
    bench.reserved();
    let again = bench.append_again(0, Acks::All, 77);
    assert!(matches!(again, Ok(Appended::Duplicate(d)) if d.base_offset == Offset(0)));
    bench.written();
    assert_eq!(bench.answers(), ["ack 0"]);
    bench.synced();
    assert_eq!(bench.answers(), ["ack 77"]);
    assert!(bench.append_again(0, Acks::All, 78).is_ok());
    assert_eq!(bench.answers(), ["ack 78"], "it is durable already");
}

#[test]
fn a_cancelled_produce_is_not_answered() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::Leader);
    bench.append(Acks::Leader);
    assert!(bench.partition.cancel(0));
    assert!(!bench.partition.cancel(0));
    bench.reserved();
    bench.written();
    assert_eq!(bench.answers(), ["ack 1"]);
}

#[test]
fn watchers_wake_once_when_the_high_watermark_has_passed() {
    let mut bench = Bench::new(LogConfig::default());
    assert!(bench.partition.watch(10, Offset(0)));
    assert!(bench.partition.watch(11, Offset(1)));
    assert!(bench.partition.watch(12, Offset(0)));
    assert!(bench.partition.unwatch(12));
    bench.append(Acks::None);
    bench.reserved();
    assert_eq!(bench.answers(), [""; 0]);
    bench.written();
    assert_eq!(bench.answers(), ["wake 10"]);
    assert!(
        !bench.partition.watch(13, Offset(0)),
        "there is data already"
    );
    bench.append(Acks::None);
    bench.written();
    assert_eq!(bench.answers(), ["wake 11"]);
}

#[test]
fn a_failed_write_or_sync_poisons_the_partition() {
    for sync_fails in [false, true] {
        let mut bench = Bench::new(LogConfig::default());
        bench.append(Acks::All);
        bench.reserved();
        assert!(bench.partition.watch(10, Offset(5)));
        if sync_fails {
            bench.written();
            bench.partition.on_synced(Err(IoFailed), &mut bench.out);
        } else {
            bench.partition.on_written(Err(IoFailed), &mut bench.out);
        }
        bench.partition.invariants();
        assert_eq!(bench.answers(), ["KafkaStorageError 0", "wake 10"]);
        let refused = bench.append_again(1, Acks::All, 9).map_err(|e| e.code());
        assert_eq!(refused, Err(ErrorCode::KafkaStorageError));
        let read = bench
            .partition
            .read(Offset(0), 100, Isolation::ReadUncommitted, true);
        assert_eq!(read, Err(ErrorCode::KafkaStorageError));
        assert!(bench.out.is_empty() && bench.partition.is_settled());
    }
}

#[test]
fn a_full_disk_refuses_produce_until_space_returns() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::Leader);
    // The second, for the smallest step, tells that the disk is full.
    for _ in 0..2 {
        bench
            .partition
            .on_reserved(Err(ReserveError::NoSpace), &mut bench.out);
    }
    assert_eq!(
        bench.append_again(1, Acks::Leader, 9),
        Err(AppendError::NoSpace)
    );
    assert_eq!(bench.answers(), ["KafkaStorageError 0"]);
    assert_eq!(
        bench.partition.unavailable(),
        None,
        "reads and retention go on"
    );
    bench.partition.retry_reserve(&mut bench.out);
    assert_eq!(
        bench.append_again(1, Acks::Leader, 9),
        Err(AppendError::NoSpace),
        "nothing is taken before space is back"
    );
    bench.reserved();
    assert!(matches!(
        bench.append_again(0, Acks::Leader, 9),
        Ok(Appended::Duplicate(_))
    ));
    bench.written();
    assert_eq!(bench.answers(), ["ack 9"]);
    bench.append(Acks::Leader);
}

#[test]
fn a_closed_partition_tells_everyone_why() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::Leader);
    assert!(bench.partition.watch(10, Offset(5)));
    bench
        .partition
        .close(ErrorCode::UnknownTopicOrPartition, &mut bench.out);
    assert_eq!(bench.answers(), ["UnknownTopicOrPartition 0", "wake 10"]);
    let refused = bench.append_again(1, Acks::All, 9).map_err(|e| e.code());
    assert_eq!(refused, Err(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn a_segment_is_deleted_only_once_it_is_sealed() {
    let mut bench = Bench::new(LogConfig {
        segment_bytes: 100,
        retention_bytes: Some(0),
        ..LogConfig::default()
    });
    bench.append(Acks::None);
    bench.reserved();
    bench.written();
    bench.answers();
    bench.partition.retention(now(), &mut bench.out);
    bench.partition.invariants();
    let effects: Vec<Effect> = bench.out.drain().collect();
    assert!(
        matches!(&effects[..], [Effect::WriteEpochs, Effect::Seal(seal)] if seal.op.size_bytes == 100)
    );
    bench.partition.on_sealed(Ok(()), &mut bench.out);
    let effects: Vec<Effect> = bench.out.drain().collect();
    assert!(matches!(&effects[..], [Effect::Delete(d)] if d.segment == Offset(0)));
    assert_eq!(bench.partition.offsets().log_start, Offset(1));
}

#[test]
fn a_rolled_segment_is_searched_by_its_index_whether_it_is_sealed_or_not() {
    let mut bench = Bench::new(LogConfig {
        segment_bytes: 500,
        index_interval_bytes: 0,
        ..LogConfig::default()
    });
    (0..6).for_each(|_| bench.append(Acks::None));
    bench.reserved();
    bench.written();
    bench.partition.evict_recent(Offset(5), 0);
    let scan_from = |bench: &Bench| {
        let isolation = Isolation::ReadUncommitted;
        let read = bench.partition.read(Offset(3), 100, isolation, true);
        let Ok(ReadStep::Cold(cold)) = read else {
            panic!("{read:?}");
        };
        let search = bench.partition.lookup_timestamp(TimestampMs(1000));
        (cold.scan_from, search.expect("it is there").scan_from)
    };
    let in_memory = (ScanFrom::Position(300), ScanFrom::Position(0));
    assert_eq!(scan_from(&bench), in_memory);
    assert!(
        bench
            .out
            .drain()
            .any(|effect| matches!(effect, Effect::Seal(_)))
    );
    bench.partition.on_sealed(Ok(()), &mut bench.out);
    assert_eq!(
        scan_from(&bench),
        (ScanFrom::IndexFile, ScanFrom::IndexFile)
    );
}

#[test]
fn flushes_come_by_count_and_by_time() {
    let mut bench = Bench::new(LogConfig {
        flush_messages: 2,
        flush_ms: 500,
        ..LogConfig::default()
    });
    bench.append(Acks::None);
    bench.reserved();
    bench.written();
    assert!(bench.partition.writes().is_idle());
    bench.append(Acks::None);
    bench.written();
    assert!(!bench.partition.writes().is_idle(), "two records");
    bench.synced();
    bench.append(Acks::None);
    bench.written();
    for (mono, flushes) in [(499, false), (500, true)] {
        let later = Now {
            mono: MonoMs(mono),
            ..now()
        };
        bench.partition.tick(later, &mut bench.out);
        assert_eq!(!bench.partition.writes().is_idle(), flushes, "{mono}");
    }
}

#[test]
fn producers_of_old_records_are_remembered_until_they_are_looked_for() {
    let mut bench = Bench::new(LogConfig {
        producer_id_expiration_ms: 1000,
        ..LogConfig::default()
    });
    bench.append(Acks::None);
    let later = Now {
        wall: TimestampMs(5000),
        mono: MonoMs(4000),
    };
    bench.partition.tick(later, &mut bench.out);
    let gap = bench.append_again(7, Acks::None, 1);
    let refused = gap.map_err(|error| error.code()).err();
    assert_eq!(refused, Some(ErrorCode::OutOfOrderSequenceNumber));
    bench.partition.expire_producers(later);
    let anew = bench.append_again(7, Acks::None, 2);
    assert!(matches!(anew, Ok(Appended::Stored { .. })), "{anew:?}");
}

#[test]
fn leader_epochs_are_checked() {
    let partition = Bench::new(LogConfig::default()).partition;
    for (current, expected) in [
        (None, Ok(())),
        (Some(3), Ok(())),
        (Some(2), Err(ErrorCode::FencedLeaderEpoch)),
        (Some(4), Err(ErrorCode::UnknownLeaderEpoch)),
    ] {
        assert_eq!(
            partition.check_leader_epoch(current.map(LeaderEpoch)),
            expected
        );
    }
}

#[test]
fn a_reader_that_went_another_way_is_told_where() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::None);
    bench.append(Acks::None);
    bench.partition.lead(LeaderEpoch(6), &mut bench.out);
    bench.append(Acks::None);
    let diverges = |epoch, end| {
        Ok(EpochAnswer::Diverges(EpochEnd {
            epoch: LeaderEpoch(epoch),
            end_offset: Offset(end),
        }))
    };
    for (last_fetched, offset, expected) in [
        (3, 2, Ok(EpochAnswer::Agrees)),
        (6, 3, Ok(EpochAnswer::Agrees)),
        (3, 3, diverges(3, 2)),
        (5, 2, diverges(3, 2)),
        (6, 4, diverges(6, 3)),
        (7, 3, Err(ErrorCode::OffsetOutOfRange)),
        (3, -1, Err(ErrorCode::OffsetOutOfRange)),
    ] {
        let answer = bench
            .partition
            .check_last_fetched_epoch(LeaderEpoch(last_fetched), Offset(offset));
        assert_eq!(answer, expected, "{last_fetched} {offset}");
    }
}

#[test]
fn a_new_leaders_offsets_are_not_known_before_its_high_watermark() {
    let mut bench = Bench::new(LogConfig::default());
    bench.append(Acks::None);
    bench.partition.lead(LeaderEpoch(4), &mut bench.out);
    assert_eq!(
        bench.partition.check_offsets_available(),
        Err(ErrorCode::OffsetNotAvailable)
    );
    bench.reserved();
    bench.written();
    assert_eq!(bench.partition.check_offsets_available(), Ok(()));
}
