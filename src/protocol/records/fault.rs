//! What can be wrong with bytes that ought to be record batches.

use thiserror::Error;

/// Why bytes are not a record batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BatchFault {
    /// The bytes end before the batch does.
    #[error("the batch needs {need} bytes and {have} are there")]
    Truncated {
        /// Bytes that the batch, or its header, says it has.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// The length field is too small for a header.
    #[error("a batch length of {0} is smaller than a batch header")]
    Length(i32),
    /// A format other than v2.
    #[error("unsupported batch format (magic {0})")]
    Magic(i8),
    /// The bytes are not those that the checksum was made of.
    #[error("stored checksum {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
}

/// Why the bytes of a batch's records are not the records that its header announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RecordFault {
    /// Bytes end within a record.
    #[error("incorrect declared batch size, premature end of the records")]
    Truncated,
    /// Bytes remain after the announced number of records.
    #[error("incorrect declared batch size, bytes remain after the last record")]
    Remaining,
    /// A negative number of records.
    #[error("found invalid record count {0}")]
    Count(i32),
    /// A record's fields do not fill the size that it states.
    #[error("invalid record size")]
    Size,
    /// A varint of more bytes than its type has room for.
    #[error("a variable-length number does not end")]
    Varint,
    /// A record header count that is negative or beyond the record's bytes.
    #[error("found invalid number of record headers {0}")]
    HeaderCount(i32),
    /// A record header without a key.
    #[error("invalid negative header key size {0}")]
    HeaderKey(i32),
    /// Compressed records that do not decompress.
    #[error(transparent)]
    Inflate(#[from] InflateError),
}

/// Why bytes did not decompress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InflateError {
    /// They are not what the codec makes.
    #[error("the records do not decompress")]
    Corrupt,
    /// They decompress to more than the caller allows.
    #[error("the records decompress to more than {max_bytes} bytes")]
    TooLarge {
        /// The caller's bound.
        max_bytes: usize,
    },
    /// The attributes name a codec that does not exist.
    #[error("unknown compression codec")]
    UnknownCodec,
}

/// Why a batch could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BuildError {
    /// More bytes or records than a batch's 32-bit fields can say.
    #[error("a batch cannot hold this many bytes or records")]
    TooLarge,
    /// The codec refused.
    #[error("the records do not compress")]
    Compress,
    /// The records to be recompressed cannot be read.
    #[error(transparent)]
    Inflate(#[from] InflateError),
}
