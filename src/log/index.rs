//! The sparse indexes of a segment, in the formats of Kafka's `OffsetIndex` and `TimeIndex`.
//!
//! About every `index.interval.bytes` of log, the offset index tells where a batch lies, and the time index
//! tells the largest timestamp so far. The active segment's are in memory ([`IndexBuilder`]); those of a
//! closed segment stay in their files and are searched there.

use std::io;

use thiserror::Error;

use super::locate::ReadAt;
use crate::base::{Offset, TimestampMs};
use crate::protocol::records::{BatchHeader, NO_TIMESTAMP};

/// Bytes of an entry of an `.index` file.
pub const OFFSET_ENTRY_BYTES: usize = 8;

/// Bytes of an entry of a `.timeindex` file.
pub const TIME_ENTRY_BYTES: usize = 12;

/// A batch's last offset and where the batch begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetEntry {
    /// The last offset of the batch.
    pub offset: Offset,
    /// The position of the batch in the `.log` file.
    pub position: u64,
}

/// The largest timestamp up to some place in a segment, and the last offset of the batch that has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TimeEntry {
    /// The timestamp; [`NO_TIMESTAMP`] before any.
    pub timestamp: TimestampMs,
    /// The last offset of the batch.
    pub offset: Offset,
}

/// Why an index file cannot be used. It can be rebuilt from the log.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The disk's error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file's length is no multiple of an entry's.
    #[error("an index of {0} bytes does not consist of whole entries")]
    Length(u64),
    /// Entries that are out of order or point outside the segment.
    #[error("entry {0} of the index is out of order or out of bounds")]
    Entry(u64),
}

/// The indexes of a segment that is being written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexBuilder {
    base_offset: Offset,
    interval_bytes: u64,
    bytes_since_entry: u64,
    largest: Option<TimeEntry>,
    offsets: Vec<[u32; 2]>,
    times: Vec<(TimestampMs, u32)>,
}

impl IndexBuilder {
    /// Empty indexes of a segment, to get an entry every `interval_bytes`.
    pub fn new(base_offset: Offset, interval_bytes: u64) -> IndexBuilder {
        IndexBuilder {
            base_offset,
            interval_bytes,
            bytes_since_entry: 0,
            largest: None,
            offsets: Vec::new(),
            times: Vec::new(),
        }
    }

    /// The indexes of a segment that goes on growing, from the contents of its two files; batches from the
    /// returned position on have to be told. Only order is checked: see [`OffsetIndexFile::check`].
    pub fn load(
        base_offset: Offset,
        interval_bytes: u64,
        index: &[u8],
        timeindex: &[u8],
    ) -> Result<(IndexBuilder, u64), IndexError> {
        OffsetIndexFile::new(index, index.len() as u64, base_offset)?.check(u64::MAX)?;
        TimeIndexFile::new(timeindex, timeindex.len() as u64, base_offset)?
            .check(Offset(i64::MAX))?;
        let mut builder = IndexBuilder::new(base_offset, interval_bytes);
        let (fields, _) = index.as_chunks::<4>();
        let (entries, _) = fields.as_chunks::<2>();
        builder.offsets = entries
            .iter()
            .map(|entry| entry.map(u32::from_be_bytes))
            .collect();
        let (entries, _) = timeindex.as_chunks::<TIME_ENTRY_BYTES>();
        builder.times = entries.iter().map(decode_time).collect();
        let position = builder.truncate_to(Offset(i64::MAX));
        Ok((builder, position))
    }

