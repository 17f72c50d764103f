//! The shard's second ring: writes and syncs of segment files.
//!
//! glommio writes only whole buffers that it owns; here sub-ranges of shared chunks are written, so
//! each shard has a small io_uring of its own for files. Its completions ring an eventfd that the
//! executor reads. Operations are queued, submitted together by [`DiskRing::flush`], and collected by
//! [`DiskRing::completions`]. Operations on one file run in no particular order: whoever needs one
//! waits for the first completion before it submits the second.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::{Context, Poll};

use io_uring::types::{Fd, FsyncFlags};
use io_uring::{IoUring, opcode, squeue};

use super::chunk::{PAGE, WritePiece};
use super::event::{EventFd, EventWaiter};
use super::executor::mark_active;
use super::segment_file::SegmentFile;

/// Short writes without progress before a write is given up; a full disk says so on the second.
const STALLS_MAX: u32 = 3;

/// Names an operation from its submission to its completion. Never used twice by a ring.
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

/// One shard's ring for files. Lives and dies on the shard's thread.
pub struct DiskRing {
    state: RefCell<State>,
    waiter: EventWaiter,
}

impl DiskRing {
    /// Makes a ring on the current executor that has at most `entries` operations in the kernel;
    /// more wait their turn inside.
    ///
    /// Fails when the kernel refuses another ring: io_uring disabled or forbidden, or too little
    /// lockable memory.
    pub fn new(entries: u32) -> io::Result<DiskRing> {
        let refused = |error: io::Error| {
            let what = format!("cannot make an io_uring for files ({entries} entries): {error}");
            io::Error::new(error.kind(), what)
        };
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_coop_taskrun()
            .build(entries)
            .or_else(|_| IoUring::new(entries))
            .map_err(refused)?;
        let doorbell = EventFd::new()?;
        ring.submitter()
            .register_eventfd(doorbell.as_fd().as_raw_fd())
            .map_err(refused)?;
        Ok(DiskRing {
            waiter: EventWaiter::new(&doorbell)?,
            state: RefCell::new(State::new(ring, doorbell, entries as usize)),
        })
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
        self.state.borrow_mut().enqueue(Op::new(
            file,
            Work::Write(Write {
                pieces,
                position,
                total,
                written: 0,
                stalled: 0,
                vectors: Vec::new(),
            }),
        ))
    }

    /// Queues a sync of the file's data and of the metadata that is needed to read it.
    pub fn submit_fdatasync(&self, file: &Arc<SegmentFile>) -> OpId {
        let sync = Work::Sync(FsyncFlags::DATASYNC);
        self.state.borrow_mut().enqueue(Op::new(file, sync))
    }

    /// Queues a sync of the file's data and all its metadata.
    pub fn submit_fsync(&self, file: &Arc<SegmentFile>) -> OpId {
        let sync = Work::Sync(FsyncFlags::empty());
        self.state.borrow_mut().enqueue(Op::new(file, sync))
    }

    /// Hands everything queued to the kernel with one system call. Nothing runs before this.
    pub fn flush(&self) -> io::Result<()> {
        self.state.borrow_mut().flush()
    }

    /// Operations submitted and not yet delivered.
    pub fn in_flight(&self) -> usize {
        self.state.borrow().unfinished()
    }

    /// Moves what has completed by now into `out` without waiting.
    pub fn poll_completed(&self, out: &mut Vec<Completion>) -> io::Result<()> {
        self.state.borrow_mut().reap(out)
    }

    /// Ready when `out` has received at least one completion.
    pub fn poll_completions(
        &self,
        cx: &mut Context<'_>,
        out: &mut Vec<Completion>,
    ) -> Poll<io::Result<()>> {
        let had = out.len();
        loop {
            if let Err(error) = self.poll_completed(out) {
                return Poll::Ready(Err(error));
            }
            if out.len() > had {
                mark_active();
                return Poll::Ready(Ok(()));
            }
            if self.waiter.poll_rung(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Waits until at least one operation has completed and moves all that have into `out`.
    pub async fn completions(&self, out: &mut Vec<Completion>) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_completions(cx, out)).await
    }
}

impl std::fmt::Debug for DiskRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DiskRing({} in flight)", self.in_flight())
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
    fn new(file: &Arc<SegmentFile>, work: Work) -> Op {
        Op {
            id: OpId(0),
            file: file.clone(),
            work,
        }
    }

