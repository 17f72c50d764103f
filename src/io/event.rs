//! Doorbells: an eventfd that any thread may ring and one task of a shard awaits.
//!
//! A shard is never woken through a waker that belongs to another thread: it sleeps in its ring, which watches
//! the eventfd. Nobody ever reads what was written: each ring is an event of its own.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::task::{Context, Poll};

use super::readiness::Readiness;

/// An eventfd: rung from any thread, any number of rings merge into one.
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A doorbell that nobody has rung.
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: eventfd takes no pointers; a non-negative result is a descriptor that we own.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
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

    /// Takes all rings so far off, for a poller (tokio) that is told levels and not edges.
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

/// The shard's side of a doorbell: one task may wait at a time, and a wait may be dropped freely.
#[derive(Debug)]
pub struct EventWaiter {
    readiness: Readiness,
    /// Keeps what is watched open.
    _event: OwnedFd,
}

impl EventWaiter {
    /// Starts watching `event` on the current shard. Rings from before count as one.
    pub fn new(event: &impl AsFd) -> io::Result<EventWaiter> {
        let event = event.as_fd().try_clone_to_owned()?;
        Ok(EventWaiter {
            readiness: Readiness::to_read(event.as_raw_fd()),
            _event: event,
        })
    }

    /// Ready when the doorbell was rung since this was last ready.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.readiness.poll_readable(cx).map(|watched| {
            // A doorbell that cannot be watched counts as rung: slow, but nothing is missed.
            if let Err(error) = watched {
                tracing::error!(%error, "a doorbell cannot be watched");
            }
        })
    }

    /// Waits until the doorbell is rung.
    pub async fn rung(&self) {
        std::future::poll_fn(|cx| self.poll_rung(cx)).await;
    }
}

#[cfg(test)]
mod tests;
