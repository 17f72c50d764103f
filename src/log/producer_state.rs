//! Idempotent producers: which of their batches the log holds (Kafka's `ProducerStateManager`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use thiserror::Error;

use super::BatchInfo;
use crate::base::limits::PRODUCERS_MAX;
use crate::base::{Offset, ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::ErrorCode;
use crate::protocol::records::{NO_SEQUENCE, NO_TIMESTAMP, decrement_sequence};

/// Batches of a producer that are recognized when they come again: as many as a producer may have in flight.
pub const BATCHES_REMEMBERED: usize = 5;

const NO_EPOCH: ProducerEpoch = ProducerEpoch(-1);

/// A batch that the log holds, as its producer's state remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredBatch {
    /// The last record's sequence number.
    pub last_sequence: i32,
    /// The last record's offset.
    pub last_offset: Offset,
    /// The last offset less the first.
    pub offset_delta: i32,
    /// The largest timestamp.
    pub timestamp: TimestampMs,
}

impl StoredBatch {
    /// The first record's sequence number.
    pub fn first_sequence(&self) -> i32 {
        decrement_sequence(self.last_sequence, self.offset_delta)
    }

    /// The first record's offset.
    pub fn first_offset(&self) -> Offset {
        self.last_offset.plus(-i64::from(self.offset_delta))
    }
}

/// One producer's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerEntry {
    /// The epoch of its latest batch.
    pub epoch: ProducerEpoch,
    /// The epoch of the coordinator that last ended a transaction of it, or -1.
    pub coordinator_epoch: i32,
    /// The time of its latest batch.
    pub last_timestamp: TimestampMs,
    /// Where its open transaction begins.
    pub txn_first_offset: Option<Offset>,
    batches: [Option<StoredBatch>; BATCHES_REMEMBERED],
}

impl ProducerEntry {
    /// A producer of which no batch is known.
    pub fn empty(epoch: ProducerEpoch, last_timestamp: TimestampMs) -> Self {
        ProducerEntry {
            epoch,
            coordinator_epoch: -1,
            last_timestamp,
            txn_first_offset: None,
            batches: [None; BATCHES_REMEMBERED],
        }
    }

    /// The remembered batches, oldest first; all are of the current epoch.
    pub fn batches(&self) -> impl Iterator<Item = &StoredBatch> {
        self.batches.iter().flatten()
    }

    /// The latest batch.
    pub fn last_batch(&self) -> Option<&StoredBatch> {
        self.batches().last()
    }

    /// Adds a batch; one of another epoch makes the earlier ones forgotten.
    pub fn add(&mut self, epoch: ProducerEpoch, batch: StoredBatch) {
        if epoch != self.epoch {
            self.batches = [None; BATCHES_REMEMBERED];
            self.epoch = epoch;
        }
        let free = self.batches.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.batches.rotate_left(1);
            BATCHES_REMEMBERED - 1
        });
        self.batches[at] = Some(batch);
        self.last_timestamp = batch.timestamp;
    }

    /// Forgets batches at and after `offset`; true if there were any.
    fn truncate(&mut self, offset: Offset) -> bool {
        let mut cut = false;
        for slot in &mut self.batches {
            cut |= slot.take_if(|b| b.last_offset >= offset).is_some();
        }
        cut
    }

    fn find(&self, batch: &BatchInfo) -> Option<&StoredBatch> {
        let (first, last) = (batch.base_sequence, batch.last_sequence());
        self.batches()
            .find(|b| b.first_sequence() == first && b.last_sequence == last)
    }
}

/// Why a producer may not append a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ProducerError {
    /// A producer with a newer epoch has taken its id over.
    #[error("producer {producer_id} has epoch {epoch}, below the last seen epoch {current}")]
    Fenced {
        /// The producer.
        producer_id: ProducerId,
        /// Its batch's epoch.
        epoch: ProducerEpoch,
        /// The latest epoch.
        current: ProducerEpoch,
    },
    /// A batch before it is missing, or it is a duplicate of one long past.
    #[error(
        "out of order sequence number for producer {producer_id}: {sequence} (incoming seq. number), {last_sequence} (current end sequence number)"
    )]
    OutOfOrder {
        /// The producer.
        producer_id: ProducerId,
        /// Its batch's first sequence.
        sequence: i32,
        /// The last sequence stored.
        last_sequence: i32,
    },
    /// The first batch of a new epoch does not begin at 0.
    #[error(
        "producer {producer_id} begins epoch {epoch} with sequence {sequence}, not 0; its current epoch is {current}"
    )]
    NewEpochNotAtZero {
        /// The producer.
        producer_id: ProducerId,
        /// Its batch's epoch.
        epoch: ProducerEpoch,
        /// Its batch's first sequence.
        sequence: i32,
        /// The latest epoch.
        current: ProducerEpoch,
    },
}

impl ProducerError {
    /// Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            ProducerError::Fenced { .. } => ErrorCode::InvalidProducerEpoch,
            ProducerError::OutOfOrder { .. } | ProducerError::NewEpochNotAtZero { .. } => {
                ErrorCode::OutOfOrderSequenceNumber
            }
        }
    }
}

/// The producers of one partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Producers {
    entries: BTreeMap<ProducerId, ProducerEntry>,
}

