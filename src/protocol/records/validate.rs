//! What a produced batch must be, checked in Kafka's order and refused with Kafka's codes and words
//! (`ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`, `LogValidator`).
//!
//! Kafka opens every compressed batch. Here that is done only when the topic asks for it or a feature
//! needs the records; else a compressed batch is judged by its header and its checksum.

use super::{BatchHeader, BatchView, Codec, HEADER_BYTES, LOG_OVERHEAD, MAGIC, TimestampType};
use crate::base::{LeaderEpoch, Offset, PartitionIndex, TimestampMs};
use crate::protocol::ErrorCode;

mod walk;

/// Who appends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A producer.
    Client {
        /// The version of its Produce request.
        produce_version: i16,
    },
    /// A coordinator of this broker, which may write control records.
    Coordinator,
}

/// The topic's `compression.type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TopicCompression {
    /// Whatever the producer chose.
    #[default]
    Producer,
    /// This codec; `uncompressed` is [`Codec::None`].
    Always(Codec),
}

/// The rules of a topic and the circumstances of an append.
#[derive(Clone, Debug)]
pub struct ValidateOptions<'a> {
    /// The topic's name, for messages.
    pub topic: &'a str,
    /// The partition, for messages.
    pub partition: PartitionIndex,
    /// Who appends.
    pub origin: Origin,
    /// The wall clock.
    pub now: TimestampMs,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far behind the clock a record may be.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead of the clock a record may be.
    pub after_max_ms: i64,
    /// Whether `cleanup.policy` includes compaction, which needs keys.
    pub compacted: bool,
    /// `compression.type`.
    pub compression: TopicCompression,
    /// `ringlog.validate.compressed`: open compressed batches as well.
    pub validate_compressed: bool,
    /// What a compressed batch that is opened may decompress to.
    pub inflated_bytes_max: usize,
}

/// A batch that may be appended, and what has to be done to it on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValidBatch {
    /// Its header as the producer sent it.
    pub header: BatchHeader,
    /// The timestamp fields that have to be written over.
    pub restamp: Option<Restamp>,
    /// The codec that the topic wants instead of the producer's: see [`recompress`](super::recompress).
    /// The result has to be measured against `max.message.bytes` again.
    pub recompress_to: Option<Codec>,
}

/// Timestamp fields that differ from what the producer sent. They are covered by the checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restamp {
    /// Who sets the records' timestamps.
    pub timestamp_type: TimestampType,
    /// The batch's maximum timestamp.
    pub max_timestamp: TimestampMs,
}

/// Why a batch was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchError {
    /// The code for the partition.
    pub code: ErrorCode,
    /// What is wrong, for a person.
    pub message: String,
    /// The records at fault, at most
    /// [`RECORD_ERRORS_MAX`](crate::base::limits::RECORD_ERRORS_MAX); empty if the batch itself is.
    pub record_errors: Vec<RecordError>,
    /// Whether the request's own checks had passed, so that the log refused the batch.
    pub reached_log: bool,
}

/// Why one record was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordError {
    /// The record's place in its batch.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: String,
}

impl BatchError {
    fn new(code: ErrorCode, message: impl Into<String>) -> BatchError {
        BatchError {
            code,
            message: message.into(),
            record_errors: Vec::new(),
            reached_log: true,
        }
    }

    /// The message as Kafka's responses carry it: with errors of single records, and where bytes are no batch at all.
    pub fn wire_message(&self) -> Option<&str> {
        let no_batch = !self.reached_log && self.code == ErrorCode::CorruptMessage;
        (no_batch || !self.record_errors.is_empty()).then_some(&*self.message)
    }

    /// Whether Kafka tells the log's start beside this error: if it came up in the log, but for the few that Kafka
    /// expects there.
    pub fn tells_log_start(&self) -> bool {
        self.reached_log
            && !matches!(
                self.code,
                ErrorCode::MessageTooLarge | ErrorCode::CorruptMessage
            )
    }
}

impl ValidBatch {
    /// The batch's bytes. What follows them in the request is left out.
    pub fn size_bytes(&self) -> usize {
        self.header.size_bytes()
    }

    /// The largest timestamp, as the log will carry it.
    pub fn max_timestamp(&self) -> TimestampMs {
        self.restamp
            .map_or(self.header.max_timestamp, |restamp| restamp.max_timestamp)
    }