    /// The segment's base offset.
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// Takes note of a batch that lies at `position`, with its final offsets and timestamps.
    pub fn on_batch(&mut self, header: &BatchHeader, position: u64) {
        let last_offset = header.last_offset();
        if self
            .largest
            .is_none_or(|largest| header.max_timestamp > largest.timestamp)
        {
            self.largest = Some(TimeEntry {
                timestamp: header.max_timestamp,
                offset: last_offset,
            });
        }
        if self.bytes_since_entry > self.interval_bytes {
            self.push_offset(last_offset, position);
            self.push_time();
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += header.size_bytes() as u64;
    }

    fn push_offset(&mut self, offset: Offset, position: u64) {
        let (Some(relative), Ok(position)) = (self.relative(offset), u32::try_from(position))
        else {
            return;
        };
        if self.offsets.last().is_none_or(|last| relative > last[0]) {
            self.offsets.push([relative, position]);
        }
    }

    fn push_time(&mut self) {
        let Some(largest) = self.largest else { return };
        let Some(relative) = self.relative(largest.offset) else {
            return;
        };
        let newest = self.times.last().map_or(NO_TIMESTAMP, |last| last.0);
        if largest.timestamp > newest {
            self.times.push((largest.timestamp, relative));
        }
    }

    /// The offset less the base, if the formats have room for it.
    fn relative(&self, offset: Offset) -> Option<u32> {
        let relative = offset.0.checked_sub(self.base_offset.0)?;
        i32::try_from(relative).ok()?.try_into().ok()
    }

    /// Where to begin looking for an offset: at or before the batch that holds it.
    pub fn position_before(&self, target: Offset) -> u64 {
        let relative = target.0.saturating_sub(self.base_offset.0);
        let above = self
            .offsets
            .partition_point(|entry| i64::from(entry[0]) <= relative);
        let floor = above.checked_sub(1).and_then(|at| self.offsets.get(at));
        floor.map_or(0, |entry| u64::from(entry[1]))
    }

    /// The last entry with at most this timestamp; before the first, none and the base offset. The record
    /// looked for lies at or after its offset.
    pub fn time_before(&self, target: TimestampMs) -> TimeEntry {
        let above = self.times.partition_point(|entry| entry.0 <= target);
        let floor = above.checked_sub(1).and_then(|at| self.times.get(at));
        floor.map_or(no_time(self.base_offset), |entry| {
            time_entry(self.base_offset, *entry)
        })
    }

    /// The largest timestamp of the segment, if it has batches.
    pub fn largest_timestamp(&self) -> Option<TimeEntry> {
        self.largest
    }

    /// Forgets all batches that hold `offset` or a later one. Batches from the returned position on that
    /// remain have to be told again.
    #[must_use = "the batches from this position on have to be told again"]
    pub fn truncate_to(&mut self, offset: Offset) -> u64 {
        let relative = offset.0.saturating_sub(self.base_offset.0);
        let keeps = |entry: u32| i64::from(entry) < relative;
        let kept = self.offsets.partition_point(|entry| keeps(entry[0]));
        self.offsets.truncate(kept);
        let from = self.offsets.last().copied();
        // A time entry was made no later than the offset entry of its place, so what that entry does not
        // reach is told again.
        let reach = from.map_or(0, |entry| entry[0]);
        let kept = self
            .times
            .partition_point(|entry| from.is_some() && entry.1 <= reach);
        self.times.truncate(kept);
        let last = self.times.last();
        self.largest = last.map(|entry| time_entry(self.base_offset, *entry));
        self.bytes_since_entry = 0;
        from.map_or(0, |entry| u64::from(entry[1]))
    }

    /// Ends the time index with the largest timestamp, as a segment that will not grow must.
    pub fn seal(&mut self) {
        self.push_time();
    }

    /// The `.index` file.
    pub fn encode_offsets(&self) -> Vec<u8> {
        let entries = self.offsets.iter().flatten();
        entries.flat_map(|field| field.to_be_bytes()).collect()
    }

    /// The `.timeindex` file.
    pub fn encode_times(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.times.len() * TIME_ENTRY_BYTES);
        for (timestamp, relative) in &self.times {
            out.extend_from_slice(&timestamp.0.to_be_bytes());
            out.extend_from_slice(&relative.to_be_bytes());
        }
        out
    }
}

/// An `.index` file of `len` bytes.
#[derive(Clone, Copy, Debug)]
pub struct OffsetIndexFile<R> {
    file: R,
    entries: u64,
    base_offset: Offset,
}

