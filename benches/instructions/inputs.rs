//! What the scenarios are fed: the same bytes on every run.

use ringlog::base::{MonoMs, Now, TimestampMs};
use ringlog::protocol::records::{BatchBuilder, Codec};

/// The time of every scenario.
pub const NOW: Now = Now {
    wall: TimestampMs(1_760_000_000_000),
    mono: MonoMs(1_000_000),
};

/// What `batch.size` is in most tuned producers.
pub const BATCH_BYTES: usize = 64 << 10;

/// Numbers without pattern, the same on every run.
pub struct Noise(u64);

impl Noise {
    /// The noise of a seed that is not 0.
    pub fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// Bytes that do not compress.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// A batch of about `batch_bytes`, of records with an 8-byte key and `value_bytes` of value, a few in each millisecond.
pub fn batch(batch_bytes: usize, value_bytes: usize, codec: Codec) -> Vec<u8> {
    let mut noise = Noise::new(0x5eed);
    let mut builder = BatchBuilder::new().codec(codec, None);
    let mut index = 0;
    while index == 0 || builder.len_bytes() + value_bytes < batch_bytes {
        let at = TimestampMs(NOW.wall.0 - 50 + index / 8);
        let (key, value) = (noise.bytes(8), noise.bytes(value_bytes));
        builder.push(at, Some(&key), Some(&value), &[]);
        index += 1;
    }
    builder.build().expect("a batch of ordinary records")
}
