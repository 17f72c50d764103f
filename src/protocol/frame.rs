//! Cutting a connection's bytes into frames: four bytes of length, then the frame.

use thiserror::Error;

/// Bytes of the length that opens a frame.
pub const LENGTH_BYTES: usize = 4;

/// Tells where the next frame ends. Holds no bytes itself, so that a claimed length costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct FrameSplitter {
    frame_bytes_max: usize,
}

/// What the buffered bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// Not yet a whole frame; it takes at least this many bytes more.
    NeedMore(usize),
    /// A whole frame of this many bytes, behind the [`LENGTH_BYTES`] of its length.
    Frame(usize),
}

/// A length that no frame may have: the connection is closed, since the next frame cannot be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// Below zero.
    #[error("frame of {0} bytes claimed")]
    Negative(i32),
    /// No room for a header. Kafka reads the frame and then fails to parse its header.
    #[error("empty frame")]
    Empty,
    /// Beyond `socket.request.max.bytes`.
    #[error("frame of {claimed} bytes claimed, {max} allowed")]
    TooLarge {
        /// The claim.
        claimed: usize,
        /// The bound.
        max: usize,
    },
}

impl FrameSplitter {
    /// A splitter that refuses frames of more than `frame_bytes_max` bytes.
    pub const fn new(frame_bytes_max: usize) -> FrameSplitter {
        FrameSplitter { frame_bytes_max }
    }

    /// Looks at the bytes received and not yet consumed. A refusal needs only the length.
    pub fn split(&self, buffered: &[u8]) -> Result<Split, FrameError> {
        let Some((length, behind)) = buffered.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(Split::NeedMore(LENGTH_BYTES - buffered.len()));
        };
        let frame_bytes = self.admit(i32::from_be_bytes(*length))?;
        match frame_bytes.checked_sub(behind.len()) {
            None | Some(0) => Ok(Split::Frame(frame_bytes)),
            Some(missing) => Ok(Split::NeedMore(missing)),
        }
    }

    fn admit(&self, length: i32) -> Result<usize, FrameError> {
        let claimed = usize::try_from(length).map_err(|_| FrameError::Negative(length))?;
        if claimed == 0 {
            return Err(FrameError::Empty);
        }
        if claimed > self.frame_bytes_max {
            let max = self.frame_bytes_max;
            return Err(FrameError::TooLarge { claimed, max });
        }
        Ok(claimed)
    }
}

/// Fuzz entry: splits `bytes` as a stream, whole and as they would trickle in, and checks that both
/// find the same frames.
pub fn fuzz_frame(bytes: &[u8]) {
    let splitter = FrameSplitter::new(1 << 10);
    let mut rest = bytes;
    while let Ok(Split::Frame(frame)) = splitter.split(rest) {
        assert!(frame > 0 && LENGTH_BYTES + frame <= rest.len());
        let (whole, after) = rest.split_at(LENGTH_BYTES + frame);
        let mut have = 0;
        while let Split::NeedMore(more) = splitter.split(&whole[..have]).expect("same length") {
            assert!(more > 0 && have + more <= whole.len());
            have += more;
        }
        assert_eq!(have, whole.len());
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<Split, FrameError>) {
        assert_eq!(FrameSplitter::new(10).split(bytes), expected, "{bytes:?}");
    }

    #[test]
    fn a_length_is_judged_as_soon_as_it_is_there() {
        check(&[], Ok(Split::NeedMore(4)));
        check(&[0, 0, 0], Ok(Split::NeedMore(1)));
        check(&[0, 0, 0, 3], Ok(Split::NeedMore(3)));
        check(&[0, 0, 0, 3, 7, 7], Ok(Split::NeedMore(1)));
        check(&[0, 0, 0, 3, 7, 7, 7], Ok(Split::Frame(3)));
        check(&[0, 0, 0, 3, 7, 7, 7, 0, 0], Ok(Split::Frame(3)));
        check(&[0, 0, 0, 10], Ok(Split::NeedMore(10)));
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let too_large = |claimed| Err(FrameError::TooLarge { claimed, max: 10 });
        check(&[0, 0, 0, 11], too_large(11));
        check(&[0x7f, 0xff, 0xff, 0xff], too_large(0x7fff_ffff));
        check(&[0xff, 0xff, 0xff, 0xff], Err(FrameError::Negative(-1)));
        check(&[0x80, 0, 0, 0], Err(FrameError::Negative(i32::MIN)));
        check(&[0, 0, 0, 0], Err(FrameError::Empty));
    }
}
