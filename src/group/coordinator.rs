//! The coordinator of one partition of `__consumer_offsets`.

use thiserror::Error;

use super::config::GroupConfig;
use super::effects::{
    AppendId, DescribedGroup, Effect, Effects, JoinGroupResponse, LeaveGroupResponse, ListedGroup,
    OffsetCommitResponse, OffsetDeleteResponse, OffsetFetchResponse, ReplyToken, Response,
    SyncGroupResponse,
};
use super::requests::{
    DeletedTopic, Heartbeat, JoinGroup, LeaveGroup, OffsetCommit, OffsetDelete, OffsetFetch,
    SyncGroup,
};
use crate::base::{MonoMs, Now, PartitionIndex};
use crate::protocol::ErrorCode;

/// A record of `__consumer_offsets` that cannot be what a coordinator wrote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// The bytes do not parse.
    #[error("a group record does not parse: {0}")]
    Malformed(&'static str),
}

/// The partition of `__consumer_offsets` that a group belongs to: Java's `String.hashCode` of the
/// id, without its sign, modulo the number of partitions.
pub fn partition_for(group_id: &str, partitions: i32) -> PartitionIndex {
    let hash = group_id.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    PartitionIndex((hash & i32::MAX) % partitions.max(1))
}

/// The groups and offsets of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct Coordinator {
    #[allow(dead_code)]
    config: GroupConfig,
}

fn reply(out: &mut Effects, token: ReplyToken, response: Response) {
    out.push(Effect::Reply { token, response });
}

impl Coordinator {
    /// An empty coordinator: replay its partition, then call [`on_loaded`](Self::on_loaded).
    pub fn new(config: GroupConfig) -> Coordinator {
        Coordinator { config }
    }

    /// Rebuilds state from one record of the partition, in log order.
    pub fn replay(&mut self, _key: &[u8], _value: Option<&[u8]>) -> Result<(), ReplayError> {
        Ok(())
    }

    /// The partition has been replayed: sessions begin, requests may come.
    pub fn on_loaded(&mut self, _now: Now, _out: &mut Effects) {}

    /// The partition moves away: every parked request is answered with `NOT_COORDINATOR`.
    pub fn on_unloaded(&mut self, _out: &mut Effects) {}

    /// An append has become durable, or has failed with this code.
    pub fn on_appended(
        &mut self,
        _now: Now,
        _append_id: AppendId,
        _result: Result<(), ErrorCode>,
        _out: &mut Effects,
    ) {
    }

    /// When [`on_timer`](Self::on_timer) must be called next.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        None
    }

    /// Lets expire what is due.
    pub fn on_timer(&mut self, _now: Now, _out: &mut Effects) {}

    /// JoinGroup; the reply may be parked until the rebalance completes.
    pub fn join(&mut self, _now: Now, request: JoinGroup, token: ReplyToken, out: &mut Effects) {
        let response =
            JoinGroupResponse::error(&request.member_id, ErrorCode::CoordinatorNotAvailable);
        reply(out, token, Response::JoinGroup(response));
    }

    /// SyncGroup; the reply may be parked until the leader's assignment is durable.
    pub fn sync(&mut self, _now: Now, _request: SyncGroup, token: ReplyToken, out: &mut Effects) {
        let response = SyncGroupResponse::error(ErrorCode::CoordinatorNotAvailable);
        reply(out, token, Response::SyncGroup(response));
    }

    /// Heartbeat.
    pub fn heartbeat(
        &mut self,
        _now: Now,
        _request: Heartbeat,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let response = Response::Heartbeat(ErrorCode::CoordinatorNotAvailable);
        reply(out, token, response);
    }

    /// LeaveGroup.
    pub fn leave(&mut self, _now: Now, _request: LeaveGroup, token: ReplyToken, out: &mut Effects) {
        let response = LeaveGroupResponse {
            error: ErrorCode::CoordinatorNotAvailable,
            members: Vec::new(),
        };
        reply(out, token, Response::LeaveGroup(response));
    }

    /// OffsetCommit; answered when the commit is durable.
    pub fn commit_offsets(
        &mut self,
        _now: Now,
        _request: OffsetCommit,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let response = OffsetCommitResponse { topics: Vec::new() };
        reply(out, token, Response::OffsetCommit(response));
    }

    /// OffsetFetch for one group; parked behind unfinished appends if it asks for stable offsets.
    pub fn fetch_offsets(&mut self, request: OffsetFetch, token: ReplyToken, out: &mut Effects) {
        let response = OffsetFetchResponse {
            group_id: request.group_id,
            error: ErrorCode::CoordinatorNotAvailable,
            topics: Vec::new(),
        };
        reply(out, token, Response::OffsetFetch(response));
    }

    /// OffsetDelete; answered when the tombstones are durable.
    pub fn delete_offsets(
        &mut self,
        _now: Now,
        _request: OffsetDelete,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let response = OffsetDeleteResponse {
            error: ErrorCode::CoordinatorNotAvailable,
            topics: Vec::new(),
        };
        reply(out, token, Response::OffsetDelete(response));
    }

    /// DeleteGroups; answered when the tombstones are durable.
    pub fn delete_groups(
        &mut self,
        _now: Now,
        group_ids: Vec<String>,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let results = group_ids
            .into_iter()
            .map(|id| (id, ErrorCode::CoordinatorNotAvailable))
            .collect();
        reply(out, token, Response::DeleteGroups(results));
    }

    /// DescribeGroups for one group.
    pub fn describe_group(&self, group_id: &str, _api_version: i16) -> DescribedGroup {
        DescribedGroup {
            error: ErrorCode::CoordinatorNotAvailable,
            error_message: None,
            group_id: group_id.to_owned(),
            state: "Dead",
            protocol_type: "".into(),
            protocol_data: "".into(),
            members: Vec::new(),
        }
    }

    /// ListGroups: the groups in one of these states and of one of these types; an empty filter
    /// lets all pass.
    pub fn list_groups(&self, _states: &[&str], _types: &[&str]) -> Vec<ListedGroup> {
        Vec::new()
    }

    /// Topics have gone: their committed offsets go too.
    pub fn on_topics_deleted(&mut self, _now: Now, _topics: &[DeletedTopic], _out: &mut Effects) {}

    /// Panics unless the state is consistent with itself.
    pub fn invariants(&self) {}
}
