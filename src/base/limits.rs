//! Every bound of the broker, with its reason. Relations between them are checked at compile time.

/// The unit of direct I/O: every write begins and ends on it. 4 KiB serves all disks of today.
pub const PAGE_BYTES: u64 = 4096;

/// Shards that one process may have; fits the mesh's per-pair rings in memory.
pub const SHARDS_MAX: usize = 256;

/// Between the node ids of two cores of a broker, where each core is a node to clients: the broker's own id must be below
/// it, so that cores of different brokers never share an id.
pub const CORE_NODE_ID_STEP: i32 = 10_000;

const _: () = assert!((SHARDS_MAX as i64) * (CORE_NODE_ID_STEP as i64) < i32::MAX as i64);

/// Refused records of one batch that a produce response names; the rest are only counted.
pub const RECORD_ERRORS_MAX: usize = 500;

/// What a compressed batch may decompress to when it is opened: well above what producers buffer for one
/// batch, and too little for a bomb to hurt.
pub const INFLATED_BATCH_BYTES_MAX: usize = 128 << 20;

/// The largest batch that is read from a log into memory at once: more than any request can bring in.
pub const LOG_BATCH_BYTES_MAX: usize = 256 << 20;

/// How far recovery looks behind the end of what is valid, to tell a torn end from damage: several writes'
/// worth, in no more memory than a large batch takes.
pub const RECOVERY_LOOKAHEAD_BYTES: usize = 4 << 20;

/// Bytes of a string on the wire: Kafka's own limit, which the old 16-bit lengths set.
pub const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// Memory that the arrays of one decoded message may take. A metadata request for 100 000 topics
/// needs 6 MiB; record bytes are borrowed and do not count.
pub const DECODED_BYTES_MAX: usize = 32 << 20;

/// Bytes of a request unless configured (`socket.request.max.bytes`), as in Kafka.
pub const REQUEST_BYTES_MAX_DEFAULT: usize = 100 << 20;

/// Characters of a topic's name: with a partition number behind it, it must fit a directory's name.
pub const TOPIC_NAME_CHARS_MAX: usize = 249;

/// Partitions that one request may create: a larger request is refused whole, before any is placed.
pub const PARTITIONS_PER_REQUEST_MAX: usize = 10_000;

/// Producer ids that are taken from the metadata log at once; a restart loses the rest of a block.
pub const PRODUCER_ID_BLOCK: i64 = 1000;

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

const _: () = assert!(SHARD_ARRIVING_BYTES_MAX >= REQUEST_BYTES_MAX_DEFAULT);
const _: () = assert!(RESERVE_STEP_MIN_BYTES.is_multiple_of(PAGE_BYTES));
const _: () = assert!(RESERVE_STEP_MAX_BYTES.is_multiple_of(PAGE_BYTES));

/// Blocking jobs that one shard may have under way: enough to hide a disk, few enough to wait for.
pub const BLOCKING_JOBS_MAX: usize = 256;

/// Member ids that one group may have promised to clients that have not joined with them yet. A
/// client that asks and never joins costs one until its session ends; honest groups need one for
/// each member that starts at the same time.
pub const GROUP_PENDING_JOINS_MAX: usize = 10_000;

/// Tombstones in one append of a clean-up of offsets: a batch well below the default largest one
/// (1 MiB) with keys of ordinary size.
pub const GROUP_TOMBSTONES_PER_APPEND: usize = 1_000;

/// Requests of one connection under way at once; clients keep five or so, and answers leave in order anyway.
pub const CONNECTION_IN_FLIGHT_MAX: usize = 64;

/// Bytes of requests of one connection under way at once; one larger request is let in alone.
pub const CONNECTION_IN_FLIGHT_BYTES_MAX: usize = 8 << 20;

/// Bytes of answers that wait for one connection's socket before no more are made.
pub const CONNECTION_UNSENT_BYTES_MAX: u64 = 1 << 20;

/// Turns that a connection takes before others on its core have theirs.
pub const CONNECTION_TURNS_PER_POLL: usize = 32;

/// Bytes of requests of one shard under way at once. Two of the largest requests fit.
pub const SHARD_IN_FLIGHT_BYTES_MAX: usize = 256 << 20;

