//! Partitions that have nothing on disk yet are founded in rounds, one under way at a time.
//!
//! A round takes those that wait when it begins: what it makes for them becomes durable with a few syncs for all, where
//! each partition would need four of its own.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Offset;
use crate::base::limits::{DIRECTORY_WAIT_MS_MAX, FOUNDED_TOGETHER_MAX};
use crate::io::blocking;
use crate::io::segment_file::SegmentFile;
use crate::shard::Shard;
use crate::shard::oneshot::{Sender, oneshot};
use crate::shard::partition_files::{Founded, Site, found};
use crate::shard::partitions::Hosted;
use crate::shard::timer::{Bell, sleep};

/// How long a new partition waits before it looks again whether a deleted one has left its directory.
const DIRECTORY_RETRY: Duration = Duration::from_millis(2);

/// The partitions of a shard that wait to be founded.
#[derive(Default)]
pub struct Founding {
    waiting: RefCell<Vec<(Site, Sender<io::Result<Founded>>)>>,
    bell: Bell,
}

impl Shard {
    /// Makes what a partition has on disk before its first write, and opens its first segment. A deleted topic of the same
    /// name may still be in the directory, on this shard or on another: then its owner is about to move it away.
    pub(super) async fn founded(
        self: &Rc<Self>,
        hosted: &Rc<Hosted>,
        segment: Offset,
    ) -> io::Result<Arc<SegmentFile>> {
        let _opening = self.files.room().await;
        let until = self.now().mono.plus_ms(DIRECTORY_WAIT_MS_MAX);
        loop {
            hosted.epochs_stale.set(false); // The round writes them as they are now.
            if let Some(file) = self.next_round(hosted, segment).await? {
                hosted.has_directory.set(true);
                if hosted.epochs_stale.get() {
                    self.write_epochs(hosted);
                }
                return Ok(self.files.insert((hosted.id, segment), Arc::new(file)));
            }
            if hosted.is_closed() || self.now().mono >= until {
                let what = format!("{} belongs to another topic", hosted.directory().display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
            }
            sleep(DIRECTORY_RETRY).await;
        }
    }

    async fn next_round(&self, hosted: &Rc<Hosted>, segment: Offset) -> io::Result<Founded> {
        let (done, result) = oneshot();
        let site = Site {
            directory: hosted.directory().to_owned(),
            topic: hosted.id.topic,
            epochs: hosted.epochs_text(),
            segment,
        };
        self.founding.waiting.borrow_mut().push((site, done));
        self.founding.bell.ring();
        let gone = || Err(io::Error::other("the shard has ended"));
        result.await.unwrap_or_else(gone)
    }

    /// Runs for as long as the shard does.
    pub async fn run_founding_rounds(self: Rc<Self>) {
        loop {
            self.founding.bell.rung().await;
            let (sites, waiting): (Vec<_>, Vec<_>) = {
                let mut waiting = self.founding.waiting.borrow_mut();
                let count = waiting.len().min(FOUNDED_TOGETHER_MAX);
                waiting.drain(..count).unzip()
            };
            if sites.is_empty() {
                continue;
            }
            let data_dir = self.data_dir.clone();
            let founded = blocking::run(move || Ok(found(&data_dir, &sites))).await;
            match founded {
                Ok(results) => {
                    let each = waiting.into_iter().zip(results);
                    each.for_each(|(waiting, result)| waiting.send(result));
                }
                Err(error) => tracing::error!(%error, "new partitions cannot be founded"),
            }
            self.founding.bell.ring(); // More may have come.
        }
    }
}
