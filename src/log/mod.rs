//! One partition's log as plain arithmetic: where a batch goes, where an offset lies, what may be deleted.
//!
//! [`Log`] holds no bytes and no files. An append answers with a place ([`AppendPlan`]), a read with a range ([`ReadPlan`])
//! or with what to look for in a file ([`ColdRead`]); [`WriteQueue`](write_plan::WriteQueue) says what to write and
//! sync, and in which order. The rules are those of Kafka's `UnifiedLog`, `LocalLog` and `LogSegment`.

use std::collections::VecDeque;

use thiserror::Error;

use crate::base::{Now, Offset};

mod append;
mod batch;
mod config;
pub mod files;
pub mod index;
mod leader_epochs;
pub mod locate;
mod producer_snapshot;
mod producer_state;
mod read;
mod recent;
pub mod recovery;
mod retention;
mod roll;
mod segments;
mod sparse_index;
mod time_lookup;
mod truncate;
pub mod write_plan;

pub use append::{Append, AppendError, AppendPlan, Duplicate};
pub use batch::BatchInfo;
pub use config::{Durability, LogConfig};
pub use leader_epochs::{EpochEnd, EpochEntry, LeaderEpochs};
pub use producer_snapshot::{SnapshotError, fuzz_producer_snapshot};
pub use producer_state::{ProducerEntry, ProducerError, Producers, StoredBatch};
pub use read::{ColdRead, ReadError, ReadPlan, ReadStep, ScanFrom};
pub use recent::{RecentBatch, RecentBatches};
pub use retention::{DeleteReason, Retention, SegmentToDelete};
pub use roll::{RollPlan, SealedSegment};
pub use segments::{ActiveSegment, Segment};
pub use sparse_index::{OFFSET_ENTRY_BYTES, OffsetEntry, SparseIndex, TIME_ENTRY_BYTES, TimeEntry};
pub use time_lookup::TimeSearch;
pub use truncate::{ColdTruncation, Truncation};

/// One partition's log.
#[derive(Clone, Debug)]
pub struct Log {
    config: LogConfig,
    closed: VecDeque<Segment>,
    active: ActiveSegment,
    log_start_offset: Offset,
    log_end_offset: Offset,
    recent: RecentBatches,
    epochs: LeaderEpochs,
    producers: Producers,
}

/// What recovery found on disk.
#[derive(Clone, Debug)]
pub struct RecoveredLog {
    /// All segments but the last, ascending.
    pub closed: Vec<Segment>,
    /// The last segment, with its indexes.
    pub active: ActiveSegment,
    /// The checkpointed start; raised to the first segment's base offset if that is beyond it.
    pub log_start_offset: Offset,
    /// The offset after the last valid record.
    pub log_end_offset: Offset,
    /// The leader epochs; cut to the log's range.
    pub epochs: LeaderEpochs,
    /// The producers' state at the log's end.
    pub producers: Producers,
}

/// Recovered segments that cannot be one log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "segment {segment} does not lie between the segment before it and the log's end {log_end_offset}"
)]
pub struct DisorderedSegments {
    /// The first segment that is out of order.
    pub segment: Offset,
    /// The log's end.
    pub log_end_offset: Offset,
}

impl Log {
    /// An empty log that begins at `base_offset`.
    pub fn new(now: Now, config: LogConfig, base_offset: Offset) -> Self {
        Log {
            config,
            closed: VecDeque::new(),
            active: ActiveSegment::empty(base_offset, now.wall),
            log_start_offset: base_offset,
            log_end_offset: base_offset,
            recent: RecentBatches::default(),
            epochs: LeaderEpochs::default(),
            producers: Producers::default(),
        }
    }

