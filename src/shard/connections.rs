//! The connections of a shard: how many, how idle, and what is said of the faulty ones.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::Waker;

use crate::base::MonoMs;
use crate::base::limits::FAULT_LOG_LINES_PER_SECOND;
use crate::shard::Shard;
use crate::shard::connection::is_idle;

/// All connections of a shard.
#[derive(Default)]
pub struct Connections {
    entries: RefCell<HashMap<u64, Rc<Entry>>>,
    next_id: Cell<u64>,
    faults: RefCell<FaultLog>,
}

/// What the shard knows of a connection.
pub struct Entry {
    last_active: Cell<MonoMs>,
    close: Cell<bool>,
    draining: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Entry {
    /// Remembers whom to wake when the shard wants the connection's attention.
    pub fn remember(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        match known.as_ref() {
            Some(known) if known.will_wake(waker) => {}
            _ => *known = Some(waker.clone()),
        }
    }

    /// Bytes have moved.
    pub fn touch(&self, now: MonoMs) {
        self.last_active.set(now);
    }

    /// When bytes last moved.
    pub fn last_active(&self) -> MonoMs {
        self.last_active.get()
    }

    /// Whether the broker stops: no further request is read.
    pub fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Whether the connection is to end now, if it `is_at_rest`.
    pub fn is_to_close(&self, is_at_rest: bool) -> bool {
        self.close.get() || (self.draining.get() && is_at_rest)
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// A connection's place among the others, given up when it ends.
pub struct Registered {
    shard: Rc<Shard>,
    id: u64,
    entry: Rc<Entry>,
}

impl Registered {
    /// What the shard knows of this connection.
    pub fn entry(&self) -> Rc<Entry> {
        self.entry.clone()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shard.connections.entries.borrow_mut().remove(&self.id);
        self.shard.count_connections();
        self.shard.metrics.displace();
    }
}

impl Connections {
    /// Takes a connection in, unless there are too many.
    pub fn register(&self, shard: &Rc<Shard>) -> Option<Registered> {
        if self.len() >= shard.connections_max() {
            self.log_fault(
                "",
                "as many as max.connections and the limit of open files allow are there",
                shard.now().mono,
            );
            return None;
        }
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let entry = Rc::new(Entry {
            last_active: Cell::new(shard.now().mono),
            close: Cell::new(false),
            draining: Cell::new(false),
            waker: RefCell::new(None),
        });
        self.entries.borrow_mut().insert(id, entry.clone());
        shard.count_connections();
        Some(Registered {
            shard: shard.clone(),
            id,
            entry,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Closes what has moved no byte for longer than `connections.max.idle.ms`.
    pub fn close_idle(&self, now: MonoMs, idle_max_ms: i64) {
        for entry in self.entries.borrow().values() {
            if is_idle(entry.last_active.get(), now, idle_max_ms) {
                entry.close.set(true);
                entry.wake();
            }
        }
    }

    /// Has every connection see how it stands.
    pub fn wake_all(&self) {
        self.entries
            .borrow()
            .values()
            .for_each(|entry| entry.wake());
    }

    /// Lets every connection answer what it has read, and end.
    pub fn drain(&self) {
        for entry in self.entries.borrow().values() {
            entry.draining.set(true);
            entry.wake();
        }
    }

    /// Ends every connection, whatever it waits for.
    pub fn close_all(&self) {
        for entry in self.entries.borrow().values() {
            entry.close.set(true);
            entry.wake();
        }
    }

    /// Says in the log that a connection was closed for a fault of its client's, but not too often.
    pub fn log_fault(&self, host: &str, reason: &str, now: MonoMs) {
        let Some(suppressed) = self.faults.borrow_mut().admit(now) else {
            return;
        };
        tracing::warn!(client = host, suppressed, "closed a connection: {reason}");
    }
}

/// So many lines a second, and a count of those left out.
#[derive(Default)]
struct FaultLog {
    second: u64,
    lines: u32,
    suppressed: u64,
}

impl FaultLog {
    fn admit(&mut self, now: MonoMs) -> Option<u64> {
        if now.0 / 1000 != self.second {
            self.second = now.0 / 1000;
            self.lines = 0;
        }
        if self.lines >= FAULT_LOG_LINES_PER_SECOND {
            self.suppressed += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_logged_at_a_bounded_rate() {
        let mut log = FaultLog::default();
        let said = (0..1000)
            .filter(|_| log.admit(MonoMs(5_500)).is_some())
            .count();
        assert_eq!(said as u32, FAULT_LOG_LINES_PER_SECOND);
        let left_out = 1000 - u64::from(FAULT_LOG_LINES_PER_SECOND);
        assert_eq!(log.admit(MonoMs(6_000)), Some(left_out));
        assert_eq!(log.admit(MonoMs(6_001)), Some(0));
    }
}
