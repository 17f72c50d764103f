//! Deleting what is old: by time, by size, and below the log's start.

use super::Log;
use super::roll::RollPlan;
use super::segments::Segment;
use crate::base::{Now, Offset};

/// Which rule a segment fell to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeleteReason {
    /// It ends at or before the log start offset.
    LogStart,
    /// The log is larger than `retention.bytes` without it.
    Size,
    /// Its records are older than `retention.ms`.
    Time,
    /// The log was cut before it.
    Truncation,
}

/// A segment that the log has let go of. Its files may be deleted once no write or seal is under way for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentToDelete {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Its bytes.
    pub size_bytes: u32,
    /// Why.
    pub reason: DeleteReason,
}

/// What one retention pass did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// The active segment was rolled, because it was to go too.
    pub roll: Option<Box<RollPlan>>,
    /// The segments that are no longer part of the log, oldest first.
    pub deleted: Vec<SegmentToDelete>,
}

impl Log {
    /// Applies the retention rules (`UnifiedLog.deleteOldSegments`): first what lies below the log's start, then by size,
    /// then by time; oldest first, up to the first segment that stays. Nothing at or beyond the high watermark goes. If
    /// every segment is to go, the active one is rolled first.
    pub fn retention(&mut self, now: Now, high_watermark: Offset) -> Retention {
        let mut done = Retention::default();
        self.delete_below_start(now, high_watermark, &mut done);
        if self.config.cleanup_delete {
            self.delete_by_size(now, high_watermark, &mut done);
            self.delete_by_time(now, high_watermark, &mut done);
        }
        done
    }

    fn delete_below_start(&mut self, now: Now, high_watermark: Offset, done: &mut Retention) {
        let start = self.log_start_offset;
        let below = |_: &Segment, next: Option<Offset>| next.is_some_and(|next| next <= start);
        self.delete_oldest(now, high_watermark, DeleteReason::LogStart, below, done);
    }

    fn delete_by_size(&mut self, now: Now, high_watermark: Offset, done: &mut Retention) {
        let Some(excess) = self
            .config
            .retention_bytes
            .and_then(|keep| self.size_bytes().checked_sub(keep))
        else {
            return;
        };
        let mut excess = excess;
        let spare = |segment: &Segment, _| {
            let size = u64::from(segment.size_bytes);
            let delete = size <= excess;
            excess = excess.saturating_sub(size);
            delete
        };
        self.delete_oldest(now, high_watermark, DeleteReason::Size, spare, done);
    }

    fn delete_by_time(&mut self, now: Now, high_watermark: Offset, done: &mut Retention) {
        let Some(keep_ms) = self.config.retention_ms else {
            return;
        };
        let old = |segment: &Segment, _| {
            now.wall.0.saturating_sub(segment.largest_timestamp().0) > keep_ms
        };
        self.delete_oldest(now, high_watermark, DeleteReason::Time, old, done);
    }

    /// Deletes from the oldest segment on while `condemned(segment, next base)` holds.
    fn delete_oldest(
        &mut self,
        now: Now,
        high_watermark: Offset,
        reason: DeleteReason,
        mut condemned: impl FnMut(&Segment, Option<Offset>) -> bool,
        done: &mut Retention,
    ) {
        let mut count = 0;
        for segment in self.segments() {
            let next = self.base_after(count);
            let end = next.unwrap_or(self.log_end_offset);
            let empty_last = next.is_none() && segment.size_bytes == 0;
            if empty_last || high_watermark < end || !condemned(segment, next) {
                break;
            }
            count += 1;
        }
        if count > self.closed.len() {
            done.roll = Some(Box::new(self.roll_to_new(now.wall)));
        }
        if count > 0 {
            done.deleted
                .extend(self.closed.drain(..count).map(|s| SegmentToDelete {
                    segment: s.base_offset,
                    size_bytes: s.size_bytes,
                    reason,
                }));
            let first = self.first_base();
            self.recent.evict_while(|b| b.base_offset < first);
            self.raise_start(first);
        }
    }

    /// The base offset of the segment after the `index`th.
    fn base_after(&self, index: usize) -> Option<Offset> {
        match self.closed.get(index + 1) {
            Some(next) => Some(next.base_offset),
            None if index < self.closed.len() => Some(self.active.segment.base_offset),
            None => None,
        }
    }
}
