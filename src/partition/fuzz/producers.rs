//! The producers' rules, told plainly: all batches in a list, searched from the end.

use crate::base::{Offset, ProducerId, TimestampMs};
use crate::log::{BatchInfo, Producers};
use crate::protocol::ErrorCode;

#[derive(Default)]
pub(super) struct NaiveProducers {
    batches: Vec<(BatchInfo, Offset)>,
}

impl NaiveProducers {
    /// What an append must answer: stored, a duplicate of the batch at an offset, or refused.
    pub fn judge(&self, batch: &BatchInfo) -> Result<Option<Offset>, ErrorCode> {
        let Some(&(last, _)) = self.of(batch.producer_id).last() else {
            return Ok(None);
        };
        let run = self.of(batch.producer_id).rev();
        let known = run
            .take_while(|(b, _)| b.producer_epoch == last.producer_epoch)
            .take(5)
            .find(|(b, _)| {
                b.producer_epoch == batch.producer_epoch
                    && b.base_sequence == batch.base_sequence
                    && b.record_count == batch.record_count
            });
        if let Some(&(_, offset)) = known {
            return Ok(Some(offset));
        }
        if batch.producer_epoch < last.producer_epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        let due = if batch.producer_epoch == last.producer_epoch {
            next_sequence(&last)
        } else {
            0
        };
        if batch.base_sequence == due {
            Ok(None)
        } else {
            Err(ErrorCode::OutOfOrderSequenceNumber)
        }
    }

    /// An epoch and a sequence for the next batch: mostly the right ones, sometimes an old, a new or a wrong one.
    pub fn suggest(&self, id: ProducerId, dice: u8) -> (i16, i32) {
        if id == ProducerId::NONE {
            return (-1, -1);
        }
        let all: Vec<_> = self.of(id).collect();
        let Some((last, _)) = all.last() else {
            return (0, [0, 5, i32::MAX - 2][dice as usize % 3]);
        };
        let epoch = last.producer_epoch.0;
        match dice % 16 {
            0..=8 => (epoch, next_sequence(last)),
            9..=12 => {
                let (again, _) = all[all.len() - 1 - (dice as usize / 16) % all.len()];
                (again.producer_epoch.0, again.base_sequence)
            }
            13 => (epoch.saturating_add(1), i32::from(dice / 128)),
            14 => (epoch.saturating_sub(1).max(0), next_sequence(last)),
            _ => (epoch, next_sequence(last) / 2 + 1),
        }
    }

    pub fn append(&mut self, batch: &BatchInfo, offset: Offset) {
        if batch.has_producer() {
            self.batches.push((*batch, offset));
        }
    }

    pub fn expire(&mut self, now: TimestampMs, expiration_ms: i64) {
        let idle: Vec<ProducerId> = (0..4)
            .map(ProducerId)
            .filter(|&id| {
                let last = self.of(id).last();
                last.is_some_and(|(b, _)| now.0 - b.max_timestamp.0 >= expiration_ms)
            })
            .collect();
        self.batches.retain(|(b, _)| !idle.contains(&b.producer_id));
    }

    pub fn clear(&mut self) {
        self.batches.clear();
    }

    pub fn truncate(&mut self, end: Offset) {
        let last = |b: &BatchInfo, offset: Offset| offset.plus(i64::from(b.last_offset_delta));
        self.batches.retain(|(b, offset)| last(b, *offset) < end);
    }

    /// The state that recovery would build from these batches.
    pub fn replayed(&self) -> Producers {
        let mut producers = Producers::default();
        for (batch, offset) in &self.batches {
            producers.replay(batch, *offset);
        }
        producers
    }

    fn of(&self, id: ProducerId) -> impl DoubleEndedIterator<Item = &(BatchInfo, Offset)> {
        self.batches
            .iter()
            .filter(move |(b, _)| b.producer_id == id)
    }
}

fn next_sequence(last: &BatchInfo) -> i32 {
    let next = i64::from(last.base_sequence) + i64::from(last.record_count);
    (next % (i64::from(i32::MAX) + 1)) as i32
}
