//! One client connection: frames in, answers out in their order, one task, one descriptor.
//!
//! As in Kafka, a connection's requests are carried out one after the other, so that each sees what those before it did.
//! Only produces overlap, and commits of offsets: one that follows another of its kind is *dispatched* when its frame is
//! complete (it has its place in the log then) and *completed* later, so that they share their syncs. Only so many
//! requests and so many of their bytes may be under way, else the socket is not read.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::base::MonoMs;
use crate::base::limits::{
    CONNECTION_IN_FLIGHT_BYTES_MAX, CONNECTION_IN_FLIGHT_MAX, CONNECTION_TURNS_PER_POLL,
    CONNECTION_UNSENT_BYTES_MAX,
};
use crate::io::executor::give_way;
use crate::io::listener::RawConnection;
use crate::io::recv_buffer::RecvBuffer;
use crate::io::send_queue::SendQueue;
use crate::io::socket::Socket;
use crate::protocol::frame::{FrameError, FrameSplitter, LENGTH_BYTES, Split};
use crate::shard::Shard;
use crate::shard::arrivals::Arrival;
use crate::shard::connections::{Entry, Registered};
use crate::shard::dispatch::{self, Waits};
use crate::shard::pressure::RoomWait;
use crate::shard::response::Response;

/// What requests know of their connection.
pub struct Peer {
    /// The client's address, without the port, as group members show it.
    pub host: String,
    /// Where the client came in.
    pub port: Port,
}

/// The port that a client has connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// The one of all shards: the client means the broker.
    Shared,
    /// The shard's own, where clients are told of cores: the client means this one.
    OfThisCore,
}

/// Serves a connection until it ends.
pub async fn serve(shard: Rc<Shard>, raw: RawConnection, port: Port) {
    let Some(registered) = shard.connections.register(&shard) else {
        // Too many connections: closing this one is the answer.
        return shard.metrics.displace();
    };
    let host = raw.peer().ip().to_string();
    let mut connection = Connection {
        frame_bytes_max: shard.config.socket_request_max_bytes.max(0) as usize,
        peer: Rc::new(Peer { host, port }),
        entry: registered.entry(),
        _registered: registered,
        shard,
        socket: Socket::adopt(raw),
        received: RecvBuffer::new(),
        unsent: SendQueue::new(),
        in_flight: VecDeque::new(),
        in_flight_bytes: 0,
        ending: None,
        room_wait: RoomWait::default(),
        arrival: Arrival::default(),
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
    /// Nothing more is read; what was asked before is still answered.
    ending: Option<End>,
    frame_bytes_max: usize,
    room_wait: RoomWait,
    arrival: Arrival,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shard.pressure.give_back(self.in_flight_bytes);
        self.shard.arrivals.finish(&mut self.arrival, 0);
    }
}

struct InFlight {
    frame_bytes: usize,
    waits: Option<Waits>,
    state: State,
}

impl InFlight {
    fn is_queued(&self) -> bool {
        matches!(self.state, State::Queued(_))
    }
}

enum State {
    /// Its turn has not come.
    Queued(Bytes),
    Working(Pin<Box<dyn Future<Output = Response>>>),
    Done(Response),
}

