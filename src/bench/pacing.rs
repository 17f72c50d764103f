//! When records are due, and which of them make up the next batch. Pure: the time is an argument.
//!
//! In an open loop record `n` is due at a time that depends on `n` alone, so that a broker which stalls finds all that
//! was due meanwhile waiting, each with the latency that it really has. Nothing is queued: a batch is cut when there is
//! room for a request, out of what is due by then, as a producer's open batch goes on to fill until it is sent.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How fast records come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Pace {
    /// As fast as there is room for them: a record is due when it is sent.
    Saturation,
    /// At a fixed rate.
    OpenLoop {
        /// When the first record is due.
        start_us: u64,
        /// Microseconds from one record to the next.
        interval_us: f64,
    },
}

impl Pace {
    /// When record `n` is due. `now_us` in saturation.
    pub fn due_us(self, n: u64, now_us: u64) -> u64 {
        match self {
            Pace::Saturation => now_us,
            Pace::OpenLoop {
                start_us,
                interval_us,
            } => start_us + (n as f64 * interval_us) as u64,
        }
    }

    /// How many records are due by now. All that there will ever be, in saturation.
    pub fn due_by(self, now_us: u64) -> u64 {
        match self {
            Pace::Saturation => u64::MAX,
            Pace::OpenLoop { start_us, .. } if now_us < start_us => 0,
            Pace::OpenLoop {
                start_us,
                interval_us,
            } => (((now_us - start_us) as f64 / interval_us) as u64).saturating_add(1),
        }
    }

    /// How many records are due before `end_us`.
    pub fn due_before(self, end_us: u64) -> u64 {
        match end_us.checked_sub(1) {
            Some(last_us) => self.due_by(last_us),
            None => 0,
        }
    }

    /// Nanoseconds from one record of a batch to the next, when it takes every `stride`-th.
    pub fn step_ns(self, stride: u64) -> u64 {
        match self {
            Pace::Saturation => 0,
            Pace::OpenLoop { interval_us, .. } => (interval_us * 1000.0 * stride as f64) as u64,
        }
    }
}

/// What a connection's batches are like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cutting {
    /// When records are due.
    pub pace: Pace,
    /// Partitions to spread them over.
    pub slots: u32,
    /// Records that fill a batch.
    pub capacity: u32,
    /// How long a batch waits for more records once its first is due.
    pub linger_us: u64,
    /// Whether records go to the partitions in turn, so that all their batches fill at once. Else a batch is filled
    /// before the next partition's is begun.
    pub keyed: bool,
    /// Records in all.
    pub limit: u64,
    /// When saturation ends.
    pub end_us: u64,
    /// When what is still due is given up.
    pub give_up_us: u64,
}

/// A batch: the records `first`, `first + stride`, and so on, `count` of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Its partition, by its place among those of the connection.
    pub slot: u32,
    /// The number of its first record.
    pub first: u64,
    /// How many records it has.
    pub count: u32,
}

/// What is to be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Send this batch.
    Cut(Cut),
    /// Nothing before this time.
    Wait(u64),
    /// Nothing any more.
    Done,
}

/// Cuts batches. See the [module](self).
#[derive(Debug)]
pub struct Cutter {
    cutting: Cutting,
    stride: u64,
    /// The next record of each partition that may get a batch now, earliest first.
    heads: BinaryHeap<Reverse<(u64, u32)>>,
    cut: u64,
}

impl Cutter {
    /// With everything before it.
    pub fn new(mut cutting: Cutting) -> Cutter {
        if cutting.pace != Pace::Saturation {
            cutting.limit = cutting.limit.min(cutting.pace.due_before(cutting.end_us));
        }
        let at_once = if cutting.keyed { cutting.slots } else { 1 };
        Cutter {
            cutting,
            stride: u64::from(at_once),
            heads: (0..at_once)
                .map(|slot| Reverse((u64::from(slot), slot)))
                .collect(),
            cut: 0,
        }
    }

    /// How many numbers lie between one record of a batch and the next.
    pub fn stride(&self) -> u64 {
        self.stride
    }

    /// The batch to send now, if there is one. Call it when there is room for a batch of the partitions that
    /// `may` allows: if it is the turn of another one, nothing is cut.
    pub fn next(&mut self, now_us: u64, may: impl Fn(u32) -> bool) -> Turn {
        let Cutting {
            pace,
            capacity,
            linger_us,
            limit,
            end_us,
            give_up_us,
            ..
        } = self.cutting;
        while let Some(Reverse((first, slot))) = self.heads.peek().copied() {
            let left = limit.saturating_sub(first).div_ceil(self.stride);
            let full = left.min(u64::from(capacity));
            if full == 0 {
                self.heads.pop();
                continue;
            }
            if !may(slot) {
                return Turn::Wait(now_us);
            }
            if now_us >= give_up_us || (pace == Pace::Saturation && now_us >= end_us) {
                return Turn::Done;
            }
            let due = pace.due_by(now_us).saturating_sub(first);
            let count = due.div_ceil(self.stride).min(full);
            let full_us = pace.due_us(first + (full - 1) * self.stride, now_us);
            let ready_us = full_us.min(pace.due_us(first, now_us).saturating_add(linger_us));
            if count < full && (count == 0 || now_us < ready_us) {
                // Rounding may put the time when a record is due a hair before that from which it counts.
                return Turn::Wait(ready_us.max(now_us + 1));
            }
            return Turn::Cut(self.take(Cut {
                slot,
                first,
                count: count as u32,
            }));
        }
        Turn::Done
    }

