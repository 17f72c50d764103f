//! One TCP connection on a shard: both directions polled from one task, on one descriptor.
//!
//! Receiving and sending are system calls that never wait. When there is nothing to receive, or no room to send,
//! the shard's ring tells when that has changed.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::task::{Context, Poll, ready};

use super::executor::give_way;
use super::listener::RawConnection;
use super::readiness::Readiness;
use super::recv_buffer::RecvBuffer;
use super::send_queue::SendQueue;
use super::sendfile::{Attempt, send_front};

/// What one receive takes at most before the frame's length is known.
const LANDING_BYTES: usize = 64 * 1024;
/// What is received of a frame that is probably large, so that it tells its length.
const LENGTH_BYTES: usize = 4;
/// What one connection sends before others get their turn.
const SEND_TURN_BYTES: u64 = 512 * 1024;

thread_local! {
    /// Where bytes arrive first: small frames are copied out of it, so idle connections hold none.
    static LANDING: RefCell<Box<[u8]>> = RefCell::new(vec![0; LANDING_BYTES].into());
}

/// What has passed through a connection.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SocketCounters {
    /// Bytes received.
    pub received: u64,
    /// Bytes sent from headers and other own memory.
    pub sent_from_memory: u64,
    /// Bytes sent from the tails of partitions.
    pub sent_from_chunks: u64,
    /// Bytes sent from the page cache by sendfile.
    pub sent_from_files: u64,
    /// Receive system calls.
    pub receive_calls: u64,
    /// Send system calls.
    pub send_calls: u64,
}

impl SocketCounters {
    /// Adds what another connection did.
    pub fn add(&mut self, other: &SocketCounters) {
        self.received += other.received;
        self.sent_from_memory += other.sent_from_memory;
        self.sent_from_chunks += other.sent_from_chunks;
        self.sent_from_files += other.sent_from_files;
        self.receive_calls += other.receive_calls;
        self.send_calls += other.send_calls;
    }
}

/// A connection that belongs to the current shard.
pub struct Socket {
    // Dropped before the descriptor that it watches.
    readiness: Readiness,
    fd: OwnedFd,
    peer: SocketAddr,
    /// The last receive took all there was: the next one waits.
    drained: bool,
    /// The last send filled the socket: the next one waits.
    full: bool,
    counters: SocketCounters,
}

impl Socket {
    /// Takes over an accepted or connected connection.
    pub fn adopt(connection: RawConnection) -> Socket {
        let (fd, peer) = connection.into_parts();
        Socket {
            readiness: Readiness::of_connection(fd.as_raw_fd()),
            fd,
            peer,
            drained: true,
            full: false,
            counters: SocketCounters::default(),
        }
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What has passed through so far.
    pub fn counters(&self) -> &SocketCounters {
        &self.counters
    }

    /// What has passed through since this was last asked.
    pub fn take_counters(&mut self) -> SocketCounters {
        std::mem::take(&mut self.counters)
    }

    /// Receives once. Ready with how many bytes were added to `buffer`, 0 at the end of the stream.
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut RecvBuffer,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.drained {
                ready!(self.readiness.poll_readable(cx))?;
                self.drained = false;
            }
            self.counters.receive_calls += 1;
            match self.receive(buffer) {
                Ok(received) => {
                    self.counters.received += received as u64;
                    return Poll::Ready(Ok(received));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.drained = true,
                    io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    /// Receives what is there: the rest of a large frame to where it belongs, anything else by way of the
    /// landing buffer.
    fn receive(&mut self, buffer: &mut RecvBuffer) -> io::Result<usize> {
        let fd = self.fd.as_raw_fd();
        let (received, room) = match buffer.room_for_large() {
            Some(room) => {
                let len = room.len();
                // SAFETY: the room is that long.
                let received = unsafe { recv(fd, room.as_mut_ptr().cast(), len) }?;
                // SAFETY: the kernel has just written that many bytes to the room's beginning.
                unsafe { buffer.received(received) };
                (received, len)
            }
            None => LANDING.with_borrow_mut(|landing| {
                let landing = match buffer.wants_length_first() {
                    true => &mut landing[..LENGTH_BYTES],
                    false => &mut landing[..],
                };
                // SAFETY: the landing buffer is that long.
                let received = unsafe { recv(fd, landing.as_mut_ptr(), landing.len()) }?;
                buffer.extend(&landing[..received]);
                io::Result::Ok((received, landing.len()))
            })?,
        };
        // The end is told once, so it is not waited for again.
        self.drained = received < room && !self.readiness.has_ended();
        Ok(received)
    }

    /// Sends until the queue is empty. An error breaks the connection: nobody can tell how much of
    /// the queue has reached the other end.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        queue: &mut SendQueue,
    ) -> Poll<io::Result<()>> {
        let mut turn = 0;
        while !queue.is_empty() {
            if self.full {
                ready!(self.readiness.poll_writable(cx))?;
                self.full = false;
            }
            match send_front(self.fd.as_raw_fd(), queue, &mut self.counters)? {
                Attempt::Sent(sent) => turn += sent,
                Attempt::Full => self.full = true,
            }
            if turn >= SEND_TURN_BYTES {
                // A reader as fast as we are would otherwise keep the core to itself.
                give_way(cx);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Receives once; see [`Self::poll_recv`].
    pub async fn recv(&mut self, buffer: &mut RecvBuffer) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_recv(cx, buffer)).await
    }

    /// Sends until the queue is empty; see [`Self::poll_send`].
    pub async fn send(&mut self, queue: &mut SendQueue) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_send(cx, queue)).await
    }

    /// Tells the other end that nothing more will be sent.
    pub fn shutdown_write(&self) -> io::Result<()> {
        shutdown(self.fd.as_raw_fd(), libc::SHUT_WR)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket(to {})", self.peer)
    }
}

impl Drop for Socket {
    /// The ring keeps what it watches open for a moment longer; the other end should learn of the close now.
    fn drop(&mut self) {
        // A peer that is gone already is what this is for.
        let _ = shutdown(self.fd.as_raw_fd(), libc::SHUT_RDWR);
    }
}

fn shutdown(fd: RawFd, how: libc::c_int) -> io::Result<()> {
    // SAFETY: shutdown takes no pointers.
    match unsafe { libc::shutdown(fd, how) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Receives what is there, without waiting.
///
/// # Safety
/// `len` bytes behind `into` may be written; they need not be initialised.
unsafe fn recv(fd: RawFd, into: *mut u8, len: usize) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `len` bytes, which the caller allows.
    let received = unsafe { libc::recv(fd, into.cast(), len, libc::MSG_DONTWAIT) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests;
