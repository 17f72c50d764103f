//! Writing Kafka's primitive types.

use super::{EncodeError, Records};
use crate::base::TopicId;
use crate::base::limits::STRING_BYTES_MAX;

/// Where record bytes belong that are not in the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The place in the buffer: the record bytes go before the byte at this index.
    pub at: usize,
    /// How many record bytes go there.
    pub len: usize,
}

/// A whole frame, ready to send but for the record bytes of its gaps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Encoded {
    /// The length prefix (which counts the gaps), the header and the body.
    pub buf: Vec<u8>,
    /// In order of place.
    pub gaps: Vec<Gap>,
}

/// A growing buffer of encoded bytes, with gaps where record bytes stay elsewhere.
///
/// Methods with `flexible` write the compact form of KIP-482 when it is set.
#[derive(Debug, Default)]
pub struct Writer {
    buf: Vec<u8>,
    gaps: Vec<Gap>,
    gap_bytes: usize,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// A writer that appends to `buf`, so that an old buffer's memory can serve again.
    pub fn with_buf(buf: Vec<u8>) -> Writer {
        Writer {
            buf,
            ..Writer::default()
        }
    }

    /// Bytes of the message so far, the gaps counted.
    pub fn len(&self) -> usize {
        self.buf.len() + self.gap_bytes
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer and the gaps.
    pub fn finish(self) -> Encoded {
        Encoded {
            buf: self.buf,
            gaps: self.gaps,
        }
    }

    /// The buffer of a message that has no gaps.
    pub fn into_bytes(self) -> Vec<u8> {
        debug_assert!(self.gaps.is_empty(), "record bytes would be lost");
        self.buf
    }

    /// Sets the four bytes at `at` to the length of what follows them, gaps counted.
    pub fn patch_length(&mut self, at: usize) -> Result<(), EncodeError> {
        let length = self.len() - at - 4;
        let claimed = i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?;
        self.buf[at..at + 4].copy_from_slice(&claimed.to_be_bytes());
        Ok(())
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// A BOOLEAN.
    pub fn bool(&mut self, value: bool) {
        self.buf.push(u8::from(value));
    }

    /// An INT8.
    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// An INT16.
    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// An INT32.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// An INT64.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// A UUID.
    pub fn uuid(&mut self, value: TopicId) {
        self.raw(&value.0);
    }

    /// An UNSIGNED_VARINT.
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buf.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.buf.push(value as u8);
    }

    fn length(
        &mut self,
        flexible: bool,
        short: bool,
        length: Option<usize>,
    ) -> Result<(), EncodeError> {
        let value = match length {
            None => -1,
            Some(length) => i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?,
        };
        if flexible {
            self.uvarint((value as u32).wrapping_add(1));
        } else if short {
            self.i16(value as i16);
        } else {
            self.i32(value);
        }
        Ok(())
    }

    /// A (COMPACT_)STRING.
    pub fn string(&mut self, flexible: bool, value: &str) -> Result<(), EncodeError> {
        self.nullable_string(flexible, Some(value))
    }

    /// A (COMPACT_)NULLABLE_STRING. Kafka's limit of 32 767 bytes holds for the compact form too.
    pub fn nullable_string(
        &mut self,
        flexible: bool,
        value: Option<&str>,
    ) -> Result<(), EncodeError> {
        let length = value.map(str::len);
        if let Some(length) = length.filter(|length| *length > STRING_BYTES_MAX) {
            return Err(EncodeError::TooLong(length));
        }
        self.length(flexible, true, length)?;
        self.raw(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// (COMPACT_)BYTES.
    pub fn bytes(&mut self, flexible: bool, value: &[u8]) -> Result<(), EncodeError> {
        self.nullable_bytes(flexible, Some(value))
    }

    /// (COMPACT_)NULLABLE_BYTES.
    pub fn nullable_bytes(
        &mut self,
        flexible: bool,
        value: Option<&[u8]>,
    ) -> Result<(), EncodeError> {
        self.length(flexible, false, value.map(<[u8]>::len))?;
        self.raw(value.unwrap_or_default());
        Ok(())
    }

    /// (COMPACT_)RECORDS: external ones leave a gap.
    pub fn records(
        &mut self,
        flexible: bool,
        value: Option<Records<'_>>,
    ) -> Result<(), EncodeError> {
        self.length(flexible, false, value.map(Records::len))?;
        match value {
            None => {}
            Some(Records::Inline(bytes)) => self.raw(bytes),
            Some(Records::External { len: 0 }) => {}
            Some(Records::External { len }) => {
                let at = self.buf.len();
                self.gaps.push(Gap { at, len });
                self.gap_bytes += len;
            }
        }
        Ok(())
    }

    /// A (COMPACT_)ARRAY.
    pub fn array<T>(
        &mut self,
        flexible: bool,
        elements: &[T],
        element: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.nullable_array(flexible, Some(elements), element)
    }

    /// A (COMPACT_)ARRAY that may be null.
    pub fn nullable_array<T>(
        &mut self,
        flexible: bool,
        elements: Option<&[T]>,
        mut element: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.length(flexible, false, elements.map(<[T]>::len))?;
        for it in elements.unwrap_or_default() {
            element(self, it)?;
        }
        Ok(())
    }

    /// The mark before a nullable struct.
    pub fn is_present(&mut self, present: bool) {
        self.i8(if present { 1 } else { -1 });
    }

    /// One tagged field: its tag, its size, and what `value` writes. The caller has written the
    /// number of tagged fields and calls in the order of the tags.
    pub fn tagged_field(
        &mut self,
        tag: u32,
        value: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.uvarint(tag);
        let (start, gaps_before) = (self.buf.len(), self.gaps.len());
        let len_before = self.len();
        value(self)?;
        // The size comes first but is known last: append it, then rotate it to the front.
        let size = self.len() - len_before;
        let end = self.buf.len();
        self.uvarint(u32::try_from(size).map_err(|_| EncodeError::TooLong(size))?);
        let prefix = self.buf.len() - end;
        self.buf[start..].rotate_right(prefix);
        for gap in &mut self.gaps[gaps_before..] {
            gap.at += prefix;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
