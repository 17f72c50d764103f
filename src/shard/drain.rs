//! The orderly end: answer what is in flight, make everything durable, close the segments' files as a restart wants
//! them.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::base::MonoMs;
use crate::base::limits::{DRAIN_GRACE_MS, DRAIN_MS_MAX};
use crate::io::{blocking, executor, files};
use crate::mesh::{Address, Receiver};
use crate::partition::Effects;
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::messages::{Message, PartitionCheckpoint};
use crate::shard::oneshot::join_all;
use crate::shard::partition_files::leave_segment;
use crate::shard::partitions::Hosted;
use crate::shard::timer::sleep;

/// Partitions whose files are finished side by side.
const CLOSED_AT_ONCE: usize = 64;
/// How long a round of waiting takes.
const ROUND: Duration = Duration::from_millis(2);

/// Drains the shard. Other shards may still ask for answers, so the mesh is served throughout.
pub async fn drain(shard: &Rc<Shard>, receiver: &mut Receiver<Message>) {
    let coordinators: Vec<_> = shard.groups.borrow().values().cloned().collect();
    for host in coordinators {
        // Joins and syncs may wait for minutes: those members are sent to look for their coordinator again.
        host.unload(shard);
    }
    shard.connections.drain();
    let deadline = shard.now().mono.plus_ms(DRAIN_MS_MAX);
    let work = settle(shard.clone(), deadline);
    let mut work = std::pin::pin!(work);
    let mut batch = Vec::new();
    let recovery_points = std::future::poll_fn(|cx| {
        while receiver.poll_recv_batch(cx, &mut batch).is_ready() {
            batch
                .drain(..)
                .for_each(|message| shard.take_message(message));
            shard.pump();
        }
        work.as_mut().poll(cx)
    })
    .await;
    let drained = Message::Drained {
        shard: shard.id,
        recovery_points,
    };
    shard.mesh.send(Address::Control, drained).await;
    // The message must leave before the executor does. Other shards may have ended, and take nothing more.
    while shard.mesh.parked() > 0 && shard.now().mono < deadline {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        // Receiving also sends what is parked; what arrives comes too late.
        let _ = receiver.poll_recv_batch(&mut cx, &mut batch);
        batch.clear();
        sleep(ROUND).await;
    }
    executor::yield_to_io().await;
}

async fn settle(shard: Rc<Shard>, deadline: MonoMs) -> Vec<PartitionCheckpoint> {
    // Produces are answered in milliseconds; what still waits after the grace are long polls, which lose nothing.
    let grace = shard.now().mono.plus_ms(DRAIN_GRACE_MS);
    while !shard.connections.is_empty() && shard.now().mono < grace {
        sleep(ROUND).await;
    }
    shard.connections.close_all();
    let all: Vec<Rc<Hosted>> = shard.partitions.borrow().values().cloned().collect();
    all.iter().for_each(|hosted| flush(&shard, hosted));
    let mut checkpoints = Vec::with_capacity(all.len());
    // Files are finished side by side, since there may be thousands, and synced all at once.
    for step in all.chunks(CLOSED_AT_ONCE) {
        let closed = join_all(
            step.iter()
                .map(|hosted| settle_one(&shard, hosted, deadline)),
        )
        .await;
        checkpoints.extend(closed.into_iter().flatten());
    }
    let data_dir = shard.data_dir.clone();
    if let Err(error) = blocking::run(move || files::sync_file_system(&data_dir)).await {
        // Whether the files are on the disk is not known: recovery looks at all of them.
        tracing::error!(%error, "cannot sync the data directory");
        return Vec::new();
    }
    checkpoints
}

async fn settle_one(
    shard: &Rc<Shard>,
    hosted: &Rc<Hosted>,
    deadline: MonoMs,
) -> Option<PartitionCheckpoint> {
    while !hosted.state.borrow().is_settled() && shard.now().mono < deadline {
        sleep(ROUND).await;
        // Other shards may have appended since.
        flush(shard, hosted);
    }
    // Past the deadline recovery does what is left.
    match shard.now().mono < deadline {
        true => close(shard, hosted).await,
        false => None,
    }
}

fn flush(shard: &Rc<Shard>, hosted: &Rc<Hosted>) {
    let mut effects = Effects::new();
    hosted.state.borrow_mut().flush(&mut effects);
    shard.apply(hosted, &mut effects);
}

/// Closes a settled partition and its files; a partition that could not settle is left to recovery.
async fn close(shard: &Rc<Shard>, hosted: &Rc<Hosted>) -> Option<PartitionCheckpoint> {
    let mut effects = Effects::new();
    let (sealed, log_start, recovery_point) = {
        let mut state = hosted.state.borrow_mut();
        if !state.is_settled() || state.unavailable().is_some() {
            return None;
        }
        // Another shard's produce may still come. Appended now it would be acknowledged, and cut off with the file.
        state.close(ErrorCode::NotLeaderOrFollower, &mut effects);
        (
            state.sealed_view(),
            state.log().log_start_offset(),
            state.writes().synced_offset(),
        )
    };
    shard.apply(hosted, &mut effects);
    let finished: io::Result<()> = async {
        if !hosted.has_directory.get() {
            return Ok(());
        }
        if sealed.segment.size_bytes > 0 {
            let file = hosted.file(shard, sealed.segment.base_offset).await?;
            let directory = hosted.directory().to_owned();
            blocking::run(move || leave_segment(&file, &directory, &sealed)).await?;
        }
        Ok(())
    }
    .await;
    if let Err(error) = finished {
        tracing::error!(partition = %hosted.name(), %error, "cannot close a partition's files");
        return None;
    }
    Some(PartitionCheckpoint {
        partition: hosted.id,
        recovery_point,
        log_start,
    })
}
