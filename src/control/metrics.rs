//! What the shards count, and the page that shows it.
//!
//! Each shard writes cells of its own without synchronization beyond the cell itself; the control thread reads
//! them when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::protocol::ApiKey;

/// A cell that one thread writes and any thread reads.
///
/// With one writer, a load and a store make an addition, which is cheaper than an atomic one.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

impl Cell {
    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.store(self.get().wrapping_add(n), Relaxed);
    }

    /// Counts one more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts one less.
    pub fn decrement(&self) {
        self.0.store(self.get().saturating_sub(1), Relaxed);
    }

    /// Replaces the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Room for every API's key.
const API_SLOTS: usize = 128;

const _: () = {
    let mut i = 0;
    while i < ApiKey::ALL.len() {
        assert!((ApiKey::ALL[i].code() as usize) < API_SLOTS);
        i += 1;
    }
};

/// A cell for each API.
#[derive(Debug)]
pub struct ApiCells([Cell; API_SLOTS]);

impl Default for ApiCells {
    fn default() -> ApiCells {
        ApiCells(std::array::from_fn(|_| Cell::default()))
    }
}

impl ApiCells {
    /// The API's cell.
    pub fn of(&self, api: ApiKey) -> &Cell {
        &self.0[api.code() as usize]
    }
}

/// What one shard counts. The shard is the only writer.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ShardMetrics {
    /// Connections that are the shard's or on their way to it. The one cell that every shard writes, when a connection
    /// comes or goes.
    pub placed: AtomicU64,
    /// Connections that are open.
    pub connections: Cell,
    /// Connections that were accepted or adopted since the start.
    pub connections_total: Cell,
    /// Requests, by API.
    pub requests: ApiCells,
    /// Requests that ended their connection: malformed, of a version that is not served, or failed with `acks=0`.
    pub refused_requests: Cell,
    /// Bytes received from clients.
    pub bytes_in: Cell,
    /// Bytes sent to clients, by whatever path.
    pub bytes_out: Cell,
    /// Record bytes sent from the tail buffers.
    pub fetch_tail_bytes: Cell,
    /// Record bytes that went from file to socket in the kernel.
    pub fetch_sendfile_bytes: Cell,
    /// Record bytes of files that were moved through user space, because a socket was full or had to be.
    pub fetch_copied_bytes: Cell,
    /// Records appended.
    pub records_in: Cell,
    /// Batches appended.
    pub batches_in: Cell,
    /// Bytes of batches appended.
    pub record_bytes_in: Cell,
    /// Batches that were there already and answered again.
    pub duplicate_batches: Cell,
    /// Writes to segments.
    pub disk_writes: Cell,
    /// Bytes of those writes, with their padding.
    pub disk_write_bytes: Cell,
    /// Syncs of segments.
    pub disk_syncs: Cell,
    /// Reads that needed a file.
    pub cold_reads: Cell,
    /// Bytes of files brought into the page cache, off the core, before they were sent.
    pub disk_read_bytes: Cell,
    /// Calls to other shards, for what a request needs of them.
    pub hops: Cell,
    /// Messages sent to other shards and to the control thread.
    pub mesh_messages: Cell,
    /// Bytes of memory that tail buffers hold now.
    pub tail_bytes: Cell,
    /// Partitions that the shard owns now.
    pub partitions: Cell,
    /// Partitions that refuse everything after a disk failed them.
    pub poisoned_partitions: Cell,
    /// Fetches that wait for records now.
    pub parked_fetches: Cell,
}

impl ShardMetrics {
    /// Counts a request.
    pub fn count_request(&self, api: ApiKey) {
        self.requests.of(api).increment();
    }
}
