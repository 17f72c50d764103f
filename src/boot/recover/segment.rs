//! One segment: taken from its indexes where those can be trusted, else from its batches.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use super::directory::Directory;
use crate::base::{Offset, TimestampMs};
use crate::io::files::replace;
use crate::io::segment_file::SegmentFile;
use crate::log::files::FileKind;
use crate::log::index::{self, OffsetIndexFile, TimeIndexFile, encode_offsets, encode_times};
use crate::log::locate::{Extent, ReadAt, Scan};
use crate::log::recovery::{Cut, CutReason, Recovered, recover};
use crate::log::{ActiveSegment, LogConfig, Segment, TimeEntry};
use crate::protocol::records::{BatchHeader, BatchView, HEADER_BYTES, NO_TIMESTAMP};

/// The smallest piece of a write that a disk keeps or loses as a whole.
const SECTOR_BYTES: usize = 512;

/// How much of a batch that is not whole is searched for a lost sector.
const TORN_BATCH_BYTES_MAX: usize = 32 << 20;

/// An open segment file with what its inode says.
pub struct Opened {
    /// The file.
    pub file: SegmentFile,
    /// Its length, preallocated bytes included.
    pub len: u64,
    modified: TimestampMs,
}

impl Opened {
    /// Opens a segment of the directory.
    pub fn open(directory: &Directory<'_>, base: Offset) -> io::Result<Opened> {
        let path = directory.file(base, FileKind::Log);
        let metadata = fs::metadata(&path)?;
        let since = metadata.modified()?.duration_since(UNIX_EPOCH);
        let since_ms = since.unwrap_or_default().as_millis();
        Ok(Opened {
            file: SegmentFile::open(&path)?,
            len: metadata.len(),
            modified: TimestampMs(i64::try_from(since_ms).unwrap_or(i64::MAX)),
        })
    }

