//! A segment's indexes as files, in the formats of Kafka's `OffsetIndex` and `TimeIndex`.
//!
//! The active segment's indexes are in memory ([`SparseIndex`]) and are written when it is sealed. Those of a
//! closed segment stay in their files and are searched there, by blocking reads.

use std::io;

use thiserror::Error;

use super::locate::ReadAt;
use super::{
    OFFSET_ENTRY_BYTES, OffsetEntry, SparseIndex, TIME_ENTRY_BYTES, TimeEntry, TimeSearch,
};
use crate::base::{Offset, TimestampMs};

const OFFSET_ENTRY: usize = OFFSET_ENTRY_BYTES as usize;
const TIME_ENTRY: usize = TIME_ENTRY_BYTES as usize;

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

/// The contents of an `.index` file.
pub fn encode_offsets(entries: &[OffsetEntry]) -> Vec<u8> {
    let fields = |entry: &OffsetEntry| [entry.relative_offset, entry.position];
    let bytes = entries.iter().flat_map(fields).map(u32::to_be_bytes);
    bytes.flatten().collect()
}

/// The contents of a `.timeindex` file.
pub fn encode_times(entries: &[TimeEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * TIME_ENTRY);
    for entry in entries {
        out.extend_from_slice(&entry.timestamp.0.to_be_bytes());
        out.extend_from_slice(&entry.relative_offset.to_be_bytes());
    }
    out
}

/// The indexes of a segment that goes on growing, from its two files: the log is `log_bytes` long and ends
/// before `next_offset`.
pub fn load(
    index: &[u8],
    timeindex: &[u8],
    base_offset: Offset,
    log_bytes: u32,
    next_offset: Offset,
) -> Result<SparseIndex, IndexError> {
    OffsetIndexFile::new(index, index.len() as u64, base_offset)?.check(log_bytes, next_offset)?;
    TimeIndexFile::new(timeindex, timeindex.len() as u64, base_offset)?.check(next_offset)?;
    let (entries, _) = index.as_chunks();
    let offsets: Vec<_> = entries.iter().map(decode_offset).collect();
    let (entries, _) = timeindex.as_chunks();
    let times = entries.iter().map(decode_time).collect();
    let indexed = offsets.last().map_or(0, |entry| entry.position);
    let bytes_since_entry = log_bytes.saturating_sub(indexed);
    Ok(SparseIndex::from_entries(offsets, times, bytes_since_entry))
}

/// Where a search by time begins in a closed segment: at or before the batch with the record.
pub fn position_before_time(
    index: &OffsetIndexFile<impl ReadAt>,
    timeindex: &TimeIndexFile<impl ReadAt>,
    search: &TimeSearch,
) -> Result<u32, IndexError> {
    let before = timeindex.offset_before(search.timestamp)?;
    index.position_before(before.max(search.from_offset))
}

/// An `.index` file.
#[derive(Clone, Copy, Debug)]
pub struct OffsetIndexFile<R> {
    file: R,
    entries: u64,
    base_offset: Offset,
}

