//! What a partition asks its driver to do.

use std::sync::Arc;

use crate::base::Offset;
use crate::log::write_plan::{ReserveOp, SealOp, SyncOp, WriteOp};
use crate::log::{SealedSegment, SegmentToDelete};
use crate::protocol::ErrorCode;

/// One thing to do. I/O is answered by the partition's `on_` function of the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Allocate space for a segment's file, creating it if need be.
    Reserve(ReserveOp),
    /// Write a range of pages from the tail buffer.
    Write(WriteOp),
    /// Fdatasync a segment's file.
    Sync(SyncOp),
    /// Finish a segment's files.
    Seal(Box<Seal>),
    /// Delete a segment's files, after `file.delete.delay.ms`. Not answered.
    Delete(SegmentToDelete),
    /// Cut a segment's file to this size and drop what memory holds beyond it. Not answered.
    Truncate {
        /// The segment, by base offset.
        segment: Offset,
        /// Its bytes from now on.
        size_bytes: u32,
    },
    /// Write the leader epoch checkpoint. Not answered.
    WriteEpochs,
    /// Answer a parked produce.
    Ack {
        /// As given with the append.
        token: u64,
        /// Stored as its acks demand, or the code to answer.
        result: Result<(), ErrorCode>,
    },
    /// Look again: the high watermark has passed what the watcher waits for, or the partition has ended.
    Wake {
        /// As given with the watch.
        token: u64,
    },
}

/// A segment to finish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seal {
    /// The operation.
    pub op: SealOp,
    /// What its files are to hold. The partition reads by it until they do.
    pub sealed: Arc<SealedSegment>,
}

/// The effects of one event, in order. One buffer serves many events.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
}

impl Effects {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the effects out, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> {
        self.list.drain(..)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The effects, oldest first.
    pub fn as_slice(&self) -> &[Effect] {
        &self.list
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(super) fn ack(&mut self, token: u64, result: Result<(), ErrorCode>) {
        self.push(Effect::Ack { token, result });
    }
}
