//! Everything that crosses from one core to another: a closed enum.
//!
//! Record bytes never cross by copy: a produce carries slices of the frame they came in, a fetch is answered
//! with plans (slices of frozen tail buffers, ranges of open files).

use std::sync::Arc;

use bytes::Bytes;

use crate::base::{LeaderEpoch, MonoMs, NodeId, Offset, ShardId, TopicPartition};
use crate::control::messages::{ControlReply, ControlRequest};
use crate::io::listener::RawConnection;
use crate::io::send_queue::Piece;
use crate::metadata::ClusterImage;
use crate::protocol::ErrorCode;
use crate::shard::groups::{GroupJob, GroupReply};

/// What one thread tells another.
pub enum Message {
    /// A connection that was accepted elsewhere and is to live here.
    Adopt(RawConnection),
    /// Work for the owner of a partition.
    Call {
        /// Who asks.
        from: ShardId,
        /// What the answer is to carry.
        token: u64,
        /// The work.
        call: Call,
    },
    /// The answer to a [`Message::Call`].
    Reply {
        /// The token of the call.
        token: u64,
        /// The answer.
        reply: Reply,
    },
    /// The caller no longer waits for this answer.
    Cancel {
        /// Who asked.
        from: ShardId,
        /// The token of the call.
        token: u64,
    },
    /// To the control thread.
    ToControl(Box<ControlRequest>),
    /// From the control thread, to the shard that asked.
    FromControl {
        /// The token of the request.
        token: u64,
        /// The answer.
        reply: ControlReply,
    },
    /// The cluster's state has changed.
    Image(Arc<ClusterImage>),
    /// A shard has applied the image of this metadata offset.
    ImageApplied {
        /// Which shard.
        shard: ShardId,
        /// The image's metadata offset.
        version: i64,
    },
    /// Accept nothing more, answer what is in flight, flush and seal.
    Drain,
    /// A shard has drained: the offsets up to which its partitions are safe on disk.
    Drained {
        /// Which shard.
        shard: ShardId,
        /// Where recovery would begin, by partition.
        recovery_points: Vec<PartitionCheckpoint>,
    },
}

/// What a clean stop writes down of a partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionCheckpoint {
    /// The partition.
    pub partition: TopicPartition,
    /// Everything below is on disk.
    pub recovery_point: Offset,
    /// The first offset that the partition still has.
    pub log_start: Offset,
}

/// Work for the owner of partitions.
pub enum Call {
    /// Append batches.
    Produce(ProduceJob),
    /// Read batches, waiting for them if asked to.
    Fetch(FetchJob),
    /// Wait until one of the partitions has more than was seen.
    Watch(WatchJob),
    /// Look offsets up.
    Offsets(Vec<OffsetQuery>),
    /// Look the ends of leader epochs up.
    EpochEnds(Vec<EpochQuery>),
    /// An event for the group coordinator of a partition of `__consumer_offsets`.
    Group(Box<GroupJob>),
}

/// The answer to a [`Call`], in its order.
pub enum Reply {
    /// To [`Call::Produce`].
    Produce(Vec<ProduceResult>),
    /// To [`Call::Fetch`].
    Fetch(FetchResult),
    /// To [`Call::Watch`]: something may have changed.
    Woken,
    /// To [`Call::Offsets`].
    Offsets(Vec<OffsetAnswer>),
    /// To [`Call::EpochEnds`].
    EpochEnds(Vec<EpochAnswer>),
    /// To [`Call::Group`].
    Group(Box<Result<GroupReply, ErrorCode>>),
}

/// Batches to append.
pub struct ProduceJob {
    /// The request's version: some rules depend on it.
    pub version: i16,
    /// The request's `acks`.
    pub acks: i16,
    /// Whether the request may write to internal topics.
    pub internal_allowed: bool,
    /// The batches, one a partition.
    pub items: Vec<ProduceItem>,
}

/// One partition's records.
pub struct ProduceItem {
    /// Where they go.
    pub partition: TopicPartition,
    /// The records as they came, a slice of their frame.
    pub records: Bytes,
}

/// What became of one [`ProduceItem`].
#[derive(Clone, Debug)]
pub struct ProduceResult {
    /// What went wrong, or none.
    pub error: ErrorCode,
    /// The offset of the first record, or -1.
    pub base_offset: i64,
    /// The log append time, or -1 where the topic keeps the producer's.
    pub log_append_time_ms: i64,
    /// The partition's first offset, or -1.
    pub log_start_offset: i64,
    /// The records at fault (KIP-467).
    pub record_errors: Vec<(i32, Option<String>)>,
    /// What went wrong, in words.
    pub message: Option<String>,
}

