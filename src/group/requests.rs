//! What the driver hands in: owned requests, free of wire details except the API version where a
//! rule depends on it.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::{GenerationId, LeaderEpoch, Offset, PartitionIndex, TopicId};

/// One protocol that a joining member supports, in its order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The protocol's name: an assignor of consumers, "default" of Connect, and so on.
    pub name: Arc<str>,
    /// The member's metadata for it, opaque except in groups of type "consumer".
    pub metadata: Bytes,
}

/// A JoinGroup request.
#[derive(Clone, Debug)]
pub struct JoinGroup {
    /// The group.
    pub group_id: String,
    /// From version 4 a new member is first told its id (KIP-394); from version 9 a rejoining
    /// static leader may skip the assignment (KIP-814).
    pub api_version: i16,
    /// How long the member may stay silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long the member may take to rejoin, in milliseconds. Version 0 has none: pass the
    /// session timeout.
    pub rebalance_timeout_ms: i32,
    /// The member's id, empty when it has none yet.
    pub member_id: String,
    /// The id of a static member (KIP-345).
    pub group_instance_id: Option<String>,
    /// The kind of group: "consumer", "connect", "sr", and so on.
    pub protocol_type: String,
    /// The supported protocols, preferred first.
    pub protocols: Vec<Protocol>,
    /// The client id of the request's header, empty when absent.
    pub client_id: String,
    /// The client's address as Kafka prints it, such as `/127.0.0.1`.
    pub client_host: String,
    /// Fresh random bytes: a new member's id is made of them.
    pub uuid: [u8; 16],
}

/// A SyncGroup request.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    /// The group.
    pub group_id: String,
    /// From version 5 the protocol's type and name are mandatory (KIP-559).
    pub api_version: i16,
    /// The generation that the member was given by JoinGroup.
    pub generation_id: GenerationId,
    /// The member.
    pub member_id: String,
    /// The id of a static member.
    pub group_instance_id: Option<String>,
    /// The protocol type that the member believes in.
    pub protocol_type: Option<String>,
    /// The protocol that the member believes in.
    pub protocol_name: Option<String>,
    /// From the leader: an assignment for each member id.
    pub assignments: Vec<(String, Bytes)>,
}

/// A Heartbeat request.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The group.
    pub group_id: String,
    /// The generation of the member.
    pub generation_id: GenerationId,
    /// The member.
    pub member_id: String,
    /// The id of a static member.
    pub group_instance_id: Option<String>,
}

/// A LeaveGroup request. Versions below 3 name one member.
#[derive(Clone, Debug)]
pub struct LeaveGroup {
    /// The group.
    pub group_id: String,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// One member of a LeaveGroup request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingMember {
    /// The member's id; empty when an operator removes a static member by its instance id.
    pub member_id: String,
    /// The id of a static member.
    pub group_instance_id: Option<String>,
}

/// An OffsetCommit request, its topic ids already resolved to names.
#[derive(Clone, Debug)]
pub struct OffsetCommit {
    /// The group; may be empty, as old simple consumers do.
    pub group_id: String,
    /// From version 9 an unknown group is `GROUP_ID_NOT_FOUND`, below `ILLEGAL_GENERATION`.
    pub api_version: i16,
    /// The generation of the member, negative for a simple consumer.
    pub generation_id: GenerationId,
    /// The member, empty for a simple consumer.
    pub member_id: String,
    /// The id of a static member.
    pub group_instance_id: Option<String>,
    /// Versions 2 to 4: how long to keep these offsets; -1 for the broker's own retention.
    pub retention_time_ms: i64,
    /// What to commit.
    pub topics: Vec<CommitTopic>,
}

/// One topic of an OffsetCommit request.
#[derive(Clone, Debug)]
pub struct CommitTopic {
    /// The topic's name.
    pub name: Arc<str>,
    /// The topic's id as far as the request gave it (version 10), else zero.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<CommitPartition>,
}

/// One partition of an OffsetCommit request.
#[derive(Clone, Debug)]
pub struct CommitPartition {
    /// The partition.
    pub partition: PartitionIndex,
    /// The offset to commit.
    pub offset: Offset,
    /// The leader epoch of the last consumed record, -1 when unknown.
    pub leader_epoch: LeaderEpoch,
    /// What the client wants kept beside it.
    pub metadata: Option<String>,
}

/// An OffsetFetch request for one group, its topic ids already resolved to names.
#[derive(Clone, Debug)]
pub struct OffsetFetch {
    /// The group.
    pub group_id: String,
    /// Wait for commits that are still being written (KIP-447).
    pub require_stable: bool,
    /// The wanted partitions; none for all that the group has.
    pub topics: Option<Vec<FetchTopic>>,
}

/// One topic of an OffsetFetch request.
#[derive(Clone, Debug)]
pub struct FetchTopic {
    /// The topic's name.
    pub name: Arc<str>,
    /// The topic's id as far as the request gave it (version 10), else zero: an offset committed
    /// under another id of the same name is not returned.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<PartitionIndex>,
}

/// An OffsetDelete request.
#[derive(Clone, Debug)]
pub struct OffsetDelete {
    /// The group.
    pub group_id: String,
    /// The topics and their partitions.
    pub topics: Vec<(Arc<str>, Vec<PartitionIndex>)>,
}

/// A topic that has gone from the cluster.
#[derive(Clone, Debug)]
pub struct DeletedTopic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub topic_id: TopicId,
}
