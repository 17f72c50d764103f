//! What to write, reserve, sync and seal next, and what that proves: direct I/O as plain arithmetic.
//!
//! One segment is worked on at a time, oldest first: its bytes are written in whole pages (the last, partial page padded
//! with zeros and written again by the next write), and once it has been rolled and is written out it is sealed (cut
//! to its size, indexes written, fsynced) before the next segment is touched. So whatever is on disk is a prefix of the
//! log, and a sync of the current segment covers everything before it.

use std::collections::VecDeque;

use thiserror::Error;

use crate::base::Offset;
use crate::base::limits::{PAGE_BYTES, RESERVE_STEP_MAX_BYTES, RESERVE_STEP_MIN_BYTES};

/// A write of whole pages. Bytes from `data_end` to `file_to` are padding: they may hold anything, and zeros are best,
/// since recovery takes them for the log's end. Appends may change the padding's page in memory while the write is
/// under way, but not the bytes below `data_end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteOp {
    /// The segment, by base offset.
    pub segment: Offset,
    /// The first byte, on a page.
    pub file_from: u64,
    /// The end, on a page.
    pub file_to: u64,
    /// The end of the log's bytes within the range.
    pub data_end: u32,
}

/// An fdatasync of one segment's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncOp {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Everything below this offset is durable when it completes.
    pub up_to: Offset,
}

/// A segment is complete: cut its file to its size, write its indexes, fsync all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealOp {
    /// The segment, by base offset.
    pub segment: Offset,
    /// Its bytes.
    pub size_bytes: u32,
    /// Everything below this offset is durable when it completes.
    pub up_to: Offset,
}

/// Space to be allocated for a segment's file, which is created first if it does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReserveOp {
    /// The segment, by base offset.
    pub segment: Offset,
    /// What is reserved already.
    pub from: u64,
    /// What is to be reserved.
    pub to: u64,
}

/// A write, sync or seal that did not succeed: what the disk holds is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a write or a sync failed")]
pub struct IoFailed;

/// Why space could not be reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReserveError {
    /// The disk is full; space may come back.
    #[error("no space is left on the device")]
    NoSpace,
    /// Anything else.
    #[error("a reservation failed")]
    Failed,
}

/// How far one segment has come.
#[derive(Clone, Debug)]
struct Lane {
    segment: Offset,
    appended: u32,
    written: u32,
    reserved: u64,
    /// No more appends come.
    complete: bool,
    /// Where the batches not yet written end: position and offset.
    ends: VecDeque<(u32, Offset)>,
    end_offset: Offset,
}

/// Whether the disk has room, as far as reservations have told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Space {
    /// It had at the last reservation.
    Enough,
    /// It had none.
    None,
    /// It had none, and is asked again.
    Sought,
}

/// The state of one partition's writes.
#[derive(Clone, Debug)]
pub struct WriteQueue {
    /// The segments not yet sealed; the first is worked on, the last takes appends.
    lanes: VecDeque<Lane>,
    segment_bytes: u64,
    reserve_whole: bool,
    write: Option<WriteOp>,
    sync: Option<SyncOp>,
    seal: Option<SealOp>,
    reserve: Option<ReserveOp>,
    space: Space,
    /// The largest step of a reservation; smaller after the disk had no room for a larger one.
    step_max: u64,
    poisoned: bool,
    /// Offsets up to which someone waits for a sync, ascending.
    wanted: VecDeque<Offset>,
    written_offset: Offset,
    synced_offset: Offset,
}

impl WriteQueue {
    /// The queue of a log that ends at `end_offset`, `position` bytes into `segment`, all of it durable. `reserved` bytes
    /// of the segment's file are allocated.
    pub fn new(segment: Offset, position: u32, end_offset: Offset, reserved: u64) -> Self {
        let mut queue = WriteQueue {
            lanes: VecDeque::new(),
            segment_bytes: u64::MAX,
            reserve_whole: false,
            write: None,
            sync: None,
            seal: None,
            reserve: None,
            space: Space::Enough,
            step_max: RESERVE_STEP_MAX_BYTES,
            poisoned: false,
            wanted: VecDeque::new(),
            written_offset: end_offset,
            synced_offset: end_offset,
        };
        queue.lanes.push_back(Lane {
            written: position,
            reserved,
            ..Lane::new(segment, position, end_offset)
        });
        queue
    }

