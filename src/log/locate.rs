//! Finds batches and records in a segment's file. Blocking reads: for a thread that may wait.
//!
//! A search walks batch headers from a position that an index gave, through a small window; only a batch
//! whose records are wanted is read as a whole. An index that is out of step with its log shows as a
//! [`LocateError::Batch`]: the search can be made again from the segment's start.

use std::io;

use thiserror::Error;

use super::{ColdRead, TimeSearch};
use crate::base::limits::LOG_BATCH_BYTES_MAX;
use crate::base::{LeaderEpoch, Offset, TimestampMs};
use crate::protocol::records::{
    BatchFault, BatchHeader, BatchView, HEADER_BYTES, Record, RecordFault,
};

/// Bytes of a segment that are read at first, and wherever a search jumps to: a header, and a little more.
const WINDOW_MIN_BYTES: usize = 256;
/// Bytes that are read at a time when one read follows the other.
const WINDOW_MAX_BYTES: usize = 64 << 10;

/// Bytes that can be read at a position: a segment's file, or memory that stands for one.
pub trait ReadAt {
    /// Reads into `buf` from `position` on; 0 at or after the end, else possibly less than asked.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let from = usize::try_from(position).unwrap_or(usize::MAX);
        let there = self.get(from..).unwrap_or_default();
        let len = there.len().min(buf.len());
        buf[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, position)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for &R {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        (**self).read_at(buf, position)
    }
}

/// Why a search failed.
#[derive(Debug, Error)]
pub enum LocateError {
    /// The disk's error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What lies at the position is no batch.
    #[error("no batch at position {position}: {fault}")]
    Batch {
        /// Where in the file.
        position: u64,
        /// What is wrong there.
        fault: BatchFault,
    },
    /// The records of the batch at the position cannot be read.
    #[error("the records of the batch at position {position} cannot be read: {fault}")]
    Records {
        /// Where in the file.
        position: u64,
        /// What is wrong there.
        fault: RecordFault,
    },
}

/// The part of a segment's file that holds batches and may be searched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Where a batch begins.
    pub from: u64,
    /// Where the last batch ends: what lies behind is preallocated, or not yet readable.
    pub end: u64,
}

/// A batch in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchAt {
    /// Where it begins.
    pub position: u64,
    /// Its header.
    pub header: BatchHeader,
}

impl BatchAt {
    /// Where the next batch begins.
    pub fn end(&self) -> u64 {
        self.position
            .saturating_add(self.header.size_bytes() as u64)
    }
}

/// What a cold read comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColdFound {
    /// These bytes of the file. They begin with a whole batch; the last batch may be cut, which readers expect.
    Range {
        /// Where the first batch begins.
        position: u64,
        /// Bytes, never 0.
        len: u64,
    },
    /// The target's batch may not be read yet, or is larger than the read allows.
    Nothing,
    /// The segment has no batch at or after the target: read on in the next one.
    NextSegment,
}

/// A record found by its timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordAt {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: TimestampMs,
    /// The epoch of the leader that appended its batch, if one is known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// The first batch whose last offset is at least `target`: it holds the target, or what comes after it
/// where compaction has removed the target.
fn find_offset(
    file: &impl ReadAt,
    extent: Extent,
    target: Offset,
) -> Result<Option<BatchAt>, LocateError> {
    Scan::new(file, extent).first_at(target)
}

/// What a cold read gets, from the batch at `from` on, which its index gave. An index that is out of step with its
/// log costs a search from the segment's front, no more.
pub fn find_range(
    file: &impl ReadAt,
    from: u32,
    read: &ColdRead,
) -> Result<ColdFound, LocateError> {
    match find_range_from(file, from, read) {
        Err(LocateError::Batch { .. }) if from > 0 => find_range_from(file, 0, read),
        found => found,
    }
}

fn find_range_from(
    file: &impl ReadAt,
    from: u32,
    read: &ColdRead,
) -> Result<ColdFound, LocateError> {
    let extent = extent(from, read.end_position);
    let Some(first) = find_offset(file, extent, read.target)? else {
        return Ok(ColdFound::NextSegment);
    };
    let (whole, max_bytes) = (first.end() - first.position, u64::from(read.max_bytes));
    let is_readable = first.header.next_offset() <= read.end_offset;
    // A consumer that gets nothing but a part of one batch gives up: it can never get on (KIP-74).
    if !is_readable || (max_bytes < whole && !read.min_one_batch) {
        return Ok(ColdFound::Nothing);
    }
    Ok(ColdFound::Range {
        position: first.position,
        len: max_bytes.max(whole).min(extent.end - first.position),
    })
}

/// The record that a search by time looks for, from the batch at `from` on, which the segment's indexes gave
/// (Kafka's `FileRecords.searchForTimestamp`; with the log's largest timestamp it is KIP-734's).
pub fn find_record_at(
    file: &impl ReadAt,
    from: u32,
    search: &TimeSearch,
    inflated_bytes_max: usize,
) -> Result<Option<RecordAt>, LocateError> {
    find_timestamp(
        file,
        extent(from, search.end_position),
        search.timestamp,
        search.from_offset,
        inflated_bytes_max,
    )
}

fn extent(from: u32, end: u32) -> Extent {
    Extent {
        from: u64::from(from),
        end: u64::from(end),
    }
}

