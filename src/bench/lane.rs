//! A connection under load: requests in flight up to a window, answers in their order, one task, one descriptor.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use crate::bench::client::{ANSWER_BYTES_MAX, Client};
use crate::bench::error::BenchError;
use crate::bench::timers::Timers;
use crate::io::clock;
use crate::io::executor::give_way;
use crate::io::recv_buffer::RecvBuffer;
use crate::io::send_queue::{Piece, SendQueue};
use crate::io::socket::Socket;
use crate::protocol::frame::{FrameError, FrameSplitter, LENGTH_BYTES, Split};
use crate::protocol::{ApiKey, Reader, decode_response_header};

/// Turns that a connection takes before others on its core have theirs.
const TURNS_PER_POLL: usize = 32;

/// Bytes that wait for the socket before no more are made.
const UNSENT_BYTES_MAX: u64 = 1 << 20;

/// What a connection is used for.
pub trait Work {
    /// Which requests it makes, in which version.
    fn api(&self) -> (ApiKey, i16);

    /// What to do now that there is room for a request, which would have this correlation id.
    fn next(&mut self, now_us: u64, correlation_id: i32) -> Result<Next, String>;

    /// The body of the answer to the oldest request without one, which was sent then. An error is about the broker: its
    /// answer cannot be understood.
    fn answered(&mut self, body: &[u8], sent_us: u64, now_us: u64) -> Result<(), String>;
}

/// What a connection does next.
#[derive(Debug)]
pub enum Next {
    /// Send this.
    Send {
        /// The whole frame.
        pieces: Vec<Piece>,
        /// Whether it will be answered.
        is_answered: bool,
    },
    /// Nothing before this time, unless an answer comes.
    Wait(u64),
    /// Nothing before an answer comes.
    Await,
    /// Nothing any more; what is in flight is waited for.
    Done,
}

/// How a connection is used.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests in flight at most.
    pub window: usize,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Uses a connection until its work is done.
pub async fn run<W: Work>(
    client: Client,
    work: W,
    bounds: Bounds,
    timers: Rc<Timers>,
) -> Result<(), BenchError> {
    let address = client.address().to_owned();
    let mut lane = Lane {
        socket: Socket::adopt(client.into_connection()?),
        work,
        bounds,
        timers,
        address,
        received: RecvBuffer::new(),
        unsent: SendQueue::new(),
        in_flight: VecDeque::new(),
        correlation_id: 0,
        sent_some_us: 0,
        wait_until_us: None,
        woken_at_us: None,
        is_done: false,
    };
    poll_fn(|cx| lane.poll(cx)).await
}

struct Lane<W> {
    work: W,
    bounds: Bounds,
    timers: Rc<Timers>,
    address: String,
    socket: Socket,
    received: RecvBuffer,
    unsent: SendQueue,
    in_flight: VecDeque<InFlight>,
    correlation_id: i32,
    /// When the socket last took something, or had nothing to take.
    sent_some_us: u64,
    wait_until_us: Option<u64>,
    /// The deadline that is set.
    woken_at_us: Option<u64>,
    is_done: bool,
}

struct InFlight {
    correlation_id: i32,
    sent_us: u64,
}

