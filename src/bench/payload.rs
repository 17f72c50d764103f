//! The batches that are sent: built once, and given their own header each time.
//!
//! A batch's checksum covers its timestamps, its producer and its sequence number, so no batch can be sent twice as it is.
//! What a full batch has behind those keeps its checksum, and CRC-32C is linear: putting other bytes in front takes one
//! `Shift` instead of another walk over the records. A batch that carries a [`Stamp`] has its first record written anew
//! as well. Batches that are not full, and compressed ones with a stamp, are finished when they are cut.

use bytes::Bytes;

use crate::base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};
use crate::protocol::crc;
use crate::protocol::records::{
    Attributes, BatchBuilder, BatchHeader, BuildError, Codec, HEADER_BYTES, LOG_OVERHEAD, MAGIC,
    deflate,
};

/// Bytes of a record's key, when it has one.
pub const KEY_BYTES: usize = 8;

/// Different batches that are made of one shape, as long as they take no more than [`VARIANT_BYTES_MAX`].
const VARIANTS_MAX: usize = 16;

/// Memory that the variants of a thread take, unless a single one takes more.
const VARIANT_BYTES_MAX: usize = 4 << 20;

/// What records are like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Bytes of a value.
    pub record_bytes: usize,
    /// Whether each has a key of [`KEY_BYTES`].
    pub keyed: bool,
    /// Bytes of a batch at the most, before compression, if more than one record is in it.
    pub batch_bytes: usize,
    /// How batches are compressed.
    pub codec: Codec,
    /// Whether batches carry a [`Stamp`].
    pub stamped: bool,
}

impl Shape {
    /// Bytes of a record's key and value.
    pub fn bytes_of_record(&self) -> usize {
        self.record_bytes + if self.keyed { KEY_BYTES } else { 0 }
    }
}

/// What the first record of a batch says about when its records were due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The run, so that records of another one are not taken for this one's.
    pub run: u32,
    /// When the first record was due, on the clock of the process.
    pub first_us: u64,
    /// Nanoseconds from one record to the next.
    pub step_ns: u64,
}

impl Stamp {
    /// What it takes of a record's value.
    pub const BYTES: usize = 20;

    fn write(&self, into: &mut [u8]) {
        into[0..4].copy_from_slice(&self.run.to_be_bytes());
        into[4..12].copy_from_slice(&self.first_us.to_be_bytes());
        into[12..20].copy_from_slice(&self.step_ns.to_be_bytes());
    }

    /// The stamp at the front of a value, if it is one of this run.
    pub fn read(value: &[u8], run: u32) -> Option<Stamp> {
        let (found, rest) = value.split_first_chunk()?;
        let (first_us, rest) = rest.split_first_chunk()?;
        let (step_ns, _) = rest.split_first_chunk()?;
        (u32::from_be_bytes(*found) == run).then(|| Stamp {
            run,
            first_us: u64::from_be_bytes(*first_us),
            step_ns: u64::from_be_bytes(*step_ns),
        })
    }

    /// When the batch's record `n` was due.
    pub fn due_us(&self, n: u64) -> u64 {
        self.first_us
            .saturating_add(n.saturating_mul(self.step_ns) / 1000)
    }
}

/// What is a batch's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The time of all its records.
    pub timestamp: TimestampMs,
    /// The producer, its epoch and the first sequence number; none without idempotence.
    pub producer: (ProducerId, ProducerEpoch, i32),
    /// When its records were due. Sent if the [`Shape`] has stamps.
    pub stamp: Stamp,
}

/// A batch to send, in two pieces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The header, and what was written anew.
    pub head: Vec<u8>,
    /// The rest, shared with other batches.
    pub tail: Bytes,
}

impl Batch {
    /// Bytes of the whole batch.
    pub fn len_bytes(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}

/// Batches of one shape, to be cut again and again.
#[derive(Debug)]
pub struct Payloads {
    shape: Shape,
    /// Where each record of a full batch ends; the same in all variants.
    ends: Vec<usize>,
    variants: Vec<Variant>,
    next: usize,
}

#[derive(Debug)]
struct Variant {
    /// The records of a full batch.
    records: Bytes,
    /// What does not change when a full batch is sent.
    full: Option<Fixed>,
}

/// Bytes with their checksum, for others to be put in front of.
#[derive(Debug)]
struct Fixed {
    bytes: Bytes,
    crc: u32,
    shift: Shift,
}

impl Fixed {
    fn new(bytes: Bytes) -> Fixed {
        Fixed {
            crc: crc::crc32c(&bytes),
            shift: Shift::by(bytes.len()),
            bytes,
        }
    }
}

/// What so many bytes behind it do to a CRC-32C: a linear map, as the images of its 32 bits.
#[derive(Debug)]
struct Shift([u32; 32]);

impl Shift {
    fn by(len: usize) -> Shift {
        Shift(std::array::from_fn(|bit| {
            crc::crc32c_combine(1 << bit, 0, len)
        }))
    }

