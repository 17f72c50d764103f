//! The segment files that a shard has open: bounded, the longest unused closed first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::limits::OPEN_FILES_WAIT_MS_MAX;
use crate::base::{Offset, TopicPartition};
use crate::io::segment_file::SegmentFile;
use crate::io::{blocking, clock};
use crate::log::files::{FileKind, FileName};
use crate::shard::timer::sleep;

/// How long opening a file waits before it looks again whether another has been let go.
const ROOM_RETRY: Duration = Duration::from_millis(5);

/// Names an open segment.
pub type SegmentKey = (TopicPartition, Offset);

/// The open files of a shard.
pub struct OpenFiles {
    open: RefCell<Open>,
    files_max: usize,
}

#[derive(Default)]
struct Open {
    files: HashMap<SegmentKey, (Arc<SegmentFile>, u64)>,
    uses: u64,
    /// Files that are being opened.
    opening: usize,
}

/// The place of a file that is being opened.
pub struct Opening<'a>(&'a OpenFiles);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.open.borrow_mut().opening -= 1;
    }
}

impl OpenFiles {
    /// At most about `files_max` files, besides those that are in use this moment.
    pub fn new(files_max: usize) -> OpenFiles {
        OpenFiles {
            open: RefCell::default(),
            files_max,
        }
    }

    /// The segment's file, if it is open.
    pub fn get(&self, key: SegmentKey) -> Option<Arc<SegmentFile>> {
        let mut open = self.open.borrow_mut();
        open.uses += 1;
        let uses = open.uses;
        open.files.get_mut(&key).map(|(file, last_used)| {
            *last_used = uses;
            file.clone()
        })
    }

    /// The segment's file, opened off the core if it is not open.
    pub async fn open(&self, key: SegmentKey, directory: &Path) -> io::Result<Arc<SegmentFile>> {
        if let Some(file) = self.get(key) {
            return Ok(file);
        }
        let _opening = self.room().await;
        let path = segment_path(directory, key.1, FileKind::Log);
        let file = blocking::run(move || SegmentFile::open_for_append(&path)).await?;
        Ok(self.insert(key, Arc::new(file)))
    }

    /// Waits until a file may be opened, while all that may be open are in use; but no longer than
    /// [`OPEN_FILES_WAIT_MS_MAX`].
    pub async fn room(&self) -> Opening<'_> {
        let until = clock::now().mono.plus_ms(OPEN_FILES_WAIT_MS_MAX);
        while !self.open.borrow_mut().has_room(self.files_max) && clock::now().mono < until {
            sleep(ROOM_RETRY).await;
        }
        self.open.borrow_mut().opening += 1;
        Opening(self)
    }

    /// Takes a file in; another one that came first under this key is kept instead.
    pub fn insert(&self, key: SegmentKey, file: Arc<SegmentFile>) -> Arc<SegmentFile> {
        let mut open = self.open.borrow_mut();
        open.uses += 1;
        let uses = open.uses;
        let kept = open.files.entry(key).or_insert((file, uses)).0.clone();
        if open.files.len() > self.files_max {
            open.close_unused(self.files_max);
        }
        kept
    }

    /// Closes a segment's file once its last reader is done with it.
    pub fn forget(&self, key: SegmentKey) {
        self.open.borrow_mut().files.remove(&key);
    }

    /// Closes every file of a partition likewise.
    pub fn forget_partition(&self, partition: TopicPartition) {
        self.open
            .borrow_mut()
            .files
            .retain(|(owner, _), _| *owner != partition);
    }
}

impl Open {
    /// Whether another file may be opened, if need be instead of one that nobody uses.
    fn has_room(&mut self, files_max: usize) -> bool {
        if self.files.len() + self.opening < files_max {
            return true;
        }
        self.close_unused(files_max);
        self.files.len() + self.opening < files_max
    }

    /// Closes the longest unused eighth of what nobody holds, so that the search is seldom made.
    fn close_unused(&mut self, files_max: usize) {
        let mut idle: Vec<(u64, SegmentKey)> = self
            .files
            .iter()
            .filter(|(_, (file, _))| Arc::strong_count(file) == 1)
            .map(|(key, (_, last_used))| (*last_used, *key))
            .collect();
        idle.sort_unstable_by_key(|(last_used, _)| *last_used);
        for (_, key) in idle.into_iter().take(files_max / 8 + 1) {
            self.files.remove(&key);
        }
    }
}

/// Where a segment's file of this kind lies.
pub fn segment_path(directory: &Path, base: Offset, kind: FileKind) -> PathBuf {
    directory.join(FileName::new(base, kind).to_string())
}
