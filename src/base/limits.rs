//! Every bound of the broker, with its reason. Relations between them are checked at compile time.

/// The unit of direct I/O: every write begins and ends on it. 4 KiB serves all disks of today.
pub const PAGE_BYTES: u64 = 4096;

/// Shards that one process may have; fits the mesh's per-pair rings in memory.
pub const SHARDS_MAX: usize = 256;
