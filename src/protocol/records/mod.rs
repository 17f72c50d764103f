//! Record batches, format v2: the one thing that producers send, the log keeps and consumers read.
//!
//! A produced batch is looked at once ([`validate()`]: the checksum, and for uncompressed records their
//! structure) and kept as it came. Only what lies outside the checksum, the base offset and the leader's
//! epoch, is written over; see [`ValidBatch::stamped_header`].

use crate::base::{LeaderEpoch, Offset, PartitionIndex, TimestampMs};

mod build;
mod compression;
mod control;
mod fault;
mod header;
mod record;
mod validate;
mod varint;
mod view;

pub use build::{BatchBuilder, recompress};
pub use compression::{Codec, deflate, inflate};
pub use control::EndTxnMarker;
pub use fault::{BatchFault, BuildError, InflateError, RecordFault};
pub use header::{
    Attributes, BatchHeader, HEADER_BYTES, LOG_OVERHEAD, MAGIC, NO_SEQUENCE, NO_TIMESTAMP,
    TimestampType, decrement_sequence, increment_sequence,
};
pub use record::{Header, Headers, Record, RecordIter};
pub use validate::{
    BatchError, Origin, RecordError, Restamp, TopicCompression, ValidBatch, ValidateOptions,
    validate,
};
pub use view::{BatchView, Batches};

/// Fuzz entry: whatever the bytes are, nothing panics, and a batch that is valid is so for every reader.
pub fn fuzz_record_batch(bytes: &[u8]) {
    const INFLATED_BYTES_MAX: usize = 1 << 20;
    let options = ValidateOptions {
        topic: "fuzz",
        partition: PartitionIndex(0),
        origin: Origin::Client {
            produce_version: 12,
        },
        now: TimestampMs(0),
        max_message_bytes: bytes.len(),
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: i64::MAX,
        after_max_ms: i64::MAX,
        compacted: false,
        compression: TopicCompression::Producer,
        validate_compressed: true,
        inflated_bytes_max: INFLATED_BYTES_MAX,
    };
    let judged = validate(bytes, &options);
    for view in Batches::new(bytes).flatten() {
        assert_eq!(
            BatchHeader::parse(&view.header().encode()),
            Ok(*view.header())
        );
        let Ok(inflated) = view.inflate(INFLATED_BYTES_MAX) else {
            continue;
        };
        for record in view.records(&inflated).flatten() {
            assert_eq!(record.headers.iter().count(), record.headers.len());
            let _ = EndTxnMarker::parse(&record);
        }
    }
    let Ok(valid) = judged else { return };
    let mut stamped = bytes.to_vec();
    valid.stamp(&mut stamped, Offset(7), LeaderEpoch(3));
    let view = BatchView::first(&stamped).expect("a valid batch stays one");
    assert_eq!(view.header().base_offset, Offset(7));
    assert_eq!(view.header().leader_epoch, LeaderEpoch(3));
    assert_eq!(view.verify_checksum(), Ok(()));
    let inflated = view.inflate(INFLATED_BYTES_MAX.max(bytes.len()));
    let inflated = inflated.expect("it was opened before");
    assert_eq!(
        view.records(&inflated).filter(Result::is_ok).count(),
        valid.header.record_count as usize
    );
}

#[cfg(test)]
pub(crate) mod tests;