/// The first record at or after `start` whose timestamp is at least `target`.
fn find_timestamp(
    file: &impl ReadAt,
    extent: Extent,
    target: TimestampMs,
    start: Offset,
    inflated_bytes_max: usize,
) -> Result<Option<RecordAt>, LocateError> {
    let mut scan = Scan::new(file, extent);
    while let Some(batch) = scan.next()? {
        if batch.header.max_timestamp < target || batch.header.last_offset() < start {
            continue;
        }
        let wanted = |found: &RecordAt| found.timestamp >= target && found.offset >= start;
        let found = scan.first_record(&batch, inflated_bytes_max, wanted)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The batches of an extent, by their headers.
pub struct Scan<'f, R: ?Sized> {
    window: Window<'f, R>,
    position: u64,
}

impl<'f, R: ReadAt + ?Sized> Scan<'f, R> {
    /// Begins at the extent's front.
    pub fn new(file: &'f R, extent: Extent) -> Scan<'f, R> {
        Scan {
            window: Window::new(file, extent.end),
            position: extent.from,
        }
    }

    /// The next batch that lies wholly within the extent.
    #[allow(clippy::should_implement_trait)] // It reads, and so it can fail.
    pub fn next(&mut self) -> Result<Option<BatchAt>, LocateError> {
        let position = self.position;
        let head = self.window.read(position, HEADER_BYTES)?;
        let header = match BatchHeader::parse(head) {
            Ok(header) => header,
            Err(BatchFault::Truncated { .. }) => return Ok(None),
            Err(fault) => return Err(LocateError::Batch { position, fault }),
        };
        let batch = BatchAt { position, header };
        if batch.end() > self.window.end {
            return Ok(None);
        }
        self.position = batch.end();
        Ok(Some(batch))
    }

    fn first_at(&mut self, target: Offset) -> Result<Option<BatchAt>, LocateError> {
        while let Some(batch) = self.next()? {
            if batch.header.last_offset() >= target {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// The first record of a batch that is wanted. Reads the whole batch.
    fn first_record(
        &mut self,
        batch: &BatchAt,
        inflated_bytes_max: usize,
        wanted: impl Fn(&RecordAt) -> bool,
    ) -> Result<Option<RecordAt>, LocateError> {
        let position = batch.position;
        let unreadable = |fault| LocateError::Records { position, fault };
        let size = batch.header.size_bytes();
        if size > LOG_BATCH_BYTES_MAX {
            let fault = BatchFault::Length(batch.header.batch_length);
            return Err(LocateError::Batch { position, fault });
        }
        let view = BatchView::first(self.window.read(position, size)?)
            .map_err(|fault| LocateError::Batch { position, fault })?;
        let inflated = view
            .inflate(inflated_bytes_max.max(size))
            .map_err(|fault| unreadable(fault.into()))?;
        for record in view.records(&inflated) {
            let found = record_at(&view, &record.map_err(unreadable)?);
            if wanted(&found) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn record_at(view: &BatchView<'_>, record: &Record<'_>) -> RecordAt {
    let epoch = view.header().leader_epoch;
    RecordAt {
        offset: view.offset_of(record),
        timestamp: view.timestamp_of(record),
        leader_epoch: (epoch.0 >= 0).then_some(epoch),
    }
}

/// A moving buffer over a file: small reads close to each other cost one read of the file.
pub(super) struct Window<'f, R: ?Sized> {
    file: &'f R,
    pub(super) end: u64,
    start: u64,
    buf: Vec<u8>,
    next_bytes: usize,
}

impl<'f, R: ReadAt + ?Sized> Window<'f, R> {
    /// A window over the file's first `end` bytes.
    pub(super) fn new(file: &'f R, end: u64) -> Window<'f, R> {
        Window {
            file,
            end,
            start: 0,
            buf: Vec::new(),
            next_bytes: WINDOW_MIN_BYTES / 2,
        }
    }

    /// `len` bytes at `position`, fewer only where the file or the window's end cuts them off.
    pub(super) fn read(&mut self, position: u64, len: usize) -> io::Result<&[u8]> {
        let there = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        let len = len.min(there);
        if self.held(position, len).is_none() {
            // Small batches are worth reading ahead of; a jump over a large one is not.
            let skipped = position.checked_sub(self.start);
            let follows = skipped.is_some_and(|skipped| skipped <= 2 * self.buf.len() as u64);
            self.next_bytes = if follows {
                (2 * self.next_bytes).min(WINDOW_MAX_BYTES)
            } else {
                WINDOW_MIN_BYTES
            };
            self.fill(position, len.max(self.next_bytes).min(there))?;
        }
        let from = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        let held = self.buf.get(from..).unwrap_or_default();
        Ok(held.get(..len).unwrap_or(held))
    }

    fn held(&self, position: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(position.checked_sub(self.start)?).ok()?;
        self.buf.get(from..from.checked_add(len)?)
    }

    fn fill(&mut self, position: u64, len: usize) -> io::Result<()> {
        self.start = position;
        self.buf.resize(len, 0);
        let mut done = 0;
        while let Some(room) = self.buf.get_mut(done..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, position + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buf.clear();
                    return Err(error);
                }
            }
        }
        self.buf.truncate(done);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
