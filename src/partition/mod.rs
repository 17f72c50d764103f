//! One replica of one partition: its [`Log`], its writes, its high watermark, and those who wait for it.
//!
//! A machine without I/O. An append stores a batch in the log's books and parks the produce; [`Partition::pump`] says
//! what to write, reserve, sync and seal; completions move the high watermark, answer produces and wake fetches.
//! The driver copies an appended batch's bytes into its tail buffer before it pumps.

mod append;
mod completion;
mod effects;
mod fuzz;
mod maintenance;
mod offsets;
mod parked;

use std::collections::VecDeque;
use std::sync::Arc;

pub use append::{Acks, AppendError, Appended};
pub use effects::{Effect, Effects, Seal};
pub use fuzz::fuzz_partition;
pub use maintenance::TruncateError;
pub use offsets::{EpochAnswer, Isolation, Offsets};

use crate::base::{LeaderEpoch, MonoMs, Now, Offset};
use crate::log::write_plan::WriteQueue;
use crate::log::{Log, LogConfig, SealedSegment, SegmentToDelete};
use crate::protocol::ErrorCode;
use parked::{ParkedAcks, Watchers};

/// One replica of one partition.
#[derive(Debug)]
pub struct Partition {
    log: Log,
    writes: WriteQueue,
    write_bytes_max: u64,
    leader_epoch: LeaderEpoch,
    leader_epoch_start: Offset,
    high_watermark: Offset,
    /// Where the oldest open transaction begins.
    first_unstable: Option<Offset>,
    wait_written: ParkedAcks,
    wait_synced: ParkedAcks,
    watchers: Watchers,
    /// Rolled segments that are not sealed, oldest first: their indexes are in memory only.
    to_seal: VecDeque<Arc<SealedSegment>>,
    /// Segments that retention has let go of before their seal completed.
    doomed: Vec<SegmentToDelete>,
    last_flush: MonoMs,
    closed: Option<ErrorCode>,
}

impl Partition {
    /// A new, empty replica, which is the leader in `leader_epoch`.
    pub fn new(now: Now, config: LogConfig, leader_epoch: LeaderEpoch) -> Self {
        let log = Log::new(now, config, Offset::ZERO);
        Self::recovered(now, log, leader_epoch, 0)
    }

    /// A replica from what recovery found: all of the log is durable, and `reserved` bytes of the active segment's file
    /// are allocated. The driver holds the active segment's last, partial page in its tail buffer.
    pub fn recovered(now: Now, log: Log, leader_epoch: LeaderEpoch, reserved: u64) -> Self {
        let end = log.log_end_offset();
        let active = log.active().segment;
        let mut partition = Partition {
            writes: WriteQueue::new(active.base_offset, active.size_bytes, end, reserved),
            log,
            write_bytes_max: u64::MAX,
            leader_epoch,
            leader_epoch_start: end,
            high_watermark: end,
            first_unstable: None,
            wait_written: ParkedAcks::default(),
            wait_synced: ParkedAcks::default(),
            watchers: Watchers::default(),
            to_seal: VecDeque::new(),
            doomed: Vec::new(),
            last_flush: now.mono,
            closed: None,
        };
        partition.apply_config();
        partition
    }

    /// Bounds one write; the default is without bound.
    pub fn set_write_bytes_max(&mut self, bytes: u64) {
        self.write_bytes_max = bytes;
    }

    /// Takes the topic's new settings.
    pub fn set_config(&mut self, config: LogConfig) {
        self.log.set_config(config);
        self.apply_config();
    }

    fn apply_config(&mut self) {
        let config = self.log.config();
        self.writes
            .set_segment_size(config.segment_bytes, config.preallocate);
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The state of its writes.
    pub fn writes(&self) -> &WriteQueue {
        &self.writes
    }

    /// Why the partition serves nothing: it is closed, or the disk has failed it.
    pub fn unavailable(&self) -> Option<ErrorCode> {
        let poisoned = self
            .writes
            .is_poisoned()
            .then_some(ErrorCode::KafkaStorageError);
        self.closed.or(poisoned)
    }

    /// Forgets the exact positions of batches whose bytes have left memory; see [`Log::evict_recent`].
    pub fn evict_recent(&mut self, segment: Offset, below_position: u32) {
        self.log.evict_recent(segment, below_position);
    }

    /// Produces parked.
    pub fn parked_acks(&self) -> usize {
        self.wait_written.len() + self.wait_synced.len()
    }

    /// Fetches parked.
    pub fn watchers(&self) -> usize {
        self.watchers.len()
    }

    /// Forgets a parked produce, which the driver has answered otherwise; false if it was not parked.
    pub fn cancel(&mut self, token: u64) -> bool {
        self.wait_written.cancel(token) || self.wait_synced.cancel(token)
    }

    /// Wakes `token` once, when the high watermark is beyond `offset` or the partition ends. False if that is so already,
    /// or too many wait: the caller then looks again by itself.
    pub fn watch(&mut self, token: u64, offset: Offset) -> bool {
        if self.unavailable().is_some() || self.high_watermark > offset {
            return false;
        }
        self.watchers.watch(token, offset)
    }

    /// Forgets a watcher; false if there was none.
    pub fn unwatch(&mut self, token: u64) -> bool {
        self.watchers.unwatch(token)
    }

    /// Asserts what holds between events.
    pub fn invariants(&self) {
        self.log.invariants();
        self.writes.invariants();
        assert!(self.log.log_start_offset() <= self.high_watermark);
        assert!(self.high_watermark <= self.log.log_end_offset());
        assert_eq!(self.high_watermark, self.writes.written_offset());
        assert!(self.last_stable_offset() <= self.high_watermark);
        self.wait_written.invariants(self.writes.written_offset());
        self.wait_synced.invariants(self.writes.synced_offset());
        self.watchers.invariants(self.high_watermark);
        if self.unavailable().is_some() {
            assert_eq!(self.parked_acks() + self.watchers(), 0);
        }
        assert!(
            self.doomed
                .iter()
                .all(|d| self.writes.is_unsealed(d.segment))
        );
    }
}

#[cfg(test)]
mod tests;
