//! Reading and writing the primitive types of Kafka's schemas, for records alone.

use super::records::ReplayError;

/// Reads primitive values off a slice; every length is checked against the bytes left.
pub(super) struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { left: bytes }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], ReplayError> {
        let (taken, rest) = self
            .left
            .split_at_checked(len)
            .ok_or(ReplayError::Truncated)?;
        self.left = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReplayError> {
        let (taken, rest) = self
            .left
            .split_first_chunk()
            .ok_or(ReplayError::Truncated)?;
        self.left = rest;
        Ok(*taken)
    }

    pub(super) fn i16(&mut self) -> Result<i16, ReplayError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, ReplayError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, ReplayError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<[u8; 16], ReplayError> {
        self.array()
    }

    /// An unsigned varint of at most five bytes.
    pub(super) fn uvarint(&mut self) -> Result<u32, ReplayError> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ReplayError::BadLength);
            }
        }
        Err(ReplayError::BadLength)
    }

    /// The length of a string: 16 bits or, in a flexible version, a varint, less one; none for
    /// null. Neither may exceed 16 bits.
    fn string_len(&mut self, flexible: bool) -> Result<Option<usize>, ReplayError> {
        let len = match flexible {
            true => i64::from(self.uvarint()?) - 1,
            false => i64::from(self.i16()?),
        };
        match len > i64::from(i16::MAX) {
            true => Err(ReplayError::BadLength),
            false => checked_len(len),
        }
    }

    /// The length of bytes or of an array (32 bits, or a varint, less one); none for null.
    pub(super) fn len(&mut self, flexible: bool) -> Result<Option<usize>, ReplayError> {
        let len = match flexible {
            true => i64::from(self.uvarint()?) - 1,
            false => i64::from(self.i32()?),
        };
        checked_len(len)
    }

    pub(super) fn nullable_str(&mut self, flexible: bool) -> Result<Option<&'a str>, ReplayError> {
        let Some(len) = self.string_len(flexible)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| ReplayError::NotUtf8)?;
        Ok(Some(text))
    }

    pub(super) fn str(&mut self, flexible: bool) -> Result<&'a str, ReplayError> {
        self.nullable_str(flexible)?.ok_or(ReplayError::Null)
    }

    pub(super) fn bytes(&mut self, flexible: bool) -> Result<&'a [u8], ReplayError> {
        let len = self.len(flexible)?.ok_or(ReplayError::Null)?;
        self.take(len)
    }

    /// Walks the tagged fields that end a flexible structure.
    pub(super) fn tagged(
        &mut self,
        flexible: bool,
        mut field: impl FnMut(u32, &mut Cursor<'a>) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        if !flexible {
            return Ok(());
        }
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let len = self.uvarint()? as usize;
            field(tag, &mut Cursor::new(self.take(len)?))?;
        }
        Ok(())
    }
}

fn checked_len(len: i64) -> Result<Option<usize>, ReplayError> {
    match len {
        -1 => Ok(None),
        _ => usize::try_from(len)
            .map(Some)
            .map_err(|_| ReplayError::BadLength),
    }
}

pub(super) fn put_uvarint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a string with a 16-bit length. The wire bounds every string to what fits; a longer one
/// would be a bug, and is cut rather than written with a length that lies.
pub(super) fn put_str(out: &mut Vec<u8>, text: &str) {
    debug_assert!(i16::try_from(text.len()).is_ok());
    let text = &text[..text.floor_char_boundary(i16::MAX as usize)];
    out.extend_from_slice(&(text.len() as i16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_nullable_str(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_str(out, text),
        None => out.extend_from_slice(&(-1i16).to_be_bytes()),
    }
}

pub(super) fn put_compact_str(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, (text.len() as u32).saturating_add(1));
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}
