//! Reading Kafka's primitive types from a peer's bytes: bounded, borrowed, without panics.

use super::{DecodeError, DecodeFault, Records};
use crate::base::TopicId;
use crate::base::limits::{DECODED_BYTES_MAX, STRING_BYTES_MAX};

/// A cursor over the bytes of one message.
///
/// It never reads past them, never allocates by a claimed length alone (an array's elements must fit
/// the bytes left), and keeps a budget for the memory that decoded arrays take, since a byte on the
/// wire can become a struct a hundred times its size.
///
/// Methods with `flexible` read the compact form of KIP-482 when it is set.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The offset at which `rest` ends, for positions in errors.
    end: usize,
    budget_bytes: usize,
}

impl<'a> Reader<'a> {
    /// A reader with the budget of [`DECODED_BYTES_MAX`].
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader::with_budget(bytes, DECODED_BYTES_MAX)
    }

    /// A reader whose decoded arrays may take `budget_bytes` of memory in all.
    pub fn with_budget(bytes: &'a [u8], budget_bytes: usize) -> Reader<'a> {
        Reader {
            rest: bytes,
            end: bytes.len(),
            budget_bytes,
        }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The bytes that have not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// What is left of the memory budget.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// An error at the current position.
    #[cold]
    pub fn error(&self, fault: DecodeFault) -> DecodeError {
        DecodeError {
            at: self.position(),
            fault,
        }
    }

    /// The next `needed` bytes.
    pub fn take(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(needed) else {
            return Err(self.truncated(needed));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        self.rest = rest;
        Ok(*taken)
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        let left = self.rest.len();
        self.error(DecodeFault::Truncated { needed, left })
    }

    /// A BOOLEAN: any byte but zero is true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// An INT8.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.fixed()?))
    }

    /// An INT16.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    /// An INT32.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    /// An INT64.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// A UUID.
    pub fn uuid(&mut self) -> Result<TopicId, DecodeError> {
        Ok(TopicId(self.fixed()?))
    }

    /// An UNSIGNED_VARINT: seven bits a byte, the lowest first, at most 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed()?;
            if shift == 28 && byte > 0x0f {
                return Err(self.error(DecodeFault::Varint));
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeFault::Varint))
    }

    /// A length: `None` is null. The compact form is one more than the length, so that zero is null.
    fn length(&mut self, flexible: bool, short: bool) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            i64::from(self.uvarint()?) - 1
        } else if short {
            i64::from(self.i16()?)
        } else {
            i64::from(self.i32()?)
        };
        match length {
            // Kafka takes any negative length for null.
            i64::MIN..=-1 => Ok(None),
            0..=0x7fff_ffff => Ok(Some(length as usize)),
            _ => Err(self.error(DecodeFault::Length(length))),
        }
    }

    fn not_null<T>(&self, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.error(DecodeFault::Null))
    }

    /// A (COMPACT_)STRING.
    pub fn string(&mut self, flexible: bool) -> Result<&'a str, DecodeError> {
        let value = self.nullable_string(flexible)?;
        self.not_null(value)
    }

    /// A (COMPACT_)NULLABLE_STRING. Kafka refuses compact strings beyond 32 767 bytes too.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<&'a str>, DecodeError> {
        let Some(length) = self.length(flexible, true)? else {
            return Ok(None);
        };
        if length > STRING_BYTES_MAX {
            return Err(self.error(DecodeFault::Length(length as i64)));
        }
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(string) => Ok(Some(string)),
            Err(_) => Err(self.error(DecodeFault::Utf8)),
        }
    }

    /// (COMPACT_)BYTES.
    pub fn bytes(&mut self, flexible: bool) -> Result<&'a [u8], DecodeError> {
        let value = self.nullable_bytes(flexible)?;
        self.not_null(value)
    }

    /// (COMPACT_)NULLABLE_BYTES.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.length(flexible, false)? {
            None => Ok(None),
            Some(length) => Ok(Some(self.take(length)?)),
        }
    }

    /// (COMPACT_)RECORDS.
    pub fn records(&mut self, flexible: bool) -> Result<Option<Records<'a>>, DecodeError> {
        Ok(self.nullable_bytes(flexible)?.map(Records::Inline))
    }

    /// A (COMPACT_)ARRAY of elements that take at least `element_bytes_min` each on the wire.
    pub fn array<T>(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let value = self.nullable_array(flexible, element_bytes_min, element)?;
        self.not_null(value)
    }

    /// A (COMPACT_)ARRAY that may be null.
    pub fn nullable_array<T>(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(length) = self.length(flexible, false)? else {
            return Ok(None);
        };
        self.admit_array(length, element_bytes_min, size_of::<T>())?;
        let mut elements = Vec::with_capacity(length);
        for _ in 0..length {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    /// Checks a claimed length against the bytes left and charges the memory it will take.
    fn admit_array(
        &mut self,
        length: usize,
        wire_bytes_min: usize,
        memory_bytes: usize,
    ) -> Result<(), DecodeError> {
        let left = self.rest.len();
        if length > left / wire_bytes_min.max(1) {
            let claimed = length;
            return Err(self.error(DecodeFault::ArrayLength { claimed, left }));
        }
        let charge = length.saturating_mul(memory_bytes);
        match self.budget_bytes.checked_sub(charge) {
            Some(left) => self.budget_bytes = left,
            None => return Err(self.error(DecodeFault::Budget)),
        }
        Ok(())
    }

    /// Whether a nullable struct is there: Kafka marks null by a negative byte.
    pub fn is_present(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? >= 0)
    }

    /// The tagged fields that end a flexible struct. `known` reads the field of a tag it knows and
    /// returns true; the others are skipped.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let size = self.uvarint()? as usize;
            let Some((field, after)) = self.rest.split_at_checked(size) else {
                return Err(self.truncated(size));
            };
            // The field's reader is this one, cut short: the budget stays in one place.
            self.rest = field;
            self.end -= after.len();
            if known(tag, self)? && !self.rest.is_empty() {
                let left = self.rest.len();
                return Err(self.error(DecodeFault::TaggedField { tag, left }));
            }
            self.rest = after;
            self.end += after.len();
        }
        Ok(())
    }

    /// The tagged fields of a struct that knows none.
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.tagged_fields(|_, _| Ok(false))
    }
}

#[cfg(test)]
mod tests;
