//! The 61 bytes in front of a record batch, format v2 (KIP-98; Kafka's `DefaultRecordBatch`).

use super::{BatchFault, Codec};
use crate::base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::crc;

/// Bytes of a batch's header; its records follow.
pub const HEADER_BYTES: usize = 61;

/// Bytes in front of what `batch_length` counts: the base offset and the length itself.
pub const LOG_OVERHEAD: usize = 12;

/// The only format that is written or accepted.
pub const MAGIC: i8 = 2;

/// Where the bytes begin that the checksum covers: everything from the attributes on.
pub(super) const CRC_COVERS_FROM: usize = 21;

/// What stands for "no timestamp".
pub const NO_TIMESTAMP: TimestampMs = TimestampMs(-1);

/// What stands for "no sequence number".
pub const NO_SEQUENCE: i32 = -1;

/// Who set the timestamps of a batch's records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    /// The producer did, record by record.
    #[default]
    CreateTime,
    /// The broker did, one for the whole batch: its maximum timestamp.
    LogAppendTime,
}

/// The attributes of a batch: 16 bits, of which seven have a meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC_MASK: i16 = 0x07;
    const LOG_APPEND_TIME: i16 = 0x08;
    const TRANSACTIONAL: i16 = 0x10;
    const CONTROL: i16 = 0x20;
    const DELETE_HORIZON: i16 = 0x40;

    /// How the records are compressed; `None` for a number that means no codec.
    pub const fn codec(self) -> Option<Codec> {
        Codec::from_id(self.0 & Self::CODEC_MASK)
    }

    /// Who set the timestamps.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether its records are markers that no consumer is shown.
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the time from which compaction may drop its tombstones.
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// The same attributes with this codec.
    pub const fn with_codec(self, codec: Codec) -> Attributes {
        Attributes(self.0 & !Self::CODEC_MASK | codec.id())
    }

    /// The same attributes with this timestamp type.
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Attributes {
        self.with(
            Self::LOG_APPEND_TIME,
            matches!(timestamp_type, TimestampType::LogAppendTime),
        )
    }

    /// The same attributes, part of a transaction or not.
    pub const fn with_transactional(self, yes: bool) -> Attributes {
        self.with(Self::TRANSACTIONAL, yes)
    }

    /// The same attributes, control or not.
    pub const fn with_control(self, yes: bool) -> Attributes {
        self.with(Self::CONTROL, yes)
    }

    /// The same attributes, with a delete horizon or without.
    pub const fn with_delete_horizon(self, yes: bool) -> Attributes {
        self.with(Self::DELETE_HORIZON, yes)
    }

    const fn with(self, bit: i16, yes: bool) -> Attributes {
        Attributes(if yes { self.0 | bit } else { self.0 & !bit })
    }
}

