//! A log's segments: closed ones in a few words each, the active one with its indexes.

use super::batch::BatchInfo;
use super::config::LogConfig;
use super::sparse_index::{SparseIndex, TimeEntry};
use crate::base::{Offset, TimestampMs};
use crate::protocol::records::NO_TIMESTAMP;

/// What the log remembers of any segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The offset of the first record, which names the files.
    pub base_offset: Offset,
    /// The log file's bytes of batches (not its reserved size).
    pub size_bytes: u32,
    /// The largest timestamp, or -1.
    pub max_timestamp: TimestampMs,
    /// The last offset of the batch that holds it.
    pub max_timestamp_offset: Offset,
    /// When bytes were last appended.
    pub last_modified: TimestampMs,
}

impl Segment {
    /// A segment without a batch.
    pub fn empty(base_offset: Offset, now: TimestampMs) -> Self {
        Segment {
            base_offset,
            size_bytes: 0,
            max_timestamp: NO_TIMESTAMP,
            max_timestamp_offset: base_offset,
            last_modified: now,
        }
    }

    /// The time by which retention judges it: its records' latest, or its last change if they carry no time.
    pub fn largest_timestamp(&self) -> TimestampMs {
        if self.max_timestamp.0 >= 0 {
            self.max_timestamp
        } else {
            self.last_modified
        }
    }

    /// The final entry of its time index.
    pub(crate) fn max_time_entry(&self) -> TimeEntry {
        TimeEntry {
            timestamp: self.max_timestamp,
            relative_offset: relative(self.base_offset, self.max_timestamp_offset),
        }
    }
}

/// The segment that takes appends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveSegment {
    /// What is known of any segment.
    pub segment: Segment,
    /// When the segment was created.
    pub created: TimestampMs,
    /// The first batch's largest timestamp, from which `segment.ms` counts; `None` while empty.
    pub first_timestamp: Option<TimestampMs>,
    /// The sparse indexes.
    pub index: SparseIndex,
}

impl ActiveSegment {
    /// A new segment.
    pub fn empty(base_offset: Offset, now: TimestampMs) -> Self {
        ActiveSegment {
            segment: Segment::empty(base_offset, now),
            created: now,
            first_timestamp: None,
            index: SparseIndex::new(),
        }
    }

    /// Whether the batch must go to a new segment (Kafka's `LogSegment.shouldRoll`).
    pub(crate) fn should_roll(
        &self,
        config: &LogConfig,
        now: TimestampMs,
        batch: &BatchInfo,
        last_offset: Offset,
    ) -> bool {
        let size = self.segment.size_bytes;
        let outgrown =
            u64::from(size) + u64::from(batch.size_bytes) > u64::from(config.segment_bytes);
        let expired = self.waited_ms(now, batch.max_timestamp)
            > config.segment_ms.saturating_sub(config.segment_jitter_ms);
        let unaddressable = last_offset.0 - self.segment.base_offset.0 > i64::from(i32::MAX);
        let full = outgrown || self.index.is_full(config.segment_index_bytes) || unaddressable;
        // An empty segment would be replaced by another at the same offset, hence under the same name.
        size > 0 && (full || expired)
    }

    /// How long the segment has been filling: in the records' time if they have one, else by the clock.
    fn waited_ms(&self, now: TimestampMs, batch_timestamp: TimestampMs) -> i64 {
        match self.first_timestamp {
            Some(first) if first.0 >= 0 => batch_timestamp.0.saturating_sub(first.0),
            _ => now.0.saturating_sub(self.created.0),
        }
    }

    /// Notes a batch at the segment's end and returns its position.
    pub(crate) fn push(
        &mut self,
        config: &LogConfig,
        now: TimestampMs,
        batch: &BatchInfo,
        last_offset: Offset,
    ) -> u32 {
        let position = self.segment.size_bytes;
        if batch.max_timestamp > self.segment.max_timestamp {
            self.segment.max_timestamp = batch.max_timestamp;
            self.segment.max_timestamp_offset = last_offset;
        }
        self.first_timestamp.get_or_insert(batch.max_timestamp);
        self.index.note_batch(
            relative(self.segment.base_offset, last_offset),
            position,
            batch.size_bytes,
            self.segment.max_time_entry(),
            config.index_interval_bytes,
        );
        self.segment.size_bytes += batch.size_bytes;
        self.segment.last_modified = now;
        position
    }
}

/// An offset relative to a segment's base; the roll rules keep it within `i32::MAX`.
pub(crate) fn relative(base_offset: Offset, offset: Offset) -> u32 {
    u32::try_from(offset.0 - base_offset.0).expect("an offset lies in its segment")
}
