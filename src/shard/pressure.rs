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
    outboxes: RefCell<Vec<Outbox>>,
    waiting: Waiters,
}

/// The messages kept for one shard.
#[derive(Default)]
struct Outbox {
    kept: VecDeque<Message>,
    /// Someone sends what is kept, one message after the other.
    emptying: bool,
}

/// Those who wait for room, until there may be some.
#[derive(Default)]
pub struct Waiters {
    wakers: RefCell<Vec<Waker>>,
    /// How often all who waited have been woken.
    rounds: Cell<u64>,
}

/// Remembers that a connection waits for room already.
#[derive(Default)]
pub struct RoomWait {
    round: Option<u64>,
}

impl Waiters {
    /// Waits. However often it is polled, it waits once.
    pub fn poll(&self, cx: &mut Context<'_>, wait: &mut RoomWait) -> Poll<()> {
        let round = Some(self.rounds.get());
        if std::mem::replace(&mut wait.round, round) != round {
            self.wakers.borrow_mut().push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Lets all who wait look again.
    pub fn wake_all(&self) {
        self.rounds.set(self.rounds.get() + 1);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }
}

impl Pressure {
    /// For a shard among `shards`.
    pub fn new(shards: usize) -> Pressure {
        Pressure {
            outboxes: RefCell::new((0..shards).map(|_| Outbox::default()).collect()),
            ..Pressure::default()
        }
    }

    /// Ready when another request may be read.
    pub fn poll_room(&self, cx: &mut Context<'_>, wait: &mut RoomWait) -> Poll<()> {
        if !self.is_high() {
            return Poll::Ready(());
        }
        self.waiting.poll(cx, wait)
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

    /// Whether messages for this shard wait already, or one is on its way: the next ones queue behind them.
    pub fn has_deferred(&self, to: ShardId) -> bool {
        self.outboxes.borrow()[to.index()].emptying
    }

    /// Keeps a message for which there was no room; true if nobody empties that outbox yet, so that the caller must.
    pub fn defer(&self, to: ShardId, message: Message) -> bool {
        let outbox = &mut self.outboxes.borrow_mut()[to.index()];
        outbox.kept.push_back(message);
        self.deferred.set(self.deferred.get() + 1);
        !std::mem::replace(&mut outbox.emptying, true)
    }

    /// Takes the oldest kept message out, to be sent before the next one is taken. None ends the emptying.
    pub fn next_deferred(&self, to: ShardId) -> Option<Message> {
        let outbox = &mut self.outboxes.borrow_mut()[to.index()];
        let next = outbox.kept.pop_front();
        outbox.emptying = next.is_some();
        next
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
            self.waiting.wake_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: ShardId = ShardId(1);

    fn cancel(token: u64) -> Message {
        let from = ShardId(0);
        Message::Cancel { from, token }
    }

    fn token(message: Option<Message>) -> Option<u64> {
        match message? {
            Message::Cancel { token, .. } => Some(token),
            _ => None,
        }
    }

    #[test]
    fn a_message_on_its_way_is_not_overtaken() {
        let pressure = Pressure::new(2);
        assert!(
            pressure.defer(TO, cancel(1)),
            "the first is for someone to send on"
        );
        assert_eq!(token(pressure.next_deferred(TO)), Some(1));
        // The only kept message has been taken out and waits for room.
        assert!(pressure.has_deferred(TO));
        assert!(!pressure.defer(TO, cancel(2)), "one task empties an outbox");
        pressure.sent();
        assert_eq!(token(pressure.next_deferred(TO)), Some(2));
        pressure.sent();
        assert_eq!(token(pressure.next_deferred(TO)), None);
        assert!(!pressure.has_deferred(TO));
        assert!(pressure.defer(TO, cancel(3)), "emptying begins anew");
    }

    #[test]
    fn whoever_polls_often_waits_once() {
        let pressure = Pressure::new(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut wait = RoomWait::default();
        pressure.take(SHARD_IN_FLIGHT_BYTES_MAX + 1);
        for _ in 0..10 {
            assert!(pressure.poll_room(&mut cx, &mut wait).is_pending());
        }
        assert_eq!(pressure.waiting.wakers.borrow().len(), 1);
        pressure.give_back(1);
        assert!(pressure.waiting.wakers.borrow().is_empty());
        assert!(pressure.poll_room(&mut cx, &mut wait).is_ready());
        pressure.take(1);
        assert!(pressure.poll_room(&mut cx, &mut wait).is_pending());
        assert_eq!(pressure.waiting.wakers.borrow().len(), 1);
    }
}