/// A batch's header, decoded. Parsing it proves its format and that its length can hold a header,
/// nothing about the records or the checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// The offset of the first record; a producer sends 0.
    pub base_offset: Offset,
    /// Bytes that follow the length field: the batch without [`LOG_OVERHEAD`].
    pub batch_length: i32,
    /// The epoch of the leader that appended it, -1 when no leader has yet.
    pub leader_epoch: LeaderEpoch,
    /// The format: always [`MAGIC`] once parsed.
    pub magic: i8,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: Attributes,
    /// The last record's offset, less the base offset.
    pub last_offset_delta: i32,
    /// What the records' timestamps are relative to; or the delete horizon.
    pub base_timestamp: TimestampMs,
    /// The largest timestamp, or the broker's own with [`TimestampType::LogAppendTime`].
    pub max_timestamp: TimestampMs,
    /// The producer, or [`ProducerId::NONE`].
    pub producer_id: ProducerId,
    /// The producer's epoch, or -1.
    pub producer_epoch: ProducerEpoch,
    /// The first record's sequence number, or [`NO_SEQUENCE`].
    pub base_sequence: i32,
    /// How many records it says it has; compaction leaves fewer than the offsets it spans.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes`, which need not hold the rest of the batch.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchFault> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(BatchFault::Truncated {
                need: HEADER_BYTES as u64,
                have: bytes.len() as u64,
            });
        };
        let header = Self::decode(head);
        if header.magic != MAGIC {
            return Err(BatchFault::Magic(header.magic));
        }
        if header.batch_length < (HEADER_BYTES - LOG_OVERHEAD) as i32 {
            return Err(BatchFault::Length(header.batch_length));
        }
        Ok(header)
    }

    fn decode(head: &[u8; HEADER_BYTES]) -> BatchHeader {
        BatchHeader {
            base_offset: Offset(i64::from_be_bytes(field::<0, 8>(head))),
            batch_length: i32::from_be_bytes(field::<8, 4>(head)),
            leader_epoch: LeaderEpoch(i32::from_be_bytes(field::<12, 4>(head))),
            magic: i8::from_be_bytes(field::<16, 1>(head)),
            crc: u32::from_be_bytes(field::<17, 4>(head)),
            attributes: Attributes(i16::from_be_bytes(field::<21, 2>(head))),
            last_offset_delta: i32::from_be_bytes(field::<23, 4>(head)),
            base_timestamp: TimestampMs(i64::from_be_bytes(field::<27, 8>(head))),
            max_timestamp: TimestampMs(i64::from_be_bytes(field::<35, 8>(head))),
            producer_id: ProducerId(i64::from_be_bytes(field::<43, 8>(head))),
            producer_epoch: ProducerEpoch(i16::from_be_bytes(field::<51, 2>(head))),
            base_sequence: i32::from_be_bytes(field::<53, 4>(head)),
            record_count: i32::from_be_bytes(field::<57, 4>(head)),
        }
    }

    /// The header's bytes, with the checksum that it carries.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut head = [0; HEADER_BYTES];
        head[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        head[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        head[12..16].copy_from_slice(&self.leader_epoch.0.to_be_bytes());
        head[16..17].copy_from_slice(&self.magic.to_be_bytes());
        head[17..21].copy_from_slice(&self.crc.to_be_bytes());
        head[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        head[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        head[27..35].copy_from_slice(&self.base_timestamp.0.to_be_bytes());
        head[35..43].copy_from_slice(&self.max_timestamp.0.to_be_bytes());
        head[43..51].copy_from_slice(&self.producer_id.0.to_be_bytes());
        head[51..53].copy_from_slice(&self.producer_epoch.0.to_be_bytes());
        head[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        head[57..61].copy_from_slice(&self.record_count.to_be_bytes());
        head
    }

    /// The checksum that this header and the record bytes after it ought to carry.
    pub fn checksum(&self, payload: &[u8]) -> u32 {
        self.checksum_of(payload, &[])
    }

    /// The same for record bytes in two pieces.
    pub fn checksum_of(&self, payload: &[u8], more: &[u8]) -> u32 {
        crc::crc32c_of(&[&self.encode()[CRC_COVERS_FROM..], payload, more])
    }

    /// The whole batch's bytes, header included.
    pub fn size_bytes(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// The last record's offset. Saturates, so that a forged header cannot overflow it.
    pub fn last_offset(&self) -> Offset {
        Offset(
            self.base_offset
                .0
                .saturating_add(i64::from(self.last_offset_delta)),
        )
    }

    /// The offset after the last record. Saturates.
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Whether the producer is idempotent.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id.0 > ProducerId::NONE.0
    }

    /// The last record's sequence number: sequences wrap to 0 after `i32::MAX`.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        increment_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// The time from which compaction may drop this batch's tombstones, once compaction has set it.
    pub fn delete_horizon(&self) -> Option<TimestampMs> {
        self.attributes
            .has_delete_horizon()
            .then_some(self.base_timestamp)
    }
}

/// The sequence number `increment` records on: after `i32::MAX` comes 0.
pub const fn increment_sequence(sequence: i32, increment: i32) -> i32 {
    (sequence.wrapping_add(increment)) & i32::MAX
}

/// The sequence number `decrement` records back: before 0 comes `i32::MAX`.
pub const fn decrement_sequence(sequence: i32, decrement: i32) -> i32 {
    (sequence.wrapping_sub(decrement)) & i32::MAX
}

/// `N` bytes at `AT`; both are constants, so the bounds are checked when compiled.
fn field<const AT: usize, const N: usize>(head: &[u8; HEADER_BYTES]) -> [u8; N] {
    const { assert!(AT + N <= HEADER_BYTES) };
    std::array::from_fn(|i| head[AT + i])
}
