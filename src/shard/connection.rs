//! One client connection: frames in, answers out in their order, one task, one descriptor.
//!
//! A request is *dispatched* when its frame is complete (what must keep its order happens then) and *completed*
//! later; only so many requests and so many of their bytes may be under way, else the socket is not read.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::base::MonoMs;
use crate::base::limits::{
    CONNECTION_IN_FLIGHT_BYTES_MAX, CONNECTION_IN_FLIGHT_MAX, CONNECTION_TURNS_PER_POLL,
    CONNECTION_UNSENT_BYTES_MAX,
};
use crate::io::executor::yield_to_io;
use crate::io::listener::RawConnection;
use crate::io::recv_buffer::RecvBuffer;
use crate::io::send_queue::SendQueue;
use crate::io::socket::Socket;
use crate::protocol::frame::{FrameError, FrameSplitter, LENGTH_BYTES, Split};
use crate::shard::Shard;
use crate::shard::connections::{Entry, Registered};
use crate::shard::dispatch;
use crate::shard::pressure::RoomWait;
use crate::shard::response::Response;

/// What requests know of their connection.
pub struct Peer {
    /// The client's address, without the port, as group members show it.
    pub host: String,
}

/// Serves a connection until it ends.
pub async fn serve(shard: Rc<Shard>, raw: RawConnection) {
    let Some(registered) = shard.connections.register(&shard) else {
        return; // Too many connections: closing this one is the answer.
    };
    let host = raw.peer().ip().to_string();
    let mut connection = Connection {
        frame_bytes_max: shard.config.socket_request_max_bytes.max(0) as usize,
        peer: Rc::new(Peer { host }),
        entry: registered.entry(),
        _registered: registered,
        shard,
        socket: Socket::adopt(raw),
        received: RecvBuffer::new(),
        unsent: SendQueue::new(),
        in_flight: VecDeque::new(),
        in_flight_bytes: 0,
        pause: None,
        room_wait: RoomWait::default(),
    };
    let end = poll_fn(|cx| connection.poll(cx)).await;
    connection.log_end(end);
}

struct Connection {
    shard: Rc<Shard>,
    peer: Rc<Peer>,
    entry: Rc<Entry>,
    _registered: Registered,
    socket: Socket,
    received: RecvBuffer,
    unsent: SendQueue,
    in_flight: VecDeque<InFlight>,
    in_flight_bytes: usize,
    frame_bytes_max: usize,
    pause: Option<Pin<Box<dyn Future<Output = ()>>>>,
    room_wait: RoomWait,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shard.pressure.give_back(self.in_flight_bytes);
        self.shard.metrics.moved(&self.socket.take_counters());
    }
}

struct InFlight {
    frame_bytes: usize,
    state: State,
}

enum State {
    Working(Pin<Box<dyn Future<Output = Response>>>),
    Done(Response),
}

