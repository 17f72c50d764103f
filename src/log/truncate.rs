//! Cutting the log's end off.

use thiserror::Error;

use super::Log;
use super::retention::{DeleteReason, SegmentToDelete};
use super::segments::{ActiveSegment, Segment};
use crate::base::{Now, Offset};

/// What a truncation did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Truncation {
    /// Segments that are no longer part of the log; their files are to be deleted.
    pub deleted: Vec<SegmentToDelete>,
    /// The active segment now.
    pub segment: Option<Offset>,
    /// Its bytes now.
    pub size_bytes: u32,
    /// Batches of producers were cut, and earlier ones are not remembered: the caller reloads the producers from the last
    /// snapshot at or below the log's end and replays the batches after it.
    pub rebuild_producers: bool,
}

/// The cut falls within a segment. The segment has to be scanned up to the batch that holds the target, and what stays
/// given to [`Log::truncate_with`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the position of offset {target} in segment {segment} has to be looked up")]
pub struct ColdTruncation {
    /// The segment that holds the target, by base offset.
    pub segment: Offset,
    /// Its bytes: where the scan ends at the latest.
    pub size_bytes: u32,
    /// The first offset to go.
    pub target: Offset,
}

impl Log {
    /// Removes every record at or after `target`. Nothing happens if the log ends at or before it; a cut within a segment
    /// needs a scan of it.
    pub fn truncate_to(&mut self, now: Now, target: Offset) -> Result<Truncation, ColdTruncation> {
        let target = Offset(target.0.max(0));
        if target >= self.log_end_offset {
            self.epochs.truncate_from_end(self.log_end_offset);
            return Ok(Truncation::default());
        }
        if target <= self.first_base() {
            return Ok(self.truncate_fully(now, target));
        }
        let segment = self.segment_at(target).0;
        Err(ColdTruncation {
            segment: segment.base_offset,
            size_bytes: segment.size_bytes,
            target,
        })
    }

    /// Cuts the log to end at `end`, given the part of the last segment that stays, up to `end`: it becomes the active
    /// segment. `end` is the target's batch's base offset, since batches go as a whole.
    pub fn truncate_with(&mut self, kept: ActiveSegment, end: Offset) -> Truncation {
        let base = kept.segment.base_offset;
        let mut deleted = Vec::new();
        while let Some(last) = self.closed.back().filter(|s| s.base_offset >= base) {
            if last.base_offset > base {
                deleted.push(truncated(last));
            }
            self.closed.pop_back();
        }
        if self.active.segment.base_offset > base {
            deleted.push(truncated(&self.active.segment));
        }
        let size_bytes = kept.segment.size_bytes;
        self.active = kept;
        self.cut_state(end);
        Truncation {
            deleted,
            segment: Some(base),
            size_bytes,
            rebuild_producers: self.producers.truncate(end),
        }
    }

    /// Empties the log and begins it anew at `offset` (`truncateFullyAndStartAt`).
    pub fn truncate_fully(&mut self, now: Now, offset: Offset) -> Truncation {
        let deleted = self
            .segments()
            .filter(|s| s.base_offset != offset)
            .map(truncated)
            .collect();
        self.closed.clear();
        self.active = ActiveSegment::empty(offset, now.wall);
        self.log_start_offset = offset;
        self.cut_state(offset);
        self.producers.clear();
        Truncation {
            deleted,
            segment: Some(offset),
            size_bytes: 0,
            rebuild_producers: false,
        }
    }

    fn cut_state(&mut self, target: Offset) {
        self.log_end_offset = target;
        self.log_start_offset = self.log_start_offset.min(target);
        self.recent.truncate(target);
        self.epochs.truncate_from_end(target);
    }
}

fn truncated(segment: &Segment) -> SegmentToDelete {
    SegmentToDelete {
        segment: segment.base_offset,
        size_bytes: segment.size_bytes,
        reason: DeleteReason::Truncation,
    }
}
