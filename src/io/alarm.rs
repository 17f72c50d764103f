//! Time that passes: alarm clocks of a shard, told by the turns of its ring.
//!
//! Setting one costs no system call: the shard sleeps no longer than until the earliest.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

thread_local! {
    /// The alarms of this thread: a few a shard, since all its deadlines share one.
    static ALARMS: RefCell<Vec<Rc<Clock>>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Clock {
    due: Cell<Option<Instant>>,
    rung: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

/// When the first alarm of this thread goes off.
pub(super) fn next_due() -> Option<Instant> {
    ALARMS.with_borrow(|alarms| alarms.iter().filter_map(|clock| clock.due.get()).min())
}

/// Lets the alarms go off whose time has come.
pub(super) fn ring_due() {
    ALARMS.with_borrow(|alarms| {
        if alarms.iter().all(|clock| clock.due.get().is_none()) {
            return;
        }
        let now = Instant::now();
        for clock in alarms {
            if clock.due.get().is_some_and(|due| due <= now) {
                clock.due.set(None);
                clock.rung.set(true);
                let waiting = clock.waiting.take();
                waiting.into_iter().for_each(Waker::wake);
            }
        }
    });
}

/// An alarm clock that one task of the current shard listens to.
pub struct Alarm {
    clock: Rc<Clock>,
}

impl Alarm {
    /// An alarm that is not set.
    pub fn new() -> Alarm {
        let clock = Rc::new(Clock::default());
        ALARMS.with_borrow_mut(|alarms| alarms.push(clock.clone()));
        Alarm { clock }
    }

    /// Sets the alarm to go off once, `after` from now, in place of what it was set to. `None` only
    /// unsets it.
    pub fn set(&self, after: Option<Duration>) {
        let due = after.and_then(|after| Instant::now().checked_add(after));
        self.clock.due.set(due);
    }

    /// Ready when the alarm has gone off since this was last ready. An alarm that was set anew
    /// just as it went off may still be ready once for its former time.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.clock.rung.take() {
            return Poll::Ready(());
        }
        *self.clock.waiting.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits until the alarm goes off; see [`Self::poll_rung`].
    pub async fn rung(&self) {
        std::future::poll_fn(|cx| self.poll_rung(cx)).await;
    }
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm::new()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        ALARMS.with_borrow_mut(|alarms| alarms.retain(|clock| !Rc::ptr_eq(clock, &self.clock)));
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alarm(due {:?})", self.clock.due.get())
    }
}

/// Waits, with an alarm of its own: for what happens seldom.
pub async fn sleep(span: Duration) {
    let alarm = Alarm::new();
    alarm.set(Some(span));
    alarm.rung().await;
}

#[cfg(test)]
mod tests;