    /// Checks all batches of the segment.
    pub fn scan(
        &self,
        base: Offset,
        config: &LogConfig,
        on_batch: impl FnMut(u32, &BatchView<'_>),
    ) -> io::Result<Recovered> {
        let modified = self.modified;
        let empty = ActiveSegment::empty(base, modified);
        recover(
            &self.file, self.len, empty, base, config, modified, on_batch,
        )
    }

    /// A sealed segment, as its indexes describe it: only their last entries are looked at. None if they do not
    /// fit the log, which then has to be scanned.
    pub fn sealed(
        &self,
        directory: &Directory<'_>,
        base: Offset,
        next_base: Offset,
    ) -> Option<Segment> {
        let size_bytes = u32::try_from(self.len).ok()?;
        let (file, len) = open_index(directory.file(base, FileKind::Index))?;
        let offsets = OffsetIndexFile::new(&file, len, base).ok()?;
        if let Some(last) = offsets.entries().checked_sub(1) {
            let last = offsets.entry(last).ok()?;
            let offset = base.plus(i64::from(last.relative_offset));
            if last.position >= size_bytes || offset >= next_base {
                return None;
            }
        }
        let (file, len) = open_index(directory.file(base, FileKind::TimeIndex))?;
        let largest = TimeIndexFile::new(&file, len, base).ok()?.largest().ok()?;
        let (max_timestamp, max_timestamp_offset) = largest.unwrap_or((NO_TIMESTAMP, base));
        (max_timestamp_offset < next_base).then_some(Segment {
            base_offset: base,
            size_bytes,
            max_timestamp,
            max_timestamp_offset,
            last_modified: self.modified,
        })
    }

    /// The newest segment after an orderly stop at `end`, if its indexes and its last batches agree with that.
    pub fn closed_in_order(
        &self,
        directory: &Directory<'_>,
        base: Offset,
        end: Offset,
    ) -> Option<ActiveSegment> {
        let mut active = ActiveSegment::empty(base, self.modified);
        if self.len == 0 && end == base {
            return Some(active);
        }
        active.segment = self.sealed(directory, base, end)?;
        let offsets = fs::read(directory.file(base, FileKind::Index)).ok()?;
        let times = fs::read(directory.file(base, FileKind::TimeIndex)).ok()?;
        let size_bytes = active.segment.size_bytes;
        active.index = index::load(&offsets, &times, base, size_bytes, end).ok()?;
        active.first_timestamp = Some(self.header_at(0)?.max_timestamp);
        let indexed = active.index.offset_entries().last();
        let last = self.ending_behind(indexed.map_or(0, |entry| u64::from(entry.position)));
        (last? == (end, self.len)).then_some(active)
    }

    /// The offset and the position behind the last batch that lies at or after a position.
    fn ending_behind(&self, from: u64) -> Option<(Offset, u64)> {
        let end = self.len;
        let mut scan = Scan::new(&self.file, Extent { from, end });
        let mut last = None;
        while let Some(batch) = scan.next().ok()? {
            last = Some((batch.header.next_offset(), batch.end()));
        }
        last
    }

    fn header_at(&self, position: u64) -> Option<BatchHeader> {
        let mut bytes = [0; HEADER_BYTES];
        let read = self.file.read_at(&mut bytes, position).ok()?;
        BatchHeader::parse(bytes.get(..read)?).ok()
    }

    /// Whether a crash explains a cut: nothing sound lies there or behind it, or some sector of the batch that is
    /// not whole still holds the zeros of the preallocated file, as when a disk kept a write only in parts.
    pub fn is_torn(&self, cut: &Cut) -> io::Result<bool> {
        let is_sound = match cut.reason {
            CutReason::Hole => return Ok(true),
            CutReason::Fault(_) | CutReason::SegmentEnd => cut.valid_after,
            CutReason::Offset { .. } | CutReason::LastOffset(_) => true,
        };
        Ok(!is_sound || self.lacks_sector(cut.position)?)
    }

    /// Whether a sector of the batch at a position, as far as its header tells its size, is all zeros.
    fn lacks_sector(&self, position: u64) -> io::Result<bool> {
        let header = self.header_at(position);
        let size = header.map_or(HEADER_BYTES, |header| header.size_bytes());
        // The first sector also holds the end of the batch before, which an earlier write has brought there.
        let in_first = SECTOR_BYTES - (position % SECTOR_BYTES as u64) as usize;
        let in_others = size.min(TORN_BATCH_BYTES_MAX).saturating_sub(in_first);
        let mut bytes = vec![0; in_first + in_others.next_multiple_of(SECTOR_BYTES)];
        let read = self.file.read_at(&mut bytes, position)?;
        let (first, others) = bytes[..read].split_at(in_first.min(read));
        let is_lost = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
        Ok(is_lost(first) || others.chunks(SECTOR_BYTES).any(is_lost))
    }
}

fn open_index(path: PathBuf) -> Option<(SegmentFile, u64)> {
    let file = SegmentFile::open(&path).ok()?;
    let len = file.len_bytes().ok()?;
    Some((file, len))
}

/// Writes the indexes of a segment that takes no more appends.
pub fn write_indexes(directory: &Directory<'_>, scanned: &ActiveSegment) -> io::Result<()> {
    let Segment {
        base_offset: base,
        max_timestamp: timestamp,
        max_timestamp_offset,
        ..
    } = scanned.segment;
    let mut times = scanned.index.time_entries().to_vec();
    // The last entry tells the segment's largest time, so that the index alone is enough.
    if timestamp.0 >= 0 && times.last().is_none_or(|entry| entry.timestamp < timestamp) {
        times.push(TimeEntry {
            timestamp,
            relative_offset: u32::try_from(max_timestamp_offset.0 - base.0).unwrap_or(0),
        });
    }
    let offsets = encode_offsets(scanned.index.offset_entries());
    replace(&directory.file(base, FileKind::Index), &offsets)?;
    replace(
        &directory.file(base, FileKind::TimeIndex),
        &encode_times(&times),
    )
}
