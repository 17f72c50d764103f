//! Writes and syncs of segment files, on the shard's ring.
//!
//! Sub-ranges of shared chunks are written, which readers may hold at the same time. Operations are
//! submitted together at the ring's next turn and collected by [`DiskRing::completions`]. Operations on one file
//! run in no particular order: whoever needs one waits for the first completion before it submits the second.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use io_uring::types::{Fd, FsyncFlags};
use io_uring::{opcode, squeue};

use super::chunk::{PAGE, WritePiece};
use super::ring::{self, Ring, Sink, Wait};
use super::segment_file::SegmentFile;

/// Short writes without progress before a write is given up; a full disk says so on the second.
const STALLS_MAX: u32 = 3;

/// Names an operation from its submission to its completion. Never used twice by a shard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OpId(pub u64);

/// An operation that has ended: with the bytes it wrote (syncs: none) or with the disk's error.
#[derive(Debug)]
pub struct Completion {
    /// The operation, as its submission named it.
    pub op: OpId,
    /// All bytes were written, or an error that leaves the range in an unknown state.
    pub result: io::Result<usize>,
}

/// The file operations of one shard. Lives and dies on the shard's thread.
pub struct DiskRing {
    ring: Rc<Ring>,
    ops: Rc<Ops>,
}

impl DiskRing {
    /// Makes the current shard's; at most `entries` operations are in the kernel, more wait their turn inside.
    pub fn new(entries: u32) -> DiskRing {
        let ring = ring::current();
        DiskRing {
            ops: Rc::new(Ops {
                ring: ring.clone(),
                state: RefCell::new(State::new(entries as usize)),
            }),
            ring,
        }
    }

    /// Queues a write of `pieces`, one behind the other, at `position` of the file.
    ///
    /// The pieces and the file are kept until it is complete. A short write is continued.
    pub fn submit_write(
        &self,
        file: &Arc<SegmentFile>,
        pieces: Vec<WritePiece>,
        position: u64,
    ) -> OpId {
        let total = pieces.iter().map(WritePiece::len_bytes).sum();
        self.enqueue(
            file,
            Work::Write(Write {
                pieces,
                position,
                total,
                written: 0,
                stalled: 0,
                vectors: Vec::new(),
            }),
        )
    }

    /// Queues a sync of the file's data and of the metadata that is needed to read it.
    pub fn submit_fdatasync(&self, file: &Arc<SegmentFile>) -> OpId {
        self.enqueue(file, Work::Sync(FsyncFlags::DATASYNC))
    }

    /// Queues a sync of the file's data and all its metadata.
    pub fn submit_fsync(&self, file: &Arc<SegmentFile>) -> OpId {
        self.enqueue(file, Work::Sync(FsyncFlags::empty()))
    }

    fn enqueue(&self, file: &Arc<SegmentFile>, work: Work) -> OpId {
        let id = self.ops.state.borrow_mut().enqueue(file, work);
        self.ops.start_waiting();
        id
    }

    /// Operations submitted and not yet delivered.
    pub fn in_flight(&self) -> usize {
        self.ops.state.borrow().unfinished()
    }

    /// Ready when `out` has received at least one completion.
    pub fn poll_completions(&self, cx: &mut Context<'_>, out: &mut Vec<Completion>) -> Poll<()> {
        let mut state = self.ops.state.borrow_mut();
        if state.ended.is_empty() {
            state.collector = Some(cx.waker().clone());
            return Poll::Pending;
        }
        out.append(&mut state.ended);
        Poll::Ready(())
    }

    /// Waits until at least one operation has completed and moves all that have into `out`.
    pub async fn completions(&self, out: &mut Vec<Completion>) {
        std::future::poll_fn(|cx| self.poll_completions(cx, out)).await;
    }
}

impl std::fmt::Debug for DiskRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DiskRing({} in flight)", self.in_flight())
    }
}

impl Drop for DiskRing {
    /// The kernel may still read the chunks: nothing is freed before it has let go of them.
    fn drop(&mut self) {
        while self.ops.state.borrow().in_kernel() > 0 {
            if self.ring.turn(Wait::ForOne).is_err() {
                std::mem::forget(self.ops.clone());
                return;
            }
        }
    }
}

/// An operation under way: owns all that the kernel may still touch.
struct Op {
    id: OpId,
    file: Arc<SegmentFile>,
    work: Work,
}

enum Work {
    Write(Write),
    Sync(FsyncFlags),
}

struct Write {
    pieces: Vec<WritePiece>,
    position: u64,
    total: usize,
    written: usize,
    /// Short writes in a row that did not finish a page.
    stalled: u32,
    /// Read by the kernel at submission; kept here so that it outlives it.
    vectors: Vec<libc::iovec>,
}

impl Op {
    fn entry(&mut self) -> io::Result<squeue::Entry> {
        let fd = Fd(self.file.write_fd()?);
        Ok(match &mut self.work {
            Work::Write(write) => write.entry(fd),
            Work::Sync(flags) => opcode::Fsync::new(fd).flags(*flags).build(),
        })
    }

