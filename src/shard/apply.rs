//! Effects become I/O, and completions become events: the one place for both.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Offset;
use crate::io::disk::{Completion, DiskRing, OpId};
use crate::io::files::is_shortage;
use crate::io::segment_file::SegmentFile;
use crate::io::{blocking, files};
use crate::log::SegmentToDelete;
use crate::log::files as names;
use crate::log::write_plan::{IoFailed, ReserveError, ReserveOp, WriteOp};
use crate::partition::{Effect, Effects, Seal};
use crate::shard::Shard;
use crate::shard::partition_files::{create_segment, cut, rename_deleted, write_indexes};
use crate::shard::partitions::Hosted;
use crate::shard::timer::sleep;

/// How long a partition that found the disk full, or no descriptor free, waits before it looks again.
pub const SPACE_RETRY: Duration = Duration::from_secs(1);

/// The operations of the disk ring that are under way.
#[derive(Default)]
pub struct DiskOps {
    open: RefCell<HashMap<OpId, (Rc<Hosted>, DiskOp)>>,
}

/// What the disk does for a partition.
#[derive(Clone, Copy)]
pub(super) enum DiskOp {
    Write,
    Sync,
}

impl DiskOps {
    /// Notes for whom an operation is.
    pub(super) fn open(&self, id: OpId, hosted: &Rc<Hosted>, op: DiskOp) {
        let mut open = self.open.borrow_mut();
        open.insert(id, (hosted.clone(), op));
    }
}

impl Shard {
    /// Does what a partition asks for. Acknowledgements are given out afterwards, by [`Shard::apply_acks`].
    pub fn apply(self: &Rc<Self>, hosted: &Rc<Hosted>, effects: &mut Effects) {
        for effect in effects.drain() {
            match effect {
                Effect::Reserve(op) => self.reserve(hosted, op),
                Effect::Write(op) => self.write(hosted, op),
                Effect::Sync(op) => self.sync(hosted, op),
                Effect::Seal(seal) => self.seal(hosted, *seal),
                Effect::Delete(segment) => self.delete(hosted, segment),
                Effect::Truncate {
                    segment,
                    size_bytes,
                } => self.truncate(hosted, segment, size_bytes),
                Effect::WriteEpochs => self.write_epochs(hosted),
                Effect::Ack { token, result } => self.acks.ready(token, result),
                Effect::Wake { token } => self.watchers.wake(token),
            }
        }
    }

    /// Gives out the acknowledgements that have come.
    pub fn apply_acks(&self) {
        self.acks.deliver();
    }

    /// Starts the I/O of every partition that has something to do, with one system call for all of it.
    pub fn pump(self: &Rc<Self>) {
        let dirty = self.dirty.take();
        let mut effects = Effects::new();
        for hosted in dirty {
            hosted.dirty.set(false);
            if hosted.is_closed() {
                continue; // Its directory may have another owner by now.
            }
            hosted.state.borrow_mut().pump(&mut effects);
            self.apply(&hosted, &mut effects);
        }
        self.apply_acks();
    }

    /// Runs for as long as the shard does: completions of the disk ring become events.
    pub async fn complete_disk_ops(self: Rc<Self>) {
        let mut completions = Vec::new();
        let mut effects = Effects::new();
        loop {
            self.disk.completions(&mut completions).await;
            for completion in completions.drain(..) {
                self.complete(completion, &mut effects);
            }
            self.apply_acks();
        }
    }

    fn complete(self: &Rc<Self>, completion: Completion, effects: &mut Effects) {
        let Some((hosted, op)) = self.disk_ops.open.borrow_mut().remove(&completion.op) else {
            return;
        };
        let result = completion.result.map(|_| ()).map_err(|error| {
            tracing::error!(partition = %hosted.name(), %error, "the disk has failed the partition");
            IoFailed
        });
        self.ended(&hosted, op, result, effects);
        hosted.release();
    }

    /// A segment's file, once there is a descriptor for it.
    pub(super) async fn file_in_the_end(
        &self,
        hosted: &Hosted,
        segment: Offset,
    ) -> io::Result<Arc<SegmentFile>> {
        loop {
            match hosted.file(self, segment).await {
                Err(error) if is_shortage(&error) && !hosted.is_closed() => {
                    sleep(SPACE_RETRY).await;
                }
                opened => return opened,
            }
        }
    }

    /// An operation whose file cannot be opened has failed like one that was begun: the partition must not wait for it.
    pub(super) fn not_begun(self: &Rc<Self>, hosted: &Rc<Hosted>, op: DiskOp, error: &io::Error) {
        tracing::error!(partition = %hosted.name(), %error, "cannot open a segment: the partition is out of service");
        self.ended(hosted, op, Err(IoFailed), &mut Effects::new());
        self.apply_acks();
    }