    /// How large a segment may grow, and whether to reserve all of it at once: bounds for [`next_reserve`](Self::next_reserve).
    pub fn set_segment_size(&mut self, segment_bytes: u32, reserve_whole: bool) {
        self.segment_bytes = page_up(u64::from(segment_bytes));
        self.reserve_whole = reserve_whole;
    }

    /// A batch was appended that ends at this position of the last segment, and at this offset.
    pub fn appended(&mut self, end_position: u32, end_offset: Offset) {
        if let Some(lane) = self.lanes.back_mut() {
            debug_assert!(end_position > lane.appended && end_offset > lane.end_offset);
            lane.appended = end_position;
            lane.end_offset = end_offset;
            lane.ends.push_back((end_position, end_offset));
        }
    }

    /// A new segment was opened; the one before it takes no more appends.
    pub fn rolled(&mut self, new_segment: Offset) {
        if let Some(lane) = self.lanes.back_mut() {
            lane.complete = true;
        }
        self.lanes.push_back(Lane::new(new_segment, 0, new_segment));
    }

    /// The log was emptied or cut, and now ends at `end_offset`, `position` bytes into `segment`, whose file is cut too.
    /// Nothing may be in flight; segments before it still get their seals.
    pub fn restart(&mut self, segment: Offset, position: u32, end_offset: Offset) {
        assert!(
            self.is_idle(),
            "the log is cut only while no I/O is under way"
        );
        let known = self.lanes.iter().find(|l| l.segment == segment);
        let mut lane = Lane::new(segment, position, end_offset);
        lane.written = known.map_or(position, |l| l.written.min(position));
        if lane.written < position {
            lane.ends.push_back((position, end_offset));
        }
        self.lanes.retain(|l| l.segment < segment);
        self.lanes.push_back(lane);
        self.wanted.clear();
        self.written_offset = self.written_offset.min(end_offset);
        self.synced_offset = self.synced_offset.min(end_offset);
    }

    /// Someone waits until everything below `offset` is durable.
    pub fn want_sync(&mut self, offset: Offset) {
        if offset <= self.synced_offset {
            return;
        }
        let at = self.wanted.partition_point(|&w| w < offset);
        if self.wanted.get(at) != Some(&offset) {
            self.wanted.insert(at, offset);
        }
    }

    /// The next write, of at most about `bytes_max`. `None` while one is in flight, while space is not reserved, or if
    /// nothing is left to write.
    pub fn next_write(&mut self, bytes_max: u64) -> Option<WriteOp> {
        if self.poisoned || self.write.is_some() || self.seal.is_some() {
            return None;
        }
        let lane = self.lanes.front()?;
        if lane.written == lane.appended {
            return None;
        }
        let file_from = page_down(u64::from(lane.written));
        let file_max = file_from.saturating_add(page_down(bytes_max).max(PAGE_BYTES));
        let data_end = u64::from(lane.appended).min(file_max).min(lane.reserved) as u32;
        let file_to = page_up(u64::from(data_end));
        if data_end <= lane.written {
            return None;
        }
        self.write = Some(WriteOp {
            segment: lane.segment,
            file_from,
            file_to,
            data_end,
        });
        self.write
    }

    /// The write completed.
    pub fn on_written(&mut self, result: Result<(), IoFailed>) {
        let Some(op) = self.write.take() else { return };
        if !self.succeeded(result) {
            return;
        }
        let Some(lane) = self.lanes.front_mut() else {
            return;
        };
        lane.written = op.data_end;
        while let Some(&(position, offset)) = lane.ends.front()
            && position <= op.data_end
        {
            lane.ends.pop_front();
            self.written_offset = offset;
        }
    }

