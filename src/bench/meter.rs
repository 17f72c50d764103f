//! What the connections of one generator thread have counted since the last second.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::bench::outcome::{Flow, Kind};

/// Counts of the current second.
#[derive(Debug)]
pub struct Meter {
    flows: RefCell<Vec<Flow>>,
    errors: RefCell<BTreeMap<String, u64>>,
    last_us: Cell<u64>,
}

impl Meter {
    /// Of these kinds.
    pub fn new(kinds: &[Kind]) -> Meter {
        Meter {
            flows: RefCell::new(empty(kinds)),
            errors: RefCell::default(),
            last_us: Cell::new(0),
        }
    }

    /// Counts something of a kind, which happened now.
    pub fn count(&self, kind: Kind, now_us: u64, count: impl FnOnce(&mut Flow)) {
        self.last_us.set(now_us);
        let mut flows = self.flows.borrow_mut();
        if let Some(flow) = flows.iter_mut().find(|flow| flow.kind == kind) {
            count(flow);
        }
    }

    /// Counts something that failed, by its name.
    pub fn fail(&self, kind: Kind, now_us: u64, name: String, times: u64) {
        self.count(kind, now_us, |flow| flow.errors += times);
        *self.errors.borrow_mut().entry(name).or_default() += times;
    }

    /// When something was counted last.
    pub fn last_us(&self) -> u64 {
        self.last_us.get()
    }

    /// Takes what was counted, and begins again.
    pub fn take(&self) -> (Vec<Flow>, BTreeMap<String, u64>) {
        let mut flows = self.flows.borrow_mut();
        let kinds: Vec<Kind> = flows.iter().map(|flow| flow.kind).collect();
        let taken = std::mem::replace(&mut *flows, empty(&kinds));
        (taken, self.errors.take())
    }
}

fn empty(kinds: &[Kind]) -> Vec<Flow> {
    kinds.iter().copied().map(Flow::new).collect()
}
