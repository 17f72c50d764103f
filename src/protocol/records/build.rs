//! Batches made here: by coordinators, the metadata log, the load generator and tests.

use super::header::{MAGIC, NO_SEQUENCE, NO_TIMESTAMP};
use super::record::put_record;
use super::{
    Attributes, BatchHeader, BatchView, BuildError, Codec, HEADER_BYTES, Header, LOG_OVERHEAD,
    TimestampType, deflate,
};
use crate::base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

/// Collects records into one batch. What is not set is what a plain producer sends: base offset 0, no
/// leader epoch, no producer id, no codec.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    codec: Codec,
    level: Option<i32>,
    spans_to: Option<i32>,
    records: Vec<u8>,
    count: usize,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// A batch without records yet.
    pub fn new() -> BatchBuilder {
        BatchBuilder {
            header: BatchHeader {
                base_offset: Offset::ZERO,
                batch_length: 0,
                leader_epoch: LeaderEpoch(-1),
                magic: MAGIC,
                crc: 0,
                attributes: Attributes::default(),
                last_offset_delta: -1,
                base_timestamp: NO_TIMESTAMP,
                max_timestamp: NO_TIMESTAMP,
                producer_id: ProducerId::NONE,
                producer_epoch: ProducerEpoch(-1),
                base_sequence: NO_SEQUENCE,
                record_count: 0,
            },
            codec: Codec::None,
            level: None,
            spans_to: None,
            records: Vec::new(),
            count: 0,
        }
    }

    /// The offset of the first record.
    pub fn base_offset(mut self, offset: Offset) -> Self {
        self.header.base_offset = offset;
        self
    }

    /// The leader's epoch.
    pub fn leader_epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.header.leader_epoch = epoch;
        self
    }

    /// The codec and its level, as [`deflate`] takes them.
    pub fn codec(mut self, codec: Codec, level: Option<i32>) -> Self {
        self.codec = codec;
        self.level = level;
        self
    }

    /// The idempotent producer, its epoch and the first record's sequence number.
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes it part of the producer's transaction.
    pub fn transactional(mut self) -> Self {
        self.header.attributes = self.header.attributes.with_transactional(true);
        self
    }

    /// Makes its records control records.
    pub fn control(mut self) -> Self {
        self.header.attributes = self.header.attributes.with_control(true);
        self
    }

    /// Gives all records the broker's time instead of their own.
    pub fn log_append_time(mut self, now: TimestampMs) -> Self {
        let attributes = self.header.attributes;
        self.header.attributes = attributes.with_timestamp_type(TimestampType::LogAppendTime);
        self.header.max_timestamp = now;
        self
    }

    /// The last offset that the batch spans, though records may be missing: what compaction leaves.
    pub fn spanning_to(mut self, last_offset_delta: i32) -> Self {
        self.spans_to = Some(last_offset_delta);
        self
    }

    /// Adds a record at the next offset.
    pub fn push(
        &mut self,
        timestamp: TimestampMs,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> &mut Self {
        let next = self.header.last_offset_delta.saturating_add(1);
        self.push_at(next, timestamp, key, value, headers)
    }

    /// Adds a record at an offset relative to the first; offsets must grow.
    pub fn push_at(
        &mut self,
        offset_delta: i32,
        timestamp: TimestampMs,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> &mut Self {
        let header = &mut self.header;
        if self.count == 0 {
            header.base_timestamp = timestamp;
        }
        if header.attributes.timestamp_type() == TimestampType::CreateTime {
            header.max_timestamp = header.max_timestamp.max(timestamp);
        }
        header.last_offset_delta = offset_delta;
        self.count += 1;
        let delta = timestamp.0.wrapping_sub(header.base_timestamp.0);
        put_record(&mut self.records, offset_delta, delta, key, value, headers);
        self
    }

    /// How many records there are.
    pub fn record_count(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The batch's bytes so far, before compression.
    pub fn len_bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// The finished batch.
    pub fn build(&self) -> Result<Vec<u8>, BuildError> {
        let payload = deflate(self.codec, &self.records, self.level)?;
        let mut header = self.header;
        header.attributes = header.attributes.with_codec(self.codec);
        header.last_offset_delta = self.spans_to.unwrap_or(header.last_offset_delta);
        header.record_count = i32::try_from(self.count).map_err(|_| BuildError::TooLarge)?;
        assemble(header, &payload)
    }
}

/// The same records under another codec, byte for byte, in a batch with the same header otherwise.
/// `max_bytes` bounds what the records may decompress to.
pub fn recompress(
    view: &BatchView<'_>,
    codec: Codec,
    level: Option<i32>,
    max_bytes: usize,
) -> Result<Vec<u8>, BuildError> {
    let records = view.inflate(max_bytes)?;
    let payload = deflate(codec, &records, level)?;
    let mut header = *view.header();
    header.attributes = header.attributes.with_codec(codec);
    assemble(header, &payload)
}

/// Header and payload as one batch, with the length and the checksum that belong to them.
fn assemble(mut header: BatchHeader, payload: &[u8]) -> Result<Vec<u8>, BuildError> {
    let length = HEADER_BYTES - LOG_OVERHEAD + payload.len();
    header.batch_length = i32::try_from(length).map_err(|_| BuildError::TooLarge)?;
    header.crc = header.checksum(payload);
    let mut batch = Vec::with_capacity(HEADER_BYTES + payload.len());
    batch.extend_from_slice(&header.encode());
    batch.extend_from_slice(payload);
    Ok(batch)
}
