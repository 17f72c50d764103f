//! A shard's own cells among those of all shards.

use std::ops::Deref;
use std::sync::Arc;

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

    /// The shard that has the fewest connections; this one if it is among those.
    pub fn least_connected(&self) -> ShardId {
        let fewest = (0..self.all.len())
            .min_by_key(|&shard| (self.all[shard].connections.get(), shard != self.own.index()));
        fewest.map_or(self.own, |shard| ShardId(shard as u16))
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
        self.bytes_out.add(
            counters.sent_from_memory
                + counters.sent_from_chunks
                + counters.sent_from_files
                + counters.sent_waiting,
        );
        self.fetch_tail_bytes.add(counters.sent_from_chunks);
        self.fetch_sendfile_bytes.add(counters.sent_from_files);
        self.fetch_copied_bytes.add(counters.sent_waiting);
    }
}

impl Deref for Metrics {
    type Target = ShardMetrics;

    fn deref(&self) -> &ShardMetrics {
        &self.all[self.own.index()]
    }
}
