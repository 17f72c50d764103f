//! Every bound of the broker, with its reason. Relations between them are checked at compile time.

/// The unit of direct I/O: every write begins and ends on it. 4 KiB serves all disks of today.
pub const PAGE_BYTES: u64 = 4096;

/// Shards that one process may have; fits the mesh's per-pair rings in memory.
pub const SHARDS_MAX: usize = 256;

/// Refused records of one batch that a produce response names; the rest are only counted.
pub const RECORD_ERRORS_MAX: usize = 500;

/// What a compressed batch may decompress to when it is opened: room for the largest honest batch
/// (100 MiB is the most that Kafka lets a request be), and too little for a bomb to hurt.
pub const INFLATED_BATCH_BYTES_MAX: usize = 128 << 20;

/// Batches of one partition whose exact positions are kept in memory (32 bytes each); reads before them scan.
pub const RECENT_BATCHES_MAX: usize = 2048;

/// Producers that one partition remembers (about 150 bytes each); beyond it the longest idle are forgotten.
pub const PRODUCERS_MAX: usize = 65_536;

/// The first reserve of a new segment: small, so that a thousand idle partitions do not take a disk's space.
pub const RESERVE_STEP_MIN_BYTES: u64 = 64 << 10;

/// The largest single reserve: what a partition may hold of the disk without using it.
pub const RESERVE_STEP_MAX_BYTES: u64 = 64 << 20;

/// Acknowledgements and watchers that one partition parks, each: more than its connections can have in flight.
pub const PARKED_MAX: usize = 65_536;

const _: () = assert!(RESERVE_STEP_MIN_BYTES.is_multiple_of(PAGE_BYTES));
const _: () = assert!(RESERVE_STEP_MAX_BYTES.is_multiple_of(PAGE_BYTES));
