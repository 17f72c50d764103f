//! Requests that have begun to arrive: what they hold together, and who is read on when that is too much.
//!
//! A request of which a part is missing cannot be carried out, so its memory comes free only by reading on. Up to a bound
//! everybody is read. Beyond it requests are read on one at a time, and those that stand still are given up. Requests of
//! the size that clients send are counted apart from larger ones, so that these keep only each other waiting.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::base::MonoMs;
use crate::base::limits::{
    ARRIVAL_FREE_BYTES, ARRIVAL_STALL_MS, ARRIVAL_TURN_MS_MAX, ORDINARY_REQUEST_BYTES_MAX,
    SHARD_ARRIVING_BYTES_MAX,
};
use crate::shard::pressure::{RoomWait, Waiters};

/// The unfinished requests of a shard.
#[derive(Default)]
pub struct Arrivals {
    ordinary: Crowd,
    large: Crowd,
}

/// Unfinished requests of about one size.
#[derive(Default)]
struct Crowd {
    held_bytes: Cell<usize>,
    /// Since when the one that is read on beyond the bound has its turn.
    turn: Cell<Option<MonoMs>>,
    waiting: Waiters,
}

/// The unfinished request of one connection.
#[derive(Default)]
pub struct Arrival {
    is_large: bool,
    held_bytes: usize,
    has_turn: bool,
    /// All that had arrived was received: the client has to send more.
    is_dry: bool,
    wait: RoomWait,
}

impl Arrivals {
    /// Ready when more of this request may be received.
    pub fn poll_room(
        &self,
        cx: &mut Context<'_>,
        arrival: &mut Arrival,
        now: impl FnOnce() -> MonoMs,
    ) -> Poll<()> {
        arrival.is_dry = false;
        let crowd = self.crowd(arrival);
        if arrival.has_turn || arrival.held_bytes < ARRIVAL_FREE_BYTES || !crowd.is_high() {
            return Poll::Ready(());
        }
        if crowd.turn.get().is_none() {
            crowd.turn.set(Some(now()));
            arrival.has_turn = true;
            return Poll::Ready(());
        }
        crowd.waiting.poll(cx, &mut arrival.wait)
    }

    /// There was nothing to receive.
    pub fn ran_dry(&self, arrival: &mut Arrival) {
        arrival.is_dry = true;
    }

    /// What the whole request will take, once its first bytes have told it.
    pub fn expect(&self, arrival: &mut Arrival, len: Option<usize>) {
        let is_large = len.is_some_and(|len| len > ORDINARY_REQUEST_BYTES_MAX);
        if arrival.is_large != is_large {
            let held = arrival.held_bytes;
            self.finish(arrival, 0);
            arrival.is_large = is_large;
            self.hold(arrival, held);
        }
    }

    /// What the connection holds now.
    pub fn hold(&self, arrival: &mut Arrival, bytes: usize) {
        let crowd = self.crowd(arrival);
        let others = crowd.held_bytes.get() - arrival.held_bytes;
        let is_less = bytes < arrival.held_bytes;
        arrival.held_bytes = bytes;
        crowd.held_bytes.set(others + bytes);
        if is_less && !crowd.is_high() {
            crowd.waiting.wake_all();
        }
    }

    /// The request is complete, or its connection has ended: the turn goes to another one.
    pub fn finish(&self, arrival: &mut Arrival, bytes_left: usize) {
        self.hold(arrival, bytes_left);
        if std::mem::take(&mut arrival.has_turn) {
            let crowd = self.crowd(arrival);
            crowd.turn.set(None);
            crowd.waiting.wake_all();
        }
    }

    /// Whether others wait for the memory of a request that stands still, or that takes too long over its turn.
    pub fn is_overdue(&self, arrival: &Arrival, last_active: MonoMs, now: MonoMs) -> bool {
        let crowd = self.crowd(arrival);
        if !arrival.is_dry || arrival.held_bytes < ARRIVAL_FREE_BYTES || !crowd.is_high() {
            return false;
        }
        let turn = crowd.turn.get().filter(|_| arrival.has_turn);
        now >= last_active.plus_ms(ARRIVAL_STALL_MS)
            || turn.is_some_and(|since| now >= since.plus_ms(ARRIVAL_TURN_MS_MAX))
    }

    /// Whether unfinished requests hold more than they may.
    pub fn is_high(&self) -> bool {
        self.ordinary.is_high() || self.large.is_high()
    }