    /// The time that a produce response tells, with [`TimestampType::LogAppendTime`] only.
    pub fn log_append_time(&self) -> Option<TimestampMs> {
        self.restamp
            .filter(|restamp| restamp.timestamp_type == TimestampType::LogAppendTime)
            .map(|restamp| restamp.max_timestamp)
    }

    /// The header with which the batch goes into the log, in front of the unchanged `payload`. The
    /// payload is read only if a field under the checksum changes.
    pub fn stamped_header(
        &self,
        payload: &[u8],
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
    ) -> BatchHeader {
        let mut header = self.header;
        header.base_offset = base_offset;
        header.leader_epoch = leader_epoch;
        if let Some(restamp) = self.restamp {
            header.max_timestamp = restamp.max_timestamp;
            header.attributes = header
                .attributes
                .with_timestamp_type(restamp.timestamp_type);
            header.crc = header.checksum(payload);
        }
        header
    }

    /// Stamps a copy of the batch where it lies; bytes behind it are left alone.
    pub fn stamp(&self, batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
        let size = self.size_bytes().min(batch.len());
        let Some((head, payload)) = batch
            .get_mut(..size)
            .and_then(<[u8]>::split_first_chunk_mut::<HEADER_BYTES>)
        else {
            return;
        };
        *head = self
            .stamped_header(payload, base_offset, leader_epoch)
            .encode();
    }
}

/// Judges the one batch that `bytes` holds for a partition.
///
/// # Errors
/// The partition's error code, with the records at fault where single records are.
pub fn validate(bytes: &[u8], options: &ValidateOptions<'_>) -> Result<ValidBatch, BatchError> {
    let batch = the_only_batch(bytes, options).map_err(|error| BatchError {
        reached_log: false,
        ..error
    })?;
    check_bytes(&batch, options)?;
    check_header(batch.header(), options)?;
    let codec = known_codec(batch.header())?;
    let recompress_to = target_codec(batch.header(), codec, options);

    let must_open = codec == Codec::None
        || recompress_to.is_some()
        || options.compacted
        || options.validate_compressed;
    let max_timestamp = if must_open {
        walk::check_records(&batch, options)?
    } else {
        walk::check_header_timestamps(batch.header(), options)?;
        batch.header().max_timestamp
    };
    Ok(ValidBatch {
        header: *batch.header(),
        restamp: restamp(batch.header(), max_timestamp, options),
        recompress_to,
    })
}

fn the_only_batch<'a>(
    bytes: &'a [u8],
    options: &ValidateOptions<'_>,
) -> Result<BatchView<'a>, BatchError> {
    let version = match options.origin {
        Origin::Client { produce_version } => produce_version,
        Origin::Coordinator => i16::MAX,
    };
    let refuse = |code, what: &str| {
        let message = format!("Produce requests with version {version} {what}");
        Err(BatchError::new(code, message))
    };
    let Some(size) = framed_size(bytes)? else {
        return refuse(
            ErrorCode::InvalidRecord,
            "must have at least one record batch per partition",
        );
    };
    if bytes.get(16) != Some(&MAGIC.to_be_bytes()[0]) {
        return refuse(
            ErrorCode::InvalidRecord,
            "are only allowed to contain record batches with magic version 2",
        );
    }
    let batch = BatchView::first(bytes)
        .map_err(|fault| BatchError::new(ErrorCode::CorruptMessage, fault.to_string()))?;
    if version < 7 && batch.header().attributes.codec() == Some(Codec::Zstd) {
        return refuse(
            ErrorCode::UnsupportedCompressionType,
            "are not allowed to use ZStandard compression",
        );
    }
    if framed_size(bytes.get(size..).unwrap_or_default())?.is_some() {
        return refuse(
            ErrorCode::InvalidRecord,
            "are only allowed to contain exactly one record batch per partition",
        );
    }
    Ok(batch)
}

/// The size of the batch at the front, if all of it is there: a cut-off tail is no batch, as for Kafka.
fn framed_size(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    /// The smallest record of the oldest format, which Kafka measures against first.
    const RECORD_OVERHEAD_V0: i32 = 14;

    let length = bytes.get(8..).and_then(<[u8]>::first_chunk);
    let Some(length) = length.map(|length| i32::from_be_bytes(*length)) else {
        return Ok(None);
    };
    if length < RECORD_OVERHEAD_V0 {
        let message = format!(
            "Record size {length} is less than the minimum record overhead ({RECORD_OVERHEAD_V0})"
        );
        return Err(BatchError::new(ErrorCode::CorruptMessage, message));
    }
    let Some(&magic) = bytes.get(16) else {
        return Ok(None);
    };
    if magic > 2 {
        let message = format!("Invalid magic found in record: {}", magic as i8);
        return Err(BatchError::new(ErrorCode::CorruptMessage, message));
    }
    let size = LOG_OVERHEAD + usize::try_from(length).unwrap_or(0);
    Ok((bytes.len() >= size).then_some(size))
}

