//! Batches as they lie in memory: nothing copied, nothing decoded but the header.

use std::borrow::Cow;

use super::{
    BatchFault, BatchHeader, HEADER_BYTES, InflateError, LOG_OVERHEAD, Record, RecordIter,
    TimestampType, inflate,
};
use crate::base::{Offset, TimestampMs};
use crate::protocol::crc;

/// Exactly one batch: its header, decoded, and all its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchView<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// The batch at the front of `bytes`; what follows it is left out. Its checksum is not looked at.
    pub fn first(bytes: &'a [u8]) -> Result<BatchView<'a>, BatchFault> {
        let header = BatchHeader::parse(bytes)?;
        let size = header.size_bytes();
        let bytes = bytes.get(..size).ok_or(BatchFault::Truncated {
            need: size as u64,
            have: bytes.len() as u64,
        })?;
        Ok(BatchView { header, bytes })
    }

    /// The header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: the records, as they are compressed.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Compares the stored checksum with the bytes.
    pub fn verify_checksum(&self) -> Result<(), BatchFault> {
        let covered = self.bytes.get(super::header::CRC_COVERS_FROM..);
        let computed = crc::crc32c(covered.unwrap_or_default());
        if computed == self.header.crc {
            return Ok(());
        }
        Err(BatchFault::Checksum {
            stored: self.header.crc,
            computed,
        })
    }

    /// The records' bytes, decompressed if need be to at most `max_bytes`.
    pub fn inflate(&self, max_bytes: usize) -> Result<Cow<'a, [u8]>, InflateError> {
        let codec = self.header.attributes.codec();
        inflate(
            codec.ok_or(InflateError::UnknownCodec)?,
            self.payload(),
            max_bytes,
        )
    }

    /// The records in `inflated`, which [`inflate`](Self::inflate) has given.
    pub fn records<'r>(&self, inflated: &'r [u8]) -> RecordIter<'r> {
        RecordIter::new(inflated, self.header.record_count)
    }

    /// The offset of one of this batch's records.
    pub fn offset_of(&self, record: &Record<'_>) -> Offset {
        let delta = i64::from(record.offset_delta);
        Offset(self.header.base_offset.0.saturating_add(delta))
    }

    /// The timestamp of one of this batch's records, as a consumer sees it.
    pub fn timestamp_of(&self, record: &Record<'_>) -> TimestampMs {
        match self.header.attributes.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            TimestampType::CreateTime => {
                let base = self.header.base_timestamp.0;
                TimestampMs(base.wrapping_add(record.timestamp_delta))
            }
        }
    }
}

/// The batches of a slice, in order. It ends at a batch that the slice cuts off, as fetch responses
/// may; [`rest`](Self::rest) tells. After an error it ends as well.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Batches<'a> {
    /// The batches of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Batches<'a> {
        Batches {
            rest: bytes,
            failed: false,
        }
    }

    /// The bytes behind the last batch given.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, BatchFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.len() < LOG_OVERHEAD {
            return None;
        }
        match BatchView::first(self.rest) {
            Ok(view) => {
                self.rest = self.rest.get(view.bytes.len()..).unwrap_or_default();
                Some(Ok(view))
            }
            Err(BatchFault::Truncated { .. }) => None,
            Err(fault) => {
                self.failed = true;
                Some(Err(fault))
            }
        }
    }
}
