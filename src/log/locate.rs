//! Finds batches and records in a segment's file. Blocking reads: for a thread that may wait.

use std::io;

/// Bytes that can be read at a position: a segment's file, or memory that stands for one.
pub trait ReadAt {
    /// Reads into `buf` from `position` on; 0 at or after the end, else possibly less than asked.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let from = usize::try_from(position).unwrap_or(usize::MAX);
        let there = self.get(from..).unwrap_or_default();
        let len = there.len().min(buf.len());
        buf[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, position)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for &R {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        (**self).read_at(buf, position)
    }
}
