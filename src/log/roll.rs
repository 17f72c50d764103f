//! Closing the active segment and opening the next.

use super::Log;
use super::segments::{ActiveSegment, Segment};
use super::sparse_index::SparseIndex;
use crate::base::{Now, Offset, TimestampMs};

/// A segment that takes no more appends, with what its files still lack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedSegment {
    /// The segment; its log file is to be truncated to its size.
    pub segment: Segment,
    /// The entries of its index files.
    pub index: SparseIndex,
    /// The producers' state at the segment's end, in the form of Kafka's `.snapshot` file.
    pub producer_snapshot: Vec<u8>,
    /// The offset that names the snapshot: the log's end when it was taken.
    pub snapshot_offset: Offset,
}

/// One segment ends and another begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RollPlan {
    /// The segment that ended.
    pub sealed: SealedSegment,
    /// The new segment's base offset.
    pub new_base: Offset,
}

impl Log {
    /// Closes the active segment, whatever its size, and opens one at the log's end. `None` if it is empty already.
    pub fn roll(&mut self, now: Now) -> Option<RollPlan> {
        (self.active.segment.size_bytes > 0).then(|| self.roll_to_new(now.wall))
    }

    /// The active segment as it would be sealed now: what a clean shutdown writes beside its log file.
    pub fn sealed_view(&self) -> SealedSegment {
        let mut index = self.active.index.clone();
        index.finish(self.active.segment.max_time_entry());
        SealedSegment {
            segment: self.active.segment,
            index,
            producer_snapshot: self.producers.encode_snapshot(),
            snapshot_offset: self.log_end_offset,
        }
    }

    pub(super) fn roll_to_new(&mut self, now: TimestampMs) -> RollPlan {
        let new_base = self.log_end_offset;
        let ended = std::mem::replace(&mut self.active, ActiveSegment::empty(new_base, now));
        let mut index = ended.index;
        index.finish(ended.segment.max_time_entry());
        self.closed.push_back(ended.segment);
        RollPlan {
            sealed: SealedSegment {
                segment: ended.segment,
                index,
                producer_snapshot: self.producers.encode_snapshot(),
                snapshot_offset: new_base,
            },
            new_base,
        }
    }
}