    /// The log that recovery found.
    pub fn recovered(config: LogConfig, found: RecoveredLog) -> Result<Self, DisorderedSegments> {
        let mut log = Log {
            config,
            closed: found.closed.into(),
            active: found.active,
            log_start_offset: found.log_start_offset,
            log_end_offset: found.log_end_offset,
            recent: RecentBatches::default(),
            epochs: found.epochs,
            producers: found.producers,
        };
        log.check_order()?;
        log.log_start_offset = log
            .log_start_offset
            .max(log.first_base())
            .min(log.log_end_offset);
        log.epochs.truncate_from_end(log.log_end_offset);
        log.epochs.truncate_from_start(log.log_start_offset);
        Ok(log)
    }

    fn check_order(&self) -> Result<(), DisorderedSegments> {
        let mut from = Offset::ZERO;
        for segment in self.segments() {
            if segment.base_offset < from || segment.base_offset > self.log_end_offset {
                return Err(DisorderedSegments {
                    segment: segment.base_offset,
                    log_end_offset: self.log_end_offset,
                });
            }
            from = segment.base_offset.next();
        }
        Ok(())
    }

    /// The settings.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Takes new settings; they hold from the next append on.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The first offset that may be read.
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// The offset that the next record gets.
    pub fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// All segments, oldest first, the active one last.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().chain([&self.active.segment])
    }

    /// The segment that takes appends.
    pub fn active(&self) -> &ActiveSegment {
        &self.active
    }

    /// Bytes of batches in all segments.
    pub fn size_bytes(&self) -> u64 {
        self.segments().map(|s| u64::from(s.size_bytes)).sum()
    }

    /// The leader epochs.
    pub fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// Notes a leader epoch that begins at the log's end; true if the epoch checkpoint has to be written.
    pub fn begin_epoch(&mut self, epoch: crate::base::LeaderEpoch) -> bool {
        self.epochs.assign(epoch, self.log_end_offset)
    }

    /// The idempotent producers.
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    /// Replaces the producers' state, after a truncation asked for it.
    pub fn set_producers(&mut self, producers: Producers) {
        self.producers = producers;
    }

    /// Forgets producers that have been idle for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, now: Now) {
        self.producers
            .expire(now.wall, self.config.producer_id_expiration_ms);
    }

    /// Moves the log's start up to `offset` (at most the log's end); true if it moved. Segments that lie below are deleted
    /// by the next retention pass.
    pub fn advance_start(&mut self, offset: Offset) -> bool {
        self.raise_start(offset.min(self.log_end_offset))
    }

    fn raise_start(&mut self, offset: Offset) -> bool {
        if offset <= self.log_start_offset {
            return false;
        }
        self.log_start_offset = offset;
        self.epochs.truncate_from_start(offset);
        true
    }

    /// Forgets the exact positions of batches that begin before `below_position` of `segment`, or in an older segment:
    /// their bytes have left memory.
    pub fn evict_recent(&mut self, segment: Offset, below_position: u32) {
        let next = self.segment_at(segment).1;
        self.recent.evict_while(|b| {
            let in_segment = next.is_none_or(|next| b.base_offset < next);
            b.base_offset < segment || (in_segment && b.position < below_position)
        });
    }

    /// The batches whose exact positions are known, oldest first.
    pub fn recent(&self) -> &RecentBatches {
        &self.recent
    }

    fn first_base(&self) -> Offset {
        self.closed
            .front()
            .unwrap_or(&self.active.segment)
            .base_offset
    }

    /// Asserts what holds between events.
    pub fn invariants(&self) {
        assert!(self.log_start_offset <= self.log_end_offset);
        assert!(self.check_order().is_ok());
        assert!(
            self.active.segment.size_bytes <= self.config.segment_bytes || self.recent.is_empty()
        );
        self.active.index.invariants(self.active.segment.size_bytes);
        self.producers.invariants();
        let mut end = None;
        for batch in self.recent.iter() {
            assert!(end.is_none_or(|end| batch.base_offset == end));
            let (segment, _) = self.segment_at(batch.base_offset);
            assert!(batch.end_position() <= segment.size_bytes);
            end = Some(batch.last_offset.next());
        }
        assert!(end.is_none_or(|end| end == self.log_end_offset));
    }
}

#[cfg(test)]
mod tests;
