//! What the host must have before anything is created on it.

use std::{fs, io};

use rlimit::Resource;
use thiserror::Error;

use crate::base::limits::{PROCESS_DESCRIPTORS, SHARD_DESCRIPTORS_MIN};
use crate::io::ring;

/// Locked memory that each executor asks the kernel for.
const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// The oldest kernel whose io_uring has what the rings ask for, by its release number.
const KERNEL_MIN: (u32, u32) = (6, 1);

/// Something that the host lacks, and what to do about it.
#[derive(Debug, Error)]
pub enum HostError {
    /// A kernel that is too old.
    #[error("this kernel is Linux {have}: use 6.1 or a newer one")]
    Kernel {
        /// Its release.
        have: String,
    },
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
        "the limit of open files is {have}, at least {least} are needed: raise it (ulimit -n, LimitNOFILE= in systemd, \
         --ulimit nofile in docker) or take fewer cores (--cores)"
    )]
    Nofile {
        /// The hard limit.
        have: u64,
        /// What so many shards need.
        least: u64,
    },
    /// The kernel would not tell or change a limit.
    #[error("cannot read or raise a resource limit: {0}")]
    Limit(io::Error),
}

/// Checks that the host can run so many shards, and raises its soft limits. Returns how many files may be open.
pub fn host(shards: usize) -> Result<u64, HostError> {
    kernel()?;
    io_uring()?;
    memlock()?;
    nofile(shards)
}

/// Everything that [`host`] could refuse, and not only the first.
pub fn host_faults(shards: usize) -> Vec<HostError> {
    let checks = [kernel(), io_uring(), memlock(), nofile(shards).map(drop)];
    checks.into_iter().filter_map(Result::err).collect()
}

/// Raises the soft limit of locked memory.
fn memlock() -> Result<(), HostError> {
    match raise(Resource::MEMLOCK)? {
        have if have < MEMLOCK_BYTES_MIN => Err(HostError::Memlock { have }),
        _ => Ok(()),
    }
}

/// Raises the soft limit of open files, and returns it.
pub fn nofile(shards: usize) -> Result<u64, HostError> {
    let least = (PROCESS_DESCRIPTORS + shards * SHARD_DESCRIPTORS_MIN) as u64;
    match raise(Resource::NOFILE)? {
        have if have < least => Err(HostError::Nofile { have, least }),
        have => Ok(have),
    }
}

fn kernel() -> Result<(), HostError> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    match kernel_version(&release) {
        Some(version) if version < KERNEL_MIN => Err(HostError::Kernel {
            have: release.trim().to_owned(),
        }),
        // Where the release is not told or not a number, what the kernel can do decides.
        _ => Ok(()),
    }
}

/// The first two numbers of a release such as `6.1.0-13-amd64`.
fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
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
        let nofile = host(1).unwrap();
        let Err(HostError::Nofile { have, least }) = host(usize::MAX / 1000) else {
            panic!("no host has so many descriptors");
        };
        assert!(have == nofile && least > nofile);
    }

    #[test]
    fn kernels_are_told_apart_by_their_release() {
        for (release, old) in [
            ("5.15.0-91-generic\n", true),
            ("6.0.19", true),
            ("6.1.0", false),
            ("6.10.0-28-amd64", false),
            ("6.18.5+", false),
            ("10.0", false),
        ] {
            let version = kernel_version(release).unwrap();
            assert_eq!(version < KERNEL_MIN, old, "{release}");
        }
        assert_eq!(kernel_version("rolling"), None);
    }

    #[test]
    fn what_faults_is_what_refuses() {
        assert_eq!(host(1).is_ok(), host_faults(1).is_empty());
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
