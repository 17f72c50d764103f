//! The exact positions of the latest batches, so that a read of the tail needs no scan.

use std::collections::VecDeque;

use crate::base::limits::RECENT_BATCHES_MAX;
use crate::base::{Offset, TimestampMs};

/// Where one recent batch lies. Its segment is the one whose offsets contain it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecentBatch {
    /// Its first offset.
    pub base_offset: Offset,
    /// Its last offset.
    pub last_offset: Offset,
    /// Its place in the segment's file.
    pub position: u32,
    /// Its size.
    pub size_bytes: u32,
    /// Its largest timestamp.
    pub max_timestamp: TimestampMs,
}

impl RecentBatch {
    /// The position after its last byte.
    pub fn end_position(&self) -> u32 {
        self.position + self.size_bytes
    }
}

/// A bounded window on the log's last batches, contiguous up to the log's end.
#[derive(Clone, Debug, Default)]
pub struct RecentBatches {
    batches: VecDeque<RecentBatch>,
}

impl RecentBatches {
    pub(crate) fn push(&mut self, batch: RecentBatch) {
        if self.batches.len() == RECENT_BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    /// The place in the window of the batch that contains `offset` or, after a gap, of the first one beyond it. `None` if
    /// the window begins too late to tell.
    pub(crate) fn find(&self, offset: Offset) -> Option<usize> {
        let first = self.batches.front()?;
        if offset < first.base_offset {
            return None;
        }
        let at = self.batches.partition_point(|b| b.last_offset < offset);
        (at < self.batches.len()).then_some(at)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&RecentBatch> {
        self.batches.get(index)
    }

    /// How many batches from `from` on satisfy `inside`, which must hold for a prefix of them.
    pub(crate) fn end_of(&self, from: usize, inside: impl Fn(&RecentBatch) -> bool) -> usize {
        self.batches.partition_point(inside).max(from)
    }

    /// Forgets the batches that `gone` says have left memory, oldest first.
    pub(crate) fn evict_while(&mut self, gone: impl Fn(&RecentBatch) -> bool) {
        while self.batches.front().is_some_and(&gone) {
            self.batches.pop_front();
        }
        if self.batches.is_empty() {
            self.batches.shrink_to_fit();
        }
    }

    /// Forgets the batches at and after `offset`.
    pub(crate) fn truncate(&mut self, offset: Offset) {
        let keep = self.batches.partition_point(|b| b.last_offset < offset);
        self.batches.truncate(keep);
    }

    /// Batches remembered.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RecentBatch> {
        self.batches.iter()
    }
}
