//! Fetch where the partition lives: plan each read, look cold ranges up off the core, wait for more if asked to.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::{LeaderEpoch, Offset};
use crate::io::blocking;
use crate::io::executor::yield_to_io;
use crate::io::residency;
use crate::io::segment_file::SegmentFile;
use crate::io::send_queue::Piece;
use crate::log::files::FileKind;
use crate::log::index::OffsetIndexFile;
use crate::log::locate::{ColdFound, ReadAt, find_range};
use crate::log::{ColdRead, ReadPlan, ReadStep, ScanFrom};
use crate::metadata::config::FetchZeroCopy;
use crate::partition::{EpochAnswer, Isolation};
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::messages::{FetchItem, FetchJob, FetchPart, FetchResult, Reply, WatchJob};
use crate::shard::open_files::segment_path;
use crate::shard::partitions::Hosted;
use crate::shard::watch::Watch;

/// Partitions that a read looks at before others on its core have their turn.
const READS_PER_TURN: usize = 256;

/// Reads a job's partitions. Polled first, it reads what memory has; it goes on while something is cold or missing.
pub fn fetch(shard: &Rc<Shard>, job: FetchJob) -> Pin<Box<dyn Future<Output = Reply>>> {
    let shard = shard.clone();
    Box::pin(async move { Reply::Fetch(read_or_wait(&shard, &job).await) })
}

/// Waits until one of the partitions has more than was seen, or until the deadline.
pub fn watch(shard: &Rc<Shard>, job: WatchJob) -> Pin<Box<dyn Future<Output = Reply>>> {
    let watch = Watch::register(shard, job.seen.iter().copied());
    let shard = shard.clone();
    Box::pin(async move {
        watch.fired(&shard, job.deadline).await;
        Reply::Woken
    })
}

async fn read_or_wait(shard: &Rc<Shard>, job: &FetchJob) -> FetchResult {
    loop {
        let result = read_all(shard, job).await;
        let satisfied = result.is_urgent() || result.record_bytes() >= job.min_bytes;
        let deadline = match job.deadline {
            Some(deadline) if !satisfied && shard.now().mono < deadline => deadline,
            _ => return result,
        };
        let seen = job
            .items
            .iter()
            .zip(&result.parts)
            .map(|(item, part)| (item.partition, Offset(part.high_watermark)));
        let watch = Watch::register(shard, seen);
        drop(result);
        watch.fired(shard, deadline).await;
    }
}

/// Reads every partition once, in order, within the job's bound.
async fn read_all(shard: &Rc<Shard>, job: &FetchJob) -> FetchResult {
    let mut parts = Vec::with_capacity(job.items.len());
    let mut left = job.max_bytes;
    let mut any = false;
    for (index, item) in job.items.iter().enumerate() {
        if index % READS_PER_TURN == READS_PER_TURN - 1 {
            yield_to_io().await;
        }
        let bound = item.max_bytes.min(left);
        let part = read_one(shard, item, bound, !any, job.read_committed).await;
        any |= part.record_bytes > 0;
        left = left.saturating_sub(part.record_bytes);
        parts.push(part);
    }
    FetchResult { parts }
}

async fn read_one(
    shard: &Rc<Shard>,
    item: &FetchItem,
    max_bytes: usize,
    min_one_batch: bool,
    read_committed: bool,
) -> FetchPart {
    let Some(hosted) = shard.hosted(item.partition) else {
        return FetchPart::failed(shard.not_hosted(item.partition));
    };
    let isolation = match read_committed {
        true => Isolation::ReadCommitted,
        false => Isolation::ReadUncommitted,
    };
    let mut part = match begin(&hosted, item) {
        Ok(part) => part,
        Err(error) => return FetchPart::failed(error),
    };
    if part.diverging.is_some() {
        return part;
    }
    let bound = Bound {
        max_bytes: max_bytes.min(u32::MAX as usize) as u32,
        min_one_batch,
        isolation,
    };
    match read_pieces(shard, &hosted, item.offset, bound).await {
        Ok(pieces) => {
            part.record_bytes = pieces.iter().map(|piece| piece.len_bytes() as usize).sum();
            part.pieces = pieces;
            part
        }
        Err(error) => FetchPart::failed(error),
    }
}

/// Checks the client's epochs and tells the partition's offsets.
fn begin(hosted: &Hosted, item: &FetchItem) -> Result<FetchPart, ErrorCode> {
    let state = hosted.state.borrow();
    if let Some(error) = state.unavailable() {
        return Err(error);
    }
    state.check_leader_epoch(known(item.current_leader_epoch))?;
    let offsets = state.offsets();
    let diverging = match known(item.last_fetched_epoch) {
        Some(epoch) => match state.check_last_fetched_epoch(epoch, item.offset)? {
            EpochAnswer::Diverges(end) => Some((end.epoch, end.end_offset)),
            EpochAnswer::Agrees => None,
        },
        None => None,
    };
    Ok(FetchPart {
        error: ErrorCode::None,
        high_watermark: offsets.high_watermark.get(),
        last_stable_offset: offsets.last_stable.get(),
        log_start_offset: offsets.log_start.get(),
        diverging,
        pieces: Vec::new(),
        record_bytes: 0,
        unread: false,
        leader: None,
    })
}

/// An epoch of a fetch: a negative one is none.
fn known(epoch: i32) -> Option<LeaderEpoch> {
    (epoch >= 0).then_some(LeaderEpoch(epoch))
}

/// How much a read may take.
#[derive(Clone, Copy)]
struct Bound {
    max_bytes: u32,
    min_one_batch: bool,
    isolation: Isolation,
}

