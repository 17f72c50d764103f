//! ListOffsets and OffsetForLeaderEpoch where the partition lives.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;

use crate::base::limits::INFLATED_BATCH_BYTES_MAX;
use crate::base::{LeaderEpoch, Offset, TimestampMs};
use crate::io::blocking;
use crate::io::segment_file::SegmentFile;
use crate::log::files::FileKind;
use crate::log::index::{OffsetIndexFile, TimeIndexFile};
use crate::log::locate::{RecordAt, find_record_at};
use crate::log::{ScanFrom, TimeSearch};
use crate::partition::Isolation;
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::list_offsets::{
    EARLIEST_LOCAL_TIMESTAMP, EARLIEST_PENDING_UPLOAD_TIMESTAMP, EARLIEST_TIMESTAMP,
    LATEST_TIERED_TIMESTAMP, LATEST_TIMESTAMP, MAX_TIMESTAMP,
};
use crate::shard::messages::{EpochAnswer, EpochQuery, OffsetAnswer, OffsetQuery, Reply};
use crate::shard::open_files::segment_path;
use crate::shard::partitions::Hosted;

/// Looks offsets up, one after the other.
pub fn offsets(
    shard: &Rc<Shard>,
    queries: Vec<OffsetQuery>,
) -> Pin<Box<dyn Future<Output = Reply>>> {
    let shard = shard.clone();
    Box::pin(async move {
        let mut answers = Vec::with_capacity(queries.len());
        for query in &queries {
            answers.push(
                offset(&shard, query)
                    .await
                    .unwrap_or_else(OffsetAnswer::none),
            );
        }
        Reply::Offsets(answers)
    })
}

/// Looks the ends of epochs up.
pub fn epoch_ends(shard: &Rc<Shard>, queries: &[EpochQuery]) -> Reply {
    let failed = |error| EpochAnswer {
        error,
        leader_epoch: -1,
        end_offset: -1,
    };
    let answer = |query| epoch_end(shard, query).unwrap_or_else(failed);
    Reply::EpochEnds(queries.iter().map(answer).collect())
}

fn epoch_end(shard: &Shard, query: &EpochQuery) -> Result<EpochAnswer, ErrorCode> {
    let hosted = open(shard, query.partition, query.current_leader_epoch)?;
    let end = hosted
        .state
        .borrow()
        .end_offset_for_epoch(LeaderEpoch(query.leader_epoch));
    Ok(EpochAnswer {
        error: ErrorCode::None,
        leader_epoch: end.map_or(-1, |end| end.epoch.get()),
        end_offset: end.map_or(-1, |end| end.end_offset.get()),
    })
}

fn open(
    shard: &Shard,
    partition: crate::base::TopicPartition,
    current_leader_epoch: i32,
) -> Result<Rc<Hosted>, ErrorCode> {
    let hosted = shard
        .hosted(partition)
        .ok_or_else(|| shard.not_hosted(partition))?;
    let state = hosted.state.borrow();
    if let Some(error) = state.unavailable() {
        return Err(error);
    }
    // Only -1 is none here: another negative epoch is older than every leader's.
    let current = (current_leader_epoch != -1).then_some(LeaderEpoch(current_leader_epoch));
    state.check_leader_epoch(current)?;
    drop(state);
    Ok(hosted)
}

