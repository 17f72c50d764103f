//! The active segment's offset and time indexes, in memory until the segment is sealed.
//!
//! The entries are Kafka's: an offset entry pairs a batch's *last* offset with the batch's position, a time
//! entry pairs the largest timestamp so far with the last offset of the batch that holds it.

use crate::base::{Offset, TimestampMs};

/// One entry of the offset index. The offset is relative to the segment's base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetEntry {
    /// A batch's last offset, relative to the segment's base offset.
    pub relative_offset: u32,
    /// Where the batch begins in the segment.
    pub position: u32,
}

/// One entry of the time index. The offset is relative to the segment's base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeEntry {
    /// The largest timestamp so far.
    pub timestamp: TimestampMs,
    /// The last offset of the batch that holds it, relative to the segment's base offset.
    pub relative_offset: u32,
}

/// Both indexes of one segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SparseIndex {
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
    bytes_since_entry: u32,
}

/// Bytes of one offset entry on disk.
pub const OFFSET_ENTRY_BYTES: u32 = 8;
/// Bytes of one time entry on disk.
pub const TIME_ENTRY_BYTES: u32 = 12;

impl SparseIndex {
    /// The index of an empty segment.
    pub fn new() -> Self {
        Self::default()
    }

    /// An index read or rebuilt from files; `bytes_since_entry` are the log bytes after the last entry's batch began.
    pub fn from_entries(
        offsets: Vec<OffsetEntry>,
        times: Vec<TimeEntry>,
        bytes_since_entry: u32,
    ) -> Self {
        SparseIndex {
            offsets,
            times,
            bytes_since_entry,
        }
    }

    /// The offset entries, ascending.
    pub fn offset_entries(&self) -> &[OffsetEntry] {
        &self.offsets
    }

    /// The time entries, ascending.
    pub fn time_entries(&self) -> &[TimeEntry] {
        &self.times
    }

    /// Notes a batch appended at `position`: an entry is made once more than `interval_bytes` lie behind the last one.
    /// `max` is the segment's largest timestamp so far, this batch included.
    pub(crate) fn note_batch(
        &mut self,
        relative_offset: u32,
        position: u32,
        size_bytes: u32,
        max: TimeEntry,
        interval_bytes: u32,
    ) {
        if self.bytes_since_entry > interval_bytes {
            self.offsets.push(OffsetEntry {
                relative_offset,
                position,
            });
            self.push_time(max);
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry = self.bytes_since_entry.saturating_add(size_bytes);
    }

    /// Adds the segment's final time entry, so that the index alone tells a closed segment's largest timestamp.
    pub(crate) fn finish(&mut self, max: TimeEntry) {
        self.push_time(max);
    }

    fn push_time(&mut self, entry: TimeEntry) {
        let grows = |last: &TimeEntry| entry.timestamp > last.timestamp;
        if entry.timestamp.0 >= 0 && self.times.last().is_none_or(grows) {
            self.times.push(entry);
        }
    }

    /// Whether either index would outgrow `index_bytes`; the time index keeps one slot for its final entry.
    pub(crate) fn is_full(&self, index_bytes: u32) -> bool {
        self.offsets.len() as u64 >= u64::from(index_bytes / OFFSET_ENTRY_BYTES)
            || self.times.len() as u64 + 1 >= u64::from(index_bytes / TIME_ENTRY_BYTES)
    }

    /// Where a scan for `target` begins: the batch of the greatest entry at or below it, or the segment's start.
    pub fn position_for(&self, base_offset: Offset, target: Offset) -> u32 {
        let relative = target.0.saturating_sub(base_offset.0);
        let after = self
            .offsets
            .partition_point(|e| i64::from(e.relative_offset) <= relative);
        after.checked_sub(1).map_or(0, |i| self.offsets[i].position)
    }

    /// The offset below which no record has a timestamp of `target` or later, as far as the index knows.
    pub fn offset_before_time(&self, base_offset: Offset, target: TimestampMs) -> Offset {
        let after = self.times.partition_point(|e| e.timestamp <= target);
        after.checked_sub(1).map_or(base_offset, |i| {
            base_offset.plus(i64::from(self.times[i].relative_offset))
        })
    }

    /// Ascending offsets, positions and times, all inside the segment.
    pub(crate) fn invariants(&self, size_bytes: u32) {
        assert!(
            self.offsets.is_sorted_by(
                |a, b| a.relative_offset < b.relative_offset && a.position < b.position
            )
        );
        assert!(self.times.is_sorted_by(
            |a, b| a.timestamp < b.timestamp && a.relative_offset <= b.relative_offset
        ));
        assert!(self.offsets.last().is_none_or(|e| e.position < size_bytes));
    }
}
