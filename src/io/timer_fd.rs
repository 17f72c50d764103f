//! A periodic timer of the kernel.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A timer that fires again and again, on the monotonic clock.
#[derive(Debug)]
pub(super) struct TimerFd(OwnedFd);

impl TimerFd {
    /// Fires every `period`, which is not zero.
    pub(super) fn every(period: Duration) -> io::Result<TimerFd> {
        // SAFETY: timerfd_create takes no pointers; a non-negative result is a descriptor we own.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created and has no other owner.
        let timer = TimerFd(unsafe { OwnedFd::from_raw_fd(fd) });
        let span = libc::timespec {
            tv_sec: i64::try_from(period.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(period.subsec_nanos()),
        };
        let when = libc::itimerspec {
            it_interval: span,
            it_value: span,
        };
        let old = std::ptr::null_mut();
        // SAFETY: the descriptor is open, the kernel reads a live local and writes nothing.
        let failed = unsafe { libc::timerfd_settime(timer.0.as_raw_fd(), 0, &raw const when, old) };
        match failed {
            0 => Ok(timer),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub(super) fn into_fd(self) -> OwnedFd {
        self.0
    }
}
