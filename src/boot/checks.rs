//! What the host must have before anything is created on it.

use std::io;

use rlimit::Resource;
use thiserror::Error;

use crate::io::ring;

/// Locked memory that each executor asks the kernel for.
const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// Descriptors below which a start makes no sense: rings, listeners and a few segments.
const NOFILE_MIN: u64 = 256;

/// Something that the host lacks, and what to do about it.
#[derive(Debug, Error)]
pub enum HostError {
    /// No rings.
    #[error("cannot use io_uring: {why}")]
    IoUring {
        /// Why, and what to do.
        why: String,
    },
    /// Too little locked memory.
    #[error(
        "the limit of locked memory is {have} bytes, a shard needs {MEMLOCK_BYTES_MIN}: raise it \
         (ulimit -l, LimitMEMLOCK= in systemd, --ulimit memlock in docker)"
    )]
    Memlock {
        /// The hard limit.
        have: u64,
    },
    /// Too few descriptors.
    #[error(
        "the limit of open files is {have}, at least {NOFILE_MIN} are needed: raise it \
         (ulimit -n, LimitNOFILE= in systemd, --ulimit nofile in docker)"
    )]
    Nofile {
        /// The hard limit.
        have: u64,
    },
    /// The kernel would not tell or change a limit.
    #[error("cannot read or raise a resource limit: {0}")]
    Limit(io::Error),
}

/// Checks the host and raises its soft limits. Returns how many files may be open.
pub fn host() -> Result<u64, HostError> {
    io_uring()?;
    let memlock = raise(Resource::MEMLOCK)?;
    if memlock < MEMLOCK_BYTES_MIN {
        return Err(HostError::Memlock { have: memlock });
    }
    let nofile = raise(Resource::NOFILE)?;
    if nofile < NOFILE_MIN {
        return Err(HostError::Nofile { have: nofile });
    }
    Ok(nofile)
}

/// Raises the soft limit to the hard one.
fn raise(resource: Resource) -> Result<u64, HostError> {
    let (soft, hard) = resource.get().map_err(HostError::Limit)?;
    if soft < hard {
        resource.set(hard, hard).map_err(HostError::Limit)?;
    }
    Ok(hard)
}

fn io_uring() -> Result<(), HostError> {
    match ring::check() {
        Ok(()) => Ok(()),
        Err(error) => Err(HostError::IoUring {
            why: explain(&error),
        }),
    }
}

/// What stands behind the kernel's refusal, as far as its number tells.
fn explain(error: &io::Error) -> String {
    let hint = match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => {
            "this kernel is older than 6.1 or was built without it: use a newer one"
        }
        Some(libc::EPERM) => {
            "a seccomp profile or the sysctl kernel.io_uring_disabled forbids it: allow \
             io_uring_setup, io_uring_enter and io_uring_register (docker: --security-opt \
             seccomp=unconfined or a profile of one's own), or set kernel.io_uring_disabled=0"
        }
        Some(libc::ENOMEM) => {
            "the limit of locked memory is too low: raise it (ulimit -l, LimitMEMLOCK=)"
        }
        Some(libc::EMFILE | libc::ENFILE) => {
            "too many files are open: raise the limit (ulimit -n, LimitNOFILE=)"
        }
        _ => return error.to_string(),
    };
    format!("{hint} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_can_run_the_broker() {
        let nofile = host().unwrap();
        assert!(nofile >= NOFILE_MIN);
    }

    #[test]
    fn refusals_say_what_to_do() {
        for (code, part) in [
            (libc::ENOSYS, "newer"),
            (libc::EPERM, "seccomp"),
            (libc::ENOMEM, "ulimit -l"),
            (libc::EMFILE, "ulimit -n"),
            (libc::EIO, "os error 5"),
        ] {
            let why = explain(&io::Error::from_raw_os_error(code));
            assert!(why.contains(part) && !why.contains('\n'), "{why}");
        }
    }
}
