//! The deadlines of a generator thread: one alarm, set for the earliest.
//!
//! Thousands of connections wait for their next send here, each for the price of an entry, to the microsecond.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::io::alarm::Alarm;
use crate::io::clock;

/// A thread's deadlines.
#[derive(Debug)]
pub struct Timers {
    alarm: Alarm,
    waiting: RefCell<BTreeMap<(u64, u64), Waker>>,
    next_id: Cell<u64>,
}

impl Timers {
    /// None yet. Nobody is woken but while [`run`](Self::run) is.
    pub fn new() -> Rc<Timers> {
        Rc::new(Timers {
            alarm: Alarm::new(),
            waiting: RefCell::default(),
            next_id: Cell::new(0),
        })
    }

    /// Wakes at this time.
    pub fn wake_at(&self, at_us: u64, waker: Waker) {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let mut waiting = self.waiting.borrow_mut();
        let is_first = waiting
            .keys()
            .next()
            .is_none_or(|(first, _)| at_us < *first);
        waiting.insert((at_us, id), waker);
        if is_first {
            self.set_for(at_us);
        }
    }

    /// Waits until this time.
    pub async fn sleep_until(&self, at_us: u64) {
        let mut asked = false;
        poll_fn(|cx| {
            if clock::mono_us() >= at_us {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut asked, true) {
                self.wake_at(at_us, cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes whoever is due, for ever.
    pub async fn run(self: Rc<Self>) {
        loop {
            self.alarm.rung().await;
            self.ring();
        }
    }

    fn ring(&self) {
        let now_us = clock::mono_us();
        loop {
            let first = self.waiting.borrow().keys().next().copied();
            match first {
                Some(key) if key.0 <= now_us => {
                    let waker = self.waiting.borrow_mut().remove(&key);
                    waker.into_iter().for_each(Waker::wake);
                }
                Some((at_us, _)) => return self.set_for(at_us),
                None => return,
            }
        }
    }

    fn set_for(&self, at_us: u64) {
        let left = at_us.saturating_sub(clock::mono_us());
        self.alarm.set(Some(Duration::from_micros(left)));
    }
}