    fn crowd(&self, arrival: &Arrival) -> &Crowd {
        match arrival.is_large {
            true => &self.large,
            false => &self.ordinary,
        }
    }
}

impl Crowd {
    fn is_high(&self) -> bool {
        self.held_bytes.get() > SHARD_ARRIVING_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    const NOW: MonoMs = MonoMs(50_000);
    const LARGE: usize = 48 << 20;

    /// Three requests that together hold too much.
    fn crowd(arrivals: &Arrivals) -> [Arrival; 3] {
        std::array::from_fn(|_| {
            let mut arrival = Arrival::default();
            assert!(may_go_on(arrivals, &mut arrival));
            arrivals.expect(&mut arrival, Some(2 * LARGE));
            arrivals.hold(&mut arrival, LARGE);
            arrival
        })
    }

    fn may_go_on(arrivals: &Arrivals, arrival: &mut Arrival) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        arrivals.poll_room(&mut cx, arrival, || NOW).is_ready()
    }

    #[test]
    fn beyond_the_bound_one_large_request_goes_on_and_small_ones_do() {
        let arrivals = Arrivals::default();
        let [mut first, mut second, mut third] = crowd(&arrivals);
        assert!(may_go_on(&arrivals, &mut first));
        assert!(!may_go_on(&arrivals, &mut second) && !may_go_on(&arrivals, &mut third));
        assert!(may_go_on(&arrivals, &mut first), "it keeps its turn");
        let mut small = Arrival::default();
        arrivals.hold(&mut small, 100);
        assert!(may_go_on(&arrivals, &mut small));
    }

    #[test]
    fn large_requests_do_not_keep_ordinary_ones_waiting() {
        let arrivals = Arrivals::default();
        let [mut first, mut second, _] = crowd(&arrivals);
        assert!(may_go_on(&arrivals, &mut first) && !may_go_on(&arrivals, &mut second));
        let mut ordinary = Arrival::default();
        arrivals.expect(&mut ordinary, Some(1 << 20));
        arrivals.hold(&mut ordinary, 1 << 19);
        assert!(may_go_on(&arrivals, &mut ordinary));
        // The next request on that connection is a large one.
        arrivals.expect(&mut ordinary, Some(LARGE));
        assert!(!may_go_on(&arrivals, &mut ordinary));
        arrivals.expect(&mut first, None);
        assert!(!arrivals.is_high(), "what it held is counted elsewhere");
    }

    #[test]
    fn a_turn_ends_with_the_request() {
        let arrivals = Arrivals::default();
        let [mut first, mut second, mut third] = crowd(&arrivals);
        assert!(may_go_on(&arrivals, &mut second));
        arrivals.hold(&mut second, 2 * LARGE);
        // What follows in the same buffer is large, too, but others have waited.
        arrivals.finish(&mut second, LARGE);
        assert!(may_go_on(&arrivals, &mut third) && !may_go_on(&arrivals, &mut second));
        arrivals.finish(&mut third, 0);
        assert!(!arrivals.is_high());
        assert!(may_go_on(&arrivals, &mut first) && may_go_on(&arrivals, &mut second));
    }

    #[test]
    fn who_stands_still_is_given_up_only_while_memory_is_short() {
        let arrivals = Arrivals::default();
        let [mut still, mut waiting, mut gone] = crowd(&arrivals);
        assert!(may_go_on(&arrivals, &mut still) && !may_go_on(&arrivals, &mut waiting));
        arrivals.ran_dry(&mut still);
        let later = NOW.plus_ms(ARRIVAL_STALL_MS);
        assert!(!arrivals.is_overdue(&still, NOW, MonoMs(later.0 - 1)));
        assert!(arrivals.is_overdue(&still, NOW, later));
        assert!(
            !arrivals.is_overdue(&waiting, NOW, later),
            "it is the broker that does not read"
        );
        arrivals.finish(&mut gone, 0);
        assert!(!arrivals.is_overdue(&still, NOW, later));
    }

    #[test]
    fn a_turn_is_not_for_ever() {
        let arrivals = Arrivals::default();
        let [mut slow, ..] = crowd(&arrivals);
        assert!(may_go_on(&arrivals, &mut slow));
        arrivals.ran_dry(&mut slow);
        let end = NOW.plus_ms(ARRIVAL_TURN_MS_MAX);
        let just_moved = MonoMs(end.0 - 1);
        assert!(!arrivals.is_overdue(&slow, just_moved, just_moved));
        assert!(arrivals.is_overdue(&slow, just_moved, end));
    }
}
