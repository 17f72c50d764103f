//! The processor time of any process, to the nanosecond.

use std::io;
use std::time::Duration;

/// The kernel's own bound of process ids. A clock's id has 29 bits for one, and a longer id would name another process.
const PID_MAX: u32 = 1 << 22;

/// The processor time that all threads of a process have used since it started, ended ones included: its CPU-time
/// clock (POSIX `clock_getcpuclockid`). A process that does not exist is an error.
pub fn of_process(pid: u32) -> io::Result<Duration> {
    let id = match libc::pid_t::try_from(pid) {
        Ok(id) if pid <= PID_MAX => id,
        _ => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
    };
    let mut clock = 0;
    // SAFETY: `clock` is written to during the call only.
    let failed = unsafe { libc::clock_getcpuclockid(id, &raw mut clock) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is written to during the call only.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Ok(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_moves_the_clock_of_its_process() {
        let own = std::process::id();
        let before = of_process(own).unwrap();
        assert!(before > Duration::ZERO);
        // It would hang here, and so fail, if the clock stood still.
        while of_process(own).unwrap() == before {}
    }

    #[test]
    fn a_process_that_does_not_exist_has_no_clock() {
        for pid in [PID_MAX, PID_MAX + 1, 0x3fff_ffff, u32::MAX] {
            let error = of_process(pid).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ESRCH), "{pid}");
        }
    }
}
