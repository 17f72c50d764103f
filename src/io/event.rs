//! Doorbells: an eventfd that any thread or ring may ring and one executor task awaits.
//!
//! A shard is never woken through a waker that belongs to another runtime: glommio would notice it
//! only at its next preemption. It is woken by a read of an eventfd that is always in flight on its
//! own ring, which costs no system call of its own to re-arm.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use glommio::io::BufferedFile;

/// A pause before a doorbell is read again after a failed read, which no known kernel does.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// An eventfd: rung from any thread, any number of rings merge into one.
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A doorbell that nobody has rung.
    ///
    /// It blocks, as io_uring wants it: a ring answers reads of a non-blocking one with EAGAIN.
    pub fn new() -> io::Result<EventFd> {
        EventFd::with_flags(libc::EFD_CLOEXEC)
    }

    /// A doorbell for a poller (tokio) that waits for readiness and then reads without blocking.
    pub fn non_blocking() -> io::Result<EventFd> {
        EventFd::with_flags(libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)
    }

    fn with_flags(flags: libc::c_int) -> io::Result<EventFd> {
        // SAFETY: eventfd takes no pointers; a non-negative result is a descriptor that we own.
        let fd = unsafe { libc::eventfd(0, flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created and has no other owner.
        Ok(EventFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Rings. Never fails in a way that matters: a counter that is full is one that has been rung.
    pub fn ring(&self) {
        let one = 1u64;
        // SAFETY: the kernel reads eight bytes of a live local.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), 8) };
    }

    /// Takes all rings so far off a non-blocking doorbell.
    pub(crate) fn clear(&self) {
        let mut rings = 0u64;
        // SAFETY: the kernel writes at most eight bytes to a live local.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut rings).cast(), 8) };
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The executor's side of a doorbell: one task may wait at a time, and a wait may be dropped freely.
#[derive(Debug)]
pub struct EventWaiter {
    shared: Rc<Shared>,
    _pump: glommio::Task<()>,
}

#[derive(Debug, Default)]
struct Shared {
    rung: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl EventWaiter {
    /// Starts reading `event`, or whatever else yields eight bytes when it happens, on the current
    /// executor.
    pub fn new(event: &impl AsFd) -> io::Result<EventWaiter> {
        let copy = event.as_fd().try_clone_to_owned()?;
        // SAFETY: the descriptor is open and its ownership moves into the file.
        let file = unsafe { BufferedFile::from_raw_fd(copy.into_raw_fd()) };
        let shared = Rc::new(Shared::default());
        let pump = glommio::spawn_local(pump(file, shared.clone()));
        Ok(EventWaiter {
            shared,
            _pump: pump,
        })
    }

    /// Ready when the doorbell was rung since this was last ready.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.rung.take() {
            return Poll::Ready(());
        }
        *self.shared.waiting.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits until the doorbell is rung.
    pub async fn rung(&self) {
        std::future::poll_fn(|cx| self.poll_rung(cx)).await;
    }
}

/// Keeps one read in flight. A task of its own, so that a dropped wait cannot swallow a ring.
async fn pump(file: BufferedFile, shared: Rc<Shared>) {
    loop {
        if let Err(error) = file.read_at(0, 8).await {
            tracing::error!(%error, "a doorbell could not be read");
            glommio::timer::sleep(READ_AGAIN_AFTER).await;
        }
        shared.rung.set(true);
        if let Some(waker) = shared.waiting.borrow_mut().take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
