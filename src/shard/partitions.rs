//! A partition where it lives: the pure replica, the tail of its log in memory, and its files.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::base::limits::{QUIET_MS, WRITE_BYTES_MAX};
use crate::base::{MonoMs, Offset, TopicPartition};
use crate::io::chunk::{ChunkPool, ChunkSlice, WritePiece};
use crate::io::segment_file::SegmentFile;
use crate::io::tail_buffer::TailBuffer;
use crate::log::files::{format_leader_epochs, partition_directory};
use crate::log::write_plan::WriteOp;
use crate::metadata::Topic;
use crate::partition::Partition;
use crate::shard::Shard;

/// A partition on the shard that owns it.
pub struct Hosted {
    /// Which partition.
    pub id: TopicPartition,
    /// Its topic, as the current image has it.
    pub topic: RefCell<Arc<Topic>>,
    /// The replica's state.
    pub state: RefCell<Partition>,
    directory: PathBuf,
    /// The tails of the segments that are not sealed, oldest first.
    tails: RefCell<VecDeque<Tail>>,
    pool: Arc<ChunkPool>,
    /// Whether it waits for the shard's next pump.
    pub dirty: Cell<bool>,
    /// Whether its directory is known to be there.
    pub has_directory: Cell<bool>,
    /// When something was appended last.
    pub last_append: Cell<MonoMs>,
    /// The leader epochs have changed since they were last written down.
    pub epochs_stale: Cell<bool>,
    /// Someone writes them down.
    pub is_writing_epochs: Cell<bool>,
}

struct Tail {
    segment: Offset,
    buffer: TailBuffer,
}

impl Hosted {
    /// Takes a replica in. `tail_page` is the partial last page of its active segment.
    pub fn new(
        id: TopicPartition,
        topic: Arc<Topic>,
        data_dir: &Path,
        mut state: Partition,
        pool: &Arc<ChunkPool>,
        tail_page: &[u8],
    ) -> Rc<Hosted> {
        state.set_write_bytes_max(WRITE_BYTES_MAX);
        let active = state.log().active().segment;
        let buffer = TailBuffer::resume(pool, u64::from(active.size_bytes), tail_page);
        let tails = VecDeque::from([Tail {
            segment: active.base_offset,
            buffer,
        }]);
        Rc::new(Hosted {
            id,
            directory: data_dir.join(partition_directory(&topic.name, id.partition)),
            topic: RefCell::new(topic),
            state: RefCell::new(state),
            tails: RefCell::new(tails),
            pool: pool.clone(),
            dirty: Cell::new(false),
            has_directory: Cell::new(active.size_bytes > 0),
            last_append: Cell::default(),
            epochs_stale: Cell::default(),
            is_writing_epochs: Cell::default(),
        })
    }

    /// The partition as tools and logs name it.
    pub fn name(&self) -> String {
        partition_directory(&self.topic.borrow().name, self.id.partition)
    }

    /// The first offset that it has, as responses tell it.
    pub fn log_start(&self) -> i64 {
        self.state.borrow().log().log_start_offset().get()
    }

    /// Its leader epochs, as their file has them.
    pub fn epochs_text(&self) -> String {
        format_leader_epochs(self.state.borrow().log().epochs().entries())
    }

    /// Where its files lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the partition has ended or failed: nothing new is to be done with its files.
    pub fn is_closed(&self) -> bool {
        self.state.borrow().unavailable().is_some()
    }

    /// Whether all of its I/O has ended.
    pub fn is_at_rest(&self) -> bool {
        self.state.borrow().is_settled() && !self.is_writing_epochs.get()
    }

    /// Copies an appended batch to its place in the tail.
    pub fn copy_in(&self, segment: Offset, position: u32, pieces: &[&[u8]]) {
        let mut tails = self.tails.borrow_mut();
        if tails.back().is_none_or(|tail| tail.segment != segment) {
            tails.push_back(Tail {
                segment,
                buffer: TailBuffer::empty(&self.pool),
            });
        }
        let Some(tail) = tails.back_mut() else {
            unreachable!("a tail was just added")
        };
        let at = tail.buffer.append(pieces);
        assert_eq!(at, u64::from(position), "the tail mirrors the segment");
    }

    /// The pages that a write takes.
    pub fn pages(&self, op: &WriteOp) -> Option<Vec<WritePiece>> {
        let tails = self.tails.borrow();
        let tail = tails.iter().find(|tail| tail.segment == op.segment)?;
        tail.buffer.pages(op.file_from, op.file_to)
    }

    /// The bytes of a segment from memory, if all of them are there.
    pub fn slices(&self, segment: Offset, from: u64, to: u64) -> Option<Vec<ChunkSlice>> {
        let tails = self.tails.borrow();
        let tail = tails.iter().find(|tail| tail.segment == segment)?;
        tail.buffer.slices(from, to)
    }

    /// Lets go of what is written, oldest first, while the shard holds too much.
    pub fn release(&self) {
        if !self.pool.is_over() {
            return;
        }
        let mut state = self.state.borrow_mut();
        let (segment, written) = state.writes().position();
        let mut tails = self.tails.borrow_mut();
        let Some(tail) = tails.iter_mut().find(|tail| tail.segment == segment) else {
            return;
        };
        tail.buffer.release_below(u64::from(written));
        let start = u32::try_from(tail.buffer.start()).unwrap_or(u32::MAX);
        state.evict_recent(segment, start);
    }

    /// Whether nothing has been appended for a while.
    pub fn is_quiet(&self, now: MonoMs) -> bool {
        now >= self.last_append.get().plus_ms(QUIET_MS)
    }

    /// Lets go of everything but the last page: for a partition at rest.
    pub fn shrink(&self) {
        let mut state = self.state.borrow_mut();
        if state.writes().unwritten_bytes() > 0 || !state.writes().is_idle() {
            return;
        }
        let mut tails = self.tails.borrow_mut();
        let Some(tail) = tails.back_mut() else { return };
        tail.buffer.shrink_to_tail_page();
        let start = u32::try_from(tail.buffer.start()).unwrap_or(u32::MAX);
        state.evict_recent(tail.segment, start);
    }

    /// Bytes of memory that the tails hold.
    pub fn tail_bytes(&self) -> usize {
        self.tails
            .borrow()
            .iter()
            .map(|tail| tail.buffer.held_bytes())
            .sum()
    }

    /// A segment is sealed: its tail goes, readers that hold slices keep them.
    pub fn drop_tail(&self, segment: Offset) {
        let mut tails = self.tails.borrow_mut();
        if tails.len() > 1 {
            tails.retain(|tail| tail.segment != segment);
        }
        drop(tails);
        let mut state = self.state.borrow_mut();
        let oldest = self
            .tails
            .borrow()
            .front()
            .map(|tail| (tail.segment, tail.buffer.start()));
        if let Some((segment, start)) = oldest {
            state.evict_recent(segment, u32::try_from(start).unwrap_or(u32::MAX));
        }
    }

    /// How far a segment's file may be read, at most to `end`: what is appended but not written is not in it.
    pub fn written_end(&self, segment: Offset, end: u32) -> u32 {
        let (writing, written) = self.state.borrow().writes().position();
        match segment.cmp(&writing) {
            Ordering::Less => end,
            Ordering::Equal => end.min(written),
            Ordering::Greater => 0,
        }
    }

    /// A segment's file, opened off the core if it is not open.
    pub async fn file(&self, shard: &Shard, segment: Offset) -> io::Result<Arc<SegmentFile>> {
        shard.files.open((self.id, segment), &self.directory).await
    }
}