impl State {
    /// Starts a frame's request. The first poll is the dispatch itself: what must keep its order happens in it.
    fn start(shard: &Rc<Shard>, peer: &Rc<Peer>, frame: Bytes, cx: &mut Context<'_>) -> State {
        let mut future = dispatch::start(shard, peer, frame);
        match future.as_mut().poll(cx) {
            Poll::Ready(response) => State::Done(response),
            Poll::Pending => State::Working(future),
        }
    }
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
        let polled = self.poll_turns(cx);
        self.shard.metrics.moved(&self.socket.take_counters());
        polled
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..CONNECTION_TURNS_PER_POLL {
            let mut progress = self.poll_answers(cx);
            match self.poll_send(cx) {
                Ok(sent) => progress |= sent,
                Err(end) => return Poll::Ready(end),
            }
            if let Some(end) = self.end() {
                return Poll::Ready(end);
            }
            match self.poll_receive(cx) {
                Ok(received) => progress |= received,
                Err(end) => return Poll::Ready(end),
            }
            if !progress {
                return Poll::Pending;
            }
        }
        give_way(cx);
        Poll::Pending
    }

    /// Why the connection ends now, if it does: as a rule, once everything is answered.
    fn end(&mut self) -> Option<End> {
        let is_at_rest = self.in_flight.is_empty() && self.unsent.is_empty();
        if is_at_rest && self.ending.is_some() {
            return self.ending.take();
        }
        if self.shard.arrivals.is_high() && self.is_overdue() {
            let why = "a request stood still while others waited for its memory";
            return Some(End::Fault(why.to_owned()));
        }
        self.entry.is_to_close(is_at_rest).then_some(End::Us)
    }

    fn is_overdue(&self) -> bool {
        let (last_active, now) = (self.entry.last_active(), self.shard.now().mono);
        let arrivals = &self.shard.arrivals;
        arrivals.is_overdue(&self.arrival, last_active, now)
    }

    /// Moves finished answers to the send queue, in order.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while self.unsent.len_bytes() < CONNECTION_UNSENT_BYTES_MAX {
            let Some(front) = self.in_flight.front_mut() else {
                break;
            };
            let response = match &mut front.state {
                State::Queued(_) => break,
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
            if let Response::Close(reason) = response {
                self.abandon(reason);
                break;
            }
            self.start_queued(cx);
            match response {
                Response::Send(pieces) => {
                    pieces.into_iter().for_each(|piece| self.unsent.push(piece));
                }
                Response::Nothing | Response::Close(_) => {}
            }
        }
        progress
    }

    /// Starts those whose turn has come.
    fn start_queued(&mut self, cx: &mut Context<'_>) {
        if !self.in_flight.back().is_some_and(InFlight::is_queued) {
            return;
        }
        let mut before = None;
        for request in &mut self.in_flight {
            if let State::Queued(frame) = &mut request.state {
                if !may_start(before, request.waits) {
                    return;
                }
                let frame = std::mem::take(frame);
                request.state = State::start(&self.shard, &self.peer, frame, cx);
            }
            before = Some(request.waits);
        }
    }

    /// Drops what comes after a request that closes the connection. What was answered before it is still sent.
    fn abandon(&mut self, reason: String) {
        self.ending = Some(End::Fault(reason));
        self.in_flight.clear();
        self.shard.pressure.give_back(self.in_flight_bytes);
        self.in_flight_bytes = 0;
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
        if self.take_frame(cx) {
            return Ok(true);
        }
        let (arrivals, now) = (&self.shard.arrivals, || self.shard.now().mono);
        let room = arrivals.poll_room(cx, &mut self.arrival, now);
        if room.is_pending() {
            return Ok(false);
        }
        match self.socket.poll_recv(cx, &mut self.received) {
            Poll::Pending => {
                arrivals.ran_dry(&mut self.arrival);
                Ok(false)
            }
            Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => Err(End::Peer),
            Poll::Ready(Ok(_)) => {
                self.entry.touch(now());
                arrivals.hold(&mut self.arrival, self.received.held_bytes());
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
            && self.ending.is_none()
    }

    /// Takes the next complete frame, if there is one, and starts its request if its turn has come.
    fn take_frame(&mut self, cx: &mut Context<'_>) -> bool {
        let splitter = FrameSplitter::new(self.frame_bytes_max);
        let next = self.received.next_frame(|bytes| frame_len(splitter, bytes));
        let frame = match next {
            Ok(Some(frame)) => frame.slice(LENGTH_BYTES..),
            Ok(None) => {
                self.note_begun();
                return false;
            }
            Err(error) => {
                self.ending = Some(End::Fault(error.to_string()));
                return true;
            }
        };
        let left = self.received.held_bytes();
        self.shard.arrivals.finish(&mut self.arrival, left);
        let (frame_bytes, waits) = (frame.len(), dispatch::waits(&frame));
        let last = self.in_flight.back();
        let is_turn =
            !last.is_some_and(InFlight::is_queued) && may_start(last.map(|last| last.waits), waits);
        let state = match is_turn {
            true => State::start(&self.shard, &self.peer, frame, cx),
            false => State::Queued(frame),
        };
        self.in_flight_bytes += frame_bytes;
        self.shard.pressure.take(frame_bytes);
        self.in_flight.push_back(InFlight {
            frame_bytes,
            waits,
            state,
        });
        true
    }

    /// A request has begun to arrive: its length may be known now, and room may have been made for it.
    fn note_begun(&mut self) {
        let (arrivals, arrival) = (&self.shard.arrivals, &mut self.arrival);
        arrivals.expect(arrival, self.received.expected_bytes());
        arrivals.hold(arrival, self.received.held_bytes());
    }

    fn log_end(&self, end: End) {
        if let End::Fault(reason) = end {
            self.shard.metrics.refused_requests.increment();
            self.shard
                .connections
                .log_fault(&self.peer.host, &reason, self.shard.now().mono);
        }
    }
}

/// Whether a request may start behind one that is under way, if there is one; each is told by what it waits for.
fn may_start(before: Option<Option<Waits>>, next: Option<Waits>) -> bool {
    before.is_none_or(|before| before == next && next.is_some())
}

/// The length of the first frame, its prefix included, once its first bytes tell it.
pub fn frame_len(splitter: FrameSplitter, buffered: &[u8]) -> Result<Option<usize>, FrameError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_produces_overlap_and_only_commits() {
        let [records, offsets] = [Waits::ForRecords, Waits::ForOffsets].map(Some);
        for next in [None, records, offsets] {
            assert!(may_start(None, next));
            assert!(
                !may_start(Some(None), next) && (next.is_none() || may_start(Some(next), next))
            );
        }
        assert!(!may_start(Some(records), None) && !may_start(Some(offsets), None));
        assert!(!may_start(Some(records), offsets) && !may_start(Some(offsets), records));
    }
}
