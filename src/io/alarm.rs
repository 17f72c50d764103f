//! Time that passes: one alarm clock for many deadlines.
//!
//! glommio's own timers are avoided on the data path. They complete on the ring that also asks tasks to
//! make room, so a timer that is noticed a moment before its completion arrives can send the
//! executor to sleep with tasks that are ready to run. A timerfd read through the main ring cannot.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use super::event::EventWaiter;

/// A timer of the kernel, on the monotonic clock.
#[derive(Debug)]
pub(super) struct TimerFd(OwnedFd);

impl TimerFd {
    pub(super) fn new() -> io::Result<TimerFd> {
        // SAFETY: timerfd_create takes no pointers; a non-negative result is a descriptor we own.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created and has no other owner.
        Ok(TimerFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Fires after `first`, and then every `period` unless that is zero. A `first` of zero disarms.
    pub(super) fn arm(&self, first: Duration, period: Duration) {
        let span = |span: Duration| libc::timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(span.subsec_nanos()),
        };
        let when = libc::itimerspec {
            it_interval: span(period),
            it_value: span(first),
        };
        let old = std::ptr::null_mut();
        // SAFETY: the descriptor is open, the kernel reads a live local and writes nothing.
        let failed = unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const when, old) };
        debug_assert_eq!(failed, 0, "spans that were built here are valid");
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// An alarm clock that one task of the current executor listens to.
#[derive(Debug)]
pub struct Alarm {
    timer: TimerFd,
    waiter: EventWaiter,
}

impl Alarm {
    /// An alarm that is not set.
    pub fn new() -> io::Result<Alarm> {
        let timer = TimerFd::new()?;
        Ok(Alarm {
            waiter: EventWaiter::new(&timer)?,
            timer,
        })
    }

    /// Sets the alarm to go off once, `after` from now, in place of what it was set to. `None` only
    /// unsets it. One system call: set it when the earliest deadline changes, not for each.
    pub fn set(&self, after: Option<Duration>) {
        let first = after.map_or(Duration::ZERO, |after| after.max(Duration::from_nanos(1)));
        self.timer.arm(first, Duration::ZERO);
    }

    /// Ready when the alarm has gone off since this was last ready. An alarm that was set anew
    /// just as it went off may still be ready once for its former time.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiter.poll_rung(cx)
    }

    /// Waits until the alarm goes off; see [`Self::poll_rung`].
    pub async fn rung(&self) {
        self.waiter.rung().await;
    }
}

/// Waits, with an alarm of its own: for what happens seldom.
pub async fn sleep(span: Duration) -> io::Result<()> {
    let alarm = Alarm::new()?;
    alarm.set(Some(span));
    alarm.rung().await;
    Ok(())
}

#[cfg(test)]
mod tests;
