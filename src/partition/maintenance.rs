//! What is done to a partition from time to time: flush, retention, roll, truncation, closing.

use thiserror::Error;

use super::{Effect, Effects, Partition};
use crate::base::{LeaderEpoch, Now, Offset};
use crate::log::{ActiveSegment, ColdTruncation, Producers, Retention, SealedSegment, Truncation};
use crate::protocol::ErrorCode;

/// Why a truncation was not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TruncateError {
    /// I/O is under way: try again when it has completed.
    #[error("the partition is busy")]
    Busy,
    /// The segment has to be scanned first; then [`Partition::truncate_with`].
    #[error(transparent)]
    Cold(#[from] ColdTruncation),
}

impl Partition {
    /// Does what is due by time: `flush.ms`. Worth calling every few seconds.
    pub fn tick(&mut self, now: Now, out: &mut Effects) {
        let due = self.last_flush.plus_ms(self.log.config().flush_ms);
        if now.mono >= due {
            self.last_flush = now.mono;
            self.flush(out);
        }
    }

    /// Forgets producers whose latest records are older than `producer.id.expiration.ms`. The age is that of the records,
    /// as in Kafka: who writes old ones with an idempotent producer relies on this being called rarely.
    pub fn expire_producers(&mut self, now: Now) {
        self.log.expire_producers(now);
    }

    /// Makes everything appended so far durable; [`is_settled`](Self::is_settled) tells when that is so.
    pub fn flush(&mut self, out: &mut Effects) {
        if self.unavailable().is_none() {
            self.writes.want_sync(self.log.log_end_offset());
            self.pump(out);
        }
    }

    /// Whether everything appended is durable and nothing is in flight, or the partition has ended and nothing is.
    pub fn is_settled(&self) -> bool {
        let durable = self.writes.synced_offset() == self.log.log_end_offset();
        self.writes.is_idle() && (durable || self.unavailable().is_some())
    }

    /// The active segment as it would be sealed now: what a clean shutdown writes beside its log file, once settled.
    pub fn sealed_view(&self) -> SealedSegment {
        self.log.sealed_view()
    }

    /// Deletes old segments by the topic's rules.
    pub fn retention(&mut self, now: Now, out: &mut Effects) {
        if self.unavailable().is_some() {
            return;
        }
        let epochs = self.log.epochs().entries().first().copied();
        let Retention { roll, deleted } = self.log.retention(now, self.high_watermark);
        if let Some(roll) = roll {
            self.rolled(*roll);
        }
        for segment in deleted {
            if self.writes.is_unsealed(segment.segment) {
                self.doomed.push(segment);
            } else {
                out.push(Effect::Delete(segment));
            }
        }
        if self.log.epochs().entries().first().copied() != epochs {
            out.push(Effect::WriteEpochs);
        }
        self.pump(out);
    }

    /// Closes the active segment, unless it is empty, and opens the next.
    pub fn roll(&mut self, now: Now, out: &mut Effects) {
        if self.unavailable().is_none()
            && let Some(roll) = self.log.roll(now)
        {
            self.rolled(roll);
            self.pump(out);
        }
    }

    /// Moves the log's start up (DeleteRecords), at most to the high watermark. The next retention pass deletes what lies
    /// below.
    pub fn advance_start(
        &mut self,
        offset: Offset,
        out: &mut Effects,
    ) -> Result<Offset, ErrorCode> {
        if let Some(code) = self.unavailable() {
            return Err(code);
        }
        if offset > self.high_watermark || offset < Offset::ZERO {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if self.log.advance_start(offset) {
            out.push(Effect::WriteEpochs);
        }
        Ok(self.log.log_start_offset())
    }

    /// Leads from now on in `epoch`, which begins at the log's end. An older epoch changes nothing.
    pub fn lead(&mut self, epoch: LeaderEpoch, out: &mut Effects) {
        if epoch <= self.leader_epoch {
            return;
        }
        self.leader_epoch = epoch;
        self.leader_epoch_start = self.log.log_end_offset();
        if self.log.begin_epoch(epoch) {
            out.push(Effect::WriteEpochs);
        }
    }

    /// Removes every record at or after `target`.
    pub fn truncate(
        &mut self,
        now: Now,
        target: Offset,
        out: &mut Effects,
    ) -> Result<Truncation, TruncateError> {
        self.check_idle()?;
        let done = self.log.truncate_to(now, target)?;
        self.truncated(&done, out);
        Ok(done)
    }

    /// Cuts the log to end at `end`, given what stays of its last segment.
    pub fn truncate_with(
        &mut self,
        kept: ActiveSegment,
        end: Offset,
        out: &mut Effects,
    ) -> Result<Truncation, TruncateError> {
        self.check_idle()?;
        let done = self.log.truncate_with(kept, end);
        self.truncated(&done, out);
        Ok(done)
    }

    fn check_idle(&self) -> Result<(), TruncateError> {
        if self.writes.is_idle() {
            Ok(())
        } else {
            Err(TruncateError::Busy)
        }
    }

    fn truncated(&mut self, done: &Truncation, out: &mut Effects) {
        let Some(segment) = done.segment else { return };
        let end = self.log.log_end_offset();
        self.to_seal.retain(|s| s.segment.base_offset < segment);
        self.writes.restart(segment, done.size_bytes, end);
        self.high_watermark = self.writes.written_offset();
        self.release_all(ErrorCode::NotLeaderOrFollower, out);
        for doomed in self.doomed.extract_if(.., |d| d.segment >= segment) {
            if doomed.segment > segment {
                out.push(Effect::Delete(doomed));
            }
        }
        for delete in &done.deleted {
            out.push(Effect::Delete(*delete));
        }
        out.push(Effect::Truncate {
            segment,
            size_bytes: done.size_bytes,
        });
        out.push(Effect::WriteEpochs);
    }

    /// Replaces the producers' state, after a truncation asked for it.
    pub fn set_producers(&mut self, producers: Producers) {
        self.log.set_producers(producers);
    }

    /// Ends the partition: all who wait are answered with `code`, and everything from now on is refused with it. I/O in
    /// flight is still to be completed.
    pub fn close(&mut self, code: ErrorCode, out: &mut Effects) {
        self.closed.get_or_insert(code);
        self.release_all(code, out);
    }

    /// The disk has failed the partition elsewhere (an index, a checkpoint): nothing is served any more.
    pub fn poison(&mut self, out: &mut Effects) {
        self.writes.poison();
        self.release_all(ErrorCode::KafkaStorageError, out);
    }
}
