//! I/O: what to start, and what its completion brings about.

use std::sync::Arc;

use super::{Effect, Effects, Partition, Seal};
use crate::log::RollPlan;
use crate::log::write_plan::{IoFailed, ReserveError};
use crate::protocol::ErrorCode;

impl Partition {
    /// Starts whatever I/O can start now.
    pub fn pump(&mut self, out: &mut Effects) {
        if let Some(op) = self.writes.next_reserve() {
            out.push(Effect::Reserve(op));
        }
        if let Some(op) = self.writes.next_write(self.write_bytes_max) {
            out.push(Effect::Write(op));
        }
        if let Some(op) = self.writes.next_sync() {
            out.push(Effect::Sync(op));
        }
        if let Some(op) = self.writes.next_seal()
            && let Some(sealed) = self.to_seal.front().cloned()
        {
            assert_eq!(sealed.segment.base_offset, op.segment);
            out.push(Effect::Seal(Box::new(Seal { op, sealed })));
        }
    }

    /// The write completed.
    pub fn on_written(&mut self, result: Result<(), IoFailed>, out: &mut Effects) {
        self.writes.on_written(result);
        self.progress(out);
    }

    /// The sync that was asked for is submitted only now: it covers what has been written meanwhile, too.
    pub fn sync_begins(&mut self) {
        self.writes.sync_begins();
    }

    /// The sync completed.
    pub fn on_synced(&mut self, result: Result<(), IoFailed>, out: &mut Effects) {
        self.writes.on_synced(result);
        self.progress(out);
    }

    /// The seal completed.
    pub fn on_sealed(&mut self, result: Result<(), IoFailed>, out: &mut Effects) {
        if let Some(segment) = self.writes.on_sealed(result) {
            self.to_seal.pop_front();
            if let Some(at) = self.doomed.iter().position(|d| d.segment == segment) {
                out.push(Effect::Delete(self.doomed.remove(at)));
            }
        }
        self.progress(out);
    }

    /// The reservation completed. If the disk is full, those who wait for batches without a place are refused; the
    /// batches stay, and are written when space returns, so that a producer who sends them again finds them.
    pub fn on_reserved(&mut self, result: Result<(), ReserveError>, out: &mut Effects) {
        self.writes.on_reserved(result);
        self.progress(out);
        if self.writes.is_out_of_space() {
            let placed = self.writes.reserved_offset();
            for parked in [&mut self.wait_written, &mut self.wait_synced] {
                for token in parked.take_beyond(placed) {
                    out.ack(token, Err(ErrorCode::KafkaStorageError));
                }
            }
        }
    }

    /// Space may have come back: tries the reservation again that found the disk full.
    pub fn retry_reserve(&mut self, out: &mut Effects) {
        self.writes.retry_reserve();
        self.pump(out);
    }

    /// Takes over a segment that has ended.
    pub(super) fn rolled(&mut self, roll: RollPlan) {
        self.writes.rolled(roll.new_base);
        self.to_seal.push_back(Arc::new(roll.sealed));
    }

    fn progress(&mut self, out: &mut Effects) {
        if self.writes.is_poisoned() {
            self.release_all(ErrorCode::KafkaStorageError, out);
            return;
        }
        self.high_watermark = self.writes.written_offset();
        while let Some(token) = self.wait_written.pop_reached(self.high_watermark) {
            out.ack(token, Ok(()));
        }
        while let Some(token) = self.wait_synced.pop_reached(self.writes.synced_offset()) {
            out.ack(token, Ok(()));
        }
        while let Some(token) = self.watchers.pop_passed(self.high_watermark) {
            out.push(Effect::Wake { token });
        }
        self.pump(out);
    }

    /// Answers all who wait, because nothing will come any more.
    pub(super) fn release_all(&mut self, code: ErrorCode, out: &mut Effects) {
        while let Some(token) = self.wait_written.pop().or_else(|| self.wait_synced.pop()) {
            out.ack(token, Err(code));
        }
        while let Some(token) = self.watchers.pop() {
            out.push(Effect::Wake { token });
        }
    }
}
