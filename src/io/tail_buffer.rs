//! The tail of one segment in memory: what was appended last, ready to be written and to be read.
//!
//! A [`TailBuffer`] mirrors a range of file positions that ends at the append position. Appends copy
//! once into its chunks; the disk ring writes whole pages out of them; readers take slices of them
//! and keep those as long as they like. What is written may be let go, oldest first.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::{ChunkClass, ChunkPool, ChunkSlice, ChunkWriter, PAGE, WritePiece};
use crate::base::limits::PAGE_BYTES;

/// The mirrored tail of one segment. Positions are those of the segment's file.
#[derive(Debug)]
pub struct TailBuffer {
    pool: Arc<ChunkPool>,
    /// Contiguous, oldest first; every base is a whole number of pages.
    chunks: VecDeque<Held>,
    end: u64,
}

#[derive(Debug)]
struct Held {
    base: u64,
    writer: ChunkWriter,
}

impl Held {
    fn end(&self) -> u64 {
        self.base + self.writer.end() as u64
    }

    /// `position` as a place in the chunk, or the nearest one.
    fn place(&self, position: u64) -> usize {
        let inside = position.saturating_sub(self.base);
        usize::try_from(inside).map_or(self.writer.capacity(), |at| at.min(self.writer.capacity()))
    }
}

impl TailBuffer {
    /// The tail of an empty segment.
    pub fn empty(pool: &Arc<ChunkPool>) -> TailBuffer {
        TailBuffer::resume(pool, 0, &[])
    }

    /// The tail of a segment that ends at `end`, whose last, partial page holds `partial_page`.
    ///
    /// # Panics
    /// When `partial_page` is not as long as the part of the last page that is in use.
    pub fn resume(pool: &Arc<ChunkPool>, end: u64, partial_page: &[u8]) -> TailBuffer {
        assert_eq!(end % PAGE_BYTES, partial_page.len() as u64);
        let mut tail = TailBuffer {
            pool: pool.clone(),
            chunks: VecDeque::new(),
            end: end - partial_page.len() as u64,
        };
        tail.append_one(partial_page);
        tail
    }

    /// Where the next append goes.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The lowest position that is still in memory; [`Self::end`] when nothing is.
    pub fn start(&self) -> u64 {
        self.chunks.front().map_or(self.end, |chunk| chunk.base)
    }

    /// Bytes of memory that this tail holds.
    pub fn held_bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.writer.capacity()).sum()
    }

    /// Appends the pieces one behind the other and returns the position of the first byte.
    pub fn append(&mut self, pieces: &[&[u8]]) -> u64 {
        let position = self.end;
        let mut left: usize = pieces.iter().map(|piece| piece.len()).sum();
        for piece in pieces {
            self.append_sized(piece, left);
            left -= piece.len();
        }
        position
    }

    fn append_one(&mut self, bytes: &[u8]) {
        self.append_sized(bytes, bytes.len());
    }

    /// Appends `bytes`, the first of `coming` bytes: a new chunk is made to fit those.
    fn append_sized(&mut self, mut bytes: &[u8], mut coming: usize) {
        while !bytes.is_empty() {
            let full = |held: &Held| held.writer.end() == held.writer.capacity();
            if self.chunks.back().is_none_or(full) {
                self.add_chunk(coming);
            }
            let Some(last) = self.chunks.back_mut() else {
                unreachable!("a chunk was just added");
            };
            let taken = last.writer.append(bytes);
            bytes = &bytes[taken..];
            coming -= taken;
            self.end += taken as u64;
        }
    }

    /// Chunks grow with use, so that an idle partition is small and a busy one writes large pieces.
    fn add_chunk(&mut self, coming: usize) {
        let grown = match self.chunks.back() {
            Some(last) => last.writer.class().next_larger(),
            None => ChunkClass::SMALLEST,
        };
        let class = self.pool.class_for(grown, coming);
        debug_assert!(self.end.is_multiple_of(PAGE_BYTES));
        let before = self.open_bytes();
        self.chunks.push_back(Held {
            base: self.end,
            writer: self.pool.take(class),
        });
        self.pool.reopen(before, self.open_bytes());
    }

    /// The size of the last chunk, the only one that may not be full.
    fn open_bytes(&self) -> usize {
        self.chunks.back().map_or(0, |last| last.writer.capacity())
    }

    /// The whole pages of `from..to` for a write at position `from`; the last page is padded with
    /// zeros. `None` when `from` is no longer in memory.
    ///
    /// # Panics
    /// When a bound is not a whole number of pages or `to` lies beyond the page of [`Self::end`].
    pub fn pages(&self, from: u64, to: u64) -> Option<Vec<WritePiece>> {
        assert!(from.is_multiple_of(PAGE_BYTES) && to.is_multiple_of(PAGE_BYTES));
        assert!(from <= to && to <= self.end.next_multiple_of(PAGE_BYTES));
        if from < self.start() {
            return None;
        }
        let pieces = self.overlapping(from, to).map(|chunk| {
            let (begin, finish) = (chunk.place(from), chunk.place(to));
            chunk.writer.pages(begin, finish)
        });
        Some(pieces.collect())
    }

    /// The appended bytes `from..to`, or `None` when they are not all in memory.
    pub fn slices(&self, from: u64, to: u64) -> Option<Vec<ChunkSlice>> {
        if from < self.start() || to > self.end || from > to {
            return None;
        }
        let slices = self.overlapping(from, to).map(|chunk| {
            let (begin, finish) = (chunk.place(from), chunk.place(to));
            chunk.writer.slice(begin, finish)
        });
        Some(slices.collect())
    }

    fn overlapping(&self, from: u64, to: u64) -> impl Iterator<Item = &Held> {
        let first = self.chunks.partition_point(|chunk| chunk.end() <= from);
        let rest = self.chunks.range(first..);
        rest.take_while(move |chunk| chunk.base < to)
    }

    /// Lets go of chunks that lie wholly below `written`, oldest first, while the pool holds too
    /// much. Slices that readers hold stay valid.
    pub fn release_below(&mut self, written: u64) {
        let before = self.open_bytes();
        let is_done = |chunk: &mut Held| {
            chunk.writer.end() == chunk.writer.capacity() && chunk.end() <= written
        };
        while self.pool.is_over() && self.chunks.pop_front_if(is_done).is_some() {}
        self.pool.reopen(before, self.open_bytes());
    }

    /// Lets go of everything but the partial last page: for a partition at rest, all of whose bytes
    /// are written.
    pub fn shrink_to_tail_page(&mut self) {
        let page = self.end - self.end % PAGE_BYTES;
        if self.held_bytes() <= PAGE && self.start() == page {
            return;
        }
        let partial: Vec<u8> = match self.slices(page, self.end) {
            Some(slices) => slices
                .iter()
                .flat_map(|slice| slice.iter())
                .copied()
                .collect(),
            None => return,
        };
        *self = TailBuffer::resume(&self.pool, self.end, &partial);
    }
}

impl Drop for TailBuffer {
    fn drop(&mut self) {
        self.pool.reopen(self.open_bytes(), 0);
    }
}

#[cfg(test)]
mod tests;
