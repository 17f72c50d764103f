//! The shard's ring: where a shard hands work to the kernel, and where it sleeps.
//!
//! One io_uring carries everything that a shard waits for: readiness of sockets and doorbells, writes and
//! syncs of files. What tasks ask for is queued; a turn of the ring submits all of it, waits if there is nothing
//! else to do, and hands the results out, with one system call. Only the shard's own thread may use it, so the
//! kernel posts results at that call and at no other time, and interrupts nothing.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use io_uring::types::{SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, squeue};

/// Submissions that are gathered before they must be handed over.
const SUBMISSIONS: u32 = 256;
/// Results that fit before the kernel keeps them in a slower list.
const COMPLETIONS: u32 = 4096;
/// Marks an operation whose result nobody waits for.
const UNWATCHED: u64 = u64::MAX;

/// What takes the results of operations.
pub(super) trait Sink {
    /// Takes a result of the operation that was submitted with `token`. `more` tells that others follow; if not,
    /// the kernel has let go of whatever the operation used.
    fn complete(self: Rc<Self>, token: usize, result: i32, more: bool);
}

/// Names an operation until its last result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpKey(u64);

/// How long a turn waits for a result, when there is none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wait {
    /// Not at all.
    No,
    /// Until there is one.
    ForOne,
    /// Until there is one or this moment has come.
    Until(Instant),
}

/// See the [module](self).
pub(super) struct Ring(RefCell<State>);

struct State {
    uring: IoUring,
    sinks: Vec<Option<(Rc<dyn Sink>, usize)>>,
    free: Vec<usize>,
    /// Entries for which the submission queue had no room.
    backlog: VecDeque<squeue::Entry>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Ring>>> = const { RefCell::new(None) };
}

/// Makes the ring of this thread. Fails when the kernel forbids io_uring or lacks what Linux 6.1 has.
pub(super) fn install() -> io::Result<Rc<Ring>> {
    let ring = Rc::new(Ring::new()?);
    CURRENT.set(Some(ring.clone()));
    Ok(ring)
}

/// The ring of this thread.
///
/// # Panics
/// On a thread that is not a shard's.
pub(super) fn current() -> Rc<Ring> {
    let ring = CURRENT.with_borrow(Option::clone);
    ring.expect("sockets, files and doorbells are used on a shard's thread")
}

/// Tells whether this process may have a ring as shards use it, by making a small one.
pub fn check() -> io::Result<()> {
    build(2, 4).map(drop)
}

fn build(submissions: u32, completions: u32) -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_cqsize(completions)
        .build(submissions)
}

impl Ring {
    fn new() -> io::Result<Ring> {
        Ok(Ring(RefCell::new(State {
            uring: build(SUBMISSIONS, COMPLETIONS)?,
            sinks: Vec::new(),
            free: Vec::new(),
            backlog: VecDeque::new(),
        })))
    }

    /// Queues an operation for the next turn.
    ///
    /// # Safety
    /// All memory that the entry points to stays as it is until the sink has the operation's last result.
    pub(super) unsafe fn submit(
        &self,
        entry: squeue::Entry,
        sink: Rc<dyn Sink>,
        token: usize,
    ) -> OpKey {
        let mut state = self.0.borrow_mut();
        let slot = state.free.pop().unwrap_or_else(|| {
            state.sinks.push(None);
            state.sinks.len() - 1
        });
        state.sinks[slot] = Some((sink, token));
        let key = OpKey(slot as u64);
        state.queue(entry.user_data(key.0));
        key
    }

    /// Queues an operation that uses no memory and whose result does not matter.
    pub(super) fn submit_unwatched(&self, entry: squeue::Entry) {
        self.0.borrow_mut().queue(entry.user_data(UNWATCHED));
    }

    /// Submits what is queued, waits as told, and hands out what has completed.
    pub(super) fn turn(&self, wait: Wait) -> io::Result<()> {
        let entered = self.0.borrow_mut().enter(wait);
        // Results are handed out even if the call was interrupted.
        while let Some((sink, token, result, more)) = self.next_result() {
            sink.complete(token, result, more);
        }
        match entered {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn next_result(&self) -> Option<(Rc<dyn Sink>, usize, i32, bool)> {
        let mut state = self.0.borrow_mut();
        loop {
            let entry = state.uring.completion().next()?;
            let more = cqueue::more(entry.flags());
            if let Some((sink, token)) = state.sink_of(entry.user_data(), more) {
                return Some((sink, token, entry.result(), more));
            }
        }
    }
}

/// The time is up, a signal came, or the kernel wants results to be taken first.
fn is_passing(error: &io::Error) -> bool {
    let passing = [libc::ETIME, libc::EINTR, libc::EAGAIN, libc::EBUSY];
    error
        .raw_os_error()
        .is_some_and(|code| passing.contains(&code))
}

impl State {
    fn queue(&mut self, entry: squeue::Entry) {
        self.backlog.push_back(entry);
        if self.backlog.len() > 1 {
            return;
        }
        self.fill();
        if !self.backlog.is_empty() {
            // Whatever goes wrong here goes wrong again, and is reported, at the next turn.
            let _ = self.uring.submit();
            self.fill();
        }
    }

    /// Moves what fits to the submission queue.
    fn fill(&mut self) {
        let mut submission = self.uring.submission();
        while let Some(entry) = self.backlog.front() {
            // SAFETY: whoever queued the entry has promised to keep what it points to.
            if unsafe { submission.push(entry) }.is_err() {
                return;
            }
            self.backlog.pop_front();
        }
    }

    fn enter(&mut self, wait: Wait) -> io::Result<()> {
        self.fill();
        while !self.backlog.is_empty() {
            self.uring.submit()?;
            self.fill();
        }
        let has_results = !self.uring.completion().is_empty();
        let submitter = self.uring.submitter();
        match wait {
            Wait::ForOne if !has_results => submitter.submit_and_wait(1)?,
            Wait::Until(moment) if !has_results => {
                let span = timespec(moment.saturating_duration_since(Instant::now()));
                submitter.submit_with_args(1, &SubmitArgs::new().timespec(&span))?
            }
            _ => submitter.submit()?,
        };
        Ok(())
    }

    fn sink_of(&mut self, key: u64, more: bool) -> Option<(Rc<dyn Sink>, usize)> {
        let slot = usize::try_from(key).ok()?;
        let sink = self.sinks.get_mut(slot)?;
        if more {
            return sink.clone();
        }
        let taken = sink.take();
        if taken.is_some() {
            self.free.push(slot);
        }
        taken
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec::new()
        .sec(span.as_secs())
        .nsec(span.subsec_nanos())
}

impl OpKey {
    /// Names the operation to others of the same ring.
    pub(super) fn user_data(self) -> u64 {
        self.0
    }
}