    fn ended(
        self: &Rc<Self>,
        hosted: &Rc<Hosted>,
        op: DiskOp,
        result: Result<(), IoFailed>,
        effects: &mut Effects,
    ) {
        match op {
            DiskOp::Write => hosted.state.borrow_mut().on_written(result, effects),
            DiskOp::Sync => {
                self.sync_ended();
                hosted.state.borrow_mut().on_synced(result, effects);
            }
        }
        self.apply(hosted, effects);
    }

    fn write(self: &Rc<Self>, hosted: &Rc<Hosted>, op: WriteOp) {
        match self.files.get((hosted.id, op.segment)) {
            Some(file) => self.submit_write(hosted, &file, op),
            None => {
                let (shard, hosted) = (self.clone(), hosted.clone());
                self.spawn(async move {
                    match shard.file_in_the_end(&hosted, op.segment).await {
                        Ok(file) => shard.submit_write(&hosted, &file, op),
                        Err(error) => shard.not_begun(&hosted, DiskOp::Write, &error),
                    }
                });
            }
        }
    }

    fn submit_write(self: &Rc<Self>, hosted: &Rc<Hosted>, file: &Arc<SegmentFile>, op: WriteOp) {
        let Some(pages) = hosted.pages(&op) else {
            unreachable!("what is not written yet is in memory");
        };
        self.metrics.disk_writes.increment();
        self.metrics.disk_write_bytes.add(op.file_to - op.file_from);
        let id = self.disk.submit_write(file, pages, op.file_from);
        self.disk_ops.open(id, hosted, DiskOp::Write);
    }

    /// A partition whose files cannot be used is out of service.
    fn io_failed(self: &Rc<Self>, hosted: &Rc<Hosted>, what: &str, error: &io::Error) {
        tracing::error!(partition = %hosted.name(), %error, "cannot {what}: the partition is out of service");
        let mut effects = Effects::new();
        hosted.state.borrow_mut().poison(&mut effects);
        self.apply(hosted, &mut effects);
        self.apply_acks();
    }

