//! Whether a range of a file is in the page cache, and how to bring it there off the shard's core.
//!
//! A shard must not sleep on the disk, so sendfile is only pointed at ranges that are resident.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::segment_file::SegmentFile;
use crate::base::limits::PAGE_BYTES;

/// cachestat(2), Linux 6.5; not yet in every libc.
const SYS_CACHESTAT: libc::c_long = 451;

/// Set once the kernel has said that it has no cachestat, or that we may not use it.
static CACHESTAT_REFUSED: AtomicBool = AtomicBool::new(false);

#[repr(C)]
struct CachestatRange {
    offset: u64,
    len: u64,
}

#[repr(C)]
#[derive(Default)]
struct Cachestat {
    cached: u64,
    dirty: u64,
    writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// Whether every page of `position..position + len` is in the page cache. Does not block.
///
/// What cachestat counts may still be on its way from the disk, brought by a read-ahead, so the first, the middle and the last
/// page are looked at as well. On kernels before 6.5 nothing else is.
pub fn is_resident(file: &SegmentFile, position: u64, len: u64) -> bool {
    if len == 0 {
        return true;
    }
    let fd = file.read_fd();
    let cached = cached_pages(fd, position, len);
    cached.is_none_or(|cached| cached >= pages_of(position, len))
        && [position, position + len / 2, position + len - 1]
            .iter()
            .all(|at| is_readable_now(fd, *at))
}

fn pages_of(position: u64, len: u64) -> u64 {
    (position + len).div_ceil(PAGE_BYTES) - position / PAGE_BYTES
}

/// How many pages of the range are cached, or `None` when the kernel will not say.
fn cached_pages(fd: RawFd, position: u64, len: u64) -> Option<u64> {
    if CACHESTAT_REFUSED.load(Ordering::Relaxed) {
        return None;
    }
    let range = CachestatRange {
        offset: position,
        len,
    };
    let mut found = Cachestat::default();
    // SAFETY: both structures have the kernel's layout and live across the call.
    let failed =
        unsafe { libc::syscall(SYS_CACHESTAT, fd, &raw const range, &raw mut found, 0u32) };
    if failed != 0 {
        CACHESTAT_REFUSED.store(true, Ordering::Relaxed);
        return None;
    }
    Some(found.cached)
}

/// Whether the byte at `position` can be read without waiting for the disk.
fn is_readable_now(fd: RawFd, position: u64) -> bool {
    let mut byte = 0u8;
    matches!(
        read_now(fd, position, std::slice::from_mut(&mut byte)),
        Ok(1)
    )
}

/// Reads what the page cache has at `position`; fails with EAGAIN rather than wait for the disk.
pub(super) fn read_now(fd: RawFd, position: u64, into: &mut [u8]) -> io::Result<usize> {
    let offset = i64::try_from(position).map_err(|_| io::ErrorKind::InvalidInput)?;
    let part = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    // SAFETY: the kernel writes at most `into.len()` bytes to `into`, which outlives the call.
    let read = unsafe { libc::preadv2(fd, &raw const part, 1, offset, libc::RWF_NOWAIT) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// Brings a range into the page cache and returns once it is there. Blocks.
///
/// The pages are spliced into the null device, which waits for them without copying them.
pub fn warm(file: &SegmentFile, position: u64, len: u64) -> io::Result<()> {
    let offset = |value| i64::try_from(value).map_err(|_| io::ErrorKind::InvalidInput);
    let (mut at, end) = (offset(position)?, offset(position.saturating_add(len))?);
    // SAFETY: fadvise takes no pointers. It starts the reads; a refusal only costs speed.
    unsafe { libc::posix_fadvise(file.read_fd(), at, end - at, libc::POSIX_FADV_WILLNEED) };
    let sink = null_device()?;
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(usize::MAX);
        // SAFETY: both descriptors are open, and the offset is a live local.
        let moved = unsafe { libc::sendfile(sink.as_raw_fd(), file.read_fd(), &raw mut at, count) };
        match moved {
            0 => return Ok(()),
            1.. => {}
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

fn null_device() -> io::Result<&'static File> {
    static SINK: OnceLock<File> = OnceLock::new();
    if let Some(sink) = SINK.get() {
        return Ok(sink);
    }
    let sink = File::options().write(true).open("/dev/null")?;
    Ok(SINK.get_or_init(|| sink))
}

#[cfg(test)]
mod tests;
