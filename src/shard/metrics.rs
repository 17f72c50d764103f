//! A shard's own cells among those of all shards.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::base::ShardId;
use crate::control::metrics::ShardMetrics;
use crate::io::socket::SocketCounters;

/// The cells that this shard writes.
pub struct Metrics {
    all: Arc<[ShardMetrics]>,
    own: ShardId,
}

impl Metrics {
    /// The cells of one shard.
    pub fn new(all: Arc<[ShardMetrics]>, own: ShardId) -> Metrics {
        Metrics { all, own }
    }

    /// Chooses the shard for a new connection: the one that has the fewest, this one if it is among those. Two shards that
    /// choose at once do not choose the same.
    pub fn place(&self) -> ShardId {
        loop {
            let counts = self
                .all
                .iter()
                .map(|cells| cells.placed.load(Relaxed))
                .enumerate();
            let fewest = counts.min_by_key(|(shard, count)| (*count, *shard != self.own.index()));
            let Some((shard, count)) = fewest else {
                return self.own;
            };
            let taken = self.all[shard]
                .placed
                .compare_exchange(count, count + 1, Relaxed, Relaxed);
            if taken.is_ok() {
                return ShardId(shard as u16);
            }
        }
    }

    /// A new connection stays on this shard, however many others have.
    pub fn place_here(&self) {
        self.placed.fetch_add(1, Relaxed);
    }

    /// A connection of this shard has ended.
    pub fn displace(&self) {
        self.placed.fetch_sub(1, Relaxed);
    }

    /// A batch of so many bytes and records was appended.
    pub fn appended(&self, bytes: usize, records: i32) {
        self.batches_in.increment();
        self.record_bytes_in.add(bytes as u64);
        self.records_in.add(u64::try_from(records).unwrap_or(0));
    }

    /// Takes in what a connection has moved.
    pub fn moved(&self, counters: &SocketCounters) {
        self.bytes_in.add(counters.received);
        self.bytes_out
            .add(counters.sent_from_memory + counters.sent_from_chunks + counters.sent_from_files);
        self.fetch_tail_bytes.add(counters.sent_from_chunks);
        self.fetch_sendfile_bytes.add(counters.sent_from_files);
    }
}

impl Deref for Metrics {
    type Target = ShardMetrics;

    fn deref(&self) -> &ShardMetrics {
        &self.all[self.own.index()]
    }
}
