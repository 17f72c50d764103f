//! The control records that end a transaction in a partition (KIP-98; Kafka's `EndTransactionMarker`).

use super::{BatchBuilder, BuildError, NO_SEQUENCE, Record};
use crate::base::{LeaderEpoch, ProducerEpoch, ProducerId, TimestampMs};

const KEY_VERSION: i16 = 0;
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// How a transaction ended, as its coordinator writes it into each partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTxnMarker {
    /// Committed, or else aborted.
    pub committed: bool,
    /// The epoch of the coordinator's own partition, which fences late coordinators.
    pub coordinator_epoch: i32,
}

impl EndTxnMarker {
    /// The marker in a control batch's record; `None` for control records of other types, and for what is
    /// none at all. Later versions are read as far as they are known, as Kafka does.
    pub fn parse(record: &Record<'_>) -> Option<EndTxnMarker> {
        let (version, kind) = short(record.key?)?;
        let (kind, _) = short(kind)?;
        let (value_version, value) = short(record.value?)?;
        if version < 0 || value_version < 0 {
            return None;
        }
        let committed = match kind {
            ABORT => false,
            COMMIT => true,
            _ => return None,
        };
        Some(EndTxnMarker {
            committed,
            coordinator_epoch: i32::from_be_bytes(*value.first_chunk()?),
        })
    }

    /// A batch of nothing but this marker, not yet stamped with offset and leader epoch.
    pub fn batch(
        self,
        now: TimestampMs,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
    ) -> Result<Vec<u8>, BuildError> {
        let kind = if self.committed { COMMIT } else { ABORT };
        let mut key = [0; 4];
        key[..2].copy_from_slice(&KEY_VERSION.to_be_bytes());
        key[2..].copy_from_slice(&kind.to_be_bytes());
        // The value's version 0, then the epoch.
        let mut value = [0; 6];
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        BatchBuilder::new()
            .leader_epoch(LeaderEpoch(-1))
            .producer(producer_id, producer_epoch, NO_SEQUENCE)
            .transactional()
            .control()
            .push(now, Some(&key), Some(&value), &[])
            .build()
    }
}

fn short(bytes: &[u8]) -> Option<(i16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i16::from_be_bytes(*number), rest))
}