impl Producers {
    /// Every producer with its state, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, &ProducerEntry)> {
        self.entries.iter().map(|(&id, entry)| (id, entry))
    }

    /// One producer's state.
    pub fn get(&self, id: ProducerId) -> Option<&ProducerEntry> {
        self.entries.get(&id)
    }

    /// How many producers are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The stored batch that this one repeats, if it is one of its producer's last.
    pub fn find_duplicate(&self, batch: &BatchInfo) -> Option<StoredBatch> {
        if !batch.has_producer() {
            return None;
        }
        let entry = self.get(batch.producer_id)?;
        (entry.epoch == batch.producer_epoch)
            .then(|| entry.find(batch).copied())
            .flatten()
    }

    /// Whether the producer's epoch still holds (`ProducerAppendInfo.checkProducerEpoch`).
    pub fn check_epoch(&self, batch: &BatchInfo) -> Result<(), ProducerError> {
        not_fenced(batch, self.get(batch.producer_id))
    }

    /// Whether the batch is the next of its producer (`ProducerAppendInfo.maybeValidateDataBatch`). A producer of which
    /// nothing is known may begin anywhere, since its earlier batches may have been deleted.
    pub fn check(&self, batch: &BatchInfo) -> Result<(), ProducerError> {
        let entry = self.get(batch.producer_id);
        not_fenced(batch, entry)?;
        let Some(entry) = entry else {
            return Ok(());
        };
        let (producer_id, sequence) = (batch.producer_id, batch.base_sequence);
        if batch.producer_epoch != entry.epoch {
            if sequence == 0 || entry.epoch == NO_EPOCH {
                return Ok(());
            }
            return Err(ProducerError::NewEpochNotAtZero {
                producer_id,
                epoch: batch.producer_epoch,
                sequence,
                current: entry.epoch,
            });
        }
        let last_sequence = entry.last_batch().map_or(NO_SEQUENCE, |b| b.last_sequence);
        if entry.epoch == NO_EPOCH || follows(last_sequence, sequence) {
            return Ok(());
        }
        Err(ProducerError::OutOfOrder {
            producer_id,
            sequence,
            last_sequence,
        })
    }

    /// Notes a batch that has been appended at `base_offset`.
    pub(super) fn record(&mut self, batch: &BatchInfo, base_offset: Offset) {
        if !batch.has_producer() || batch.control {
            return;
        }
        let stored = StoredBatch {
            last_sequence: batch.last_sequence(),
            last_offset: base_offset.plus(i64::from(batch.last_offset_delta)),
            offset_delta: batch.last_offset_delta,
            timestamp: batch.max_timestamp,
        };
        self.entry(batch.producer_id)
            .add(batch.producer_epoch, stored);
    }

    /// Notes a batch found in the log, without judging it: what recovery does for every batch after the last snapshot.
    pub fn replay(&mut self, batch: &BatchInfo, base_offset: Offset) {
        let older = |entry: &ProducerEntry| batch.producer_epoch < entry.epoch;
        if batch.last_offset_delta < 0 || self.get(batch.producer_id).is_some_and(older) {
            return;
        }
        self.record(batch, base_offset);
    }

    /// Takes an entry from a snapshot. One that goes on where the producer's last ended adds its batch; any other
    /// takes that one's place.
    pub(super) fn insert(&mut self, id: ProducerId, mut entry: ProducerEntry) {
        let known = self.entry(id);
        if let (Some(last), Some(&next)) = (known.last_batch(), entry.last_batch())
            && known.epoch == entry.epoch
            && last.last_offset < next.first_offset()
        {
            entry.batches = known.batches;
            entry.add(entry.epoch, next);
        }
        *known = entry;
    }

    fn entry(&mut self, id: ProducerId) -> &mut ProducerEntry {
        if self.entries.len() >= PRODUCERS_MAX && !self.entries.contains_key(&id) {
            self.forget_longest_idle();
        }
        match self.entries.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(ProducerEntry::empty(NO_EPOCH, NO_TIMESTAMP)),
        }
    }

    /// Makes room at the bound: a sixteenth at once, so that the search is paid for rarely.
    fn forget_longest_idle(&mut self) {
        let mut idle: Vec<(TimestampMs, ProducerId)> =
            self.iter().map(|(id, e)| (e.last_timestamp, id)).collect();
        let count = (idle.len() / 16).max(1);
        idle.select_nth_unstable(count - 1);
        for (_, id) in &idle[..count] {
            self.entries.remove(id);
        }
    }

    /// Forgets the producers whose latest batch is `expiration_ms` old, unless they have a transaction open.
    pub(super) fn expire(&mut self, now: TimestampMs, expiration_ms: i64) {
        self.entries.retain(|_, e| {
            e.txn_first_offset.is_some() || now.0.saturating_sub(e.last_timestamp.0) < expiration_ms
        });
    }

    /// Forgets batches at and after `offset`, and the producers that are left without any; true if there were any.
    pub(super) fn truncate(&mut self, offset: Offset) -> bool {
        let mut cut = false;
        self.entries.retain(|_, entry| {
            let entry_cut = entry.truncate(offset);
            cut |= entry_cut;
            !entry_cut || entry.last_batch().is_some()
        });
        cut
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn invariants(&self) {
        assert!(self.entries.len() <= PRODUCERS_MAX);
        for entry in self.entries.values() {
            let ascending = |a: &&StoredBatch, b: &&StoredBatch| a.last_offset < b.last_offset;
            assert!(entry.batches().is_sorted_by(ascending), "{entry:?}");
        }
    }
}

/// Whether the batch's epoch is at least that of what is known of its producer.
fn not_fenced(batch: &BatchInfo, entry: Option<&ProducerEntry>) -> Result<(), ProducerError> {
    let current = entry.map_or(NO_EPOCH, |e| e.epoch);
    if batch.producer_epoch < current {
        return Err(ProducerError::Fenced {
            producer_id: batch.producer_id,
            epoch: batch.producer_epoch,
            current,
        });
    }
    Ok(())
}

/// Whether `next` comes right after `last`; after `i32::MAX` comes 0.
fn follows(last: i32, next: i32) -> bool {
    i64::from(next) == i64::from(last) + 1 || (next == 0 && last == i32::MAX)
}
