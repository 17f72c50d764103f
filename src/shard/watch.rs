//! Waiting for news of partitions.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::base::limits::CROWDED_WATCH_MS;
use crate::base::{MonoMs, Offset, TopicPartition};
use crate::shard::Shard;
use crate::shard::timer::sleep;

/// Those of a shard who wait for news.
#[derive(Default)]
pub struct Watchers {
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, Weak<Signal>>>,
}

impl Watchers {
    /// A partition has news for this watcher.
    pub fn wake(&self, token: u64) {
        let signal = self.waiting.borrow().get(&token).and_then(Weak::upgrade);
        if let Some(signal) = signal {
            signal.fire();
        }
    }
}

#[derive(Default)]
struct Signal {
    fired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Signal {
    fn fire(&self) {
        self.fired.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// Watches partitions until it is dropped.
pub struct Watch {
    shard: Rc<Shard>,
    token: u64,
    signal: Rc<Signal>,
    partitions: Vec<TopicPartition>,
    /// A partition has too many watchers already: nobody will fire for it.
    is_crowded: bool,
}

impl Watch {
    /// Watches partitions, each for more than the high watermark that was seen. If one has more already, or has ended, the
    /// watch has fired. Where too many watch already, it fires after a while.
    pub fn register(
        shard: &Rc<Shard>,
        seen: impl Iterator<Item = (TopicPartition, Offset)>,
    ) -> Watch {
        let watchers = &shard.watchers;
        let token = watchers.next.get();
        watchers.next.set(token + 1);
        let signal = Rc::new(Signal::default());
        watchers
            .waiting
            .borrow_mut()
            .insert(token, Rc::downgrade(&signal));
        let mut watch = Watch {
            shard: shard.clone(),
            token,
            signal,
            partitions: Vec::new(),
            is_crowded: false,
        };
        for (id, high_watermark) in seen {
            watch.add(id, high_watermark);
        }
        shard.metrics.parked_fetches.increment();
        watch
    }

    fn add(&mut self, id: TopicPartition, high_watermark: Offset) {
        let Some(hosted) = self.shard.hosted(id) else {
            return self.signal.fire();
        };
        let mut state = hosted.state.borrow_mut();
        if state.watch(self.token, high_watermark) {
            self.partitions.push(id);
        } else if state.unavailable().is_some() || state.high_watermark() > high_watermark {
            self.signal.fire();
        } else {
            self.is_crowded = true;
        }
    }

    /// Waits for news, or for the deadline.
    pub async fn fired(&self, shard: &Shard, deadline: MonoMs) {
        let mut left = deadline.0.saturating_sub(shard.now().mono.0);
        if self.is_crowded {
            left = left.min(CROWDED_WATCH_MS);
        }
        let mut timeout = std::pin::pin!(sleep(Duration::from_millis(left)));
        poll_fn(|cx| {
            if self.signal.fired.get() || timeout.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            *self.signal.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shard.watchers.waiting.borrow_mut().remove(&self.token);
        for id in &self.partitions {
            if let Some(hosted) = self.shard.hosted(*id) {
                hosted.state.borrow_mut().unwatch(self.token);
            }
        }
        self.shard.metrics.parked_fetches.decrement();
    }
}
