//! Finds batches and records in a segment's file. Blocking reads: for a thread that may wait.
//!
//! A search walks batch headers from a position that an index gave, through a small window; only a batch
//! whose records are wanted is read as a whole.

use std::io;

use thiserror::Error;

use crate::base::limits::LOG_BATCH_BYTES_MAX;
use crate::base::{LeaderEpoch, Offset, TimestampMs};
use crate::protocol::records::{
    BatchFault, BatchHeader, BatchView, HEADER_BYTES, Record, RecordFault,
};

/// Bytes of a segment that are read at a time.
const WINDOW_BYTES: usize = 64 << 10;

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

/// Whole batches that lie one behind the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// Where the first begins.
    pub position: u64,
    /// The bytes of all of them.
    pub len: u64,
    /// The first one's base offset.
    pub base_offset: Offset,
    /// The offset after the last one's.
    pub next_offset: Offset,
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
pub fn find_offset(
    file: &impl ReadAt,
    extent: Extent,
    target: Offset,
) -> Result<Option<BatchAt>, LocateError> {
    let mut scan = Scan::new(file, extent);
    while let Some(batch) = scan.next()? {
        if batch.header.last_offset() >= target {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// The batches that a read of `target` gets: from [`find_offset`]'s on, all of them below `ceiling`, as many
/// as fit `max_bytes` but one at least.
pub fn find_run(
    file: &impl ReadAt,
    extent: Extent,
    target: Offset,
    ceiling: Offset,
    max_bytes: u64,
) -> Result<Option<Run>, LocateError> {
    let mut scan = Scan::new(file, extent);
    let mut run: Option<Run> = None;
    while let Some(batch) = scan.next()? {
        if batch.header.last_offset() < target {
            continue;
        }
        if batch.header.next_offset() > ceiling {
            break;
        }
        let first = *run.get_or_insert(Run {
            position: batch.position,
            len: 0,
            base_offset: batch.header.base_offset,
            next_offset: batch.header.base_offset,
        });
        let len = batch.end() - first.position;
        if first.len > 0 && len > max_bytes {
            break;
        }
        run = Some(Run {
            len,
            next_offset: batch.header.next_offset(),
            ..first
        });
        if len >= max_bytes {
            break;
        }
    }
    Ok(run)
}

/// The first record at or after `start` whose timestamp is at least `target` (ListOffsets by timestamp;
/// Kafka's `FileRecords.searchForTimestamp`).
pub fn find_timestamp(
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

/// The first record that carries the segment's largest timestamp, which the caller knows (ListOffsets
/// with -3; KIP-734).
pub fn find_max_timestamp(
    file: &impl ReadAt,
    extent: Extent,
    largest: TimestampMs,
    inflated_bytes_max: usize,
) -> Result<Option<RecordAt>, LocateError> {
    let mut scan = Scan::new(file, extent);
    while let Some(batch) = scan.next()? {
        if batch.header.max_timestamp == largest {
            let wanted = |found: &RecordAt| found.timestamp == largest;
            return scan.first_record(&batch, inflated_bytes_max, wanted);
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
}

impl<'f, R: ReadAt + ?Sized> Window<'f, R> {
    /// A window over the file's first `end` bytes.
    pub(super) fn new(file: &'f R, end: u64) -> Window<'f, R> {
        Window {
            file,
            end,
            start: 0,
            buf: Vec::new(),
        }
    }

    /// `len` bytes at `position`, fewer only where the file or the window's end cuts them off.
    pub(super) fn read(&mut self, position: u64, len: usize) -> io::Result<&[u8]> {
        let there = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        let len = len.min(there);
        if self.held(position, len).is_none() {
            self.fill(position, len.max(WINDOW_BYTES).min(there))?;
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
