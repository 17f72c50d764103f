//! The doorbell of one end, and the protocol by which it is rung only when that end sleeps.
//!
//! Two races are decided by sequentially consistent fences, each the classic one of two parties that
//! first write their own flag and then read the other's:
//!
//! - *A message and a receiver that goes to sleep.* The sender publishes the message, fences, and reads
//!   `asleep`. The receiver sets `asleep`, fences, and looks at its rings once more. Whichever fence
//!   comes second sees the other's write: either the receiver finds the message, or the sender
//!   finds it asleep and rings.
//! - *Room and a sender whose ring is full.* The sender sets `starved`, fences, and tries once more. The
//!   receiver takes messages out, fences, and reads `starved`. Either the sender finds the room, or the
//!   receiver finds it starved and rings. A starved end that is about to sleep sets
//!   `asleep` before its last try, so that the first argument holds for this ring too.
//!
//! Whoever rings clears the flag first, so one sleep is ended by one ring.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::io::event::{EventFd, EventWaiter};

/// What others share with one end.
#[derive(Debug)]
pub(super) struct Bell {
    event: EventFd,
    asleep: AtomicBool,
    /// By place of the receiver: this end has parked messages for a full ring.
    starved: Box<[AtomicBool]>,
}

impl Bell {
    pub(super) fn new(ends: usize) -> io::Result<Bell> {
        Ok(Bell {
            event: EventFd::new()?,
            asleep: AtomicBool::new(false),
            starved: (0..ends).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    pub(super) fn wait_on_executor(&self) -> io::Result<Waiter> {
        Ok(Waiter::Executor(EventWaiter::new(&self.event)?))
    }

    /// Wakes the end if it sleeps. To be called after whatever it shall find has been published.
    pub(super) fn ring_if_asleep(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            self.event.ring();
        }
    }

    /// Announces sleep. What was published before is visible to a look that follows.
    pub(super) fn fall_asleep(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(super) fn wake_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Says that messages for `to` are parked. Room made before is visible to a try that follows.
    pub(super) fn starve(&self, to: usize) {
        self.starved[to].store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Wakes the end if it waits for room that the end `to` has just made.
    pub(super) fn feed_if_starved(&self, to: usize) {
        fence(Ordering::SeqCst);
        let starved = &self.starved[to];
        if starved.load(Ordering::Relaxed) && starved.swap(false, Ordering::AcqRel) {
            self.ring_if_asleep();
        }
    }
}

/// How an end waits for its doorbell.
#[derive(Debug)]
pub(super) enum Waiter {
    Executor(EventWaiter),
    Tokio(AsyncFd<SharedBell>),
}

/// A bell that tokio may keep.
#[derive(Debug)]
pub(super) struct SharedBell {
    bells: Arc<[Bell]>,
    place: usize,
}

impl AsRawFd for SharedBell {
    fn as_raw_fd(&self) -> RawFd {
        self.bells[self.place].event.as_fd().as_raw_fd()
    }
}

impl Waiter {
    pub(super) fn on_tokio(bells: Arc<[Bell]>, place: usize) -> io::Result<Waiter> {
        let bell = SharedBell { bells, place };
        // SAFETY: the bell keeps its one descriptor open for as long as it lives.
        let fd = unsafe { AsyncFd::register_with_interest(bell, Interest::READABLE) };
        Ok(Waiter::Tokio(fd?))
    }

    pub(super) fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Waiter::Executor(waiter) => waiter.poll_rung(cx),
            Waiter::Tokio(fd) => {
                // A broken poller counts as a ring: the end looks at its rings and comes back.
                if let Ok(mut guard) = ready!(fd.poll_read_ready(cx)) {
                    let shared = guard.get_inner();
                    shared.bells[shared.place].event.clear();
                    guard.clear_ready();
                }
                Poll::Ready(())
            }
        }
    }
}
