//! What is valid at the end of a segment that was not closed in order.
//!
//! The driver gives the segment as far as it is known to be good, mostly nothing of it; the batches behind that
//! are checked one by one until something is not the next batch. Zeros there are the preallocated end of the file. Anything else
//! was torn off by the crash, or is damage: the [`Cut`] tells how much goes and whether it looks as if
//! sound batches go with it.

use std::io;

use thiserror::Error;

use super::locate::{BatchAt, Extent, ReadAt, Scan, Window};
use super::{ActiveSegment, BatchInfo, LogConfig};
use crate::base::limits::{LOG_BATCH_BYTES_MAX, RECOVERY_LOOKAHEAD_BYTES};
use crate::base::{Offset, TimestampMs};
use crate::protocol::records::{BatchFault, BatchHeader, BatchView, HEADER_BYTES};

/// What recovery found.
#[derive(Debug)]
pub struct Recovered {
    /// The segment with all its valid batches and their indexes: its size is where the last of them ends.
    pub segment: ActiveSegment,
    /// The next offset of the log.
    pub next_offset: Offset,
    /// The batches that were checked.
    pub batches: u64,
    /// What has to go; none if nothing but zeros follows.
    pub cut: Option<Cut>,
}

/// Bytes that are neither a valid batch nor zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Where they begin.
    pub position: u64,
    /// How many there are, up to the last that is not zero. Only so far is looked as
    /// [`RECOVERY_LOOKAHEAD_BYTES`] allows, so there may be more.
    pub bytes: u64,
    /// Why the first of them are no batch.
    pub reason: CutReason,
    /// Whether valid batches with later offsets lie behind. A crash tears the end off a log; this is more
    /// likely a damaged disk, and data that was acknowledged may be lost.
    pub valid_after: bool,
}

/// Why bytes are not the next batch of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CutReason {
    /// They are not a batch, or not all of one.
    #[error(transparent)]
    Fault(#[from] BatchFault),
    /// A batch whose offsets do not follow.
    #[error("the batch begins at offset {found} where {expected} or more was due")]
    Offset {
        /// The least offset that could follow.
        expected: Offset,
        /// The batch's base offset.
        found: Offset,
    },
    /// A batch whose last offset is before its first, or too far from the segment's base offset.
    #[error("the batch's last offset {0} is out of the segment's range")]
    LastOffset(Offset),
    /// A batch that ends beyond where positions within a segment can reach.
    #[error("the segment is larger than a segment can be")]
    SegmentEnd,
    /// Zeros where a batch should be, and other bytes behind them.
    #[error("zeros, with other bytes behind them")]
    Hole,
}

/// Positions within a segment are 32 bits wide.
const SEGMENT_BYTES_MAX: u64 = u32::MAX as u64;

/// Checks the batches of a file of `file_bytes` behind what `segment` has already; the first has an offset of
/// `expected` or more. Each valid batch is told to `on_batch` with its position. `modified` is the time of the
/// file's last change.
///
/// # Errors
/// Those of reading. What the file holds is never an error.
pub fn recover(
    file: &impl ReadAt,
    file_bytes: u64,
    mut segment: ActiveSegment,
    expected: Offset,
    config: &LogConfig,
    modified: TimestampMs,
    mut on_batch: impl FnMut(u32, &BatchView<'_>),
) -> io::Result<Recovered> {
    let mut window = Window::new(file, file_bytes);
    let base_offset = segment.segment.base_offset;
    let (mut next_offset, mut batches) = (expected.max(base_offset), 0);
    let stopped_by = loop {
        let position = segment.segment.size_bytes;
        let batch = match next_batch(&mut window, position, next_offset, base_offset)? {
            Ok(batch) => batch,
            Err(stop) => break stop,
        };
        let header = batch.header();
        segment.push(
            config,
            modified,
            &BatchInfo::from(header),
            header.last_offset(),
        );
        on_batch(position, &batch);
        next_offset = header.next_offset();
        batches += 1;
    };
    let end = u64::from(segment.segment.size_bytes);
    let cut = find_cut(&mut window, end, next_offset, stopped_by)?;
    Ok(Recovered {
        segment,
        next_offset,
        batches,
        cut,
    })
}

/// The batch at `position`, or why there is none.
fn next_batch<'w, R: ReadAt + ?Sized>(
    window: &'w mut Window<'_, R>,
    position: u32,
    expected: Offset,
    segment_base: Offset,
) -> io::Result<Result<BatchView<'w>, CutReason>> {
    let position = u64::from(position);
    let head = window.read(position, HEADER_BYTES)?;
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Err(CutReason::Hole));
    }
    let header = match BatchHeader::parse(head) {
        Ok(header) => header,
        Err(fault) => return Ok(Err(fault.into())),
    };
    if let Err(reason) = check_offsets(&header, expected, segment_base) {
        return Ok(Err(reason));
    }
    // A forged length must not make memory be taken for it.
    let size = header.size_bytes();
    if size > LOG_BATCH_BYTES_MAX {
        return Ok(Err(BatchFault::Length(header.batch_length).into()));
    }
    if position + size as u64 > SEGMENT_BYTES_MAX {
        return Ok(Err(CutReason::SegmentEnd));
    }
    let there = window.end.saturating_sub(position);
    if size as u64 > there {
        let need = size as u64;
        return Ok(Err(BatchFault::Truncated { need, have: there }.into()));
    }
    let batch = BatchView::first(window.read(position, size)?);
    Ok(batch
        .and_then(|batch| batch.verify_checksum().map(|()| batch))
        .map_err(CutReason::from))
}

