//! What every generated message can do.

use super::{DecodeError, DecodeFault, EncodeError, Reader, Writer};

/// A message of the schema: read from and written to bytes, in each of its versions.
pub trait Message<'a>: Sized {
    /// Its name, as Kafka spells it.
    const NAME: &'static str;
    /// The API it belongs to, if it is a request or a response.
    const API_KEY: Option<i16>;
    /// The oldest version that can be read and written.
    const MIN_VERSION: i16;
    /// The newest version that can be read and written.
    const MAX_VERSION: i16;
    /// The first version with compact lengths and tagged fields (KIP-482), if any.
    const FIRST_FLEXIBLE: Option<i16>;

    /// Reads a version between [`MIN_VERSION`](Self::MIN_VERSION) and
    /// [`MAX_VERSION`](Self::MAX_VERSION). Call [`decode`](Self::decode), which checks that.
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError>;

    /// Writes a version between [`MIN_VERSION`](Self::MIN_VERSION) and
    /// [`MAX_VERSION`](Self::MAX_VERSION). Call [`encode`](Self::encode), which checks that.
    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;

    /// Whether the message has this version.
    fn has_version(version: i16) -> bool {
        (Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version)
    }

    /// Reads the message; strings and bytes borrow from the reader's bytes. Fields that the version
    /// lacks get their defaults. Bytes behind the message are left to the caller.
    fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        if !Self::has_version(version) {
            return Err(r.error(DecodeFault::Version(version)));
        }
        Self::read(r, version)
    }

    /// Writes the message. A field that the version lacks is dropped if Kafka calls it ignorable;
    /// otherwise a value other than its default is an error.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !Self::has_version(version) {
            let message = Self::NAME;
            return Err(EncodeError::Version { message, version });
        }
        self.write(w, version)
    }

    /// Reads the message from bytes of its own, under the ordinary memory budget.
    fn from_bytes(bytes: &'a [u8], version: i16) -> Result<Self, DecodeError> {
        Self::decode(&mut Reader::new(bytes), version)
    }

    /// The message as bytes. For messages without [`Records::External`], whose gaps would be lost.
    fn to_bytes(&self, version: i16) -> Result<Vec<u8>, EncodeError> {
        let mut w = Writer::new();
        self.encode(&mut w, version)?;
        Ok(w.into_bytes())
    }
}

/// The record batches of one partition in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Records<'a> {
    /// The bytes themselves; what decoding gives.
    Inline(&'a [u8]),
    /// Bytes that stay where they are: encoding writes their length and leaves a
    /// [`Gap`](super::Gap) for the sender to fill.
    External {
        /// How many bytes.
        len: usize,
    },
}

impl<'a> Records<'a> {
    /// How many bytes of records.
    pub fn len(self) -> usize {
        match self {
            Records::Inline(bytes) => bytes.len(),
            Records::External { len } => len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes, where the message holds them; empty for external records.
    pub fn inline(self) -> &'a [u8] {
        match self {
            Records::Inline(bytes) => bytes,
            Records::External { .. } => &[],
        }
    }
}