async fn read_pieces(
    shard: &Rc<Shard>,
    hosted: &Rc<Hosted>,
    offset: Offset,
    bound: Bound,
) -> Result<Vec<Piece>, ErrorCode> {
    let mut at = offset;
    loop {
        let step = hosted.state.borrow().read(
            at,
            bound.max_bytes,
            bound.isolation,
            bound.min_one_batch,
        )?;
        let failed = |error: io::Error| {
            tracing::error!(partition = %hosted.name(), %error, "cannot read");
            ErrorCode::KafkaStorageError
        };
        match step {
            ReadStep::Empty => return Ok(Vec::new()),
            ReadStep::Plan(plan) => return planned(shard, hosted, plan).await.map_err(failed),
            ReadStep::Cold(mut cold) => {
                cold.end_position = hosted.written_end(cold.segment, cold.end_position);
                let (file, found) = looked_up(shard, hosted, cold).await.map_err(failed)?;
                match (found, cold.next_segment) {
                    (ColdFound::Range { position, len }, _) => {
                        return from_disk(shard, file, position, len).await.map_err(failed);
                    }
                    // Offsets have gaps where compaction went.
                    (ColdFound::NextSegment, Some(next)) => at = next,
                    (ColdFound::NextSegment, None) | (ColdFound::Nothing, _) => {
                        return Ok(Vec::new());
                    }
                }
            }
        }
    }
}

/// A range whose place is known: from the tail if it is in memory, else from the file.
async fn planned(shard: &Rc<Shard>, hosted: &Rc<Hosted>, plan: ReadPlan) -> io::Result<Vec<Piece>> {
    let (from, to) = (
        u64::from(plan.position),
        u64::from(plan.position) + u64::from(plan.len),
    );
    let from_file = shard.config.fetch_zero_copy == FetchZeroCopy::Always || shard.pool.is_over();
    if !from_file && let Some(slices) = hosted.slices(plan.segment, from, to) {
        return Ok(slices.into_iter().map(Piece::Chunk).collect());
    }
    let file = hosted.file(shard, plan.segment).await?;
    from_disk(shard, file, from, to - from).await
}

/// The place of a range that has to be looked for in its file, off the core.
async fn looked_up(
    shard: &Rc<Shard>,
    hosted: &Rc<Hosted>,
    cold: ColdRead,
) -> io::Result<(Arc<SegmentFile>, ColdFound)> {
    shard.metrics.cold_reads.increment();
    let file = hosted.file(shard, cold.segment).await?;
    let index_path = segment_path(hosted.directory(), cold.segment, FileKind::Index);
    let searched = file.clone();
    let found = blocking::run(move || {
        let from = match cold.scan_from {
            ScanFrom::Position(position) => position,
            ScanFrom::IndexFile => position_before(&index_path, &cold),
        };
        find_range(&*searched, from, &cold).map_err(io::Error::other)
    })
    .await?;
    Ok((file, found))
}

/// Where the index says to begin; a missing or broken index costs a scan from the front, no more.
fn position_before(index_path: &Path, cold: &ColdRead) -> u32 {
    SegmentFile::open(index_path)
        .and_then(|index| {
            let len = index.len_bytes()?;
            OffsetIndexFile::new(&index, len, cold.segment)
                .and_then(|index| index.position_before(cold.target))
                .map_err(io::Error::other)
        })
        .unwrap_or(0)
}

/// A range of a file, brought into memory off the core, to be sent by sendfile or, if so configured, by send.
async fn from_disk(
    shard: &Rc<Shard>,
    file: Arc<SegmentFile>,
    position: u64,
    len: u64,
) -> io::Result<Vec<Piece>> {
    if shard.config.fetch_zero_copy == FetchZeroCopy::Never {
        let bytes = read_range(file, position, len).await?;
        shard.metrics.fetch_copied_bytes.add(bytes.len() as u64);
        return Ok(vec![Piece::Vec(bytes)]);
    }
    if !residency::is_resident(&file, position, len) {
        let warmed = file.clone();
        blocking::run(move || residency::warm(&warmed, position, len)).await?;
        shard.metrics.disk_read_bytes.add(len);
    }
    Ok(vec![Piece::File {
        file,
        offset: position,
        len,
    }])
}

async fn read_range(file: Arc<SegmentFile>, position: u64, len: u64) -> io::Result<Vec<u8>> {
    blocking::run(move || {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        let read = file.read_at(&mut bytes, position)?;
        bytes.truncate(read);
        Ok(bytes)
    })
    .await
}

impl Hosted {
    /// The log's bytes from the batch with `offset` on, at least one whole batch, copied to memory: for coordinators that
    /// load. Empty at the end.
    pub async fn read_bytes(
        self: &Rc<Self>,
        shard: &Rc<Shard>,
        offset: Offset,
        max_bytes: usize,
    ) -> io::Result<Vec<u8>> {
        let bound = Bound {
            max_bytes: max_bytes.min(u32::MAX as usize) as u32,
            min_one_batch: true,
            isolation: Isolation::ReadUncommitted,
        };
        let pieces = read_pieces(shard, self, offset, bound)
            .await
            .map_err(|error| io::Error::other(error.name()))?;
        let mut bytes = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Chunk(slice) => bytes.extend_from_slice(&slice),
                Piece::Bytes(part) => bytes.extend_from_slice(&part),
                Piece::Vec(part) => bytes.extend_from_slice(&part),
                Piece::File { file, offset, len } => {
                    bytes.extend_from_slice(&read_range(file, offset, len).await?);
                }
            }
        }
        Ok(bytes)
    }
}