    /// The next sync: once something that someone waits for is written. `None` while one is in flight, or if the
    /// segment is about to be sealed, which syncs it too.
    pub fn next_sync(&mut self) -> Option<SyncOp> {
        if self.poisoned || self.sync.is_some() || self.seal.is_some() {
            return None;
        }
        let lane = self.lanes.front()?;
        let awaited = self
            .wanted
            .front()
            .is_some_and(|&w| w <= self.written_offset);
        if !awaited || (lane.complete && lane.written == lane.appended) {
            return None;
        }
        self.sync = Some(SyncOp {
            segment: lane.segment,
            up_to: self.written_offset,
        });
        self.sync
    }

    /// The sync that was asked for is submitted only now: it covers what has been written meanwhile, too.
    pub fn sync_begins(&mut self) {
        if let Some(sync) = &mut self.sync {
            sync.up_to = self.written_offset;
        }
    }

    /// The sync completed: it covers what was written before it began.
    pub fn on_synced(&mut self, result: Result<(), IoFailed>) {
        if let Some(op) = self.sync.take()
            && self.succeeded(result)
        {
            self.durable(op.up_to);
        }
    }

    /// The first segment's seal, once it is complete, written and otherwise at rest.
    pub fn next_seal(&mut self) -> Option<SealOp> {
        if self.poisoned || !self.is_idle() {
            return None;
        }
        let lane = self.lanes.front()?;
        if !lane.complete || lane.written != lane.appended {
            return None;
        }
        self.seal = Some(SealOp {
            segment: lane.segment,
            size_bytes: lane.appended,
            up_to: lane.end_offset,
        });
        self.seal
    }

    /// The seal completed. Returns the segment, which is durable and at rest from now on.
    pub fn on_sealed(&mut self, result: Result<(), IoFailed>) -> Option<Offset> {
        let op = self.seal.take()?;
        if !self.succeeded(result) {
            return None;
        }
        self.lanes.pop_front();
        self.durable(op.up_to);
        Some(op.segment)
    }

    /// The next reservation: doubling steps, early enough that a write seldom waits for one. `None` while one is in
    /// flight, or after the disk was found full until [`retry_reserve`](Self::retry_reserve).
    pub fn next_reserve(&mut self) -> Option<ReserveOp> {
        let waits = self.reserve.is_some() || self.seal.is_some();
        if self.poisoned || self.space == Space::None || waits {
            return None;
        }
        let lane = self.lanes.front()?;
        let needed = page_up(u64::from(lane.appended));
        let limit = self.segment_bytes.max(needed);
        let low = needed > lane.reserved - (lane.reserved / 4).min(RESERVE_STEP_MAX_BYTES / 4);
        let to = if lane.complete {
            needed
        } else if self.reserve_whole {
            limit
        } else {
            let step = lane.reserved.clamp(RESERVE_STEP_MIN_BYTES, self.step_max);
            page_up(lane.reserved.max(needed).saturating_add(step)).min(limit)
        };
        if !low || to <= lane.reserved {
            // Nothing asks for space any more, so nothing can tell that it is back.
            self.space = Space::Enough;
            return None;
        }
        self.reserve = Some(ReserveOp {
            segment: lane.segment,
            from: lane.reserved,
            to,
        });
        self.reserve
    }

    /// The reservation completed. The disk counts as full once it has no room for the smallest step.
    pub fn on_reserved(&mut self, result: Result<(), ReserveError>) {
        let Some(op) = self.reserve.take() else {
            return;
        };
        match result {
            Ok(()) => {
                let lane = self.lanes.iter_mut().find(|l| l.segment == op.segment);
                if let Some(lane) = lane {
                    lane.reserved = op.to;
                }
                self.space = Space::Enough;
                self.step_max = (self.step_max * 2).min(RESERVE_STEP_MAX_BYTES);
            }
            // The next attempt is for less.
            Err(ReserveError::NoSpace) if self.step_max > RESERVE_STEP_MIN_BYTES => {
                let half = self.step_max.min(op.to - op.from) / 2;
                self.step_max = half.max(RESERVE_STEP_MIN_BYTES);
            }
            Err(ReserveError::NoSpace) => self.space = Space::None,
            Err(ReserveError::Failed) => self.poison(),
        }
    }

    /// Space may have come back: [`next_reserve`](Self::next_reserve) tries again.
    pub fn retry_reserve(&mut self) {
        if self.space == Space::None {
            self.space = Space::Sought;
        }
    }

