//! Those who wait for an offset: produces for their acknowledgement, fetches for data.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::Offset;
use crate::base::limits::PARKED_MAX;

/// Produces that wait until everything below an offset is written, or durable.
#[derive(Clone, Debug, Default)]
pub(super) struct ParkedAcks {
    waiting: VecDeque<(Offset, u64)>,
}

impl ParkedAcks {
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= PARKED_MAX
    }

    /// Parks a token. Nearly always it is the last; a duplicate waits among those of its original.
    pub fn park(&mut self, offset: Offset, token: u64) {
        let at = self.waiting.partition_point(|&(o, _)| o <= offset);
        self.waiting.insert(at, (offset, token));
    }

    /// The next token whose offset is reached.
    pub fn pop_reached(&mut self, reached: Offset) -> Option<u64> {
        self.waiting
            .pop_front_if(|&mut (o, _)| o <= reached)
            .map(|(_, token)| token)
    }

    pub fn pop(&mut self) -> Option<u64> {
        self.waiting.pop_front().map(|(_, token)| token)
    }

    /// The tokens that wait for more than `offset`, in order.
    pub fn take_beyond(&mut self, offset: Offset) -> impl Iterator<Item = u64> + use<> {
        let at = self.waiting.partition_point(|&(o, _)| o <= offset);
        self.waiting
            .split_off(at)
            .into_iter()
            .map(|(_, token)| token)
    }

    pub fn cancel(&mut self, token: u64) -> bool {
        let at = self.waiting.iter().position(|&(_, t)| t == token);
        at.and_then(|at| self.waiting.remove(at)).is_some()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn first(&self) -> Option<Offset> {
        self.waiting.front().map(|&(o, _)| o)
    }

    pub fn invariants(&self, reached: Offset) {
        assert!(self.waiting.len() <= PARKED_MAX);
        assert!(self.waiting.iter().is_sorted_by_key(|&(o, _)| o));
        assert!(self.first().is_none_or(|o| o > reached));
    }
}

/// Fetches that wait until the high watermark passes an offset.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchers {
    by_offset: BTreeSet<(Offset, u64)>,
    by_token: BTreeMap<u64, Offset>,
}

impl Watchers {
    /// Adds a watcher, or moves it. False at the bound.
    pub fn watch(&mut self, token: u64, offset: Offset) -> bool {
        self.unwatch(token);
        if self.by_token.len() >= PARKED_MAX {
            return false;
        }
        self.by_token.insert(token, offset);
        self.by_offset.insert((offset, token))
    }

    pub fn unwatch(&mut self, token: u64) -> bool {
        match self.by_token.remove(&token) {
            Some(offset) => self.by_offset.remove(&(offset, token)),
            None => false,
        }
    }

    /// The next watcher whose offset lies below the high watermark.
    pub fn pop_passed(&mut self, high_watermark: Offset) -> Option<u64> {
        let &(offset, _) = self.by_offset.first()?;
        (offset < high_watermark).then(|| self.pop()).flatten()
    }

    pub fn pop(&mut self) -> Option<u64> {
        let (_, token) = self.by_offset.pop_first()?;
        self.by_token.remove(&token);
        Some(token)
    }

    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    pub fn invariants(&self, high_watermark: Offset) {
        assert!(self.by_token.len() <= PARKED_MAX);
        assert_eq!(self.by_token.len(), self.by_offset.len());
        assert!(
            self.by_offset
                .first()
                .is_none_or(|&(o, _)| o >= high_watermark)
        );
    }
}
