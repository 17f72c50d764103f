//! Listening sockets, one per shard on a shared port, and the connections they accept.
//!
//! The kernel spreads connections over the sockets of a group (SO_REUSEPORT). An accepted connection
//! is a bare descriptor until a shard adopts it, so it can be handed on first.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::alarm::sleep;
use super::clock;
use super::readiness::Readiness;
use crate::base::MonoMs;

/// How listening sockets are made. What is not set is the system's own choice.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Connections that wait for their accept; the kernel cuts this to net.core.somaxconn.
    pub backlog: i32,
    /// SO_SNDBUF of accepted connections.
    pub send_buffer_bytes: Option<usize>,
    /// SO_RCVBUF of accepted connections.
    pub receive_buffer_bytes: Option<usize>,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions {
            backlog: 4096,
            send_buffer_bytes: None,
            receive_buffer_bytes: None,
        }
    }
}
/// How long accepting pauses when the process is out of descriptors or the kernel of memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// How often that is said.
const EXHAUSTED_LOG_MS: i64 = 10_000;

/// A bound and listening socket that no shard accepts from yet.
#[derive(Debug)]
pub struct BoundListener(Socket);

/// Binds `count` listening sockets to one address; port 0 picks a free port for all of them.
///
/// The first is bound without sharing, so that an address which another process listens on is an
/// error ([`io::ErrorKind::AddrInUse`]) even if that process would share it.
pub fn bind_group(
    address: SocketAddr,
    count: usize,
    options: ListenOptions,
) -> io::Result<Vec<BoundListener>> {
    let explain = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!(
                    "cannot listen on {address}: it is in use, by another process or as the near end of a connection"
                )
            }
            io::ErrorKind::PermissionDenied => {
                format!("cannot listen on {address}: ports below 1024 need privileges")
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("cannot listen on {address}: this machine has no such address")
            }
            _ => format!("cannot listen on {address}: {error}"),
        };
        io::Error::new(error.kind(), what)
    };
    bind_all(address, count, options).map_err(explain)
}

fn bind_all(
    address: SocketAddr,
    count: usize,
    options: ListenOptions,
) -> io::Result<Vec<BoundListener>> {
    let first = new_socket(address, options)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    first.listen(options.backlog)?;
    let mut group = vec![BoundListener(first)];
    let chosen = group[0].local_address()?;
    for _ in 1..count {
        let socket = new_socket(chosen, options)?;
        socket.set_reuse_port(true)?;
        socket.bind(&chosen.into())?;
        socket.listen(options.backlog)?;
        group.push(BoundListener(socket));
    }
    Ok(group)
}

fn new_socket(address: SocketAddr, options: ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of a predecessor that linger in TIME_WAIT do not block the port.
    socket.set_reuse_address(true)?;
    // Accepted connections inherit these; they have to be set before the handshake fixes the window's scale.
    if let Some(bytes) = options.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(socket)
}

impl BoundListener {
    /// The address with the port that was picked.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        let address = self.0.local_addr()?;
        address
            .as_socket()
            .ok_or_else(|| io::Error::other("a TCP socket without an internet address"))
    }

    /// Starts accepting on the current shard.
    pub fn listen_here(self) -> io::Result<Listener> {
        self.0.set_nonblocking(true)?;
        Ok(Listener {
            readiness: Readiness::to_read(self.0.as_raw_fd()),
            socket: self.0,
            quiet_until: Cell::default(),
        })
    }
}

/// A shard's listening socket.
#[derive(Debug)]
pub struct Listener {
    // Dropped before the descriptor that it watches.
    readiness: Readiness,
    socket: Socket,
    /// Until then nothing is said of connections that cannot be accepted.
    quiet_until: Cell<MonoMs>,
}

impl Listener {
    /// Waits for the next connection.
    ///
    /// A connection that broke before it was accepted is skipped. Out of descriptors or memory,
    /// it logs (seldom), pauses, and tries again: the connections wait in the backlog.
    pub async fn accept(&self) -> RawConnection {
        loop {
            match self.try_accept() {
                Ok(connection) => return connection,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let watched = poll_fn(|cx| self.readiness.poll_readable(cx)).await;
                    if let Err(error) = watched {
                        tracing::error!(%error, "a listening socket cannot be watched");
                        sleep(EXHAUSTED_PAUSE).await;
                    }
                }
                Err(error) if is_of_one_connection(&error) => {
                    tracing::debug!(%error, "a connection broke before it was accepted");
                }
                Err(error) => {
                    self.say_exhausted(&error);
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    fn say_exhausted(&self, error: &io::Error) {
        let now = clock::now().mono;
        if now >= self.quiet_until.get() {
            self.quiet_until.set(now.plus_ms(EXHAUSTED_LOG_MS));
            tracing::warn!(%error, "cannot accept connections: they wait until it is possible again");
        }
    }

    fn try_accept(&self) -> io::Result<RawConnection> {
        let (accepted, _) = self.socket.accept()?;
        RawConnection::new(accepted.into())
    }
}

/// Errors of accept(2) that concern the connection at hand and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or_default();
    [
        libc::ECONNABORTED,
        libc::EINTR,
        libc::EPERM,
        libc::EPROTO,
        libc::ENOTCONN,
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::ENETDOWN,
        libc::EHOSTDOWN,
        libc::ENONET,
    ]
    .contains(&code)
}

/// A connection that no executor owns: it may be sent to the shard that shall have it, which
/// [adopts](super::socket::Socket::adopt) it. Dropping it closes it.
#[derive(Debug)]
pub struct RawConnection {
    fd: OwnedFd,
    peer: SocketAddr,
}

impl RawConnection {
    /// Prepares a connected socket: no delay, and no call on it may block a shard.
    pub fn new(stream: TcpStream) -> io::Result<RawConnection> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok(RawConnection {
            fd: stream.into(),
            peer,
        })
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn into_parts(self) -> (OwnedFd, SocketAddr) {
        (self.fd, self.peer)
    }
}

#[cfg(test)]
pub(crate) mod tests;
