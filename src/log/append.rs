//! Appending one batch: may it be stored, and where.

use thiserror::Error;

use super::producer_state::ProducerError;
use super::recent::RecentBatch;
use super::roll::RollPlan;
use super::{BatchInfo, Log};
use crate::base::{LeaderEpoch, Now, Offset, TimestampMs};
use crate::protocol::ErrorCode;
use crate::protocol::records::TimestampType;

/// What becomes of a batch that is not refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Append {
    /// It is part of the log now; its bytes belong at the plan's place.
    Planned(AppendPlan),
    /// It is one of the producer's last batches come again, and is answered as the first time.
    Duplicate(Duplicate),
}

/// Where an appended batch's bytes go, and what is stamped on them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendPlan {
    /// The previous segment, if this batch opened a new one.
    pub roll: Option<Box<RollPlan>>,
    /// The segment, by base offset.
    pub segment: Offset,
    /// The position in it.
    pub position: u32,
    /// The batch's size.
    pub size_bytes: u32,
    /// The first record's offset, to be stamped.
    pub base_offset: Offset,
    /// The last record's offset.
    pub last_offset: Offset,
    /// The leader epoch, to be stamped.
    pub leader_epoch: LeaderEpoch,
    /// The time that the answer tells, if the topic's records carry the broker's time.
    pub log_append_time: Option<TimestampMs>,
    /// The leader epoch was seen for the first time: the epoch checkpoint has to be written.
    pub new_epoch: bool,
}

/// A batch that was appended before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// The first record's offset.
    pub base_offset: Offset,
    /// The last record's offset.
    pub last_offset: Offset,
    /// The stored batch's largest timestamp, which the answer tells as its append time.
    pub timestamp: TimestampMs,
    /// The log's start.
    pub log_start_offset: Offset,
}

/// Why a batch was refused. Nothing of it is in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AppendError {
    /// No segment can hold it.
    #[error("the batch has {size_bytes} bytes, which exceeds segment.bytes={segment_bytes}")]
    LargerThanSegment {
        /// Its size.
        size_bytes: u32,
        /// The limit.
        segment_bytes: u32,
    },
    /// Its header contradicts itself.
    #[error("a batch of {size_bytes} bytes cannot have a last offset delta of {last_offset_delta}")]
    Malformed {
        /// Its size.
        size_bytes: u32,
        /// Its last record's relative offset.
        last_offset_delta: i32,
    },
    /// Transactions have to be opened before they are written to.
    #[error("the batch is not part of an ongoing transaction")]
    NoTransaction,
    /// Its producer may not write it.
    #[error(transparent)]
    Producer(#[from] ProducerError),
}

impl AppendError {
    /// Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            AppendError::Malformed { .. } => ErrorCode::InvalidRecord,
            AppendError::NoTransaction => ErrorCode::InvalidTxnState,
            AppendError::Producer(error) => error.code(),
        }
    }
}

impl Log {
    /// Appends a valid batch at the log's end (`UnifiedLog.append`). The answer says where its bytes go; from then on the
    /// log counts them as its own.
    pub fn append(
        &mut self,
        now: Now,
        batch: &BatchInfo,
        leader_epoch: LeaderEpoch,
    ) -> Result<Append, AppendError> {
        self.check_shape(batch)?;
        if let Some(duplicate) = self.find_duplicate(batch) {
            return Ok(Append::Duplicate(duplicate));
        }
        self.check_producer(batch)?;
        Ok(Append::Planned(self.store(now, batch, leader_epoch)))
    }

    fn check_shape(&self, batch: &BatchInfo) -> Result<(), AppendError> {
        let &BatchInfo {
            size_bytes,
            last_offset_delta,
            ..
        } = batch;
        if size_bytes > self.config.segment_bytes {
            return Err(AppendError::LargerThanSegment {
                size_bytes,
                segment_bytes: self.config.segment_bytes,
            });
        }
        if size_bytes == 0 || last_offset_delta < 0 {
            return Err(AppendError::Malformed {
                size_bytes,
                last_offset_delta,
            });
        }
        Ok(())
    }

    fn find_duplicate(&self, batch: &BatchInfo) -> Option<Duplicate> {
        let stored = self.producers.find_duplicate(batch)?;
        Some(Duplicate {
            base_offset: stored.first_offset(),
            last_offset: stored.last_offset,
            timestamp: stored.timestamp,
            log_start_offset: self.log_start_offset,
        })
    }

    fn check_producer(&self, batch: &BatchInfo) -> Result<(), AppendError> {
        if !batch.has_producer() {
            return Ok(());
        }
        if batch.transactional {
            self.producers.check_epoch(batch)?;
            return Err(AppendError::NoTransaction);
        }
        self.producers.check(batch)?;
        Ok(())
    }

    fn store(&mut self, now: Now, batch: &BatchInfo, leader_epoch: LeaderEpoch) -> AppendPlan {
        let base_offset = self.log_end_offset;
        let last_offset = base_offset.plus(i64::from(batch.last_offset_delta));
        let new_epoch = self.epochs.assign(leader_epoch, base_offset);
        let roll = self
            .active
            .should_roll(&self.config, now.wall, batch, last_offset)
            .then(|| Box::new(self.roll_to_new(now.wall)));
        let position = self.active.push(&self.config, now.wall, batch, last_offset);
        self.recent.push(RecentBatch {
            base_offset,
            last_offset,
            position,
            size_bytes: batch.size_bytes,
            max_timestamp: batch.max_timestamp,
        });
        self.log_end_offset = last_offset.next();
        self.producers.record(batch, base_offset);
        AppendPlan {
            roll,
            segment: self.active.segment.base_offset,
            position,
            size_bytes: batch.size_bytes,
            base_offset,
            last_offset,
            leader_epoch,
            log_append_time: (self.config.timestamp_type == TimestampType::LogAppendTime)
                .then_some(batch.max_timestamp),
            new_epoch,
        }
    }
}
