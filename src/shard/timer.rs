//! Timers of a shard, and bells that wake a task of it.
//!
//! All deadlines of a shard share one [`alarm`](crate::io::alarm), set for the earliest.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::base::MonoMs;
use crate::io::alarm::Alarm;
use crate::io::clock;

thread_local! {
    /// The timers of this thread's shard.
    static TIMERS: RefCell<Option<Rc<Timers>>> = const { RefCell::new(None) };
}

struct Timers {
    alarm: Alarm,
    waiting: RefCell<BTreeMap<(MonoMs, u64), Waker>>,
    next_id: Cell<u64>,
}

impl Timers {
    fn wait(&self, key: (MonoMs, u64), waker: Waker) {
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting.keys().next().is_none_or(|first| key < *first);
        waiting.insert(key, waker);
        if is_first {
            self.set_for(key.0);
        }
    }

    fn set_for(&self, deadline: MonoMs) {
        let left = deadline.0.saturating_sub(clock::now().mono.0);
        self.alarm.set(Some(Duration::from_millis(left)));
    }

    /// Wakes whoever is due, and sets the alarm for the next.
    fn ring(&self) {
        let now = clock::now().mono;
        loop {
            let first = self.waiting.borrow().keys().next().copied();
            match first {
                Some(key) if key.0 <= now => {
                    let waker = self.waiting.borrow_mut().remove(&key);
                    waker.into_iter().for_each(Waker::wake);
                }
                Some((deadline, _)) => return self.set_for(deadline),
                None => return,
            }
        }
    }
}

/// Makes the timers of this thread's shard; the future keeps them going.
pub fn start() -> impl Future<Output = ()> {
    let timers = Rc::new(Timers {
        alarm: Alarm::new(),
        waiting: RefCell::default(),
        next_id: Cell::new(0),
    });
    TIMERS.set(Some(timers.clone()));
    async move {
        loop {
            timers.alarm.rung().await;
            timers.ring();
        }
    }
}

/// Completes after this long, by the millisecond. Only on a thread whose timers were [started](start).
pub fn sleep(duration: Duration) -> Sleep {
    let timers = TIMERS.with_borrow(|timers| timers.clone());
    let timers = timers.expect("the shard's timers are started before its tasks");
    let id = timers.next_id.get();
    timers.next_id.set(id + 1);
    let ms = i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
    Sleep {
        key: (clock::now().mono.plus_ms(ms), id),
        timers,
    }
}

/// A wait that may be dropped freely.
pub struct Sleep {
    timers: Rc<Timers>,
    key: (MonoMs, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if clock::now().mono >= self.key.0 {
            return Poll::Ready(());
        }
        self.timers.wait(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.timers.waiting.borrow_mut().remove(&self.key);
    }
}

/// Wakes one task, however often it is rung.
#[derive(Default)]
pub struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    /// Wakes the task, or keeps it from sleeping next time.
    pub fn ring(&self) {
        if !self.rung.replace(true)
            && let Some(waker) = self.waker.borrow_mut().take()
        {
            waker.wake();
        }
    }

    /// Waits for a ring.
    pub async fn rung(&self) {
        poll_fn(|cx| self.poll_rung(cx)).await;
    }

    /// Waits for a ring, but no longer than this.
    pub async fn rung_within(&self, duration: Option<Duration>) {
        let Some(duration) = duration else {
            return self.rung().await;
        };
        let mut timeout = std::pin::pin!(sleep(duration));
        poll_fn(|cx| match self.poll_rung(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => timeout.as_mut().poll(cx),
        })
        .await;
    }

    fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rung.replace(false) {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}
