//! Reading: from an offset to a range of a segment's file.

use thiserror::Error;

use super::Log;
use super::segments::Segment;
use crate::base::Offset;
use crate::protocol::ErrorCode;

/// What a read comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadStep {
    /// Nothing to return below the upper bound.
    Empty,
    /// Exactly these bytes.
    Plan(ReadPlan),
    /// The range has to be looked for in the file.
    Cold(ColdRead),
}

/// A range of whole batches in one segment's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadPlan {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Where the first batch begins.
    pub position: u32,
    /// Bytes, never 0.
    pub len: u32,
    /// The offset after the last batch of the range.
    pub next_offset: Offset,
}

/// Where a scan of a segment's file begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScanFrom {
    /// At this position, which begins a batch.
    Position(u32),
    /// At the position that the segment's index file gives: the segment is closed and keeps no index in memory.
    IndexFile,
}

/// What has to be looked for in a segment's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ColdRead {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Where to begin.
    pub scan_from: ScanFrom,
    /// The offset to find: the range begins with the first batch whose last offset is not below it.
    pub target: Offset,
    /// The range's bound.
    pub max_bytes: u32,
    /// Return the first batch even if it is larger than `max_bytes`.
    pub min_one_batch: bool,
    /// No byte at or after this position may be read.
    pub end_position: u32,
    /// No batch that begins at or after this offset may be read.
    pub end_offset: Offset,
    /// Where to read on if the segment has nothing at or after the target (offsets may have gaps).
    pub next_segment: Option<Offset>,
}

/// Why a read is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReadError {
    /// The offset is outside the log.
    #[error("offset {offset} is outside the log, which holds {start} to {end}")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The log start offset.
        start: Offset,
        /// The log end offset.
        end: Offset,
    },
}

impl ReadError {
    /// Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        }
    }
}

impl Log {
    /// Plans a read from `fetch_offset` up to `upper_bound` (the high watermark or the last stable offset), within one
    /// segment (`UnifiedLog.read`). Known ranges end on a batch's end, so that a consumer is sent no half batch; with
    /// `min_one_batch` the first batch comes whole even if it is larger than `max_bytes`.
    pub fn read(
        &self,
        fetch_offset: Offset,
        max_bytes: u32,
        upper_bound: Offset,
        min_one_batch: bool,
    ) -> Result<ReadStep, ReadError> {
        if fetch_offset < self.log_start_offset || fetch_offset > self.log_end_offset {
            return Err(ReadError::OutOfRange {
                offset: fetch_offset,
                start: self.log_start_offset,
                end: self.log_end_offset,
            });
        }
        let nothing_asked = max_bytes == 0 && !min_one_batch;
        if fetch_offset >= upper_bound || nothing_asked {
            return Ok(ReadStep::Empty);
        }
        Ok(match self.recent.find(fetch_offset) {
            Some(first) => self.read_recent(first, max_bytes, upper_bound, min_one_batch),
            None => self.read_cold(fetch_offset, max_bytes, upper_bound, min_one_batch),
        })
    }

    fn read_recent(
        &self,
        first: usize,
        max_bytes: u32,
        upper_bound: Offset,
        min_one_batch: bool,
    ) -> ReadStep {
        let Some(head) = self.recent.get(first) else {
            return ReadStep::Empty;
        };
        let (segment, next_segment) = self.segment_at(head.base_offset);
        let bound = next_segment.map_or(upper_bound, |next| next.min(upper_bound));
        let position_max = u64::from(head.position) + u64::from(max_bytes);
        let beyond = self.recent.end_of(first, |b| {
            b.last_offset < head.base_offset
                || (b.last_offset < bound
                    && u64::from(b.position) + u64::from(b.size_bytes) <= position_max)
        });
        let last = match beyond.checked_sub(1).filter(|&last| last >= first) {
            Some(last) => last,
            None if min_one_batch && head.last_offset < bound => first,
            None => return ReadStep::Empty,
        };
        let Some(tail) = self.recent.get(last) else {
            return ReadStep::Empty;
        };
        ReadStep::Plan(ReadPlan {
            segment: segment.base_offset,
            position: head.position,
            len: tail.end_position() - head.position,
            next_offset: tail.last_offset.next(),
        })
    }

    fn read_cold(
        &self,
        target: Offset,
        max_bytes: u32,
        end_offset: Offset,
        min_one_batch: bool,
    ) -> ReadStep {
        let (segment, next_segment) = self.segment_at(target);
        ReadStep::Cold(ColdRead {
            segment: segment.base_offset,
            scan_from: self.scan_from(segment, target),
            target,
            max_bytes,
            min_one_batch,
            end_position: self.end_position(segment, end_offset),
            end_offset,
            next_segment: next_segment.filter(|&next| next < end_offset),
        })
    }

    /// Where a scan for `target` in `segment` begins.
    pub(super) fn scan_from(&self, segment: &Segment, target: Offset) -> ScanFrom {
        if segment.base_offset != self.active.segment.base_offset {
            return ScanFrom::IndexFile;
        }
        ScanFrom::Position(self.active.index.position_for(segment.base_offset, target))
    }

    /// The position in `segment` at which `end_offset` lies, as exactly as memory knows: its size at most.
    fn end_position(&self, segment: &Segment, end_offset: Offset) -> u32 {
        let at = self
            .recent
            .find(end_offset)
            .and_then(|i| self.recent.get(i));
        match at {
            Some(batch)
                if self.segment_at(batch.base_offset).0.base_offset == segment.base_offset =>
            {
                batch.position
            }
            _ => segment.size_bytes,
        }
    }

    /// The segment that contains `offset`, and the base offset of the one after it.
    pub(super) fn segment_at(&self, offset: Offset) -> (&Segment, Option<Offset>) {
        let active = &self.active.segment;
        if offset >= active.base_offset {
            return (active, None);
        }
        let after = self.closed.partition_point(|s| s.base_offset <= offset);
        let at = after.saturating_sub(1);
        let next = self.closed.get(at + 1).unwrap_or(active).base_offset;
        (self.closed.get(at).unwrap_or(active), Some(next))
    }
}