    fn entry(&mut self, slot: usize) -> io::Result<squeue::Entry> {
        let fd = Fd(self.file.write_fd()?);
        let entry = match &mut self.work {
            Work::Write(write) => write.entry(fd),
            Work::Sync(flags) => opcode::Fsync::new(fd).flags(*flags).build(),
        };
        Ok(entry.user_data(slot as u64))
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

struct State {
    ring: IoUring,
    doorbell: EventFd,
    /// Operations by the slot that the kernel hands back; those in the kernel never move on their
    /// heap parts.
    slots: Vec<Option<Op>>,
    free: Vec<usize>,
    waiting: VecDeque<Op>,
    last_id: u64,
    entries: usize,
    /// Entries in the submission queue that the kernel has not seen.
    unsubmitted: bool,
    failed: Vec<Completion>,
}

impl State {
    fn new(ring: IoUring, doorbell: EventFd, entries: usize) -> State {
        State {
            ring,
            doorbell,
            slots: (0..entries).map(|_| None).collect(),
            free: (0..entries).rev().collect(),
            waiting: VecDeque::new(),
            last_id: 0,
            entries,
            unsubmitted: false,
            failed: Vec::new(),
        }
    }

    fn in_kernel(&self) -> usize {
        self.entries - self.free.len()
    }

    fn unfinished(&self) -> usize {
        self.in_kernel() + self.waiting.len() + self.failed.len()
    }

    fn enqueue(&mut self, mut op: Op) -> OpId {
        self.last_id += 1;
        op.id = OpId(self.last_id);
        let id = op.id;
        self.waiting.push_back(op);
        id
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(&slot) = self.free.last() {
            let Some(op) = self.waiting.pop_front() else {
                break;
            };
            self.free.pop();
            self.slots[slot] = Some(op);
            self.push(slot);
        }
        self.submit()
    }

    /// Queues the operation of a slot for submission; one that cannot be is complete, with an error.
    fn push(&mut self, slot: usize) {
        let Some(op) = self.slots[slot].as_mut() else {
            return;
        };
        let id = op.id;
        let pushed = op.entry(slot).and_then(|entry| {
            // SAFETY: the entry points into memory that the slot's operation owns (chunks and
            // vectors on the heap) and that is kept until its completion is reaped.
            unsafe { self.ring.submission().push(&entry) }.map_err(io::Error::other)
        });
        match pushed {
            Ok(()) => self.unsubmitted = true,
            Err(error) => {
                self.vacate(slot);
                let result = Err(error);
                self.failed.push(Completion { op: id, result });
                self.doorbell.ring();
            }
        }
    }

    fn vacate(&mut self, slot: usize) -> Option<Op> {
        let op = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(op)
    }

    fn submit(&mut self) -> io::Result<()> {
        while self.unsubmitted {
            match self.ring.submit() {
                Ok(_) => self.unsubmitted = !self.ring.submission().is_empty(),
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn reap(&mut self, out: &mut Vec<Completion>) -> io::Result<()> {
        out.append(&mut self.failed);
        loop {
            let Some(entry) = self.ring.completion().next() else {
                break;
            };
            let slot = entry.user_data() as usize;
            let ended = self.slots.get_mut(slot).and_then(Option::as_mut);
            match ended.and_then(|op| op.finish(entry.result())) {
                None => self.push(slot),
                Some(result) => {
                    let op = self.vacate(slot);
                    out.extend(op.map(|op| Completion { op: op.id, result }));
                }
            }
        }
        if self.waiting.is_empty() || self.free.is_empty() {
            return self.submit();
        }
        self.flush()
    }
}

impl Drop for State {
    /// The kernel may still read the chunks: nothing is freed before it has let go of them.
    fn drop(&mut self) {
        let mut ended = Vec::new();
        while self.in_kernel() > 0 {
            let waited = self.ring.submit_and_wait(1);
            let interrupted = |error: &io::Error| error.raw_os_error() == Some(libc::EINTR);
            let broken = waited.is_err_and(|error| !interrupted(&error));
            if broken || self.reap(&mut ended).is_err() {
                std::mem::forget(std::mem::take(&mut self.slots));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
