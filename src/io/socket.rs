//! One TCP connection on a shard: both directions polled from one task, on one descriptor.
//!
//! glommio owns the descriptor and waits for it; it has neither sendfile nor gathering writes, so
//! those are called on the descriptor itself. When the socket is full, the next few bytes go through
//! glommio's own write, which waits until the kernel has room for them.
//! Nobody may ever set SO_ZEROCOPY: glommio frees what the kernel would still read.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;

use super::executor::{mark_active, yield_to_io};
use super::listener::RawConnection;
use super::recv_buffer::RecvBuffer;
use super::send_queue::{Head, SendQueue};
use super::sendfile::{Attempt, WAIT_BYTES, first_bytes, send_front};

/// What one receive takes at most before the frame's length is known.
const LANDING_BYTES: usize = 64 * 1024;
/// What one connection sends before others get their turn.
const SEND_TURN_BYTES: u64 = 4 * 1024 * 1024;

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
    /// Bytes of file ranges that went through user space to wait for the socket.
    pub sent_waiting: u64,
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
        self.sent_waiting += other.sent_waiting;
        self.receive_calls += other.receive_calls;
        self.send_calls += other.send_calls;
    }
}

/// A connection that belongs to the current executor.
pub struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
    /// The last receive took all there was: the next one can only wait.
    drained: bool,
    /// The last send filled the socket: the next one goes through the wait.
    full: bool,
    /// Runs while others have their turn.
    pause: Option<Pin<Box<dyn Future<Output = ()>>>>,
    counters: SocketCounters,
}

impl Socket {
    /// Takes over an accepted or connected connection.
    pub fn adopt(connection: RawConnection) -> Socket {
        let (fd, peer) = connection.into_parts();
        // SAFETY: the descriptor is an open TCP socket whose ownership moves into the stream.
        let stream = unsafe { TcpStream::from_raw_fd(fd.into_raw_fd()) };
        Socket {
            stream,
            peer,
            drained: true,
            full: false,
            pause: None,
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
        if !self.drained
            && let Some(received) = self.recv_in_place(buffer)
        {
            return Poll::Ready(received);
        }
        self.counters.receive_calls += 1;
        let landed = LANDING.with_borrow_mut(|landing| {
            let received = ready!(Pin::new(&mut self.stream).poll_read(cx, landing));
            Poll::Ready(received.inspect(|len| {
                buffer.extend(&landing[..*len]);
                self.drained = *len < landing.len();
            }))
        });
        // Whoever polls after a wait does so because something arrived.
        self.drained &= landed.is_ready();
        let received = ready!(landed)?;
        self.note_received(received);
        Poll::Ready(Ok(received))
    }

    /// Receives the rest of a large frame to where it belongs. `None` when there is no such frame
    /// or nothing has arrived.
    fn recv_in_place(&mut self, buffer: &mut RecvBuffer) -> Option<io::Result<usize>> {
        let room = buffer.room_for_large()?;
        let len = room.len();
        self.counters.receive_calls += 1;
        match recv(self.stream.as_raw_fd(), room) {
            Ok(received) => {
                // SAFETY: the kernel has just written that many bytes to the room's beginning.
                unsafe { buffer.received(received) };
                self.drained = received < len;
                self.note_received(received);
                Some(Ok(received))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => None,
                _ => Some(Err(error)),
            },
        }
    }

    fn note_received(&mut self, bytes: usize) {
        mark_active();
        self.counters.received += bytes as u64;
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
            ready!(self.poll_pause(cx));
            if self.full {
                ready!(self.poll_room(cx, queue))?;
                self.full = false;
                continue;
            }
            match send_front(self.stream.as_raw_fd(), queue, &mut self.counters)? {
                Attempt::All(sent) => turn += sent,
                Attempt::Full(_) => self.full = true,
            }
            if turn >= SEND_TURN_BYTES {
                turn = 0;
                self.pause = Some(Box::pin(yield_to_io()));
            }
        }
        mark_active();
        Poll::Ready(Ok(()))
    }

    /// A reader as fast as we are would otherwise keep the core to itself.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// Waits until the socket takes some of the front of the queue.
    fn poll_room(&mut self, cx: &mut Context<'_>, queue: &mut SendQueue) -> Poll<io::Result<()>> {
        self.counters.send_calls += 1;
        let stream = Pin::new(&mut self.stream);
        let mut few = [0; WAIT_BYTES];
        let (sent, counter) = match queue.head() {
            None => return Poll::Ready(Ok(())),
            Some(Head::Memory(bytes)) => {
                let sent = ready!(stream.poll_write(cx, bytes))?;
                match queue.head_is_chunk() {
                    true => (sent, &mut self.counters.sent_from_chunks),
                    false => (sent, &mut self.counters.sent_from_memory),
                }
            }
            Some(Head::File { file, offset, len }) => {
                let bytes = first_bytes(file, offset, len, &mut few)?;
                let sent = ready!(stream.poll_write(cx, bytes))?;
                (sent, &mut self.counters.sent_waiting)
            }
        };
        *counter += sent as u64;
        queue.advance(sent as u64);
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
        shutdown(self.stream.as_raw_fd(), libc::SHUT_WR)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket(to {})", self.peer)
    }
}

impl Drop for Socket {
    /// A wait that is still in the ring keeps the descriptor open for a while; the other end should
    /// learn of the close now.
    fn drop(&mut self) {
        // A peer that is gone already is what this is for.
        let _ = shutdown(self.stream.as_raw_fd(), libc::SHUT_RDWR);
    }
}

fn shutdown(fd: RawFd, how: libc::c_int) -> io::Result<()> {
    // SAFETY: shutdown takes no pointers.
    match unsafe { libc::shutdown(fd, how) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Receives what is there into memory that need not be initialised.
fn recv(fd: RawFd, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `into.len()` bytes to `into`, which outlives the call.
    let received =
        unsafe { libc::recv(fd, into.as_mut_ptr().cast(), into.len(), libc::MSG_DONTWAIT) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests;