    /// Takes the kernel's result. `None` means that there is more to do.
    fn finish(&mut self, result: i32) -> Option<io::Result<usize>> {
        match usize::try_from(result) {
            Ok(done) => match &mut self.work {
                Work::Write(write) => write.advance(done),
                Work::Sync(_) => Some(Ok(0)),
            },
            Err(_) if [-libc::EINTR, -libc::EAGAIN].contains(&result) => None,
            Err(_) => Some(Err(io::Error::from_raw_os_error(-result))),
        }
    }
}

impl Write {
    /// The write of what is left.
    fn entry(&mut self, fd: Fd) -> squeue::Entry {
        self.vectors.clear();
        let mut skip = self.written;
        for piece in &self.pieces {
            let len = piece.len_bytes();
            if skip >= len {
                skip -= len;
                continue;
            }
            self.vectors.push(libc::iovec {
                iov_base: piece.start().wrapping_add(skip).cast_mut().cast(),
                iov_len: len - skip,
            });
            skip = 0;
        }
        let position = self.position + self.written as u64;
        match self.vectors.as_slice() {
            [one] if u32::try_from(one.iov_len).is_ok() => {
                opcode::Write::new(fd, one.iov_base.cast(), one.iov_len as u32)
                    .offset(position)
                    .build()
            }
            many => opcode::Writev::new(fd, many.as_ptr(), many.len() as u32)
                .offset(position)
                .build(),
        }
    }

    fn advance(&mut self, done: usize) -> Option<io::Result<usize>> {
        if self.written + done >= self.total {
            return Some(Ok(self.total));
        }
        // Direct writes go on at a whole page; what is written twice is the same bytes.
        let written = (self.written + done) / PAGE * PAGE;
        self.stalled = if written == self.written {
            self.stalled + 1
        } else {
            0
        };
        if done == 0 || self.stalled > STALLS_MAX {
            return Some(Err(io::ErrorKind::WriteZero.into()));
        }
        self.written = written;
        None
    }
}

/// What the shard and the ring share.
struct Ops {
    ring: Rc<Ring>,
    state: RefCell<State>,
}

struct State {
    /// Operations in the kernel, by the token that comes back with their results. They never move on their heap
    /// parts.
    slots: Vec<Option<Op>>,
    free: Vec<usize>,
    waiting: VecDeque<Op>,
    ended: Vec<Completion>,
    collector: Option<Waker>,
    last_id: u64,
}

impl State {
    fn new(entries: usize) -> State {
        State {
            slots: (0..entries).map(|_| None).collect(),
            free: (0..entries).rev().collect(),
            waiting: VecDeque::new(),
            ended: Vec::new(),
            collector: None,
            last_id: 0,
        }
    }

    fn in_kernel(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn unfinished(&self) -> usize {
        self.in_kernel() + self.waiting.len() + self.ended.len()
    }

    fn enqueue(&mut self, file: &Arc<SegmentFile>, work: Work) -> OpId {
        self.last_id += 1;
        let id = OpId(self.last_id);
        self.waiting.push_back(Op {
            id,
            file: file.clone(),
            work,
        });
        id
    }

    /// Gives the first operation that waits a place in the kernel.
    fn next(&mut self) -> Option<usize> {
        let slot = *self.free.last()?;
        self.slots[slot] = Some(self.waiting.pop_front()?);
        self.free.pop();
        Some(slot)
    }

    fn end(&mut self, slot: usize, result: io::Result<usize>) {
        if let Some(op) = self.slots[slot].take() {
            self.free.push(slot);
            self.ended.push(Completion { op: op.id, result });
            self.collector.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Ops {
    fn start_waiting(self: &Rc<Self>) {
        loop {
            let slot = self.state.borrow_mut().next();
            let Some(slot) = slot else { return };
            self.start(slot);
        }
    }

    /// Submits what is left of an operation. One that cannot be submitted has ended, with an error.
    fn start(self: &Rc<Self>, slot: usize) {
        let mut state = self.state.borrow_mut();
        let Some(op) = state.slots[slot].as_mut() else {
            return;
        };
        match op.entry() {
            // SAFETY: the entry points into memory that the slot's operation owns (chunks, and vectors on the
            // heap), which is kept until its result has come.
            Ok(entry) => drop(unsafe { self.ring.submit(entry, self.clone(), slot) }),
            Err(error) => state.end(slot, Err(error)),
        }
    }
}

impl Sink for Ops {
    fn complete(self: Rc<Self>, slot: usize, result: i32, _more: bool) {
        let ended = {
            let mut state = self.state.borrow_mut();
            let ended = state.slots[slot].as_mut().and_then(|op| op.finish(result));
            ended.map(|result| state.end(slot, result))
        };
        match ended {
            Some(()) => self.start_waiting(),
            None => self.start(slot),
        }
    }
}

#[cfg(test)]
mod tests;
