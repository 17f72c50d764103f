//! What the coordinator wants done: replies to send, records to append.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::{GenerationId, LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::protocol::ErrorCode;

/// What the driver applies, in this order.
pub type Effects = Vec<Effect>;

/// Names a request whose reply may come later. Each token gets exactly one reply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplyToken(pub u64);

/// Names an append until [`Coordinator::on_appended`](super::Coordinator::on_appended) reports it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AppendId(pub u64);

/// One thing that the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// Whose.
        token: ReplyToken,
        /// With what.
        response: Response,
    },
    /// Append these records to the coordinator's partition as one batch, stamped with the time of
    /// the call, and report through `on_appended` when they are durable or have failed.
    Append {
        /// The name under which to report.
        append_id: AppendId,
        /// What to write, in order; never empty.
        records: Vec<GroupRecord>,
    },
}

/// A record of `__consumer_offsets`, in Kafka's own format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// The record's key: the group, or the group, topic and partition.
    pub key: Bytes,
    /// The record's value; none for a tombstone.
    pub value: Option<Bytes>,
}

/// What became of each partition of a topic.
pub type PartitionErrors = Vec<(PartitionIndex, ErrorCode)>;

/// The reply to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To JoinGroup.
    JoinGroup(JoinGroupResponse),
    /// To SyncGroup.
    SyncGroup(SyncGroupResponse),
    /// To Heartbeat.
    Heartbeat(ErrorCode),
    /// To LeaveGroup.
    LeaveGroup(LeaveGroupResponse),
    /// To OffsetCommit.
    OffsetCommit(OffsetCommitResponse),
    /// To OffsetFetch, for one group.
    OffsetFetch(OffsetFetchResponse),
    /// To OffsetDelete.
    OffsetDelete(OffsetDeleteResponse),
    /// To DeleteGroups: each group that was asked for, once.
    DeleteGroups(Vec<(String, ErrorCode)>),
}

/// The reply to JoinGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupResponse {
    /// The error, or none.
    pub error: ErrorCode,
    /// The generation, -1 with an error.
    pub generation_id: GenerationId,
    /// The group's protocol type.
    pub protocol_type: Option<Arc<str>>,
    /// The chosen protocol. Versions below 7 have no null here: send the empty string.
    pub protocol_name: Option<Arc<str>>,
    /// The member id of the leader, empty with an error.
    pub leader: Arc<str>,
    /// Whether the leader must not compute an assignment.
    pub skip_assignment: bool,
    /// The member's id.
    pub member_id: Arc<str>,
    /// For the leader: all members.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member's id.
    pub member_id: Arc<str>,
    /// The id of a static member.
    pub group_instance_id: Option<Arc<str>>,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
}

impl JoinGroupResponse {
    /// A refusal.
    pub(super) fn error(member_id: &str, error: ErrorCode) -> JoinGroupResponse {
        JoinGroupResponse {
            error,
            generation_id: GenerationId(-1),
            protocol_type: None,
            protocol_name: None,
            leader: Arc::from(""),
            skip_assignment: false,
            member_id: Arc::from(member_id),
            members: Vec::new(),
        }
    }
}

/// The reply to SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupResponse {
    /// The error, or none.
    pub error: ErrorCode,
    /// The group's protocol type.
    pub protocol_type: Option<Arc<str>>,
    /// The chosen protocol.
    pub protocol_name: Option<Arc<str>>,
    /// The member's assignment.
    pub assignment: Bytes,
}

impl SyncGroupResponse {
    /// A refusal.
    pub(super) fn error(error: ErrorCode) -> SyncGroupResponse {
        SyncGroupResponse {
            error,
            protocol_type: None,
            protocol_name: None,
            assignment: Bytes::new(),
        }
    }
}

/// The reply to LeaveGroup. Versions below 3 carry only an error: the first member's, when the
/// request's own is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupResponse {
    /// The error of the request as a whole.
    pub error: ErrorCode,
    /// What became of each member.
    pub members: Vec<LeftMember>,
}

/// One member of a LeaveGroup reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    /// As in the request.
    pub member_id: String,
    /// As in the request.
    pub group_instance_id: Option<String>,
    /// What became of it.
    pub error: ErrorCode,
}

/// The reply to OffsetCommit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitResponse {
    /// Each topic of the request.
    pub topics: Vec<CommittedTopic>,
}

/// One topic of an OffsetCommit reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedTopic {
    /// The topic's name.
    pub name: Arc<str>,
    /// The topic's id, as in the request.
    pub topic_id: TopicId,
    /// Each partition of the request.
    pub partitions: PartitionErrors,
}

/// The reply to OffsetFetch, for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchResponse {
    /// The group.
    pub group_id: String,
    /// The error of the group as a whole. Versions below 2 repeat it in every partition.
    pub error: ErrorCode,
    /// The offsets.
    pub topics: Vec<FetchedTopic>,
}

/// One topic of an OffsetFetch reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedTopic {
    /// The topic's name.
    pub name: Arc<str>,
    /// The topic's id as in the request; zero when all offsets were asked for.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<FetchedOffset>,
}

/// One committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedOffset {
    /// The partition.
    pub partition: PartitionIndex,
    /// The committed offset, -1 when there is none.
    pub offset: Offset,
    /// The leader epoch committed with it, -1 when there is none.
    pub leader_epoch: LeaderEpoch,
    /// What the client kept beside it.
    pub metadata: Arc<str>,
}

/// The reply to OffsetDelete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteResponse {
    /// The error of the request as a whole.
    pub error: ErrorCode,
    /// Each topic of the request, with each partition.
    pub topics: Vec<(Arc<str>, PartitionErrors)>,
}

/// A group as DescribeGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedGroup {
    /// The error, or none.
    pub error: ErrorCode,
    /// Why, from version 6.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: String,
    /// The state by Kafka's name; "Dead" for an unknown group.
    pub state: &'static str,
    /// The protocol type, empty when there is none.
    pub protocol_type: Arc<str>,
    /// The chosen protocol, empty unless the group is stable.
    pub protocol_data: Arc<str>,
    /// The members.
    pub members: Vec<DescribedMember>,
}

/// A member as DescribeGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// The member's id.
    pub member_id: Arc<str>,
    /// The id of a static member.
    pub group_instance_id: Option<Arc<str>>,
    /// The client id that it joined with.
    pub client_id: Arc<str>,
    /// The address that it joined from.
    pub client_host: Arc<str>,
    /// Its metadata for the chosen protocol, empty unless the group is stable.
    pub metadata: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

/// A group as ListGroups shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group_id: Arc<str>,
    /// The protocol type, empty when there is none.
    pub protocol_type: Arc<str>,
    /// The state by Kafka's name.
    pub state: &'static str,
    /// The group's type by Kafka's name.
    pub group_type: &'static str,
}