/// Why a connection ended.
enum End {
    /// The client closed it, or the network did.
    Peer,
    /// We closed it: idle for too long, or the broker stops.
    Us,
    /// The client sent something that has no answer.
    Fault(String),
}

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.entry.remember(cx.waker());
        if self.poll_pause(cx) {
            return Poll::Pending;
        }
        for _ in 0..CONNECTION_TURNS_PER_POLL {
            let mut progress = match self.poll_answers(cx) {
                Ok(progress) => progress,
                Err(end) => return Poll::Ready(end),
            };
            match self.poll_send(cx) {
                Ok(sent) => progress |= sent,
                Err(end) => return Poll::Ready(end),
            }
            if self.entry.is_to_close(self.is_at_rest()) {
                return Poll::Ready(End::Us);
            }
            match self.poll_receive(cx) {
                Ok(received) => progress |= received,
                Err(end) => return Poll::Ready(end),
            }
            if !progress {
                return Poll::Pending;
            }
        }
        self.pause = Some(Box::pin(yield_to_io()));
        self.poll_pause(cx);
        Poll::Pending
    }

    /// Whether others on this core are having their turn.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(pause) = &mut self.pause
            && pause.as_mut().poll(cx).is_ready()
        {
            self.pause = None;
        }
        self.pause.is_some()
    }

    fn is_at_rest(&self) -> bool {
        self.in_flight.is_empty() && self.unsent.is_empty()
    }

    /// Moves finished answers to the send queue, in order.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut progress = false;
        while self.unsent.len_bytes() < CONNECTION_UNSENT_BYTES_MAX {
            let Some(front) = self.in_flight.front_mut() else {
                break;
            };
            let response = match &mut front.state {
                State::Working(future) => match future.as_mut().poll(cx) {
                    Poll::Pending => break,
                    Poll::Ready(response) => response,
                },
                State::Done(response) => std::mem::replace(response, Response::Nothing),
            };
            self.in_flight_bytes -= front.frame_bytes;
            self.shard.pressure.give_back(front.frame_bytes);
            self.in_flight.pop_front();
            progress = true;
            match response {
                Response::Send(pieces) => {
                    pieces.into_iter().for_each(|piece| self.unsent.push(piece));
                }
                Response::Nothing => {}
                Response::Close(reason) => return Err(End::Fault(reason)),
            }
        }
        Ok(progress)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.unsent.is_empty() {
            return Ok(false);
        }
        match self.socket.poll_send(cx, &mut self.unsent) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(_)) => {
                self.entry.touch(self.shard.now().mono);
                Ok(true)
            }
            Poll::Ready(Err(_)) => Err(End::Peer),
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !self.may_receive() || self.poll_room(cx).is_pending() {
            return Ok(false);
        }
        if self.dispatch_next(cx)? {
            return Ok(true);
        }
        match self.socket.poll_recv(cx, &mut self.received) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => Err(End::Peer),
            Poll::Ready(Ok(_)) => {
                self.entry.touch(self.shard.now().mono);
                Ok(true)
            }
        }
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shard.pressure.poll_room(cx, &mut self.room_wait)
    }

    fn may_receive(&self) -> bool {
        self.in_flight.len() < CONNECTION_IN_FLIGHT_MAX
            && (self.in_flight_bytes < CONNECTION_IN_FLIGHT_BYTES_MAX || self.in_flight.is_empty())
            && self.unsent.len_bytes() < CONNECTION_UNSENT_BYTES_MAX
            && !self.entry.is_draining()
    }

    /// Takes the next complete frame, if there is one, and starts its request.
    fn dispatch_next(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let max = self.frame_bytes_max;
        let splitter = FrameSplitter::new(max);
        let next = self.received.next_frame(|bytes| frame_len(splitter, bytes));
        let Some(frame) = next.map_err(|error| End::Fault(error.to_string()))? else {
            return Ok(false);
        };
        let frame = frame.slice(LENGTH_BYTES..);
        let frame_bytes = frame.len();
        let mut future = dispatch::start(&self.shard, &self.peer, frame);
        // The first poll is the dispatch itself: what must keep its order happens before the first await.
        let state = match future.as_mut().poll(cx) {
            Poll::Ready(response) => State::Done(response),
            Poll::Pending => State::Working(future),
        };
        self.in_flight_bytes += frame_bytes;
        self.shard.pressure.take(frame_bytes);
        self.in_flight.push_back(InFlight { frame_bytes, state });
        Ok(true)
    }

    fn log_end(&self, end: End) {
        if let End::Fault(reason) = end {
            self.shard
                .connections
                .log_fault(&self.peer.host, &reason, self.shard.now().mono);
        }
    }
}

/// The length of the first frame, its prefix included, once its first bytes tell it.
fn frame_len(splitter: FrameSplitter, buffered: &[u8]) -> Result<Option<usize>, FrameError> {
    Ok(match splitter.split(buffered)? {
        Split::Frame(len) => Some(LENGTH_BYTES + len),
        Split::NeedMore(_) if buffered.len() < LENGTH_BYTES => None,
        Split::NeedMore(missing) => Some(buffered.len() + missing),
    })
}

/// Whether a connection that was last active then is to be closed now.
pub fn is_idle(last_active: MonoMs, now: MonoMs, idle_max_ms: i64) -> bool {
    idle_max_ms >= 0 && now >= last_active.plus_ms(idle_max_ms)
}
