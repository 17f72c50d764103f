//! What a connection still has to send: pieces of memory, of tail chunks and of files, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::chunk::ChunkSlice;
use super::segment_file::SegmentFile;

/// A run of bytes to send, wherever they are.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Shared bytes.
    Bytes(Bytes),
    /// Bytes made for this connection.
    Vec(Vec<u8>),
    /// Bytes of a partition's tail.
    Chunk(ChunkSlice),
    /// A range of a segment, sent from the page cache. It should be resident: see
    /// [`residency`](super::residency).
    File {
        /// Kept open until it is sent.
        file: Arc<SegmentFile>,
        /// Where the range begins.
        offset: u64,
        /// How long it is.
        len: u64,
    },
}

impl Piece {
    /// How many bytes the piece puts on the wire.
    pub fn len_bytes(&self) -> u64 {
        match self {
            Piece::File { len, .. } => *len,
            memory => memory.memory().map_or(0, |bytes| bytes.len() as u64),
        }
    }

    /// The bytes, unless they are in a file.
    pub(super) fn memory(&self) -> Option<&[u8]> {
        match self {
            Piece::Bytes(bytes) => Some(bytes),
            Piece::Vec(bytes) => Some(bytes),
            Piece::Chunk(bytes) => Some(bytes),
            Piece::File { .. } => None,
        }
    }
}

/// The pieces of a connection's responses that the socket has not taken yet.
#[derive(Debug, Default)]
pub struct SendQueue {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are sent.
    sent: u64,
    left: u64,
}

/// What comes next on the wire.
pub(super) enum Head<'a> {
    Memory,
    File {
        file: &'a SegmentFile,
        offset: u64,
        len: u64,
    },
}

impl SendQueue {
    /// With nothing to send.
    pub fn new() -> SendQueue {
        SendQueue::default()
    }

    /// Adds a piece at the end; an empty one is dropped.
    pub fn push(&mut self, piece: Piece) {
        let len = piece.len_bytes();
        if len > 0 {
            self.left += len;
            self.pieces.push_back(piece);
        }
    }

    /// Bytes not yet sent.
    pub fn len_bytes(&self) -> u64 {
        self.left
    }

    /// Whether all is sent.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Drops everything: the connection is broken.
    pub fn clear(&mut self) {
        *self = SendQueue::default();
    }

    pub(super) fn head(&self) -> Option<Head<'_>> {
        let piece = self.pieces.front()?;
        Some(match piece {
            Piece::File { file, offset, len } => Head::File {
                file,
                offset: offset + self.sent,
                len: len - self.sent,
            },
            _ => Head::Memory,
        })
    }

    /// The pieces of memory at the front, the first without its sent part, as long as they last.
    pub(super) fn front_memory(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces.iter().map_while(Piece::memory).enumerate();
        pieces.map(|(index, bytes)| match index {
            0 => &bytes[self.sent as usize..],
            _ => bytes,
        })
    }

    /// Whether a file follows the first `count` pieces.
    pub(super) fn is_file(&self, index: usize) -> bool {
        matches!(self.pieces.get(index), Some(Piece::File { .. }))
    }

    /// Takes `bytes` off the front and lets go of the pieces that are done. Tells how many of the
    /// bytes were of chunks.
    pub(super) fn advance(&mut self, mut bytes: u64) -> u64 {
        self.left -= bytes;
        let mut of_chunks = 0;
        while bytes > 0 {
            let Some(piece) = self.pieces.front() else {
                break;
            };
            let taken = bytes.min(piece.len_bytes() - self.sent);
            if matches!(piece, Piece::Chunk(_)) {
                of_chunks += taken;
            }
            bytes -= taken;
            self.sent += taken;
            if self.sent == piece.len_bytes() {
                self.pieces.pop_front();
                self.sent = 0;
            }
        }
        of_chunks
    }
}
