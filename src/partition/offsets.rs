//! Reading, and the offsets that clients ask for.

use super::Partition;
use crate::base::{LeaderEpoch, Offset, TimestampMs};
use crate::log::{EpochEnd, ReadStep, ScanFrom, SparseIndex, TimeSearch};
use crate::protocol::ErrorCode;

/// How far a consumer may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// To the high watermark.
    ReadUncommitted,
    /// To the last stable offset.
    ReadCommitted,
}

/// A partition's offsets at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offsets {
    /// The first offset that may be read.
    pub log_start: Offset,
    /// Everything below it may be read with transactions undecided.
    pub high_watermark: Offset,
    /// Everything below it is decided.
    pub last_stable: Offset,
    /// The next offset.
    pub log_end: Offset,
}

/// What a fetch's last fetched epoch says about the reader's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EpochAnswer {
    /// The reader's log is a prefix of this one.
    Agrees,
    /// It has to be cut to this end.
    Diverges(EpochEnd),
}

impl Partition {
    /// Plans a read; see [`Log::read`](crate::log::Log::read).
    pub fn read(
        &self,
        fetch_offset: Offset,
        max_bytes: u32,
        isolation: Isolation,
        min_one_batch: bool,
    ) -> Result<ReadStep, ErrorCode> {
        if let Some(code) = self.unavailable() {
            return Err(code);
        }
        let end = self.readable_end(isolation);
        let step = self.log.read(fetch_offset, max_bytes, end, min_one_batch);
        let mut step = step.map_err(|error| error.code())?;
        if let ReadStep::Cold(cold) = &mut step
            && let Some(index) = self.unsealed_index(cold.segment)
        {
            cold.scan_from = ScanFrom::Position(index.position_for(cold.segment, cold.target));
        }
        Ok(step)
    }

    /// The search for the first record at or after a time; see
    /// [`Log::lookup_timestamp`](crate::log::Log::lookup_timestamp).
    pub fn lookup_timestamp(&self, timestamp: TimestampMs) -> Option<TimeSearch> {
        self.log
            .lookup_timestamp(timestamp)
            .map(|search| self.placed(search))
    }

    /// The search for the latest record; see [`Log::lookup_max_timestamp`](crate::log::Log::lookup_max_timestamp).
    pub fn lookup_max_timestamp(&self) -> Option<TimeSearch> {
        self.log
            .lookup_max_timestamp()
            .map(|search| self.placed(search))
    }

    fn placed(&self, search: TimeSearch) -> TimeSearch {
        let Some(index) = self.unsealed_index(search.segment) else {
            return search;
        };
        let before = index.offset_before_time(search.segment, search.timestamp);
        let target = before.max(search.from_offset);
        TimeSearch {
            scan_from: ScanFrom::Position(index.position_for(search.segment, target)),
            ..search
        }
    }

    /// The index of a segment that takes no more appends and has no index files yet.
    fn unsealed_index(&self, segment: Offset) -> Option<&SparseIndex> {
        let mut unsealed = self.to_seal.iter();
        let found = unsealed.find(|sealed| sealed.segment.base_offset == segment);
        found.map(|sealed| &sealed.index)
    }

    /// The first offset that a consumer may not read.
    pub fn readable_end(&self, isolation: Isolation) -> Offset {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark,
            Isolation::ReadCommitted => self.last_stable_offset(),
        }
    }

    /// The offset below which every byte is written.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The offset below which every transaction is decided.
    pub fn last_stable_offset(&self) -> Offset {
        self.first_unstable
            .map_or(self.high_watermark, |o| o.min(self.high_watermark))
    }

    /// All offsets at once.
    pub fn offsets(&self) -> Offsets {
        Offsets {
            log_start: self.log.log_start_offset(),
            high_watermark: self.high_watermark,
            last_stable: self.last_stable_offset(),
            log_end: self.log.log_end_offset(),
        }
    }

    /// The current leader epoch.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Whether a client's idea of the leader epoch is the current one; `None` (or on the wire, -1) is not checked.
    pub fn check_leader_epoch(&self, current: Option<LeaderEpoch>) -> Result<(), ErrorCode> {
        match current {
            Some(epoch) if epoch < self.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if epoch > self.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// Whether latest offsets are known: not while the high watermark is below this leader's first offset
    /// (OFFSET_NOT_AVAILABLE).
    pub fn check_offsets_available(&self) -> Result<(), ErrorCode> {
        if self.leader_epoch_start > self.high_watermark {
            return Err(ErrorCode::OffsetNotAvailable);
        }
        Ok(())
    }

    /// OffsetForLeaderEpoch's answer; `None` stands for (-1, -1).
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        let end_offset = self.log.log_end_offset();
        let unused = self.log.epochs().entries().is_empty();
        if unused && epoch <= self.leader_epoch && epoch.get() != -1 {
            // Nothing was appended yet: the leader's epoch begins and ends here.
            return Some(EpochEnd { epoch, end_offset });
        }
        self.log.epochs().end_offset_for(epoch, end_offset)
    }

    /// The epoch of the record at `offset`, for ListOffsets.
    pub fn epoch_for(&self, offset: Offset) -> Option<LeaderEpoch> {
        let unused = self.log.epochs().entries().is_empty();
        let epoch = self.log.epochs().epoch_for(offset);
        epoch.or(unused.then_some(self.leader_epoch))
    }

    /// Compares a fetch's last fetched epoch with this log's history (KIP-595): a reader whose log went another way is
    /// told where to cut it.
    pub fn check_last_fetched_epoch(
        &self,
        last_fetched: LeaderEpoch,
        fetch_offset: Offset,
    ) -> Result<EpochAnswer, ErrorCode> {
        let end = self
            .end_offset_for_epoch(last_fetched)
            .ok_or(ErrorCode::OffsetOutOfRange)?;
        if fetch_offset < self.log.log_start_offset() {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if end.epoch < last_fetched || end.end_offset < fetch_offset {
            return Ok(EpochAnswer::Diverges(end));
        }
        Ok(EpochAnswer::Agrees)
    }
}
