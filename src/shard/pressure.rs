//! When a shard has taken on as much as it may, its connections are not read.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::base::ShardId;
use crate::base::limits::SHARD_IN_FLIGHT_BYTES_MAX;
use crate::shard::messages::Message;

/// What a shard's requests hold, and the messages for which the mesh had no room.
#[derive(Default)]
pub struct Pressure {
    in_flight_bytes: Cell<usize>,
    deferred: Cell<usize>,
    outboxes: RefCell<Vec<VecDeque<Message>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl Pressure {
    /// For a shard among `shards`.
    pub fn new(shards: usize) -> Pressure {
        let outboxes = (0..shards).map(|_| VecDeque::new()).collect();
        Pressure {
            outboxes: RefCell::new(outboxes),
            ..Pressure::default()
        }
    }

    /// Ready when another request may be read.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_high() {
            return Poll::Ready(());
        }
        self.waiting.borrow_mut().push(cx.waker().clone());
        Poll::Pending
    }

    /// A request of so many bytes has been read.
    pub fn take(&self, bytes: usize) {
        self.in_flight_bytes.set(self.in_flight_bytes.get() + bytes);
    }

    /// It has been answered.
    pub fn give_back(&self, bytes: usize) {
        self.in_flight_bytes.set(self.in_flight_bytes.get() - bytes);
        self.relax();
    }

    /// Whether messages for this shard wait already: the next ones queue behind them.
    pub fn has_deferred(&self, to: ShardId) -> bool {
        !self.outboxes.borrow()[to.index()].is_empty()
    }

    /// Keeps a message for which there was no room; true if it is the first, so that someone must send it on.
    pub fn defer(&self, to: ShardId, message: Message) -> bool {
        let mut outboxes = self.outboxes.borrow_mut();
        outboxes[to.index()].push_back(message);
        self.deferred.set(self.deferred.get() + 1);
        outboxes[to.index()].len() == 1
    }

    /// Takes the oldest kept message out; what is behind it keeps its order until [`sent`](Self::sent).
    pub fn next_deferred(&self, to: ShardId) -> Option<Message> {
        self.outboxes.borrow_mut()[to.index()].pop_front()
    }

    /// A kept message has found room.
    pub fn sent(&self) {
        self.deferred.set(self.deferred.get() - 1);
        self.relax();
    }

    fn is_high(&self) -> bool {
        self.deferred.get() > 0 || self.in_flight_bytes.get() > SHARD_IN_FLIGHT_BYTES_MAX
    }

    fn relax(&self) {
        if !self.is_high() {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }
}
