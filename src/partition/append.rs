//! Produce: a batch into the log, and the produce parked until its acks are earned.

use thiserror::Error;

use super::{Effect, Effects, Partition};
use crate::base::{Now, Offset};
use crate::log::{self, Append, AppendPlan, BatchInfo, Duplicate, Durability};
use crate::protocol::ErrorCode;

/// What the producer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Nothing: no answer at all.
    None,
    /// `acks=1`: the leader has written it.
    Leader,
    /// `acks=all`: it is as durable as the topic says.
    All,
}

/// A batch that is, or already was, stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Appended {
    /// Its bytes have to be copied, stamped, to the plan's place in the tail buffer; then [`Partition::pump`]. A roll has
    /// been taken out of the plan and is the partition's to carry out.
    Stored {
        /// Where, and with what stamps.
        plan: AppendPlan,
        /// The batch opened a new segment: the tail buffer moves on to its file.
        rolled: bool,
    },
    /// It was stored before; there is nothing to copy.
    Duplicate(Duplicate),
}

/// Why a batch was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AppendError {
    /// The log's rules refuse it.
    #[error(transparent)]
    Log(#[from] log::AppendError),
    /// The partition is closed, or its disk has failed.
    #[error("the partition is not available")]
    Unavailable(ErrorCode),
    /// The disk is full.
    #[error("no space is left for the partition's log")]
    NoSpace,
    /// As many produces as may be parked are parked. Nothing is wrong with the batch; it may be sent again.
    #[error("too many produces wait for the partition")]
    Busy,
}

impl AppendError {
    /// Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::Log(error) => error.code(),
            AppendError::Unavailable(code) => *code,
            AppendError::NoSpace => ErrorCode::KafkaStorageError,
            AppendError::Busy => ErrorCode::RequestTimedOut,
        }
    }
}

impl Partition {
    /// Appends a valid batch. With acks, `token` gets its [`Effect::Ack`] once they are earned: for a duplicate when the
    /// stored batch has earned them, perhaps at once.
    pub fn append(
        &mut self,
        now: Now,
        batch: &BatchInfo,
        acks: Acks,
        token: u64,
        out: &mut Effects,
    ) -> Result<Appended, AppendError> {
        self.check_open()?;
        match self.log.append(now, batch, self.leader_epoch)? {
            Append::Planned(plan) => Ok(self.stored(plan, acks, token, out)),
            Append::Duplicate(duplicate) => {
                self.park(duplicate.last_offset.next(), acks, token, out);
                Ok(Appended::Duplicate(duplicate))
            }
        }
    }

    fn check_open(&self) -> Result<(), AppendError> {
        if let Some(code) = self.unavailable() {
            return Err(AppendError::Unavailable(code));
        }
        if self.writes.is_out_of_space() {
            return Err(AppendError::NoSpace);
        }
        if self.wait_written.is_full() || self.wait_synced.is_full() {
            return Err(AppendError::Busy);
        }
        Ok(())
    }

    fn stored(
        &mut self,
        mut plan: AppendPlan,
        acks: Acks,
        token: u64,
        out: &mut Effects,
    ) -> Appended {
        let roll = plan.roll.take();
        let rolled = roll.is_some();
        if let Some(roll) = roll {
            self.rolled(*roll);
        }
        let end = plan.last_offset.next();
        self.writes.appended(plan.position + plan.size_bytes, end);
        if plan.new_epoch {
            out.push(Effect::WriteEpochs);
        }
        self.park(end, acks, token, out);
        self.flush_by_count();
        Appended::Stored { plan, rolled }
    }

    fn park(&mut self, end: Offset, acks: Acks, token: u64, out: &mut Effects) {
        let synced = match acks {
            Acks::None => return,
            Acks::Leader => false,
            Acks::All => self.log.config().durability == Durability::Fsync,
        };
        let reached = if synced {
            self.writes.synced_offset()
        } else {
            self.writes.written_offset()
        };
        if end <= reached {
            out.ack(token, Ok(()));
        } else if synced {
            self.writes.want_sync(end);
            self.wait_synced.park(end, token);
        } else {
            self.wait_written.park(end, token);
        }
    }

    /// `flush.messages`.
    fn flush_by_count(&mut self) {
        let end = self.log.log_end_offset();
        let unflushed = end.0 - self.writes.sync_target().0;
        if unflushed >= self.log.config().flush_messages {
            self.writes.want_sync(end);
        }
    }
}
