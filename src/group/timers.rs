//! The deadlines of a coordinator: one table, each entry at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::MonoMs;

/// What a deadline is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// A member, or one that was only promised an id, must have been heard of.
    Session {
        /// Its group.
        group: Arc<str>,
        /// Its member id.
        member: Arc<str>,
    },
    /// The group's joining ends.
    Join(Arc<str>),
    /// All members must have asked for their assignment.
    Sync(Arc<str>),
    /// Old offsets and empty groups are looked for.
    Expiration,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    deadlines: BTreeMap<Timer, MonoMs>,
    queue: BTreeSet<(MonoMs, Timer)>,
}

impl Timers {
    /// Sets the timer, in place of what it was.
    pub(super) fn schedule(&mut self, timer: Timer, at: MonoMs) {
        if let Some(before) = self.deadlines.insert(timer.clone(), at) {
            self.queue.remove(&(before, timer.clone()));
        }
        self.queue.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, timer: &Timer) {
        if let Some((timer, at)) = self.deadlines.remove_entry(timer) {
            self.queue.remove(&(at, timer));
        }
    }

    pub(super) fn next_deadline(&self) -> Option<MonoMs> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The timers due at `now`, still set: each is to be taken with [`take_due`](Self::take_due)
    /// when its turn comes, because one may cancel another.
    pub(super) fn due(&self, now: MonoMs) -> Vec<Timer> {
        self.queue
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, timer)| timer.clone())
            .collect()
    }

    /// Unsets the timer if it is still due.
    pub(super) fn take_due(&mut self, timer: &Timer, now: MonoMs) -> bool {
        let due = self.deadlines.get(timer).is_some_and(|at| *at <= now);
        if due {
            self.cancel(timer);
        }
        due
    }

    pub(super) fn is_set(&self, timer: &Timer) -> bool {
        self.deadlines.contains_key(timer)
    }

    pub(super) fn clear(&mut self) {
        self.deadlines.clear();
        self.queue.clear();
    }

    pub(super) fn invariants(&self) {
        assert_eq!(self.deadlines.len(), self.queue.len());
        for (timer, at) in &self.deadlines {
            assert!(self.queue.contains(&(*at, timer.clone())));
        }
    }
}