/// The checks of `analyzeAndValidateRecords`: base offset, size, checksum.
fn check_bytes(batch: &BatchView<'_>, options: &ValidateOptions<'_>) -> Result<(), BatchError> {
    let header = batch.header();
    let name = Name(options);
    if is_client(options) && header.base_offset != Offset::ZERO {
        let message = format!(
            "The baseOffset of the record batch in the append to {name} should be 0, but it is {}",
            header.base_offset
        );
        return Err(BatchError::new(ErrorCode::InvalidRecord, message));
    }
    let size = batch.bytes().len();
    if size > options.max_message_bytes {
        let message = format!(
            "The record batch size in the append to {name} is {size} bytes which exceeds the maximum \
             configured value of {}.",
            options.max_message_bytes
        );
        return Err(BatchError::new(ErrorCode::MessageTooLarge, message));
    }
    if batch.verify_checksum().is_err() {
        let message = format!(
            "Record is corrupt (stored crc = {}) in topic partition {name}.",
            header.crc
        );
        return Err(BatchError::new(ErrorCode::CorruptMessage, message));
    }
    Ok(())
}

/// The checks of `LogValidator.validateBatch`, which only producers are put through.
fn check_header(header: &BatchHeader, options: &ValidateOptions<'_>) -> Result<(), BatchError> {
    if !is_client(options) {
        return Ok(());
    }
    let invalid = |what: String| {
        let message = format!("{what} in topic partition {}", Name(options));
        Err(BatchError::new(ErrorCode::InvalidRecord, message))
    };
    let range = || format!("[{}, {}]", header.base_offset, header.last_offset());
    let spanned = i64::from(header.last_offset_delta) + 1;
    if spanned <= 0 {
        return invalid(format!("Batch has an invalid offset range: {}", range()));
    }
    let count = header.record_count;
    if count <= 0 {
        return invalid(format!("Invalid reported count for record batch: {count}"));
    }
    if spanned != i64::from(count) {
        return invalid(format!(
            "Inconsistent batch offset range {} and count of records {count}",
            range()
        ));
    }
    if header.attributes.is_control() {
        return invalid("Clients are not allowed to write control records".into());
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        return invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            header.base_sequence, header.producer_id
        ));
    }
    Ok(())
}

/// Kafka fails on an unknown codec with its catch-all error; the code that says what is wrong is kinder.
fn known_codec(header: &BatchHeader) -> Result<Codec, BatchError> {
    header.attributes.codec().ok_or_else(|| {
        let id = header.attributes.0 & 7;
        let message = format!("Unknown compression type id: {id}");
        BatchError::new(ErrorCode::UnsupportedCompressionType, message)
    })
}

fn target_codec(
    header: &BatchHeader,
    source: Codec,
    options: &ValidateOptions<'_>,
) -> Option<Codec> {
    match options.compression {
        TopicCompression::Producer => None,
        // Control records are never compressed by the broker.
        TopicCompression::Always(_) if source == Codec::None && header.attributes.is_control() => {
            None
        }
        TopicCompression::Always(codec) => (codec != source).then_some(codec),
    }
}

fn restamp(
    header: &BatchHeader,
    max_timestamp: TimestampMs,
    options: &ValidateOptions<'_>,
) -> Option<Restamp> {
    let wanted = Restamp {
        timestamp_type: options.timestamp_type,
        max_timestamp: match options.timestamp_type {
            TimestampType::CreateTime => max_timestamp,
            TimestampType::LogAppendTime => options.now,
        },
    };
    let sent = Restamp {
        timestamp_type: header.attributes.timestamp_type(),
        max_timestamp: header.max_timestamp,
    };
    (wanted != sent).then_some(wanted)
}

fn is_client(options: &ValidateOptions<'_>) -> bool {
    matches!(options.origin, Origin::Client { .. })
}

/// The partition as messages name it.
struct Name<'a>(&'a ValidateOptions<'a>);

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.topic, self.0.partition)
    }
}

#[cfg(test)]
mod tests;
