//! The records within a batch (Kafka's `DefaultRecord`).

use super::RecordFault;
use super::varint::{Cursor, put_varint, put_varlong, varlong_len};

/// One record, borrowed from its batch's decompressed bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Its offset, less the batch's base offset.
    pub offset_delta: i32,
    /// Its timestamp, less the batch's base timestamp.
    pub timestamp_delta: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, decoded when they are iterated.
    pub headers: Headers<'a>,
}

/// One header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// The key: UTF-8 by convention, which nobody checks.
    pub key: &'a [u8],
    /// The value, if it has one.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, whose structure has been checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Headers<'a> {
    count: i32,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count <= 0
    }

    /// The headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.bytes);
        (0..self.count).map_while(move |_| read_header(&mut cursor).ok())
    }
}

/// The records of a batch, in order. Ends after the first error.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    cursor: Cursor<'a>,
    left: i32,
    failed: bool,
}

impl<'a> RecordIter<'a> {
    /// The `count` records that fill `inflated`.
    pub fn new(inflated: &'a [u8], count: i32) -> RecordIter<'a> {
        RecordIter {
            cursor: Cursor::new(inflated),
            left: count,
            failed: false,
        }
    }

    #[inline(always)]
    fn step(&mut self) -> Result<Option<Record<'a>>, RecordFault> {
        if self.left < 0 {
            return Err(RecordFault::Count(self.left));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let record = read_record(&mut self.cursor)?;
        self.left -= 1;
        if self.left == 0 && !self.cursor.is_empty() {
            return Err(RecordFault::Remaining);
        }
        Ok(Some(record))
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, RecordFault>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

#[inline(always)]
fn read_record<'a>(cursor: &mut Cursor<'a>) -> Result<Record<'a>, RecordFault> {
    let size = usize::try_from(cursor.varint()?).map_err(|_| RecordFault::Size)?;
    let mut body = Cursor::new(cursor.take(size)?);
    let _attributes = body.byte()?;
    let record = Record {
        timestamp_delta: body.varlong()?,
        offset_delta: body.varint()?,
        key: body.nullable_bytes()?,
        value: body.nullable_bytes()?,
        headers: read_headers(&mut body)?,
    };
    if !body.is_empty() {
        return Err(RecordFault::Size);
    }
    Ok(record)
}

#[inline(always)]
fn read_headers<'a>(body: &mut Cursor<'a>) -> Result<Headers<'a>, RecordFault> {
    let count = body.varint()?;
    if count == 0 {
        return Ok(Headers::default());
    }
    read_some_headers(body, count)
}

#[inline(never)]
fn read_some_headers<'a>(body: &mut Cursor<'a>, count: i32) -> Result<Headers<'a>, RecordFault> {
    let bytes = body.rest();
    // A header takes two bytes at least, so a count beyond the bytes left is a lie.
    if usize::try_from(count).map_or(true, |count| count > bytes.len()) {
        return Err(RecordFault::HeaderCount(count));
    }
    for _ in 0..count {
        read_header(body)?;
    }
    Ok(Headers { count, bytes })
}

fn read_header<'a>(cursor: &mut Cursor<'a>) -> Result<Header<'a>, RecordFault> {
    let key_len = cursor.varint()?;
    let Ok(len) = usize::try_from(key_len) else {
        return Err(RecordFault::HeaderKey(key_len));
    };
    Ok(Header {
        key: cursor.take(len)?,
        value: cursor.nullable_bytes()?,
    })
}

/// Appends one record.
pub(super) fn put_record(
    out: &mut Vec<u8>,
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) {
    let size = body_len(offset_delta, timestamp_delta, key, value, headers);
    out.reserve(size + 5);
    put_varlong(out, size as i64);
    out.push(0);
    put_varlong(out, timestamp_delta);
    put_varint(out, offset_delta);
    put_nullable(out, key);
    put_nullable(out, value);
    put_varlong(out, headers.len() as i64);
    for header in headers {
        put_nullable(out, Some(header.key));
        put_nullable(out, header.value);
    }
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(out, -1),
        Some(bytes) => {
            put_varlong(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

fn body_len(
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> usize {
    let of_headers: usize = headers
        .iter()
        .map(|header| nullable_len(Some(header.key)) + nullable_len(header.value))
        .sum();
    1 + varlong_len(timestamp_delta)
        + varlong_len(i64::from(offset_delta))
        + nullable_len(key)
        + nullable_len(value)
        + varlong_len(headers.len() as i64)
        + of_headers
}

fn nullable_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_len(bytes.len() as i64) + bytes.len())
}
