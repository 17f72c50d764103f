//! What can be wrong with bytes from a peer, and with a message that we are asked to encode.

use thiserror::Error;

/// Bytes of a peer that are not the message they claim to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{fault} at byte {at}")]
pub struct DecodeError {
    /// Where in the bytes given to the [`Reader`](super::Reader).
    pub at: usize,
    /// What is wrong there.
    pub fault: DecodeFault,
}

/// What is wrong with a peer's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DecodeFault {
    /// The bytes end within a field.
    #[error("{needed} bytes claimed, {left} left")]
    Truncated {
        /// Bytes that the field claims.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// An array claims more elements than its bytes could hold.
    #[error("array of {claimed} elements claimed, {left} bytes left")]
    ArrayLength {
        /// The length that the bytes claim.
        claimed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A length below -1, or one that the format does not allow.
    #[error("invalid length {0}")]
    Length(i64),
    /// Null where the version has no null.
    #[error("null in a field that cannot be null")]
    Null,
    /// A string that is not UTF-8.
    #[error("string is not UTF-8")]
    Utf8,
    /// A variable-length integer of more than 32 bits.
    #[error("variable-length integer too long")]
    Varint,
    /// A known tagged field whose size differs from what it holds.
    #[error("tagged field {tag} leaves {left} bytes unread")]
    TaggedField {
        /// The field's tag.
        tag: u32,
        /// Bytes of its claimed size that it did not use.
        left: usize,
    },
    /// The decoded form would take more memory than allowed.
    #[error("decoded message exceeds its memory budget")]
    Budget,
    /// A version that the message does not have.
    #[error("no version {0}")]
    Version(i16),
}

/// A message that cannot be written in the version asked for: our own fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EncodeError {
    /// A field is set that the version lacks and that may not be dropped silently.
    #[error("version {version} has no field {field}")]
    FieldNotInVersion {
        /// The field.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A field is null that cannot be null in the version.
    #[error("field {field} cannot be null in version {version}")]
    Null {
        /// The field.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A string, array or message longer than its length field can say.
    #[error("length {0} does not fit its field")]
    TooLong(usize),
    /// A version that the message does not have.
    #[error("{message} has no version {version}")]
    Version {
        /// The message.
        message: &'static str,
        /// The version.
        version: i16,
    },
}

impl EncodeError {
    /// A field is set that the version lacks.
    #[cold]
    pub fn absent(field: &'static str, version: i16) -> EncodeError {
        EncodeError::FieldNotInVersion { field, version }
    }

    /// A field is null that cannot be.
    #[cold]
    pub fn null(field: &'static str, version: i16) -> EncodeError {
        EncodeError::Null { field, version }
    }
}