impl<R: ReadAt> OffsetIndexFile<R> {
    /// The index of the segment that begins at `base_offset`.
    pub fn new(file: R, len: u64, base_offset: Offset) -> Result<Self, IndexError> {
        let entries = entries(len, OFFSET_ENTRY_BYTES)?;
        Ok(OffsetIndexFile {
            file,
            entries,
            base_offset,
        })
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Where to begin looking for an offset: at or before the batch that holds it. The position is only
    /// as good as the file.
    pub fn position_before(&self, target: Offset) -> Result<u64, IndexError> {
        let floor = floor(self.entries, |at| Ok(self.entry(at)?.offset <= target))?;
        floor.map_or(Ok(0), |at| Ok(self.entry(at)?.position))
    }

    /// One entry.
    pub fn entry(&self, at: u64) -> Result<OffsetEntry, IndexError> {
        let bytes: [u8; OFFSET_ENTRY_BYTES] = read_entry(&self.file, at)?;
        let fields = u64::from_be_bytes(bytes);
        Ok(OffsetEntry {
            offset: absolute(self.base_offset, (fields >> 32) as u32),
            position: fields & u64::from(u32::MAX),
        })
    }

    /// Reads all of it: offsets and positions must grow, and lie within a log of `log_bytes`.
    pub fn check(&self, log_bytes: u64) -> Result<(), IndexError> {
        let mut last: Option<OffsetEntry> = None;
        for at in 0..self.entries {
            let entry = self.entry(at)?;
            let grows = last
                .is_none_or(|last| entry.offset > last.offset && entry.position > last.position);
            if !grows || entry.position >= log_bytes || entry.offset < self.base_offset {
                return Err(IndexError::Entry(at));
            }
            last = Some(entry);
        }
        Ok(())
    }
}

/// A `.timeindex` file of `len` bytes.
#[derive(Clone, Copy, Debug)]
pub struct TimeIndexFile<R> {
    file: R,
    entries: u64,
    base_offset: Offset,
}

impl<R: ReadAt> TimeIndexFile<R> {
    /// The index of the segment that begins at `base_offset`.
    pub fn new(file: R, len: u64, base_offset: Offset) -> Result<Self, IndexError> {
        let entries = entries(len, TIME_ENTRY_BYTES)?;
        Ok(TimeIndexFile {
            file,
            entries,
            base_offset,
        })
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// As [`IndexBuilder::time_before`].
    pub fn time_before(&self, target: TimestampMs) -> Result<TimeEntry, IndexError> {
        let floor = floor(self.entries, |at| Ok(self.entry(at)?.timestamp <= target))?;
        floor.map_or(Ok(no_time(self.base_offset)), |at| self.entry(at))
    }

    /// The largest timestamp of the segment, if it has one: of a sealed index, the last entry.
    pub fn largest_timestamp(&self) -> Result<Option<TimeEntry>, IndexError> {
        let last = self.entries.checked_sub(1);
        last.map(|at| self.entry(at)).transpose()
    }

    /// One entry.
    pub fn entry(&self, at: u64) -> Result<TimeEntry, IndexError> {
        let bytes = read_entry(&self.file, at)?;
        Ok(time_entry(self.base_offset, decode_time(&bytes)))
    }

    /// Reads all of it: timestamps must grow, offsets not fall, and lie below `next_offset`.
    pub fn check(&self, next_offset: Offset) -> Result<(), IndexError> {
        let mut last = no_time(self.base_offset);
        for at in 0..self.entries {
            let entry = self.entry(at)?;
            let grows = entry.timestamp > last.timestamp && entry.offset >= last.offset;
            if !grows || entry.offset >= next_offset {
                return Err(IndexError::Entry(at));
            }
            last = entry;
        }
        Ok(())
    }
}

fn entries(len: u64, entry_bytes: usize) -> Result<u64, IndexError> {
    let entry_bytes = entry_bytes as u64;
    if !len.is_multiple_of(entry_bytes) {
        return Err(IndexError::Length(len));
    }
    Ok(len / entry_bytes)
}

/// The last of `entries` that is not above the target, in a file in which those come first.
fn floor(
    entries: u64,
    not_above: impl Fn(u64) -> Result<bool, IndexError>,
) -> Result<Option<u64>, IndexError> {
    let (mut low, mut high) = (0, entries);
    while low < high {
        let middle = low + (high - low) / 2;
        if not_above(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low.checked_sub(1))
}

fn read_entry<const N: usize>(file: &impl ReadAt, at: u64) -> Result<[u8; N], IndexError> {
    let mut bytes = [0; N];
    let mut done = 0;
    while let Some(room) = bytes.get_mut(done..).filter(|room| !room.is_empty()) {
        let position = at.saturating_mul(N as u64).saturating_add(done as u64);
        match file.read_at(room, position) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

fn decode_time(bytes: &[u8; TIME_ENTRY_BYTES]) -> (TimestampMs, u32) {
    let fields = bytes
        .iter()
        .fold(0u128, |fields, byte| (fields << 8) | u128::from(*byte));
    (TimestampMs((fields >> 32) as i64), fields as u32)
}

fn no_time(base_offset: Offset) -> TimeEntry {
    TimeEntry {
        timestamp: NO_TIMESTAMP,
        offset: base_offset,
    }
}

fn time_entry(base_offset: Offset, (timestamp, relative): (TimestampMs, u32)) -> TimeEntry {
    TimeEntry {
        timestamp,
        offset: absolute(base_offset, relative),
    }
}

fn absolute(base_offset: Offset, relative: u32) -> Offset {
    Offset(base_offset.0.saturating_add(i64::from(relative)))
}

/// Fuzz entry: no index file makes a search fail in memory, and on a file that passes its check, a search and
/// a load agree.
pub fn fuzz_index(bytes: &[u8]) {
    let base = Offset(100);
    let len = bytes.len() as u64;
    let targets = [-1, 0, 99, 100, 101, 1 << 20, i64::from(u32::MAX), i64::MAX];
    if let Ok(file) = OffsetIndexFile::new(bytes, len, base) {
        let found = targets.map(|target| file.position_before(Offset(target)).expect("memory"));
        if let Ok((builder, position)) = IndexBuilder::load(base, 4096, bytes, &[]) {
            assert_eq!(
                found,
                targets.map(|target| builder.position_before(Offset(target)))
            );
            assert_eq!(found.last(), Some(&position));
            assert_eq!(builder.encode_offsets(), bytes);
        }
    }
    if let Ok(file) = TimeIndexFile::new(bytes, len, base) {
        let found = targets.map(|target| file.time_before(TimestampMs(target)).expect("memory"));
        let sound = file.check(Offset(i64::MAX)).is_ok();
        let last = file.largest_timestamp().expect("memory");
        assert!(!sound || last.is_none_or(|last| found.iter().all(|found| *found <= last)));
    }
}

#[cfg(test)]
mod tests;
