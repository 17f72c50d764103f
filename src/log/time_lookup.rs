//! Which segment to search for a timestamp (ListOffsets).

use super::Log;
use super::read::ScanFrom;
use super::segments::Segment;
use crate::base::{Offset, TimestampMs};

/// A search for a record by its time, within one segment's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeSearch {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Where to begin.
    pub scan_from: ScanFrom,
    /// Find the first record with this timestamp or a later one, ...
    pub timestamp: TimestampMs,
    /// ... at this offset or later.
    pub from_offset: Offset,
    /// The segment's end.
    pub end_position: u32,
}

impl Log {
    /// The search for the first record at or after `timestamp`: in the first segment whose latest time is not before it.
    /// `None` if no segment has one.
    pub fn lookup_timestamp(&self, timestamp: TimestampMs) -> Option<TimeSearch> {
        let segment = self
            .segments()
            .find(|s| s.largest_timestamp() >= timestamp)?;
        Some(self.time_search(segment, timestamp, self.log_start_offset))
    }

    /// The search for the batch with the log's largest timestamp; of equals, the first. `None` if no record has a time.
    pub fn lookup_max_timestamp(&self) -> Option<TimeSearch> {
        let first_of_max = |best: &'_ Segment, s: &'_ Segment| s.max_timestamp > best.max_timestamp;
        let mut best: Option<&Segment> = None;
        for segment in self.segments() {
            if best.is_none_or(|b| first_of_max(b, segment)) {
                best = Some(segment);
            }
        }
        let segment = best.filter(|s| s.max_timestamp.0 >= 0)?;
        Some(TimeSearch {
            segment: segment.base_offset,
            scan_from: self.scan_from(segment, segment.max_timestamp_offset),
            timestamp: segment.max_timestamp,
            from_offset: self.log_start_offset,
            end_position: segment.size_bytes,
        })
    }

    fn time_search(
        &self,
        segment: &Segment,
        timestamp: TimestampMs,
        from_offset: Offset,
    ) -> TimeSearch {
        let before = self
            .active
            .index
            .offset_before_time(segment.base_offset, timestamp);
        TimeSearch {
            segment: segment.base_offset,
            scan_from: self.scan_from(segment, before.max(from_offset)),
            timestamp,
            from_offset,
            end_position: segment.size_bytes,
        }
    }
}
