//! Readiness of a descriptor: told by the shard's ring each time that it changes.
//!
//! A watch stays in the kernel for as long as its owner does and costs nothing while nothing happens. It tells
//! edges: after it has said that there is something, it speaks again only when more comes. So whoever waits has
//! taken all there was before.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use io_uring::{opcode, types::Fd};

use super::ring::{self, OpKey, Ring, Sink};

const READABLE: u32 = libc::POLLIN as u32;
const WRITABLE: u32 = libc::POLLOUT as u32;
const ENDED: u32 = (libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR) as u32;

/// Watches a descriptor for one task. Must be dropped before the descriptor is closed.
pub(super) struct Readiness {
    watch: Rc<Watch>,
}

struct Watch {
    ring: Rc<Ring>,
    fd: RawFd,
    events: u32,
    key: Cell<Option<OpKey>>,
    /// Events that were told and not asked about yet.
    told: Cell<u32>,
    /// The other end has closed its direction, or the connection is broken.
    ended: Cell<bool>,
    failed: Cell<Option<i32>>,
    dropped: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Readiness {
    /// Watches a descriptor from which one reads: a doorbell, a listening socket.
    pub(super) fn to_read(fd: RawFd) -> Readiness {
        Readiness::new(fd, READABLE)
    }

    /// Watches both directions of a connection.
    pub(super) fn of_connection(fd: RawFd) -> Readiness {
        Readiness::new(fd, READABLE | WRITABLE | libc::POLLRDHUP as u32)
    }

    fn new(fd: RawFd, events: u32) -> Readiness {
        let watch = Rc::new(Watch {
            ring: ring::current(),
            fd,
            events,
            key: Cell::new(None),
            told: Cell::new(0),
            ended: Cell::new(false),
            failed: Cell::new(None),
            dropped: Cell::new(false),
            waiting: RefCell::new(None),
        });
        watch.arm();
        Readiness { watch }
    }

    /// Ready when something to read has come since this was last ready, or the end.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, READABLE)
    }

    /// Ready when room to write has come since this was last ready, or the end.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, WRITABLE)
    }

    /// Whether the other end will send nothing more than what has already arrived.
    pub(super) fn has_ended(&self) -> bool {
        self.watch.ended.get()
    }

    fn poll(&self, cx: &mut Context<'_>, events: u32) -> Poll<io::Result<()>> {
        let watch = &*self.watch;
        if let Some(code) = watch.failed.get() {
            return Poll::Ready(Err(io::Error::from_raw_os_error(code)));
        }
        let told = watch.told.get();
        if told & events != 0 {
            watch.told.set(told & !events);
            return Poll::Ready(Ok(()));
        }
        let mut waiting = watch.waiting.borrow_mut();
        match &mut *waiting {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        self.watch.dropped.set(true);
        self.watch.waiting.take();
        if let Some(key) = self.watch.key.get() {
            let removal = opcode::PollRemove::new(key.user_data()).build();
            self.watch.ring.submit_unwatched(removal);
        }
    }
}

impl Watch {
    fn arm(self: &Rc<Self>) {
        let entry = opcode::PollAdd::new(Fd(self.fd), self.events)
            .multi(true)
            .build();
        // SAFETY: the entry points to no memory.
        let key = unsafe { self.ring.submit(entry, self.clone(), 0) };
        self.key.set(Some(key));
    }

    fn tell(&self, events: u32) {
        let told = match events & ENDED {
            0 => events,
            // An end concerns both directions.
            _ => READABLE | WRITABLE,
        };
        self.told.set(self.told.get() | told);
        self.ended.set(self.ended.get() || events & ENDED != 0);
    }
}

impl Sink for Watch {
    fn complete(self: Rc<Self>, _token: usize, result: i32, more: bool) {
        if !more {
            self.key.set(None);
        }
        if self.dropped.get() {
            return;
        }
        match u32::try_from(result) {
            Ok(events) => {
                self.tell(events);
                if !more {
                    self.arm();
                }
            }
            Err(_) => self.failed.set(Some(-result)),
        }
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Readiness(of {})", self.watch.fd)
    }
}
