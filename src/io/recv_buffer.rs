//! What a connection has received and not yet handled: cut into frames without copying.
//!
//! Memory follows the bytes that have really arrived, never the length that a frame claims. Only a
//! connection that has completed a large frame is given room for another of that size at once.

use bytes::{Bytes, BytesMut};

/// The received bytes of one connection. Holds no memory while it is empty.
#[derive(Debug, Default)]
pub struct RecvBuffer {
    bytes: BytesMut,
    /// The length of the frame under way, once its first bytes have told it.
    expected: Option<usize>,
    last_frame: usize,
}

/// Frames smaller than this arrive through the shared landing buffer in any case.
const LARGE_FRAME: usize = 64 * 1024;

impl RecvBuffer {
    /// Without bytes and without memory.
    pub fn new() -> RecvBuffer {
        RecvBuffer::default()
    }

    /// Cuts the next complete frame off the front, or `None` when it has not all arrived.
    ///
    /// `frame_len` is shown what is there and tells the length of the first frame in it, its length
    /// prefix included, `None` when that is not there yet, or what is wrong with it.
    pub fn next_frame<E>(
        &mut self,
        frame_len: impl FnOnce(&[u8]) -> Result<Option<usize>, E>,
    ) -> Result<Option<Bytes>, E> {
        let known = match self.expected {
            Some(len) => Some(len),
            None => frame_len(&self.bytes)?,
        };
        let Some(len) = known else {
            return Ok(None);
        };
        if len > self.bytes.len() {
            self.expect(len);
            return Ok(None);
        }
        let frame = self.bytes.split_to(len).freeze();
        self.expected = None;
        self.last_frame = len;
        if self.bytes.is_empty() {
            // An empty handle would keep the whole frame's memory alive.
            self.bytes = BytesMut::new();
        }
        Ok(Some(frame))
    }

    /// Makes room for more of a frame of `len` bytes: as much again as is there, or as much as the
    /// connection's last frame took.
    fn expect(&mut self, len: usize) {
        self.expected = Some(len);
        let missing = len - self.bytes.len();
        let deserved = self.bytes.len().max(self.last_frame);
        if self.bytes.capacity() - self.bytes.len() < missing.min(LARGE_FRAME) {
            self.bytes.reserve(missing.min(deserved));
        }
    }

    /// The length of the frame that has begun to arrive, if its first bytes have told it.
    pub fn expected_bytes(&self) -> Option<usize> {
        self.expected
    }

    /// Received and not yet cut off.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Memory that is held for bytes here and to come.
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds bytes that have arrived.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a large frame probably begins with the next byte. Told its length first, it is received to its place from
    /// the beginning.
    pub(super) fn wants_length_first(&self) -> bool {
        self.bytes.is_empty() && self.last_frame >= LARGE_FRAME
    }

    /// Room to receive the rest of a large frame in place, if there is such a frame.
    pub(super) fn room_for_large(&mut self) -> Option<&mut [std::mem::MaybeUninit<u8>]> {
        let missing = self.expected?.checked_sub(self.bytes.len())?;
        if missing < LARGE_FRAME / 2 {
            return None;
        }
        let spare = self.bytes.spare_capacity_mut();
        let len = spare.len().min(missing);
        (len > 0).then(|| &mut spare[..len])
    }

    /// Takes over `len` bytes that were received into [`Self::room_for_large`].
    ///
    /// # Safety
    /// The first `len` bytes of that room have been written since.
    pub(super) unsafe fn received(&mut self, len: usize) {
        let filled = self.bytes.len() + len;
        assert!(filled <= self.bytes.capacity());
        // SAFETY: within the capacity, and the caller has initialised the new part.
        unsafe { self.bytes.set_len(filled) };
    }
}

#[cfg(test)]
mod tests;
