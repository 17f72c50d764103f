//! The codecs of a batch's records, as Java's clients frame them. What comes out is always bounded.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::{BuildError, InflateError};

/// How a batch's records are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Blocks of snappy in the framing of snappy-java, or one bare block.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// RFC 8878 (KIP-110).
    Zstd,
}

impl Codec {
    /// Every codec, in the order of their numbers.
    pub const ALL: [Codec; 5] = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];

    /// The codec's number in a batch's attributes.
    pub const fn id(self) -> i16 {
        match self {
            Codec::None => 0,
            Codec::Gzip => 1,
            Codec::Snappy => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
        }
    }

    /// The codec with this number.
    pub const fn from_id(id: i16) -> Option<Codec> {
        match id {
            0 => Some(Codec::None),
            1 => Some(Codec::Gzip),
            2 => Some(Codec::Snappy),
            3 => Some(Codec::Lz4),
            4 => Some(Codec::Zstd),
            _ => None,
        }
    }

    /// The codec's name in settings and tools.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

/// Decompresses `bytes` to at most `max_bytes`; without a codec they are lent as they are.
pub fn inflate(
    codec: Codec,
    bytes: &[u8],
    max_bytes: usize,
) -> Result<Cow<'_, [u8]>, InflateError> {
    match codec {
        Codec::None if bytes.len() > max_bytes => Err(InflateError::TooLarge { max_bytes }),
        Codec::None => Ok(Cow::Borrowed(bytes)),
        Codec::Gzip => read_capped(flate2::read::MultiGzDecoder::new(bytes), max_bytes),
        Codec::Snappy => snappy::inflate(bytes, max_bytes).map(Cow::Owned),
        Codec::Lz4 => read_capped(lz4_flex::frame::FrameDecoder::new(bytes), max_bytes),
        Codec::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
            read_capped(decoder.map_err(|_| InflateError::Corrupt)?, max_bytes)
        }
    }
}

/// Compresses `bytes`. `level` is the codec's own scale (gzip 1 to 9, zstd up to 22); none is its default,
/// and a level beyond the scale is its nearest end. Snappy and lz4 have one level only.
pub fn deflate(
    codec: Codec,
    bytes: &[u8],
    level: Option<i32>,
) -> Result<Cow<'_, [u8]>, BuildError> {
    let compressed = match codec {
        Codec::None => return Ok(Cow::Borrowed(bytes)),
        Codec::Gzip => gzip(bytes, level),
        Codec::Snappy => snappy::deflate(bytes),
        Codec::Lz4 => lz4(bytes),
        Codec::Zstd => {
            zstd::bulk::compress(bytes, level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL))
        }
    };
    compressed.map(Cow::Owned).map_err(|_| BuildError::Compress)
}

/// Reads to the end, or one byte beyond the bound: then there is too much.
fn read_capped(reader: impl Read, max_bytes: usize) -> Result<Cow<'static, [u8]>, InflateError> {
    let mut out = Vec::new();
    reader
        .take((max_bytes as u64).saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|_| InflateError::Corrupt)?;
    if out.len() > max_bytes {
        return Err(InflateError::TooLarge { max_bytes });
    }
    Ok(Cow::Owned(out))
}

fn gzip(bytes: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.map_or(flate2::Compression::default(), |level| {
        flate2::Compression::new(level.clamp(1, 9).unsigned_abs())
    });
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn lz4(bytes: &[u8]) -> io::Result<Vec<u8>> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    // Java's reader refuses blocks that depend on one another.
    let info = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes)?;
    encoder.finish().map_err(io::Error::other)
}

/// The framing of snappy-java: a header, then blocks behind their lengths. Other clients send one bare block.
mod snappy {
    use std::io;

    use super::InflateError;

    const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
    const VERSION: [u8; 4] = 1u32.to_be_bytes();
    const BLOCK_BYTES: usize = 32 * 1024;

    pub(super) fn inflate(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateError> {
        let mut out = Vec::new();
        let Some(framed) = bytes.strip_prefix(MAGIC) else {
            append_block(&mut out, bytes, max_bytes)?;
            return Ok(out);
        };
        // The two versions that follow the magic are for information.
        let mut rest = framed.get(8..).ok_or(InflateError::Corrupt)?;
        while !rest.is_empty() {
            // Streams may be concatenated, each with a header of its own.
            if let Some(next) = rest.strip_prefix(MAGIC) {
                rest = next.get(8..).ok_or(InflateError::Corrupt)?;
                continue;
            }
            let (len, after) = rest.split_first_chunk().ok_or(InflateError::Corrupt)?;
            let (block, after) = after
                .split_at_checked(u32::from_be_bytes(*len) as usize)
                .ok_or(InflateError::Corrupt)?;
            append_block(&mut out, block, max_bytes)?;
            rest = after;
        }
        Ok(out)
    }

    fn append_block(out: &mut Vec<u8>, block: &[u8], max_bytes: usize) -> Result<(), InflateError> {
        let len = snap::raw::decompress_len(block).map_err(|_| InflateError::Corrupt)?;
        let start = out.len();
        if len > max_bytes.saturating_sub(start) {
            return Err(InflateError::TooLarge { max_bytes });
        }
        // No element of the format makes more than 64 bytes of three: a larger claim is a lie, and is
        // refused before memory is taken for it.
        if len > block.len().saturating_mul(22) {
            return Err(InflateError::Corrupt);
        }
        out.resize(start + len, 0);
        let room = out.get_mut(start..).unwrap_or_default();
        snap::raw::Decoder::new()
            .decompress(block, room)
            .map_err(|_| InflateError::Corrupt)?;
        Ok(())
    }

    pub(super) fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(16 + bytes.len() / 2);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION);
        out.extend_from_slice(&VERSION);
        let mut encoder = snap::raw::Encoder::new();
        for block in bytes.chunks(BLOCK_BYTES) {
            let compressed = encoder.compress_vec(block).map_err(io::Error::other)?;
            out.extend_from_slice(&(compressed.len() as u32).to_be_bytes());
            out.extend_from_slice(&compressed);
        }
        Ok(out)
    }
}
