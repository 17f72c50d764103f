//! The records of a batch, walked once and judged one by one.

use std::fmt::Write as _;

use super::{BatchError, Name, RecordError, ValidateOptions};
use crate::base::TimestampMs;
use crate::base::limits::RECORD_ERRORS_MAX;
use crate::protocol::ErrorCode;
use crate::protocol::records::{
    BatchHeader, BatchView, NO_TIMESTAMP, Record, RecordFault, TimestampType,
};

/// Walks the records once; gives the largest timestamp among them.
pub(super) fn check_records(
    batch: &BatchView<'_>,
    options: &ValidateOptions<'_>,
) -> Result<TimestampMs, BatchError> {
    let structure = |fault: RecordFault| {
        let message = format!("{fault} in topic partition {}", Name(options));
        BatchError::new(ErrorCode::InvalidRecord, message)
    };
    let inflated = batch
        .inflate(options.inflated_bytes_max.max(batch.payload().len()))
        .map_err(|fault| structure(fault.into()))?;
    let mut max_timestamp = NO_TIMESTAMP;
    let mut errors = RecordErrors::default();
    for (index, record) in (0..).zip(batch.records(&inflated)) {
        let record = record.map_err(structure)?;
        let timestamp = batch.timestamp_of(&record);
        max_timestamp = max_timestamp.max(timestamp);
        if record.offset_delta != index {
            let message = format!(
                "Record at index {index} has offset delta {} in topic partition {}",
                record.offset_delta,
                Name(options)
            );
            errors.add(ErrorCode::InvalidRecord, index, message);
        } else if let Some((code, message)) = record_fault(batch, &record, timestamp, options) {
            errors.add(code, index, message);
        }
    }
    // A count of 0 ends the walk before it could see bytes that no record claims.
    if batch.header().record_count == 0 && !inflated.is_empty() {
        return Err(structure(RecordFault::Remaining));
    }
    errors.into_result().map(|()| max_timestamp)
}

/// What `LogValidator.validateRecord` finds wrong with one record: first its key, then its timestamp.
#[inline]
fn record_fault(
    batch: &BatchView<'_>,
    record: &Record<'_>,
    timestamp: TimestampMs,
    options: &ValidateOptions<'_>,
) -> Option<(ErrorCode, String)> {
    if options.compacted && record.key.is_none() {
        let message = format!(
            "Compacted topic cannot accept message without key in topic partition {}",
            Name(options)
        );
        return Some((ErrorCode::InvalidRecord, message));
    }
    if options.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
        let within = timestamp_within(timestamp, options);
        return (!within).then(|| {
            let what = format!("message with offset {}", batch.offset_of(record));
            let message = out_of_range(timestamp, &what, options);
            (ErrorCode::InvalidTimestamp, message)
        });
    }
    let attributes = batch.header().attributes;
    (attributes.timestamp_type() == TimestampType::LogAppendTime).then(|| {
        let message = format!(
            "Invalid timestamp type in message DefaultRecord(offset={}, timestamp={}, key={} bytes, \
             value={} bytes). Producer should not set timestamp type to LogAppendTime.",
            batch.offset_of(record),
            timestamp.0,
            record.key.map_or(0, <[u8]>::len),
            record.value.map_or(0, <[u8]>::len),
        );
        (ErrorCode::InvalidTimestamp, message)
    })
}

/// All that can be said of the timestamps of a batch that stays closed: whether the largest is in bounds.
pub(super) fn check_header_timestamps(
    header: &BatchHeader,
    options: &ValidateOptions<'_>,
) -> Result<(), BatchError> {
    let largest = header.max_timestamp;
    let message = if options.timestamp_type == TimestampType::CreateTime && largest != NO_TIMESTAMP
    {
        if timestamp_within(largest, options) {
            return Ok(());
        }
        out_of_range(largest, "the batch", options)
    } else if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
        "Invalid timestamp type in the batch. Producer should not set timestamp type to \
         LogAppendTime."
            .into()
    } else {
        return Ok(());
    };
    let mut errors = RecordErrors::default();
    errors.add(
        ErrorCode::InvalidTimestamp,
        header.last_offset_delta,
        message,
    );
    errors.into_result()
}

fn timestamp_within(timestamp: TimestampMs, options: &ValidateOptions<'_>) -> bool {
    let behind = options.now.0.wrapping_sub(timestamp.0);
    behind <= options.before_max_ms && behind.wrapping_neg() <= options.after_max_ms
}

fn out_of_range(timestamp: TimestampMs, what: &str, options: &ValidateOptions<'_>) -> String {
    format!(
        "Timestamp {} of {what} is out of range. The timestamp should be within [{}, {}]",
        timestamp.0,
        options.now.0.wrapping_sub(options.before_max_ms),
        options.now.0.wrapping_add(options.after_max_ms),
    )
}

/// The errors of single records, of which the first are kept and all are counted.
#[derive(Default)]
struct RecordErrors {
    kept: Vec<RecordError>,
    total: usize,
    any_timestamp: bool,
}

impl RecordErrors {
    #[cold]
    fn add(&mut self, code: ErrorCode, batch_index: i32, message: String) {
        self.total += 1;
        self.any_timestamp |= code == ErrorCode::InvalidTimestamp;
        if self.kept.len() < RECORD_ERRORS_MAX {
            self.kept.push(RecordError {
                batch_index,
                message,
            });
        }
    }

    /// One timestamp out of bounds names the whole batch's error, as Kafka has it.
    fn into_result(self) -> Result<(), BatchError> {
        if self.total == 0 {
            return Ok(());
        }
        let (code, message) = if self.any_timestamp {
            let message = "One or more records have been rejected due to invalid timestamp";
            (ErrorCode::InvalidTimestamp, message.to_string())
        } else {
            (ErrorCode::InvalidRecord, self.summary())
        };
        Err(BatchError {
            code,
            message,
            record_errors: self.kept,
            reached_log: true,
        })
    }

    fn summary(&self) -> String {
        let mut text = format!(
            "One or more records have been rejected due to {} record errors in total, and only \
             showing the first three errors at most: [",
            self.total
        );
        for (place, error) in self.kept.iter().take(3).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{comma}RecordError(batchIndex={}, message='{}')",
                error.batch_index, error.message
            );
        }
        text.push(']');
        text
    }
}
