//! Group commit over a shard's partitions: syncs go in rounds, one under way at a time.
//!
//! A round takes everything that waits for a sync when it begins, and covers all that has been written by then. Syncs of
//! several files at once share what the file system does for them, and what is written during a round
//! shares the next one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::io::segment_file::SegmentFile;
use crate::log::write_plan::SyncOp;
use crate::shard::Shard;
use crate::shard::apply::DiskOp;
use crate::shard::partitions::Hosted;
use crate::shard::timer::Bell;

/// The rounds of a shard.
#[derive(Default)]
pub struct SyncRounds {
    waiting: RefCell<Vec<(Rc<Hosted>, SyncOp)>>,
    under_way: Cell<usize>,
    bell: Bell,
}

impl Shard {
    /// Lets a partition's sync take part in the next round.
    pub fn sync(&self, hosted: &Rc<Hosted>, op: SyncOp) {
        let mut waiting = self.syncs.waiting.borrow_mut();
        waiting.push((hosted.clone(), op));
        self.syncs.bell.ring();
    }

    /// Runs for as long as the shard does.
    pub async fn run_sync_rounds(self: Rc<Self>) {
        loop {
            self.syncs.bell.rung().await;
            if self.syncs.under_way.get() > 0 {
                continue; // The end of that round rings again.
            }
            for (hosted, op) in self.syncs.waiting.take() {
                self.begin_sync(&hosted, op);
            }
        }
    }

    fn begin_sync(self: &Rc<Self>, hosted: &Rc<Hosted>, op: SyncOp) {
        self.syncs.under_way.set(self.syncs.under_way.get() + 1);
        if let Some(file) = self.files.get((hosted.id, op.segment)) {
            return self.submit_sync(hosted, &file);
        }
        let (shard, hosted) = (self.clone(), hosted.clone());
        self.spawn(async move {
            match shard.file_in_the_end(&hosted, op.segment).await {
                Ok(file) => shard.submit_sync(&hosted, &file),
                Err(error) => shard.not_begun(&hosted, DiskOp::Sync, &error),
            }
        });
    }

    fn submit_sync(self: &Rc<Self>, hosted: &Rc<Hosted>, file: &Arc<SegmentFile>) {
        self.metrics.disk_syncs.increment();
        hosted.state.borrow_mut().sync_begins();
        let id = self.disk.submit_fdatasync(file);
        self.disk_ops.open(id, hosted, DiskOp::Sync);
    }

    /// A sync of the round has ended, well or not.
    pub(super) fn sync_ended(&self) {
        self.syncs.under_way.set(self.syncs.under_way.get() - 1);
        if self.syncs.under_way.get() == 0 {
            self.syncs.bell.ring();
        }
    }
}