impl<R: ReadAt> OffsetIndexFile<R> {
    /// The index of `len` bytes of the segment that begins at `base_offset`.
    pub fn new(file: R, len: u64, base_offset: Offset) -> Result<Self, IndexError> {
        let entries = entries(len, OFFSET_ENTRY)?;
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

    /// Where to begin looking for an offset: at or before the batch that holds it, or what comes after it.
    /// The position is only as good as the file.
    pub fn position_before(&self, target: Offset) -> Result<u32, IndexError> {
        let relative = target.0.saturating_sub(self.base_offset.0);
        let not_above = |entry: OffsetEntry| i64::from(entry.relative_offset) <= relative;
        let floor = floor(self.entries, |at| self.entry(at).map(not_above))?;
        floor.map_or(Ok(0), |at| Ok(self.entry(at)?.position))
    }

    /// One entry.
    pub fn entry(&self, at: u64) -> Result<OffsetEntry, IndexError> {
        Ok(decode_offset(&read_entry(&self.file, at)?))
    }

    /// Reads all of it: offsets and positions must grow, and lie within the log.
    pub fn check(&self, log_bytes: u32, next_offset: Offset) -> Result<(), IndexError> {
        let mut last: Option<OffsetEntry> = None;
        for at in 0..self.entries {
            let entry = self.entry(at)?;
            let grows = last.is_none_or(|last| {
                entry.relative_offset > last.relative_offset && entry.position > last.position
            });
            let offset = absolute(self.base_offset, entry.relative_offset);
            if !grows || entry.position >= log_bytes || offset >= next_offset {
                return Err(IndexError::Entry(at));
            }
            last = Some(entry);
        }
        Ok(())
    }
}

/// A `.timeindex` file.
#[derive(Clone, Copy, Debug)]
pub struct TimeIndexFile<R> {
    file: R,
    entries: u64,
    base_offset: Offset,
}

impl<R: ReadAt> TimeIndexFile<R> {
    /// The index of `len` bytes of the segment that begins at `base_offset`.
    pub fn new(file: R, len: u64, base_offset: Offset) -> Result<Self, IndexError> {
        let entries = entries(len, TIME_ENTRY)?;
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

    /// The offset below which no record has a timestamp of `target` or later, as far as the index knows.
    pub fn offset_before(&self, target: TimestampMs) -> Result<Offset, IndexError> {
        let not_above = |entry: TimeEntry| entry.timestamp <= target;
        let floor = floor(self.entries, |at| self.entry(at).map(not_above))?;
        floor.map_or(Ok(self.base_offset), |at| {
            Ok(absolute(self.base_offset, self.entry(at)?.relative_offset))
        })
    }

    /// The segment's largest timestamp and the last offset of the batch that has it: in a sealed index the
    /// last entry. None if no record has a time.
    pub fn largest(&self) -> Result<Option<(TimestampMs, Offset)>, IndexError> {
        let Some(at) = self.entries.checked_sub(1) else {
            return Ok(None);
        };
        let last = self.entry(at)?;
        let offset = absolute(self.base_offset, last.relative_offset);
        Ok(Some((last.timestamp, offset)))
    }

    /// One entry.
    pub fn entry(&self, at: u64) -> Result<TimeEntry, IndexError> {
        Ok(decode_time(&read_entry(&self.file, at)?))
    }

    /// Reads all of it: timestamps must grow, offsets not fall, and lie within the log.
    pub fn check(&self, next_offset: Offset) -> Result<(), IndexError> {
        let mut last: Option<TimeEntry> = None;
        for at in 0..self.entries {
            let entry = self.entry(at)?;
            let grows = last.is_none_or(|last| {
                entry.timestamp > last.timestamp && entry.relative_offset >= last.relative_offset
            });
            let offset = absolute(self.base_offset, entry.relative_offset);
            if !grows || entry.timestamp.0 < 0 || offset >= next_offset {
                return Err(IndexError::Entry(at));
            }
            last = Some(entry);
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

fn decode_offset(bytes: &[u8; OFFSET_ENTRY]) -> OffsetEntry {
    let fields = u64::from_be_bytes(*bytes);
    OffsetEntry {
        relative_offset: (fields >> 32) as u32,
        position: fields as u32,
    }
}

fn decode_time(bytes: &[u8; TIME_ENTRY]) -> TimeEntry {
    let fields = bytes
        .iter()
        .fold(0u128, |fields, byte| (fields << 8) | u128::from(*byte));
    TimeEntry {
        timestamp: TimestampMs((fields >> 32) as i64),
        relative_offset: fields as u32,
    }
}

fn absolute(base_offset: Offset, relative: u32) -> Offset {
    Offset(base_offset.0.saturating_add(i64::from(relative)))
}

/// Fuzz entry: no index file makes a search fail in memory, and on files that pass their checks a search gives
/// what the loaded index gives.
pub fn fuzz_index(bytes: &[u8]) {
    let base = Offset(100);
    let len = bytes.len() as u64;
    let targets = [-1, 0, 99, 100, 101, 1 << 20, i64::from(u32::MAX), i64::MAX];
    if let Ok(file) = OffsetIndexFile::new(bytes, len, base) {
        let found = targets.map(|target| file.position_before(Offset(target)).expect("memory"));
        if let Ok(index) = load(bytes, &[], base, u32::MAX, Offset(i64::MAX)) {
            let loaded = targets.map(|target| index.position_for(base, Offset(target)));
            assert_eq!(found, loaded);
            assert_eq!(encode_offsets(index.offset_entries()), bytes);
        }
    }
    if let Ok(file) = TimeIndexFile::new(bytes, len, base) {
        let found = targets.map(|target| file.offset_before(TimestampMs(target)).expect("memory"));
        file.largest().expect("memory");
        if let Ok(index) = load(&[], bytes, base, u32::MAX, Offset(i64::MAX)) {
            let loaded = targets.map(|target| index.offset_before_time(base, TimestampMs(target)));
            assert_eq!(found, loaded);
            assert_eq!(encode_times(index.time_entries()), bytes);
        }
    }
}

#[cfg(test)]
mod tests;