    fn apply(&self, crc: u32) -> u32 {
        let set = self
            .0
            .iter()
            .enumerate()
            .filter(|(bit, _)| crc >> bit & 1 == 1);
        set.fold(0, |sum, (_, image)| sum ^ image)
    }
}

impl Payloads {
    /// Makes the batches. `fill` gives the bytes of keys and values.
    pub fn new(shape: Shape, mut fill: impl FnMut(&mut [u8])) -> Result<Payloads, BuildError> {
        let of_batch = shape.batch_bytes.max(shape.bytes_of_record()).max(1);
        let variants = (VARIANT_BYTES_MAX / of_batch).clamp(1, VARIANTS_MAX);
        let mut payloads = Payloads {
            shape,
            ends: Vec::new(),
            variants: Vec::new(),
            next: 0,
        };
        for _ in 0..variants {
            let (records, ends) = full_batch(&shape, &mut fill)?;
            let full = match (shape.codec, shape.stamped) {
                (Codec::None, false) => Some(records.clone()),
                (Codec::None, true) => Some(records.slice(ends[0]..)),
                (codec, false) => Some(Bytes::from(deflate(codec, &records, None)?.into_owned())),
                (_, true) => None,
            };
            let full = full.map(Fixed::new);
            payloads.variants.push(Variant { records, full });
            payloads.ends = ends;
        }
        Ok(payloads)
    }

    /// Records of a full batch.
    pub fn capacity(&self) -> u32 {
        self.ends.len() as u32
    }

    /// A batch of `count` records, at least one and at most [`capacity`](Self::capacity).
    pub fn cut(&mut self, count: u32, identity: &Identity) -> Result<Batch, BuildError> {
        self.next = (self.next + 1) % self.variants.len();
        let variant = &self.variants[self.next];
        let last = (count as usize).clamp(1, self.ends.len()) - 1;
        let first = match self.shape.stamped {
            true => self.stamped_first(variant, &identity.stamp),
            false => Vec::new(),
        };
        if last + 1 == self.ends.len()
            && let Some(full) = &variant.full
        {
            return self.assemble(last, identity, first, full.bytes.clone(), Some(full));
        }
        let rest = variant.records.slice(first.len()..self.ends[last]);
        if self.shape.codec == Codec::None {
            return self.assemble(last, identity, first, rest, None);
        }
        let plain = [&first[..], &rest].concat();
        let packed = deflate(self.shape.codec, &plain, None)?.into_owned();
        self.assemble(last, identity, Vec::new(), packed.into(), None)
    }

    /// The first record with a stamp at the front of its value.
    fn stamped_first(&self, variant: &Variant, stamp: &Stamp) -> Vec<u8> {
        let mut first = variant.records[..self.ends[0]].to_vec();
        // A record ends with its value and one byte that says it has no headers.
        let value = first.len() - 1 - self.shape.record_bytes;
        if let Some(place) = first.get_mut(value..value + Stamp::BYTES) {
            stamp.write(place);
        }
        first
    }

