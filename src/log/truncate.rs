//! Cutting the log's end off.

use thiserror::Error;

use super::Log;
use super::read::ScanFrom;
use super::retention::{DeleteReason, SegmentToDelete};
use super::segments::{ActiveSegment, Segment, relative};
use crate::base::{Now, Offset};
use crate::protocol::records::NO_TIMESTAMP;

/// What a truncation did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Truncation {
    /// Segments that are no longer part of the log; their files are to be deleted.
    pub deleted: Vec<SegmentToDelete>,
    /// The active segment now.
    pub segment: Option<Offset>,
    /// Its bytes now.
    pub size_bytes: u32,
    /// A producer lost all that was known of it: the caller reloads the producers from the last snapshot at or below the
    /// log's end and replays the batches after it.
    pub rebuild_producers: bool,
}

/// The log's memory cannot tell where the cut falls: the segment has to be scanned, and the outcome given to
/// [`Log::truncate_with`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the position of offset {target} in segment {segment} is not in memory")]
pub struct ColdTruncation {
    /// The segment that holds the target, by base offset.
    pub segment: Offset,
    /// Where to begin the search for the position; the indexes of the part that stays are needed all the same.
    pub scan_from: ScanFrom,
    /// The first offset to go.
    pub target: Offset,
}

impl Log {
    /// Removes every record at or after `target`, as far as memory knows where that is. Nothing happens if the log ends
    /// at or before it. The batch that contains `target` goes as a whole.
    pub fn truncate_to(&mut self, now: Now, target: Offset) -> Result<Truncation, ColdTruncation> {
        let target = Offset(target.0.max(0));
        if target >= self.log_end_offset {
            self.epochs.truncate_from_end(self.log_end_offset);
            return Ok(Truncation::default());
        }
        if target <= self.first_base() {
            return Ok(self.truncate_fully(now, target));
        }
        let cold = ColdTruncation {
            segment: self.segment_at(target).0.base_offset,
            scan_from: self.scan_from(self.segment_at(target).0, target),
            target,
        };
        if cold.segment != self.active.segment.base_offset {
            return Err(cold);
        }
        let at = self.recent.find(target).ok_or(cold)?;
        let batch = *self.recent.get(at).ok_or(cold)?;
        let mut kept = self.active.clone();
        kept.cut(relative(cold.segment, batch.base_offset), batch.position);
        Ok(self.truncate_with(kept, batch.base_offset))
    }

    /// Removes every record at or after `target`, given the part of its segment that stays, which becomes the active
    /// segment.
    pub fn truncate_with(&mut self, kept: ActiveSegment, target: Offset) -> Truncation {
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
        self.cut_state(target);
        Truncation {
            deleted,
            segment: Some(base),
            size_bytes,
            rebuild_producers: self.producers.truncate(target),
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

impl ActiveSegment {
    /// Drops what lies at and after a position. The largest timestamp becomes what the time index still proves, or stays
    /// if it lies before the cut.
    fn cut(&mut self, relative_offset: u32, position: u32) {
        self.index.truncate(relative_offset, position);
        self.segment.size_bytes = position;
        if position == 0 {
            self.first_timestamp = None;
        }
        if relative(self.segment.base_offset, self.segment.max_timestamp_offset) < relative_offset {
            return;
        }
        let last = self.index.time_entries().last();
        self.segment.max_timestamp = last.map_or(NO_TIMESTAMP, |e| e.timestamp);
        self.segment.max_timestamp_offset = last.map_or(self.segment.base_offset, |e| {
            self.segment.base_offset.plus(i64::from(e.relative_offset))
        });
    }
}