    fn reserve(self: &Rc<Self>, hosted: &Rc<Hosted>, op: ReserveOp) {
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            let mut shortage = None;
            let result = shard.reserved(&hosted, op).await.map_err(|error| {
                if is_shortage(&error) {
                    shortage = Some(error);
                    return ReserveError::NoSpace;
                }
                tracing::error!(partition = %hosted.name(), %error, "cannot reserve space");
                ReserveError::Failed
            });
            let was_full = hosted.state.borrow().writes().is_out_of_space();
            let mut effects = Effects::new();
            hosted.state.borrow_mut().on_reserved(result, &mut effects);
            let is_full = hosted.state.borrow().writes().is_out_of_space();
            if let Some(error) = shortage.filter(|_| is_full && !was_full) {
                tracing::warn!(partition = %hosted.name(), %error, "no space: produce is refused until there is some");
            }
            if is_full {
                shard.retry_reserve_later(&hosted);
            }
            shard.apply(&hosted, &mut effects);
            shard.apply_acks();
        });
    }

    async fn reserved(self: &Rc<Self>, hosted: &Rc<Hosted>, op: ReserveOp) -> io::Result<()> {
        let file = match op.from {
            0 if !hosted.has_directory.get() => self.founded(hosted, op.segment).await?,
            0 => self.create_segment(hosted, op.segment).await?,
            _ => hosted.file(self, op.segment).await?,
        };
        blocking::run(move || {
            let allocated = file.allocate(op.from, op.to - op.from);
            if allocated.is_err() {
                // What was found before the disk was full is given back: others need it.
                file.set_len(op.from)?;
            }
            allocated
        })
        .await
    }

    async fn create_segment(
        &self,
        hosted: &Rc<Hosted>,
        segment: Offset,
    ) -> io::Result<Arc<SegmentFile>> {
        let _opening = self.files.room().await;
        let directory = hosted.directory().to_owned();
        let file = blocking::run(move || {
            let file = create_segment(&directory, segment)?;
            files::sync_directory(&directory)?;
            Ok(file)
        })
        .await?;
        Ok(self.files.insert((hosted.id, segment), Arc::new(file)))
    }

    fn retry_reserve_later(self: &Rc<Self>, hosted: &Rc<Hosted>) {
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            sleep(SPACE_RETRY).await;
            if hosted.is_closed() {
                return;
            }
            let mut effects = Effects::new();
            hosted.state.borrow_mut().retry_reserve(&mut effects);
            shard.apply(&hosted, &mut effects);
        });
    }

    fn seal(self: &Rc<Self>, hosted: &Rc<Hosted>, seal: Seal) {
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            let result = shard.sealed(&hosted, &seal).await.map_err(|error| {
                tracing::error!(partition = %hosted.name(), %error, "cannot seal a segment");
                IoFailed
            });
            let mut effects = Effects::new();
            hosted.state.borrow_mut().on_sealed(result, &mut effects);
            hosted.drop_tail(seal.op.segment);
            shard.apply(&hosted, &mut effects);
            shard.apply_acks();
        });
    }

    /// Finishes a segment's files. Where there is no space for those beside the log, it waits for space.
    async fn sealed(&self, hosted: &Rc<Hosted>, seal: &Seal) -> io::Result<()> {
        let file = self.file_in_the_end(hosted, seal.op.segment).await?;
        let size_bytes = u64::from(seal.op.size_bytes);
        let next_base = seal.sealed.snapshot_offset;
        blocking::run(move || cut(&file, size_bytes)).await?;
        loop {
            let (directory, sealed) = (hosted.directory().to_owned(), seal.sealed.clone());
            let written = blocking::run(move || write_indexes(&directory, &sealed)).await;
            let done = match written {
                // The next segment's name tells where the log ends, should all others be deleted.
                Ok(()) => self.create_segment(hosted, next_base).await.map(drop),
                failed => failed,
            };
            match done {
                Err(error) if is_shortage(&error) && !hosted.is_closed() => {
                    sleep(SPACE_RETRY).await;
                }
                done => return done,
            }
        }
    }

    fn delete(self: &Rc<Self>, hosted: &Rc<Hosted>, segment: SegmentToDelete) {
        tracing::info!(partition = %hosted.name(), segment = %segment.segment, "segment deleted: {:?}", segment.reason);
        self.files.forget((hosted.id, segment.segment));
        let directory = hosted.directory().to_owned();
        let delay_ms = hosted.topic.borrow().config.file_delete_delay_ms;
        let delay = Duration::from_millis(u64::try_from(delay_ms).unwrap_or(0));
        self.spawn(async move {
            let renamed = blocking::run(move || rename_deleted(&directory, segment.segment)).await;
            let paths = match renamed {
                Ok(paths) => paths,
                // A restart takes the segment for part of the log again.
                Err(error) => return tracing::warn!(%error, "cannot rename a deleted segment"),
            };
            sleep(delay).await;
            let remove = move || paths.iter().try_for_each(|path| files::remove_file(path));
            if let Err(error) = blocking::run(remove).await {
                tracing::warn!(%error, "cannot remove a deleted segment");
            }
        });
    }

    fn truncate(self: &Rc<Self>, hosted: &Rc<Hosted>, segment: Offset, size_bytes: u32) {
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            let cut = async {
                let file = hosted.file(&shard, segment).await?;
                blocking::run(move || {
                    file.set_len(u64::from(size_bytes))?;
                    file.sync()
                })
                .await
            };
            if let Err(error) = cut.await {
                shard.io_failed(&hosted, "cut a segment", &error);
            }
        });
    }

    /// One writer at a time: it goes on until what it wrote is the latest, so that no older state comes last. Without a
    /// directory they wait for it.
    pub(super) fn write_epochs(self: &Rc<Self>, hosted: &Rc<Hosted>) {
        hosted.epochs_stale.set(true);
        if !hosted.has_directory.get() || hosted.is_writing_epochs.replace(true) {
            return;
        }
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            while hosted.epochs_stale.replace(false) {
                match shard.store_epochs(&hosted).await {
                    Ok(()) => {}
                    Err(_) if hosted.is_closed() => break,
                    Err(error) if is_shortage(&error) => {
                        hosted.epochs_stale.set(true);
                        sleep(SPACE_RETRY).await;
                    }
                    Err(error) => shard.io_failed(&hosted, "write the leader epochs", &error),
                }
            }
            hosted.is_writing_epochs.set(false);
        });
    }

    async fn store_epochs(&self, hosted: &Rc<Hosted>) -> io::Result<()> {
        let text = hosted.epochs_text();
        let path = hosted.directory().join(names::LEADER_EPOCHS);
        blocking::run(move || files::replace(&path, text.as_bytes())).await
    }
}

/// A disk ring for a shard.
pub fn disk_ring() -> DiskRing {
    DiskRing::new(crate::base::limits::DISK_RING_ENTRIES)
}