impl<W: Work> Lane<W> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BenchError>> {
        for _ in 0..TURNS_PER_POLL {
            let mut progress = self.poll_receive(cx)?;
            progress |= self.make_requests()?;
            progress |= self.poll_send(cx)?;
            if self.is_done && self.in_flight.is_empty() && self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !progress {
                return self.wait(cx).map(Err);
            }
        }
        give_way(cx);
        Poll::Pending
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Result<bool, BenchError> {
        if let Some(frame) = self
            .received
            .next_frame(frame_len)
            .map_err(|why| self.wrong(why))?
        {
            self.take_answer(&frame)?;
            return Ok(true);
        }
        match self.socket.poll_recv(cx, &mut self.received) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(0)) => Err(self.lost(io::Error::other("the broker closed it"))),
            Poll::Ready(Ok(_)) => Ok(true),
            Poll::Ready(Err(why)) => Err(self.lost(why)),
        }
    }

    fn take_answer(&mut self, frame: &Bytes) -> Result<(), BenchError> {
        let now_us = clock::mono_us();
        let (api, version) = self.work.api();
        let mut reader = Reader::new(frame.get(LENGTH_BYTES..).unwrap_or_default());
        let id =
            decode_response_header(&mut reader, api, version).map_err(|why| self.wrong(why))?;
        match self.in_flight.pop_front() {
            Some(request) if request.correlation_id == id => {
                let answered = self.work.answered(reader.rest(), request.sent_us, now_us);
                answered.map_err(|why| self.wrong(why))
            }
            Some(request) => {
                let expected = request.correlation_id;
                Err(self.wrong(format!("correlation id {id}, not {expected}")))
            }
            None => Err(self.wrong("nothing was asked")),
        }
    }

    /// Makes requests as long as there is room for them and they are due.
    fn make_requests(&mut self) -> Result<bool, BenchError> {
        let mut progress = false;
        while !self.is_done
            && self.in_flight.len() < self.bounds.window
            && self.unsent.len_bytes() < UNSENT_BYTES_MAX
        {
            let now_us = clock::mono_us();
            self.wait_until_us = None;
            let next = self.work.next(now_us, self.correlation_id);
            match next.map_err(|why| self.wrong(why))? {
                Next::Send {
                    pieces,
                    is_answered,
                } => {
                    if self.unsent.is_empty() {
                        self.sent_some_us = now_us;
                    }
                    pieces.into_iter().for_each(|piece| self.unsent.push(piece));
                    if is_answered {
                        self.in_flight.push_back(InFlight {
                            correlation_id: self.correlation_id,
                            sent_us: now_us,
                        });
                    }
                    self.correlation_id = self.correlation_id.wrapping_add(1);
                }
                Next::Wait(until_us) => {
                    self.wait_until_us = Some(until_us);
                    break;
                }
                Next::Await => break,
                Next::Done => self.is_done = true,
            }
            progress = true;
        }
        Ok(progress)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<bool, BenchError> {
        let before = self.unsent.len_bytes();
        if before == 0 {
            return Ok(false);
        }
        let sent = self.socket.poll_send(cx, &mut self.unsent);
        if self.unsent.len_bytes() < before {
            self.sent_some_us = clock::mono_us();
        }
        match sent {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(())) => Ok(true),
            Poll::Ready(Err(why)) => Err(self.lost(why)),
        }
    }

    /// Nothing can be done before something arrives or a deadline passes. Ready if the broker takes too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<BenchError> {
        let now_us = clock::mono_us();
        let timeout_us = self.bounds.timeout.as_micros() as u64;
        let oldest_us = self.in_flight.front().map(|request| request.sent_us);
        let unsent_us = (!self.unsent.is_empty()).then_some(self.sent_some_us);
        let too_late = oldest_us
            .into_iter()
            .chain(unsent_us)
            .min()
            .map(|since| since + timeout_us);
        if too_late.is_some_and(|at_us| at_us <= now_us) {
            return Poll::Ready(BenchError::Slow {
                address: self.address.clone(),
                what: self.work.api().0.spec().name,
                seconds: self.bounds.timeout.as_secs(),
            });
        }
        let Some(deadline) = self.wait_until_us.into_iter().chain(too_late).min() else {
            return Poll::Pending;
        };
        // What is set for an earlier time wakes in time to be set anew: seldom, since most waits end with an answer.
        if self
            .woken_at_us
            .is_none_or(|at_us| at_us <= now_us || deadline < at_us)
        {
            self.woken_at_us = Some(deadline);
            self.timers.wake_at(deadline, cx.waker().clone());
        }
        Poll::Pending
    }

    fn wrong(&self, why: impl ToString) -> BenchError {
        BenchError::Protocol {
            address: self.address.clone(),
            what: self.work.api().0.spec().name,
            why: why.to_string(),
        }
    }

    fn lost(&self, why: io::Error) -> BenchError {
        BenchError::Lost {
            address: self.address.clone(),
            what: self.work.api().0.spec().name,
            why,
        }
    }
}

/// The length of the first frame, its prefix included, once its first bytes tell it.
fn frame_len(buffered: &[u8]) -> Result<Option<usize>, FrameError> {
    Ok(
        match FrameSplitter::new(ANSWER_BYTES_MAX).split(buffered)? {
            Split::Frame(len) => Some(LENGTH_BYTES + len),
            Split::NeedMore(_) if buffered.len() < LENGTH_BYTES => None,
            Split::NeedMore(missing) => Some(buffered.len() + missing),
        },
    )
}
