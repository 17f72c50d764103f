//! The `.snapshot` file: the producers' state at an offset, in Kafka's form (`ProducerSnapshot`, version 1).
//!
//! A version, the CRC-32C of all that follows it, and the entries. Kafka keeps each producer's latest batch only, so that
//! it takes a retry of an earlier one for a batch out of order after a restart. Here every remembered batch has an entry,
//! oldest first: of several entries of one producer Kafka takes the last.

use thiserror::Error;

use super::producer_state::{ProducerEntry, Producers, StoredBatch};
use crate::base::{Offset, ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::crc;
use crate::protocol::records::NO_SEQUENCE;

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const ENTRIES_AT: usize = 6;
const ENTRY_BYTES: usize = 46;

/// Why a snapshot file cannot be used. The state has to be rebuilt from an older one, or from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SnapshotError {
    /// The file ends too early, or goes on after its entries.
    #[error("the snapshot has {bytes} bytes, which its {entries} entries do not fill")]
    Length {
        /// The file's bytes.
        bytes: usize,
        /// The entries that it claims.
        entries: i32,
    },
    /// Another version.
    #[error("the snapshot has the unknown version {0}")]
    Version(i16),
    /// The checksum does not hold.
    #[error("the snapshot's checksum is {stored:#010x}, its bytes have {computed:#010x}")]
    Checksum {
        /// In the file.
        stored: u32,
        /// Of the bytes.
        computed: u32,
    },
    /// A producer id or epoch that cannot be.
    #[error("the snapshot has an entry of producer {0} that cannot be")]
    Entry(ProducerId),
}

impl Producers {
    /// The snapshot file's bytes.
    pub fn encode_snapshot(&self) -> Vec<u8> {
        let count: usize = self.iter().map(|(_, entry)| entry_count(entry)).sum();
        let mut bytes = Vec::with_capacity(ENTRIES_AT + 4 + count * ENTRY_BYTES);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend([0; ENTRIES_AT - CRC_AT]);
        bytes.extend((count as i32).to_be_bytes());
        for (id, entry) in self.iter() {
            if entry.last_batch().is_none() {
                encode_entry(&mut bytes, id, entry, None);
            }
            for batch in entry.batches() {
                encode_entry(&mut bytes, id, entry, Some(batch));
            }
        }
        let crc = crc::crc32c(&bytes[ENTRIES_AT..]);
        bytes[CRC_AT..ENTRIES_AT].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads a snapshot file.
    pub fn decode_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let short = SnapshotError::Length {
            bytes: bytes.len(),
            entries: 0,
        };
        let (version, rest) = bytes.split_first_chunk::<2>().ok_or(short)?;
        let version = i16::from_be_bytes(*version);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (stored, body) = rest.split_first_chunk::<4>().ok_or(short)?;
        let (stored, computed) = (u32::from_be_bytes(*stored), crc::crc32c(body));
        if stored != computed {
            return Err(SnapshotError::Checksum { stored, computed });
        }
        let (count, entries) = body.split_first_chunk::<4>().ok_or(short)?;
        let count = i32::from_be_bytes(*count);
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() || usize::try_from(count) != Ok(entries.len()) {
            return Err(SnapshotError::Length {
                bytes: bytes.len(),
                entries: count,
            });
        }
        let mut producers = Producers::default();
        for bytes in entries {
            let (id, entry) = decode_entry(bytes)?;
            producers.insert(id, entry);
        }
        Ok(producers)
    }
}

/// A producer without a batch has an entry all the same: its epoch counts.
fn entry_count(entry: &ProducerEntry) -> usize {
    entry.batches().count().max(1)
}

fn encode_entry(
    bytes: &mut Vec<u8>,
    id: ProducerId,
    entry: &ProducerEntry,
    batch: Option<&StoredBatch>,
) {
    let timestamp = batch.map_or(entry.last_timestamp, |b| b.timestamp);
    bytes.extend(id.0.to_be_bytes());
    bytes.extend(entry.epoch.0.to_be_bytes());
    bytes.extend(batch.map_or(NO_SEQUENCE, |b| b.last_sequence).to_be_bytes());
    bytes.extend(batch.map_or(-1, |b| b.last_offset.0).to_be_bytes());
    bytes.extend(batch.map_or(0, |b| b.offset_delta).to_be_bytes());
    bytes.extend(timestamp.0.to_be_bytes());
    bytes.extend(entry.coordinator_epoch.to_be_bytes());
    bytes.extend(entry.txn_first_offset.map_or(-1, |o| o.0).to_be_bytes());
}

fn decode_entry(bytes: &[u8; ENTRY_BYTES]) -> Result<(ProducerId, ProducerEntry), SnapshotError> {
    let id = ProducerId(i64::from_be_bytes(field::<0, 8>(bytes)));
    let epoch = ProducerEpoch(i16::from_be_bytes(field::<8, 2>(bytes)));
    let last_sequence = i32::from_be_bytes(field::<10, 4>(bytes));
    let last_offset = Offset(i64::from_be_bytes(field::<14, 8>(bytes)));
    let offset_delta = i32::from_be_bytes(field::<22, 4>(bytes));
    let timestamp = TimestampMs(i64::from_be_bytes(field::<26, 8>(bytes)));
    let txn_first_offset = Offset(i64::from_be_bytes(field::<38, 8>(bytes)));
    if id <= ProducerId::NONE || offset_delta < 0 || i64::from(offset_delta) > last_offset.0.max(0)
    {
        return Err(SnapshotError::Entry(id));
    }
    let mut entry = ProducerEntry::empty(epoch, timestamp);
    entry.coordinator_epoch = i32::from_be_bytes(field::<34, 4>(bytes));
    entry.txn_first_offset = (txn_first_offset >= Offset::ZERO).then_some(txn_first_offset);
    if last_offset >= Offset::ZERO {
        entry.add(
            epoch,
            StoredBatch {
                last_sequence,
                last_offset,
                offset_delta,
                timestamp,
            },
        );
    }
    Ok((id, entry))
}

/// `N` bytes at `AT` of an entry; both are constants, so the bounds are checked when compiled.
fn field<const AT: usize, const N: usize>(bytes: &[u8; ENTRY_BYTES]) -> [u8; N] {
    const { assert!(AT + N <= ENTRY_BYTES) };
    std::array::from_fn(|i| bytes[AT + i])
}

/// Fuzz entry: arbitrary bytes never panic, and what is read can be written and read again.
pub fn fuzz_producer_snapshot(bytes: &[u8]) {
    check_round_trip(bytes);
    // Most inputs die at the checksum; give them a right one.
    let mut fixed = Vec::from(VERSION.to_be_bytes());
    fixed.extend(crc::crc32c(bytes).to_be_bytes());
    fixed.extend(bytes);
    check_round_trip(&fixed);
}

fn check_round_trip(bytes: &[u8]) {
    if let Ok(producers) = Producers::decode_snapshot(bytes) {
        producers.invariants();
        let again = Producers::decode_snapshot(&producers.encode_snapshot());
        assert_eq!(again.as_ref(), Ok(&producers));
    }
}