    fn take(&mut self, cut: Cut) -> Cut {
        self.heads.pop();
        let next = cut.first + u64::from(cut.count) * self.stride;
        let slot = match self.cutting.keyed {
            true => cut.slot,
            false => (cut.slot + 1) % self.cutting.slots,
        };
        self.heads.push(Reverse((next, slot)));
        self.cut += u64::from(cut.count);
        cut
    }

    /// Records that were due and never sent, once it is [`Turn::Done`].
    pub fn given_up(&self) -> u64 {
        match self.cutting.pace {
            Pace::Saturation => 0,
            Pace::OpenLoop { .. } => self.cutting.limit.saturating_sub(self.cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Pace = Pace::OpenLoop {
        start_us: 1_000,
        interval_us: 10.0,
    };

    fn cutting(pace: Pace) -> Cutting {
        Cutting {
            pace,
            slots: 3,
            capacity: 4,
            linger_us: 25,
            keyed: false,
            limit: u64::MAX,
            end_us: 2_000,
            give_up_us: 9_000,
        }
    }

    fn cut(slot: u32, first: u64, count: u32) -> Turn {
        Turn::Cut(Cut { slot, first, count })
    }

    fn check(cutting: Cutting, expected: &[(u64, Turn)]) {
        let mut cutter = Cutter::new(cutting);
        for (step, (now_us, turn)) in expected.iter().enumerate() {
            assert_eq!(
                cutter.next(*now_us, |_| true),
                *turn,
                "step {step} at {now_us}"
            );
        }
    }

    #[test]
    fn records_are_due_at_their_own_times() {
        for (now, due) in [
            (0, 0),
            (999, 0),
            (1_000, 1),
            (1_009, 1),
            (1_010, 2),
            (1_100, 11),
        ] {
            assert_eq!(OPEN.due_by(now), due, "{now}");
        }
        assert_eq!(OPEN.due_us(7, 0), 1_070);
        assert_eq!(OPEN.due_before(1_070), 7);
        assert_eq!(OPEN.step_ns(3), 30_000);
    }

    #[test]
    fn rates_that_do_not_divide_lose_nothing() {
        let pace = Pace::OpenLoop {
            start_us: 17,
            interval_us: 1e6 / 333_333.0,
        };
        for n in (0..1_000_000).step_by(977) {
            let due = pace.due_us(n, 0);
            assert!(
                pace.due_by(due + 1) > n && pace.due_by(due.saturating_sub(4)) <= n,
                "{n}"
            );
        }
    }

    #[test]
    fn a_batch_leaves_when_it_is_full_or_has_lingered() {
        check(
            cutting(OPEN),
            &[
                (0, Turn::Wait(1_025)),
                (1_000, Turn::Wait(1_025)),
                // Lingered: three records are due.
                (1_025, cut(0, 0, 3)),
                (1_025, Turn::Wait(1_055)),
                // A stall: what became due meanwhile leaves in full batches, one partition after the other.
                (1_500, cut(1, 3, 4)),
                (1_500, cut(2, 7, 4)),
                (1_500, cut(0, 11, 4)),
            ],
        );
    }

    #[test]
    fn a_full_batch_does_not_linger() {
        let slow = Cutting {
            linger_us: 1_000_000,
            ..cutting(OPEN)
        };
        check(
            slow,
            &[
                (1_000, Turn::Wait(1_030)),
                (1_029, Turn::Wait(1_030)),
                (1_030, cut(0, 0, 4)),
            ],
        );
    }

    #[test]
    fn keyed_records_fill_all_partitions_at_once() {
        let keyed = Cutting {
            keyed: true,
            linger_us: 50,
            limit: 8,
            ..cutting(OPEN)
        };
        check(
            keyed,
            &[
                // Records 0 to 5 are due, 0 and 3 of them for the first partition.
                (1_050, cut(0, 0, 2)),
                (1_050, Turn::Wait(1_060)),
                (1_060, cut(1, 1, 2)),
                // The last records of a partition do not wait for more.
                (1_065, cut(2, 2, 2)),
                (1_065, cut(0, 6, 1)),
                (1_065, Turn::Wait(1_070)),
                (1_070, cut(1, 7, 1)),
                (1_070, Turn::Done),
            ],
        );
    }

    #[test]
    fn saturation_is_full_batches_until_the_end_or_the_limit() {
        let limited = Cutting {
            limit: 10,
            ..cutting(Pace::Saturation)
        };
        check(
            limited,
            &[
                (0, cut(0, 0, 4)),
                (0, cut(1, 4, 4)),
                (1_999, cut(2, 8, 2)),
                (1_999, Turn::Done),
            ],
        );
        check(limited, &[(1_999, cut(0, 0, 4)), (2_000, Turn::Done)]);
    }

    #[test]
    fn what_was_due_before_the_end_is_sent_after_it_until_patience_ends() {
        let mut cutter = Cutter::new(cutting(OPEN));
        let mut sent = 0;
        while let Turn::Cut(cut) = cutter.next(8_999, |_| true) {
            sent += u64::from(cut.count);
        }
        assert_eq!((sent, cutter.given_up()), (100, 0));
        let mut cutter = Cutter::new(cutting(OPEN));
        assert_eq!(cutter.next(1_500, |_| true), cut(0, 0, 4));
        assert_eq!(cutter.next(9_000, |_| true), Turn::Done);
        assert_eq!(cutter.given_up(), 96);
    }
}
