//! Zigzag varints (those of protocol buffers), which records are made of.

use super::RecordFault;

/// A place within bytes; reads move it on and never pass the end. Small reads are inlined always: every
/// produced record goes through eight of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    pub(super) fn byte(&mut self) -> Result<u8, RecordFault> {
        let (&byte, rest) = self.rest.split_first().ok_or(RecordFault::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline(always)]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], RecordFault> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(RecordFault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Bytes behind their length; a negative length stands for null.
    #[inline(always)]
    pub(super) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordFault> {
        match usize::try_from(self.varint()?) {
            Ok(len) => self.take(len).map(Some),
            Err(_) => Ok(None),
        }
    }

    #[inline(always)]
    pub(super) fn varint(&mut self) -> Result<i32, RecordFault> {
        // One byte and two are by far the most frequent.
        let raw = match *self.rest {
            [first, ref rest @ ..] if first < 0x80 => {
                self.rest = rest;
                u32::from(first)
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.rest = rest;
                u32::from(first & 0x7f) | (u32::from(second) << 7)
            }
            _ => self.long_varint()?,
        };
        Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u32, RecordFault> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordFault::Varint)
    }

    #[inline(always)]
    pub(super) fn varlong(&mut self) -> Result<i64, RecordFault> {
        let raw = match *self.rest {
            [first, ref rest @ ..] if first < 0x80 => {
                self.rest = rest;
                u64::from(first)
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.rest = rest;
                u64::from(first & 0x7f) | (u64::from(second) << 7)
            }
            _ => self.long_varlong()?,
        };
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    #[inline(never)]
    fn long_varlong(&mut self) -> Result<u64, RecordFault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordFault::Varint)
    }
}

/// Appends a 32-bit number.
pub(super) fn put_varint(out: &mut Vec<u8>, value: i32) {
    put_varlong(out, i64::from(value));
}

/// Appends a 64-bit number. A 32-bit one has the same bytes in both widths.
pub(super) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut raw = zigzag(value);
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// Bytes that the number takes.
pub(super) fn varlong_len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_bytes() {
        let check = |value: i64, expected: &[u8]| {
            let mut out = Vec::new();
            put_varlong(&mut out, value);
            assert_eq!(out, expected, "{value}");
            assert_eq!(varlong_len(value), expected.len(), "{value}");
            assert_eq!(Cursor::new(&out).varlong(), Ok(value));
        };
        check(0, &[0]);
        check(-1, &[1]);
        check(1, &[2]);
        check(63, &[0x7e]);
        check(-64, &[0x7f]);
        check(64, &[0x80, 0x01]);
        check(i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]);
        check(
            i64::MIN,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        );
    }

    #[test]
    fn endless_and_cut_numbers_are_refused() {
        assert_eq!(Cursor::new(&[0xff; 5]).varint(), Err(RecordFault::Varint));
        assert_eq!(Cursor::new(&[0xff; 10]).varlong(), Err(RecordFault::Varint));
        assert_eq!(
            Cursor::new(&[0xff; 4]).varint(),
            Err(RecordFault::Truncated)
        );
        assert_eq!(
            Cursor::new(&[0xff; 9]).varlong(),
            Err(RecordFault::Truncated)
        );
        assert_eq!(Cursor::new(&[]).varint(), Err(RecordFault::Truncated));
    }

    proptest! {
        #[test]
        fn numbers_come_back(long: i64, int: i32) {
            let mut out = Vec::new();
            put_varlong(&mut out, long);
            put_varint(&mut out, int);
            prop_assert_eq!(out.len(), varlong_len(long) + varlong_len(i64::from(int)));
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.varlong(), Ok(long));
            prop_assert_eq!(cursor.varint(), Ok(int));
            prop_assert!(cursor.is_empty());
        }
    }
}