    /// Puts the header in front of the records: those written anew, and the others, whose checksum may be known.
    fn assemble(
        &self,
        last: usize,
        identity: &Identity,
        anew: Vec<u8>,
        tail: Bytes,
        known: Option<&Fixed>,
    ) -> Result<Batch, BuildError> {
        let (producer_id, producer_epoch, base_sequence) = identity.producer;
        let length = HEADER_BYTES - LOG_OVERHEAD + anew.len() + tail.len();
        let mut header = BatchHeader {
            base_offset: Offset::ZERO,
            batch_length: i32::try_from(length).map_err(|_| BuildError::TooLarge)?,
            leader_epoch: LeaderEpoch(-1),
            magic: MAGIC,
            crc: 0,
            attributes: Attributes::default().with_codec(self.shape.codec),
            last_offset_delta: last as i32,
            base_timestamp: identity.timestamp,
            max_timestamp: identity.timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count: last as i32 + 1,
        };
        header.crc = match known {
            Some(Fixed { crc, shift, .. }) => shift.apply(header.checksum(&anew)) ^ crc,
            None => header.checksum_of(&anew, &tail),
        };
        let mut head = Vec::with_capacity(HEADER_BYTES + anew.len());
        head.extend_from_slice(&header.encode());
        head.extend_from_slice(&anew);
        Ok(Batch { head, tail })
    }
}

/// As many records as fit a batch, and at least one; and where each of them ends.
fn full_batch(
    shape: &Shape,
    fill: &mut impl FnMut(&mut [u8]),
) -> Result<(Bytes, Vec<usize>), BuildError> {
    let (mut key, mut value) = ([0; KEY_BYTES], vec![0; shape.record_bytes]);
    let (mut builder, mut ends) = (BatchBuilder::new(), Vec::new());
    loop {
        fill(&mut key);
        fill(&mut value);
        builder.push(
            TimestampMs(0),
            shape.keyed.then_some(&key[..]),
            Some(&value),
            &[],
        );
        if builder.len_bytes() > shape.batch_bytes && !ends.is_empty() {
            break;
        }
        ends.push(builder.len_bytes() - HEADER_BYTES);
        if builder.len_bytes() >= shape.batch_bytes {
            break;
        }
    }
    let end = ends.last().copied().unwrap_or(0);
    // The record that did not fit is left out.
    let records = Bytes::from(builder.build()?).slice(HEADER_BYTES..HEADER_BYTES + end);
    Ok((records, ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::records::BatchView;

    const STAMP: Stamp = Stamp {
        run: 7,
        first_us: 123_456_789,
        step_ns: 2_500,
    };

    fn payloads(shape: Shape) -> Payloads {
        let mut byte = 0u8;
        Payloads::new(shape, |bytes| {
            for place in bytes {
                byte = byte.wrapping_mul(31).wrapping_add(7);
                *place = byte;
            }
        })
        .unwrap()
    }

    fn identity(timestamp: i64) -> Identity {
        Identity {
            timestamp: TimestampMs(timestamp),
            producer: (ProducerId(5), ProducerEpoch(1), 77),
            stamp: STAMP,
        }
    }

    #[test]
    fn batches_of_every_shape_and_length_are_valid() {
        for codec in Codec::ALL {
            for (keyed, stamped, batch_bytes) in [
                (false, false, 1000),
                (true, false, 1),
                (false, true, 700),
                (true, true, 5000),
            ] {
                let shape = Shape {
                    record_bytes: 100,
                    keyed,
                    batch_bytes,
                    codec,
                    stamped,
                };
                let mut payloads = payloads(shape);
                let capacity = payloads.capacity();
                for count in 1..=capacity {
                    let batch = payloads.cut(count, &identity(1000)).unwrap();
                    check(&shape, count, &[&batch.head[..], &batch.tail].concat());
                }
            }
        }
    }

    fn check(shape: &Shape, count: u32, bytes: &[u8]) {
        let view = BatchView::first(bytes).unwrap();
        assert_eq!(view.bytes().len(), bytes.len());
        assert_eq!(view.verify_checksum(), Ok(()), "{shape:?} of {count}");
        let header = view.header();
        assert_eq!(header.attributes.codec(), Some(shape.codec));
        assert_eq!((header.max_timestamp.0, header.base_sequence), (1000, 77));
        let inflated = view.inflate(1 << 20).unwrap();
        let records: Vec<_> = view.records(&inflated).map(Result::unwrap).collect();
        assert_eq!(records.len(), count as usize);
        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.value.unwrap().len(), shape.record_bytes);
            assert_eq!(record.key.is_some(), shape.keyed);
            let stamp = Stamp::read(record.value.unwrap(), STAMP.run);
            assert_eq!(stamp.is_some(), shape.stamped && index == 0);
            assert!(stamp.is_none_or(|stamp| stamp == STAMP));
        }
    }

    #[test]
    fn batches_are_as_large_as_they_may_be() {
        for (record_bytes, batch_bytes, capacity) in [(100, 16_384, 148), (1024, 1, 1), (0, 61, 1)]
        {
            let shape = Shape {
                record_bytes,
                keyed: false,
                batch_bytes,
                codec: Codec::None,
                stamped: false,
            };
            let mut payloads = payloads(shape);
            assert_eq!(payloads.capacity(), capacity);
            let batch = payloads.cut(capacity, &identity(0)).unwrap();
            assert!(batch.len_bytes() <= batch_bytes || capacity == 1);
        }
    }

    #[test]
    fn stamps_tell_when_each_record_was_due() {
        assert_eq!(STAMP.due_us(0), 123_456_789);
        assert_eq!(STAMP.due_us(3), 123_456_796);
        assert_eq!(Stamp::read(&[0; 19], 0), None);
        assert_eq!(Stamp::read(&[0; 20], 1), None);
    }
}
