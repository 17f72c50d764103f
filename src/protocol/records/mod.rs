//! Record batches, format v2: the one thing that producers send, the log keeps and consumers read.
//!
//! A produced batch is looked at once ([`validate`]: the checksum, and for uncompressed records their
//! structure) and kept as it came. Only what lies outside the checksum, the base offset and the leader's
//! epoch, is written over; see [`ValidBatch::stamped_header`].

mod build;
mod compression;
mod fault;
mod header;
mod record;
mod validate;
mod varint;
mod view;

pub use build::{BatchBuilder, recompress};
pub use compression::{Codec, deflate, inflate};
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
