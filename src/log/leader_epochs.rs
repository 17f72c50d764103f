//! Which leader epoch wrote which offsets (Kafka's `LeaderEpochFileCache`).

use crate::base::{LeaderEpoch, Offset};

/// The first offset that an epoch's leader wrote, or would have written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEntry {
    /// The leader epoch.
    pub epoch: LeaderEpoch,
    /// Its first offset.
    pub start_offset: Offset,
}

/// An epoch and the offset after its last record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEnd {
    /// The epoch found: the one asked for, or the largest below it.
    pub epoch: LeaderEpoch,
    /// Where it ends.
    pub end_offset: Offset,
}

/// A partition's history of leader epochs: epochs and start offsets both ascend.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeaderEpochs {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochs {
    /// A history read from its checkpoint; entries that contradict a later one are dropped.
    pub fn from_entries(entries: impl IntoIterator<Item = EpochEntry>) -> Self {
        let mut epochs = LeaderEpochs::default();
        for entry in entries {
            epochs.assign(entry.epoch, entry.start_offset);
        }
        epochs
    }

    /// The history, ascending: what the checkpoint file holds.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The latest epoch that has an entry.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|e| e.epoch)
    }

    /// The first entry.
    pub fn earliest(&self) -> Option<EpochEntry> {
        self.entries.first().copied()
    }

    /// Notes that `epoch` begins at `start_offset`; true if that changed the history. An epoch keeps its first start
    /// unless told an earlier one; entries that the new one contradicts are dropped. Negative values are ignored.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        if epoch.0 < 0 || start_offset.0 < 0 {
            return false;
        }
        let needed = |last: &EpochEntry| epoch != last.epoch || start_offset < last.start_offset;
        if !self.entries.last().is_none_or(needed) {
            return false;
        }
        while let Some(last) = self.entries.last()
            && (last.epoch >= epoch || last.start_offset >= start_offset)
        {
            self.entries.pop();
        }
        self.entries.push(EpochEntry {
            epoch,
            start_offset,
        });
        true
    }

    /// The end of the largest epoch at or below `requested` (`LeaderEpochFileCache.endOffsetFor`): the start of the next
    /// epoch, or the log's end for the latest. Below the first known epoch it is that epoch's start under the requested
    /// number; above the last there is no answer.
    pub fn end_offset_for(&self, requested: LeaderEpoch, log_end: Offset) -> Option<EpochEnd> {
        if requested.0 == -1 {
            return None;
        }
        if self.latest() == Some(requested) {
            return Some(EpochEnd {
                epoch: requested,
                end_offset: log_end,
            });
        }
        let higher = self.entries.partition_point(|e| e.epoch <= requested);
        let end_offset = self.entries.get(higher)?.start_offset;
        let epoch = higher
            .checked_sub(1)
            .map_or(requested, |floor| self.entries[floor].epoch);
        Some(EpochEnd { epoch, end_offset })
    }

    /// The epoch that wrote `offset`.
    pub fn epoch_for(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|e| e.start_offset <= offset);
        after.checked_sub(1).map(|i| self.entries[i].epoch)
    }

    /// Forgets what begins at or after `end_offset`; true if anything did.
    pub fn truncate_from_end(&mut self, end_offset: Offset) -> bool {
        let keep = self
            .entries
            .partition_point(|e| e.start_offset < end_offset);
        let changed = keep < self.entries.len();
        self.entries.truncate(keep);
        changed
    }

    /// Forgets the epochs that ended before `start_offset`; the one that holds it then begins there. True if changed.
    pub fn truncate_from_start(&mut self, start_offset: Offset) -> bool {
        let covered = self
            .entries
            .partition_point(|e| e.start_offset <= start_offset);
        let Some(holder) = covered.checked_sub(1) else {
            return false;
        };
        let changed = holder > 0 || self.entries[holder].start_offset != start_offset;
        self.entries.drain(..holder);
        self.entries[0].start_offset = start_offset;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(i32, i64)]) -> LeaderEpochs {
        LeaderEpochs::from_entries(entries.iter().map(|&(epoch, start)| EpochEntry {
            epoch: LeaderEpoch(epoch),
            start_offset: Offset(start),
        }))
    }

    fn listed(epochs: &LeaderEpochs) -> Vec<(i32, i64)> {
        let pair = |e: &EpochEntry| (e.epoch.0, e.start_offset.0);
        epochs.entries().iter().map(pair).collect()
    }

    #[test]
    fn assignments_keep_the_history_monotonic() {
        for (before, epoch, start, after) in [
            (&[][..], 0, 0, &[(0, 0)][..]),
            (&[(0, 0)], 0, 5, &[(0, 0)]),
            (&[(1, 5)], 1, 3, &[(1, 3)]),
            (&[(0, 0)], 1, 9, &[(0, 0), (1, 9)]),
            (&[(0, 0), (1, 9)], 2, 9, &[(0, 0), (2, 9)]),
            (
                &[(0, 0), (2, 9), (4, 20)],
                3,
                30,
                &[(0, 0), (2, 9), (3, 30)],
            ),
            (&[(0, 0), (2, 9), (4, 20)], 5, 4, &[(0, 0), (5, 4)]),
            (&[(0, 0)], -1, 4, &[(0, 0)]),
        ] {
            let mut epochs = history(before);
            epochs.assign(LeaderEpoch(epoch), Offset(start));
            assert_eq!(listed(&epochs), after, "{before:?} + ({epoch}, {start})");
        }
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = history(&[(2, 10), (4, 20), (5, 30)]);
        for (requested, expected) in [
            (-1, None),
            (0, Some((0, 10))),
            (2, Some((2, 20))),
            (3, Some((2, 20))),
            (4, Some((4, 30))),
            (5, Some((5, 99))),
            (6, None),
        ] {
            let end = epochs.end_offset_for(LeaderEpoch(requested), Offset(99));
            assert_eq!(
                end.map(|e| (e.epoch.0, e.end_offset.0)),
                expected,
                "{requested}"
            );
        }
        assert_eq!(history(&[]).end_offset_for(LeaderEpoch(0), Offset(9)), None);
    }

    #[test]
    fn truncation_forgets_what_is_gone() {
        let full = &[(2, 10), (4, 20), (5, 30)][..];
        for (end, left) in [
            (31, full),
            (30, &[(2, 10), (4, 20)]),
            (20, &[(2, 10)]),
            (0, &[]),
        ] {
            let mut epochs = history(full);
            assert_eq!(epochs.truncate_from_end(Offset(end)), left != full);
            assert_eq!(listed(&epochs), left, "end {end}");
        }
        for (start, left) in [
            (5, full),
            (10, full),
            (15, &[(2, 15), (4, 20), (5, 30)]),
            (20, &[(4, 20), (5, 30)]),
            (99, &[(5, 99)]),
        ] {
            let mut epochs = history(full);
            assert_eq!(epochs.truncate_from_start(Offset(start)), left != full);
            assert_eq!(listed(&epochs), left, "start {start}");
        }
    }

    #[test]
    fn an_offset_has_the_epoch_that_wrote_it() {
        let epochs = history(&[(2, 10), (4, 20)]);
        for (offset, epoch) in [
            (9, None),
            (10, Some(2)),
            (19, Some(2)),
            (20, Some(4)),
            (99, Some(4)),
        ] {
            assert_eq!(epochs.epoch_for(Offset(offset)).map(|e| e.0), epoch);
        }
    }
}
