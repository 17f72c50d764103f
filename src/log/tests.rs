use super::*;
use crate::base::{LeaderEpoch, MonoMs, ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::ErrorCode;
use crate::protocol::records::TimestampType;

mod append;
mod lookup;
mod producers;
mod retention;

/// A moment of the wall clock.
fn at(ms: i64) -> Now {
    Now {
        wall: TimestampMs(ms),
        mono: MonoMs(ms as u64),
    }
}

/// A batch of `records` records and `size_bytes` bytes, all of time `ms`.
fn batch(size_bytes: u32, records: i32, ms: i64) -> BatchInfo {
    BatchInfo {
        size_bytes,
        last_offset_delta: records - 1,
        record_count: records,
        base_timestamp: TimestampMs(ms),
        max_timestamp: TimestampMs(ms),
        producer_id: ProducerId::NONE,
        producer_epoch: ProducerEpoch(-1),
        base_sequence: -1,
        transactional: false,
        control: false,
    }
}

fn produced(id: i64, epoch: i16, sequence: i32, records: i32) -> BatchInfo {
    BatchInfo {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: sequence,
        ..batch(100, records, 1000)
    }
}

fn log_with(config: LogConfig) -> Log {
    Log::new(at(0), config, Offset::ZERO)
}

/// Appends what must be stored.
fn store(log: &mut Log, now: Now, batch: &BatchInfo) -> AppendPlan {
    let appended = log.append(now, batch, LeaderEpoch(0));
    log.invariants();
    match appended {
        Ok(Append::Planned(plan)) => plan,
        other => panic!("the batch is stored, not {other:?}"),
    }
}

/// The segments' base offsets and sizes.
fn layout(log: &Log) -> Vec<(i64, u32)> {
    let pair = |s: &Segment| (s.base_offset.0, s.size_bytes);
    log.segments().map(pair).collect()
}
