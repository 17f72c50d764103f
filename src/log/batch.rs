//! What the log needs to know of a record batch that has been validated.

use crate::base::{ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::records::{BatchHeader, NO_SEQUENCE, ValidBatch, increment_sequence};

/// A valid batch's header, as far as it decides where and whether the batch is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchInfo {
    /// The whole batch on disk, its header included.
    pub size_bytes: u32,
    /// The last record's offset relative to the first; not negative.
    pub last_offset_delta: i32,
    /// Records in the batch.
    pub record_count: i32,
    /// The first record's timestamp.
    pub base_timestamp: TimestampMs,
    /// The largest timestamp, as it will be stored.
    pub max_timestamp: TimestampMs,
    /// The idempotent producer, or [`ProducerId::NONE`].
    pub producer_id: ProducerId,
    /// The producer's epoch.
    pub producer_epoch: ProducerEpoch,
    /// The first record's sequence number.
    pub base_sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// Control records (transaction markers), not data.
    pub control: bool,
}

impl BatchInfo {
    /// Whether an idempotent producer wrote it.
    pub fn has_producer(&self) -> bool {
        self.producer_id > ProducerId::NONE
    }

    /// The last record's sequence number; sequences wrap from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return NO_SEQUENCE;
        }
        increment_sequence(self.base_sequence, self.last_offset_delta)
    }
}

impl From<&BatchHeader> for BatchInfo {
    /// A stored batch. A size that no segment can hold becomes `u32::MAX`, which every check refuses.
    fn from(header: &BatchHeader) -> Self {
        BatchInfo {
            size_bytes: u32::try_from(header.size_bytes()).unwrap_or(u32::MAX),
            last_offset_delta: header.last_offset_delta,
            record_count: header.record_count,
            base_timestamp: header.base_timestamp,
            max_timestamp: header.max_timestamp,
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            transactional: header.attributes.is_transactional(),
            control: header.attributes.is_control(),
        }
    }
}

impl From<&ValidBatch> for BatchInfo {
    /// A produced batch, with the timestamps that it will be stored with.
    fn from(batch: &ValidBatch) -> Self {
        BatchInfo {
            max_timestamp: batch.max_timestamp(),
            ..BatchInfo::from(&batch.header)
        }
    }
}
