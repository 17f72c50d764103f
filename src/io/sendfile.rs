//! How bytes get onto a socket without passing through ours: the only file that knows.
//!
//! Memory goes by one gathering sendmsg, a file range by sendfile from the page cache. Both never
//! wait: when the socket is full they say so.

use std::io;
use std::os::fd::RawFd;

use super::segment_file::SegmentFile;
use super::send_queue::{Head, SendQueue};
use super::socket::SocketCounters;

/// Pieces gathered into one sendmsg.
const GATHER_MAX: usize = 64;
/// The most that one sendfile moves; larger pieces measure no better.
const SENDFILE_BYTES: u64 = 512 * 1024;

/// What one attempt achieved.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Attempt {
    /// The socket took this much. Less than it was offered does not mean that it is full: sendfile also stops for
    /// reasons of its own, and nobody would tell that there is room.
    Sent(u64),
    /// The socket is full, and will tell when there is room.
    Full,
}

/// Sends as much of the front of the queue as one system call takes.
pub(super) fn send_front(
    fd: RawFd,
    queue: &mut SendQueue,
    counters: &mut SocketCounters,
) -> io::Result<Attempt> {
    counters.send_calls += 1;
    let (sent, from_file) = match queue.head() {
        None => return Ok(Attempt::Sent(0)),
        Some(Head::Memory) => (send_memory(fd, queue), false),
        Some(Head::File { file, offset, len }) => (send_file(fd, file, offset, len), true),
    };
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::WouldBlock => Ok(Attempt::Full),
                io::ErrorKind::Interrupted => Ok(Attempt::Sent(0)),
                _ => Err(error),
            };
        }
    };
    let of_chunks = queue.advance(sent);
    match from_file {
        true => counters.sent_from_files += sent,
        false => {
            counters.sent_from_chunks += of_chunks;
            counters.sent_from_memory += sent - of_chunks;
        }
    }
    Ok(Attempt::Sent(sent))
}

fn send_memory(fd: RawFd, queue: &SendQueue) -> io::Result<u64> {
    let mut parts = [libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    }; GATHER_MAX];
    let mut count = 0;
    for (part, bytes) in parts.iter_mut().zip(queue.front_memory()) {
        *part = libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        };
        count += 1;
    }
    // A header is held back for the file range that follows, so that they share packets.
    let more = if queue.is_file(count) {
        libc::MSG_MORE
    } else {
        0
    };
    // SAFETY: an all-zero msghdr is a message without name, parts and control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = count;
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL | more;
    // SAFETY: the message, its parts and the bytes they point to live across the call, which only
    // reads them.
    let sent = unsafe { libc::sendmsg(fd, &raw const message, flags) };
    u64::try_from(sent).map_err(|_| io::Error::last_os_error())
}

fn send_file(fd: RawFd, file: &SegmentFile, offset: u64, len: u64) -> io::Result<u64> {
    let offered = len.min(SENDFILE_BYTES);
    let mut from = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: both descriptors are open, and the offset is a live local.
    let sent = unsafe { libc::sendfile(fd, file.read_fd(), &raw mut from, offered as usize) };
    if sent == 0 {
        // The frame has promised bytes that the file does not have: the connection must break.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    u64::try_from(sent).map_err(|_| io::Error::last_os_error())
}