fn check_offsets(
    header: &BatchHeader,
    expected: Offset,
    segment_base: Offset,
) -> Result<(), CutReason> {
    if header.base_offset < expected {
        return Err(CutReason::Offset {
            expected,
            found: header.base_offset,
        });
    }
    let last = header.last_offset();
    let reach = segment_base.0.saturating_add(i64::from(i32::MAX));
    if header.last_offset_delta < 0 || last.0 > reach {
        return Err(CutReason::LastOffset(last));
    }
    Ok(())
}

/// Tells a preallocated end, a torn one and damage apart by what lies ahead.
fn find_cut<R: ReadAt + ?Sized>(
    window: &mut Window<'_, R>,
    position: u64,
    next_offset: Offset,
    reason: CutReason,
) -> io::Result<Option<Cut>> {
    let ahead = window.read(position, RECOVERY_LOOKAHEAD_BYTES)?;
    let Some(last) = ahead.iter().rposition(|byte| *byte != 0) else {
        return Ok(None);
    };
    Ok(Some(Cut {
        position,
        bytes: last as u64 + 1,
        reason,
        valid_after: holds_batch(ahead, next_offset),
    }))
}

/// Whether a valid batch with later offsets begins anywhere behind the first byte. The fixed parts of a
/// header are compared first, so that few places cost a checksum; and since values may be made to look like
/// headers, only so many bytes are summed.
fn holds_batch(ahead: &[u8], next_offset: Offset) -> bool {
    let mut budget = ahead.len().saturating_mul(8);
    let candidates = (1..ahead.len()).filter_map(|at| {
        let batch = BatchView::first(ahead.get(at..)?).ok()?;
        let header = batch.header();
        let plausible = header.base_offset > next_offset
            && header.last_offset_delta >= 0
            && header.attributes.0 & !0x7f == 0
            && header.record_count >= 0;
        plausible.then_some(batch)
    });
    candidates
        .take_while(|batch| {
            let within = budget >= batch.bytes().len();
            budget = budget.saturating_sub(batch.bytes().len());
            within
        })
        .any(|batch| batch.verify_checksum().is_ok())
}

/// Fuzz entry: whatever a file holds, recovery keeps a prefix of whole, valid batches that every reader
/// agrees on, and recovering that prefix again changes nothing.
pub fn fuzz_recovery(bytes: &[u8]) {
    let mut told = Vec::new();
    let first = recover_memory(bytes, |position, batch| {
        told.push((u64::from(position), *batch.header()));
    });
    let end = first.segment.segment.size_bytes;
    let kept = bytes.get(..end as usize);
    let kept = kept.expect("no more is kept than there was");
    assert_eq!(told.len() as u64, first.batches);

    let extent = Extent {
        from: 0,
        end: u64::from(end),
    };
    let mut scan = Scan::new(kept, extent);
    let mut next_offset = Offset::ZERO;
    for (position, header) in told {
        let batch = scan.next().expect("what was kept is valid");
        assert_eq!(batch, Some(BatchAt { position, header }));
        assert!(header.base_offset >= next_offset && header.last_offset() >= header.base_offset);
        next_offset = header.next_offset();
    }
    assert_eq!(next_offset, first.next_offset);
    let again = recover_memory(kept, |_, _| {});
    assert_eq!((again.segment, again.cut), (first.segment, None));
}

fn recover_memory(bytes: &[u8], on_batch: impl FnMut(u32, &BatchView<'_>)) -> Recovered {
    let config = LogConfig {
        index_interval_bytes: 64,
        ..LogConfig::default()
    };
    let modified = TimestampMs(0);
    let segment = ActiveSegment::empty(Offset::ZERO, modified);
    let len = bytes.len() as u64;
    let recovered = recover(
        &bytes,
        len,
        segment,
        Offset::ZERO,
        &config,
        modified,
        on_batch,
    );
    recovered.expect("memory reads without errors")
}

#[cfg(test)]
mod tests;
