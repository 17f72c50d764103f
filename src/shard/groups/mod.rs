//! The group APIs: each decodes its request, asks the coordinator that owns the group (at most one hop), and encodes
//! the answer.

pub mod delete_groups;
pub mod describe_groups;
pub mod find_coordinator;
pub mod heartbeat;
pub mod host;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod spread;
pub mod sync_group;

use std::rc::Rc;

use crate::base::{ShardId, TopicPartition};
use crate::group::effects::{DescribedGroup, ListedGroup};
use crate::group::requests::{
    Heartbeat, JoinGroup, LeaveGroup, OffsetCommit, OffsetDelete, OffsetFetch, SyncGroup,
};
use crate::group::{self, ListFilter, partition_for};
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::messages::{Call, Reply};

/// Where groups and their offsets are kept.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Something asked of a coordinator.
pub struct GroupJob {
    /// The coordinator: a partition of `__consumer_offsets`.
    pub partition: TopicPartition,
    /// What is asked.
    pub request: GroupRequest,
}

/// What can be asked of a coordinator.
pub enum GroupRequest {
    /// JoinGroup.
    Join(JoinGroup),
    /// SyncGroup.
    Sync(SyncGroup),
    /// Heartbeat.
    Heartbeat(Heartbeat),
    /// LeaveGroup.
    Leave(LeaveGroup),
    /// OffsetCommit.
    Commit(OffsetCommit),
    /// OffsetFetch, one group.
    Fetch(OffsetFetch),
    /// OffsetDelete.
    DeleteOffsets(OffsetDelete),
    /// DeleteGroups, the groups of one coordinator.
    Delete(Vec<String>),
    /// DescribeGroups, the groups of one coordinator.
    Describe {
        /// Which groups.
        group_ids: Vec<String>,
        /// The request's version.
        version: i16,
    },
    /// ListGroups.
    List(ListFilter),
}

/// A coordinator's answer.
pub enum GroupReply {
    /// To all but the two below.
    One(group::Response),
    /// To [`GroupRequest::Describe`].
    Described(Vec<DescribedGroup>),
    /// To [`GroupRequest::List`].
    Listed(Vec<ListedGroup>),
}

/// The coordinator of a group, and the shard that has it.
pub fn coordinator_of(
    shard: &Shard,
    group_id: &str,
) -> Result<(ShardId, TopicPartition), ErrorCode> {
    let image = shard.image();
    let topic = image
        .topic(OFFSETS_TOPIC)
        .ok_or(ErrorCode::NotCoordinator)?;
    let partition = partition_for(group_id, topic.partitions.len() as i32);
    let info = topic
        .partition(partition)
        .ok_or(ErrorCode::NotCoordinator)?;
    Ok((
        info.shard,
        TopicPartition {
            topic: topic.id,
            partition,
        },
    ))
}

/// Asks the coordinator of a group.
pub async fn ask(
    shard: &Rc<Shard>,
    group_id: &str,
    request: GroupRequest,
) -> Result<GroupReply, ErrorCode> {
    let (owner, partition) = coordinator_of(shard, group_id)?;
    ask_at(shard, owner, GroupJob { partition, request }).await
}

/// Asks a coordinator that is known already.
pub async fn ask_at(
    shard: &Rc<Shard>,
    owner: ShardId,
    job: GroupJob,
) -> Result<GroupReply, ErrorCode> {
    match shard.call(owner, Call::Group(Box::new(job))).await {
        Some(Reply::Group(reply)) => *reply,
        _ => Err(ErrorCode::NotCoordinator),
    }
}

/// The owned copy of an optional string.
pub fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}
