//! Record batches, good and bad.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use ringlog::base::{ProducerEpoch, ProducerId, TimestampMs};
use ringlog::protocol::records::{BatchBuilder, Codec};

/// Where the fields of a batch's header lie.
pub mod at {
    pub const BASE_OFFSET: usize = 0;
    pub const LENGTH: usize = 8;
    pub const LEADER_EPOCH: usize = 12;
    pub const MAGIC: usize = 16;
    pub const CRC: usize = 17;
    pub const ATTRIBUTES: usize = 21;
    pub const LAST_OFFSET_DELTA: usize = 23;
    pub const BASE_TIMESTAMP: usize = 27;
    pub const MAX_TIMESTAMP: usize = 35;
    pub const PRODUCER_ID: usize = 43;
    pub const BASE_SEQUENCE: usize = 53;
    pub const COUNT: usize = 57;
    pub const RECORDS: usize = 61;
}

/// The timestamp of every first record: an hour before the run, so that no broker deletes it and
/// none takes it for its own time.
pub fn base_time() -> i64 {
    static BASE: OnceLock<i64> = OnceLock::new();
    *BASE.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("after 1970").as_millis() as i64 - 3_600_000
    })
}

/// A batch with these values, a second from one to the next.
pub fn plain(values: &[&str]) -> Vec<u8> {
    with(values, |builder| builder)
}

/// A batch with these values at these times after [`base_time`].
pub fn timed(records: &[(&str, i64)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for (value, after) in records {
        let time = TimestampMs(base_time() + after);
        builder.push(time, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.build().expect("a batch")
}

/// A compressed batch.
pub fn compressed(codec: Codec, values: &[&str]) -> Vec<u8> {
    with(values, |builder| builder.codec(codec, None))
}

/// A batch of an idempotent producer.
pub fn idempotent(id: i64, epoch: i16, sequence: i32, values: &[&str]) -> Vec<u8> {
    let (id, epoch) = (ProducerId(id), ProducerEpoch(epoch));
    with(values, |builder| builder.producer(id, epoch, sequence))
}

/// A batch with these values, made by a builder that `set` has been at.
pub fn with(values: &[&str], set: impl FnOnce(BatchBuilder) -> BatchBuilder) -> Vec<u8> {
    let mut builder = set(BatchBuilder::new());
    for (value, second) in values.iter().zip(0..) {
        let time = TimestampMs(base_time() + second * 1000);
        builder.push(time, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.build().expect("a batch")
}

/// A batch with some bytes overwritten, and a checksum that fits.
pub fn forged(mut batch: Vec<u8>, place: usize, bytes: &[u8]) -> Vec<u8> {
    batch[place..place + bytes.len()].copy_from_slice(bytes);
    sealed(batch)
}

/// The same batch with the right checksum.
pub fn sealed(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&batch[at::ATTRIBUTES..]);
    batch[at::CRC..at::CRC + 4].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// A batch whose records are these bytes, right in all else.
pub fn with_payload(count: i32, attributes: i16, payload: &[u8]) -> Vec<u8> {
    let mut batch = plain(&["x"]);
    batch.truncate(at::RECORDS);
    batch.extend_from_slice(payload);
    let length = (batch.len() - 12) as i32;
    batch[at::LENGTH..at::LENGTH + 4].copy_from_slice(&length.to_be_bytes());
    batch[at::ATTRIBUTES..at::ATTRIBUTES + 2].copy_from_slice(&attributes.to_be_bytes());
    batch[at::COUNT..at::COUNT + 4].copy_from_slice(&count.to_be_bytes());
    let last = (count - 1).to_be_bytes();
    forged(batch, at::LAST_OFFSET_DELTA, &last)
}