async fn offset(shard: &Rc<Shard>, query: &OffsetQuery) -> Result<OffsetAnswer, ErrorCode> {
    let hosted = open(shard, query.partition, query.current_leader_epoch)?;
    let isolation = match query.read_committed {
        true => Isolation::ReadCommitted,
        false => Isolation::ReadUncommitted,
    };
    let (offsets, end) = {
        let state = hosted.state.borrow();
        (state.offsets(), state.readable_end(isolation))
    };
    match query.timestamp {
        LATEST_TIMESTAMP => {
            hosted.state.borrow().check_offsets_available()?;
            let epoch = hosted.state.borrow().leader_epoch();
            Ok(place(end, Some(epoch)))
        }
        EARLIEST_TIMESTAMP | EARLIEST_LOCAL_TIMESTAMP => {
            let epoch = hosted.state.borrow().epoch_for(offsets.log_start);
            Ok(place(offsets.log_start, epoch))
        }
        LATEST_TIERED_TIMESTAMP | EARLIEST_PENDING_UPLOAD_TIMESTAMP => {
            Ok(OffsetAnswer::none(ErrorCode::None))
        }
        MAX_TIMESTAMP => {
            let search = hosted.state.borrow().lookup_max_timestamp();
            by_time(shard, &hosted, search, end).await
        }
        timestamp => {
            let search = hosted
                .state
                .borrow()
                .lookup_timestamp(TimestampMs(timestamp));
            by_time(shard, &hosted, search, end).await
        }
    }
}

fn place(offset: Offset, epoch: Option<LeaderEpoch>) -> OffsetAnswer {
    OffsetAnswer {
        error: ErrorCode::None,
        timestamp: -1,
        offset: offset.get(),
        leader_epoch: epoch.map_or(-1, LeaderEpoch::get),
    }
}

/// Searches a segment's file, off the core. What is not readable yet is not found.
async fn by_time(
    shard: &Rc<Shard>,
    hosted: &Rc<Hosted>,
    search: Option<TimeSearch>,
    end: Offset,
) -> Result<OffsetAnswer, ErrorCode> {
    let Some(search) = search else {
        return Ok(OffsetAnswer::none(ErrorCode::None));
    };
    if hosted.state.borrow().high_watermark() < end || end == Offset::ZERO {
        return Ok(OffsetAnswer::none(ErrorCode::None));
    }
    let failed = |error: io::Error| {
        tracing::error!(partition = %hosted.name(), %error, "cannot search by time");
        ErrorCode::KafkaStorageError
    };
    let file = hosted.file(shard, search.segment).await.map_err(failed)?;
    let directory = hosted.directory().to_owned();
    let written = hosted.written_end(search.segment, search.end_position);
    let found = blocking::run(move || {
        let from = match search.scan_from {
            ScanFrom::Position(position) => position,
            ScanFrom::IndexFile => position_by_time(&directory, &search),
        };
        let search = TimeSearch {
            end_position: written,
            ..search
        };
        find_record_at(&*file, from, &search, INFLATED_BATCH_BYTES_MAX).map_err(io::Error::other)
    })
    .await
    .map_err(failed)?;
    let answer = |found: RecordAt| OffsetAnswer {
        error: ErrorCode::None,
        timestamp: found.timestamp.0,
        offset: found.offset.get(),
        leader_epoch: found.leader_epoch.map_or(-1, LeaderEpoch::get),
    };
    let readable = found.filter(|found| found.offset < end);
    Ok(readable.map_or_else(|| OffsetAnswer::none(ErrorCode::None), answer))
}

/// Where the indexes of a closed segment say to begin; a missing or broken one costs a scan from the front, no more.
fn position_by_time(directory: &Path, search: &TimeSearch) -> u32 {
    let open = |kind| -> io::Result<(SegmentFile, u64)> {
        let file = SegmentFile::open(&segment_path(directory, search.segment, kind))?;
        let len = file.len_bytes()?;
        Ok((file, len))
    };
    let found = || -> io::Result<u32> {
        let (times, times_len) = open(FileKind::TimeIndex)?;
        let (offsets, offsets_len) = open(FileKind::Index)?;
        let times =
            TimeIndexFile::new(&times, times_len, search.segment).map_err(io::Error::other)?;
        let offsets = OffsetIndexFile::new(&offsets, offsets_len, search.segment)
            .map_err(io::Error::other)?;
        let before = times
            .offset_before(search.timestamp)
            .map_err(io::Error::other)?;
        offsets.position_before(before).map_err(io::Error::other)
    };
    found().unwrap_or(0)
}