impl ProduceResult {
    /// A refusal without further words.
    pub fn failed(error: ErrorCode) -> ProduceResult {
        ProduceResult {
            error,
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            message: None,
        }
    }
}

/// Partitions to read, in the order of the request.
#[derive(Clone)]
pub struct FetchJob {
    /// What to read.
    pub items: Vec<FetchItem>,
    /// At most this many bytes of records in all, but for a first batch that is larger.
    pub max_bytes: usize,
    /// Wait until there are so many bytes.
    pub min_bytes: usize,
    /// Wait no longer than this; none answers at once.
    pub deadline: Option<MonoMs>,
    /// Whether only decided transactions may be read.
    pub read_committed: bool,
}

/// One partition to read.
#[derive(Clone, Copy)]
pub struct FetchItem {
    /// Which.
    pub partition: TopicPartition,
    /// From where.
    pub offset: Offset,
    /// At most this many bytes.
    pub max_bytes: usize,
    /// The leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// The epoch of the last record that the client has, or -1.
    pub last_fetched_epoch: i32,
}

/// What was read.
pub struct FetchResult {
    /// A part for each item.
    pub parts: Vec<FetchPart>,
}

impl FetchResult {
    /// Bytes of records in all parts.
    pub fn record_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.record_bytes).sum()
    }

    /// Whether the answer cannot wait for more.
    pub fn is_urgent(&self) -> bool {
        self.parts
            .iter()
            .any(|part| !part.error.is_none() || part.diverging.is_some())
    }
}

/// What was read of one partition.
pub struct FetchPart {
    /// What went wrong, or none.
    pub error: ErrorCode,
    /// The high watermark, or -1.
    pub high_watermark: i64,
    /// The last stable offset, or -1.
    pub last_stable_offset: i64,
    /// The first offset that the partition has, or -1.
    pub log_start_offset: i64,
    /// The epoch and end offset from which the client's log differs (KIP-595).
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// Where the records lie.
    pub pieces: Vec<Piece>,
    /// How many bytes they are.
    pub record_bytes: usize,
    /// Whether the partition was refused before anything was read: Kafka tells an empty list of aborted transactions then.
    pub unread: bool,
    /// The leader, where the client asked a replica that is not.
    pub leader: Option<(NodeId, LeaderEpoch)>,
}

impl FetchPart {
    /// A refusal.
    pub fn failed(error: ErrorCode) -> FetchPart {
        FetchPart {
            error,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging: None,
            pieces: Vec::new(),
            record_bytes: 0,
            unread: false,
            leader: None,
        }
    }
}

/// Partitions to watch.
pub struct WatchJob {
    /// Each with the high watermark that was seen.
    pub seen: Vec<(TopicPartition, Offset)>,
    /// Watch no longer than this.
    pub deadline: MonoMs,
}

/// One lookup of ListOffsets.
#[derive(Clone, Copy)]
pub struct OffsetQuery {
    /// Where.
    pub partition: TopicPartition,
    /// A time, or one of the protocol's negative names for a place.
    pub timestamp: i64,
    /// The leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// Whether only decided transactions count.
    pub read_committed: bool,
}

/// What an [`OffsetQuery`] found.
#[derive(Clone, Copy, Debug)]
pub struct OffsetAnswer {
    /// What went wrong, or none.
    pub error: ErrorCode,
    /// The record's timestamp, or -1.
    pub timestamp: i64,
    /// The offset, or -1.
    pub offset: i64,
    /// The leader epoch of that offset, or -1.
    pub leader_epoch: i32,
}

impl OffsetAnswer {
    /// An answer that names no offset.
    pub fn none(error: ErrorCode) -> OffsetAnswer {
        OffsetAnswer {
            error,
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

/// One lookup of OffsetForLeaderEpoch.
#[derive(Clone, Copy)]
pub struct EpochQuery {
    /// Where.
    pub partition: TopicPartition,
    /// The leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// The epoch whose end is asked for.
    pub leader_epoch: i32,
}

/// What an [`EpochQuery`] found.
#[derive(Clone, Copy, Debug)]
pub struct EpochAnswer {
    /// What went wrong, or none.
    pub error: ErrorCode,
    /// The largest epoch not above the one asked for, or -1.
    pub leader_epoch: i32,
    /// Its end offset, or -1.
    pub end_offset: i64,
}