    /// The disk was full at the last reservation. Appends must be refused until one succeeds: their bytes would have no
    /// place.
    pub fn is_out_of_space(&self) -> bool {
        self.space != Space::Enough
    }

    /// Everything below this offset is written, or has its place on the disk.
    pub fn reserved_offset(&self) -> Offset {
        let has_place = |lane: &Lane, end: u32| u64::from(end) <= lane.reserved;
        let placed = self.lanes.front().and_then(|lane| {
            let ends = lane.ends.iter();
            ends.take_while(|(end, _)| has_place(lane, *end)).last()
        });
        placed.map_or(self.written_offset, |&(_, offset)| offset)
    }

    /// Refuses all further work: what the disk holds is unknown.
    pub fn poison(&mut self) {
        self.poisoned = true;
    }

    /// Whether a write, sync, seal or reservation has failed.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Whether nothing is in flight.
    pub fn is_idle(&self) -> bool {
        self.write.is_none() && self.sync.is_none() && self.seal.is_none() && self.reserve.is_none()
    }

    /// Everything below this offset is written.
    pub fn written_offset(&self) -> Offset {
        self.written_offset
    }

    /// Everything below this offset is durable.
    pub fn synced_offset(&self) -> Offset {
        self.synced_offset
    }

    /// Everything below this offset is durable, or will be by what is waited for already.
    pub fn sync_target(&self) -> Offset {
        self.wanted.back().copied().unwrap_or(self.synced_offset)
    }

    /// Bytes appended and not yet written, in all segments.
    pub fn unwritten_bytes(&self) -> u64 {
        self.lanes
            .iter()
            .map(|l| u64::from(l.appended - l.written))
            .sum()
    }

    /// Whether work may still come for the segment: it is not sealed.
    pub fn is_unsealed(&self, segment: Offset) -> bool {
        self.lanes.iter().any(|l| l.segment == segment)
    }

    /// The oldest segment that is not sealed, and how far it is written.
    pub fn position(&self) -> (Offset, u32) {
        self.lanes
            .front()
            .map_or((self.written_offset, 0), |l| (l.segment, l.written))
    }

    /// Whether the result may be believed: after a failure nothing is, not even later successes.
    fn succeeded(&mut self, result: Result<(), IoFailed>) -> bool {
        self.poisoned |= result.is_err();
        !self.poisoned
    }

    fn durable(&mut self, up_to: Offset) {
        self.synced_offset = self.synced_offset.max(up_to);
        while self
            .wanted
            .front()
            .is_some_and(|&w| w <= self.synced_offset)
        {
            self.wanted.pop_front();
        }
    }

    /// Asserts what holds between events.
    pub fn invariants(&self) {
        assert!(!self.lanes.is_empty());
        assert!(self.synced_offset <= self.written_offset);
        assert!(self.wanted.iter().is_sorted());
        let last = self.lanes.len() - 1;
        for (i, lane) in self.lanes.iter().enumerate() {
            assert!(lane.written <= lane.appended);
            assert!(lane.complete == (i < last));
            assert!(i == 0 || lane.written == 0, "segments are written in order");
            assert!(lane.ends.iter().is_sorted());
        }
        if let Some(op) = self.write {
            assert!(
                op.file_from.is_multiple_of(PAGE_BYTES) && op.file_to.is_multiple_of(PAGE_BYTES)
            );
            assert!(op.file_from < u64::from(op.data_end) && u64::from(op.data_end) <= op.file_to);
        }
    }
}

impl Lane {
    fn new(segment: Offset, position: u32, end_offset: Offset) -> Self {
        Lane {
            segment,
            appended: position,
            written: 0,
            reserved: 0,
            complete: false,
            ends: VecDeque::new(),
            end_offset,
        }
    }
}

/// The page that holds byte `n`.
fn page_down(n: u64) -> u64 {
    n - n % PAGE_BYTES
}

/// The first page boundary at or after `n`.
fn page_up(n: u64) -> u64 {
    page_down(n.saturating_add(PAGE_BYTES - 1))
}

#[cfg(test)]
mod tests;