/// Requests up to this size are what clients send: they batch up to about 1 MiB.
pub const ORDINARY_REQUEST_BYTES_MAX: usize = 2 << 20;
/// Memory of one shard's requests that have not arrived whole, for ordinary ones and for larger ones each, before they are
/// read one at a time. The largest fits.
pub const SHARD_ARRIVING_BYTES_MAX: usize = 128 << 20;
/// What a connection's unfinished request may hold in any case: what arrives in one piece.
pub const ARRIVAL_FREE_BYTES: usize = 64 << 10;
/// How long a large request may stand still while there is no memory for others: many round trips of any network.
pub const ARRIVAL_STALL_MS: i64 = 5_000;
/// How long a large request may be read alone: enough for 100 MiB on a network of 100 Mbit/s.
pub const ARRIVAL_TURN_MS_MAX: i64 = 10_000;
/// Lines a second that a shard's log gives to faulty connections.
pub const FAULT_LOG_LINES_PER_SECOND: u32 = 5;

/// Bytes of one write: large enough that the disk's bandwidth is reached with one write under way.
pub const WRITE_BYTES_MAX: u64 = 4 << 20;

/// Memory that a shard's tails keep for readers; what is not written yet is kept whatever this says.
pub const TAIL_POOL_BYTES_MAX: usize = 32 << 20;

/// Operations of a shard's disk ring in the kernel at once.
pub const DISK_RING_ENTRIES: u32 = 256;

/// Segment files that a shard keeps open; each takes two descriptors.
pub const OPEN_FILES_PER_SHARD_MAX: usize = 1024;

/// How long opening a segment waits while all that may be open are in use: readers that are slow hold theirs for longer.
pub const OPEN_FILES_WAIT_MS_MAX: i64 = 1000;

/// Descriptors of the process that belong to no shard: the admin server's connections, the metadata log, the lock.
pub const PROCESS_DESCRIPTORS: usize = ADMIN_CONNECTIONS_MAX + 32;

/// Descriptors that a shard needs for itself: rings, timers, bells, its listener, and files that are being replaced.
pub const SHARD_DESCRIPTORS: usize = 48;

/// The fewest descriptors that a shard can work with: its own, some segments' and some connections'.
pub const SHARD_DESCRIPTORS_MIN: usize = SHARD_DESCRIPTORS + 32;

/// How often a shard looks after its connections and partitions.
pub const UPKEEP_INTERVAL_MS: u64 = 1000;

/// How long a partition has to be quiet before its tail shrinks to one page.
pub const QUIET_MS: i64 = 5000;

/// How long a stop waits for answers to requests that are under way.
pub const DRAIN_GRACE_MS: i64 = 2_000;

/// How long a stop waits for requests and disks before it leaves the rest to recovery.
pub const DRAIN_MS_MAX: i64 = 20_000;

/// The metadata log's length at which a snapshot is taken, at the least: a start reads that much in a blink.
pub const METADATA_LOG_BYTES_MAX: u64 = 4 << 20;

/// Space that is kept behind the end of the metadata log for when the disk is full: the deletion of one topic takes some
/// hundred bytes.
pub const METADATA_RESERVE_BYTES: u64 = 64 << 10;

/// Records of a metadata snapshot go into batches of about this size.
pub const METADATA_BATCH_BYTES_MAX: usize = 1 << 20;

/// Connections that the admin server serves at once; more wait in the backlog.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;

/// How long an admin connection may last: longer than any scrape, shorter than forever.
pub const ADMIN_CONNECTION_MS_MAX: u64 = 60_000;

/// How long a stop waits for the shards, which have [`DRAIN_MS_MAX`] for their own work.
pub const STOP_MS_MAX: u64 = 25_000;

const _: () = assert!(STOP_MS_MAX > DRAIN_MS_MAX as u64);

/// How long a new partition waits for a deleted one to leave its directory: longer than a slow disk's queue.
pub const DIRECTORY_WAIT_MS_MAX: i64 = 30_000;

/// New partitions of a shard whose first files are made by one blocking job: enough to share its syncs, few enough that the
/// first are not kept waiting.
pub const FOUNDED_TOGETHER_MAX: usize = 256;

/// How long a change of the cluster's state waits for deleted partitions to leave their directories: longer than a disk
/// that works ever takes, and shorter than clients' patience (30 s).
pub const RETIRE_WAIT_MS_MAX: i64 = 5_000;

/// How long a fetch that found too many watchers waits before it looks again.
pub const CROWDED_WATCH_MS: u64 = 1000;

/// Batches of messages from other cores that a shard takes before its own work has a turn.
pub const MESH_TURNS: u32 = 4;
