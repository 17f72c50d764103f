//! OffsetCommit (key 8): a group's positions become durable.
//!
//! - A member commits with its generation; a simple consumer (generation -1) only while the group
//!   has no members, or does not exist: it is made then.
//! - Versions 2 to 4 may bring a retention of their own; later ones leave it to the broker
//!   (KIP-211). Version 10 names topics by id (KIP-848), and the id is kept with the offset.

use std::sync::Arc;

use super::appends::{InFlight, OffsetChange, Then};
use super::classic_group::{ClassicGroup, State};
use super::config::GroupConfig;
use super::coordinator::Coordinator;
use super::effects::{CommittedTopic, Effect, Effects, OffsetCommitResponse, ReplyToken, Response};
use super::records::{CommittedOffset, offset_record};
use super::requests::{CommitPartition, CommitTopic, OffsetCommit};
use crate::base::{LeaderEpoch, Now, TimestampMs, TopicId};
use crate::protocol::ErrorCode;

/// The first version in which an unknown group is named as such.
const VERSION_GROUP_ID_NOT_FOUND: i16 = 9;
/// What a request without a retention of its own carries.
const NO_RETENTION: i64 = -1;

impl Coordinator {
    /// OffsetCommit; answered when the commit is durable. Kafka accepts the empty group id here.
    pub fn commit_offsets(
        &mut self,
        now: Now,
        request: OffsetCommit,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        if let Err(error) = self.check_commit(&request) {
            let response = Response::OffsetCommit(refused(&request.topics, error));
            out.push(Effect::Reply { token, response });
            return;
        }
        let (groups, mut cx) = self.split(now, out);
        if let Some(group) = groups.get(request.group_id.as_str())
            && matches!(group.state, State::Stable | State::PreparingRebalance)
        {
            group.renew_session(&request.member_id, &mut cx);
        }
        let (offsets, response) = accept(request, now, cx.config);
        let response = Response::OffsetCommit(response);
        let records = offsets.iter().filter_map(|change| {
            let value = change.value.as_ref()?;
            let record = offset_record(&change.group, &change.topic, change.partition, value);
            Some(record)
        });
        let records: Vec<_> = records.collect();
        if records.is_empty() {
            out.push(Effect::Reply { token, response });
            return;
        }
        let mut in_flight = InFlight::then(Then::Reply(token, response));
        in_flight.offsets = offsets;
        cx.appends.push(records, in_flight, cx.out);
    }

    fn check_commit(&self, request: &OffsetCommit) -> Result<(), ErrorCode> {
        match self.groups.get(request.group_id.as_str()) {
            Some(group) => group.check_commit(request),
            None if request.generation_id.get() < 0 => Ok(()),
            None if request.api_version >= VERSION_GROUP_ID_NOT_FOUND => {
                Err(ErrorCode::GroupIdNotFound)
            }
            None => Err(ErrorCode::IllegalGeneration),
        }
    }
}

impl ClassicGroup {
    fn check_commit(&self, request: &OffsetCommit) -> Result<(), ErrorCode> {
        let instance_id = request.group_instance_id.as_deref();
        let has_generation = request.generation_id.get() >= 0;
        if !has_generation && self.state == State::Empty {
            return Ok(());
        }
        if has_generation || !request.member_id.is_empty() || instance_id.is_some() {
            self.validate(&request.member_id, instance_id)?;
            if request.generation_id != self.generation_id {
                return Err(ErrorCode::IllegalGeneration);
            }
        } else {
            return Err(ErrorCode::UnknownMemberId);
        }
        match self.state {
            State::CompletingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::Empty | State::PreparingRebalance | State::Stable => Ok(()),
        }
    }
}

/// What to commit, and the reply for when it is durable.
fn accept(
    request: OffsetCommit,
    now: Now,
    config: &GroupConfig,
) -> (Vec<OffsetChange>, OffsetCommitResponse) {
    let group: Arc<str> = Arc::from(request.group_id);
    let retention_ms = request.retention_time_ms;
    let expire_timestamp = (retention_ms != NO_RETENTION)
        .then(|| TimestampMs(now.wall.0.saturating_add(retention_ms)));
    let mut changes = Vec::new();
    let mut response = OffsetCommitResponse {
        topics: Vec::with_capacity(request.topics.len()),
    };
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for commit in topic.partitions {
            let partition = commit.partition;
            if is_metadata_too_large(&commit, config) {
                partitions.push((partition, ErrorCode::OffsetMetadataTooLarge));
                continue;
            }
            partitions.push((partition, ErrorCode::None));
            changes.push(OffsetChange {
                group: Arc::clone(&group),
                topic: Arc::clone(&topic.name),
                partition,
                value: Some(committed(commit, topic.topic_id, now, expire_timestamp)),
            });
        }
        response.topics.push(CommittedTopic {
            name: topic.name,
            topic_id: topic.topic_id,
            partitions,
        });
    }
    (changes, response)
}

fn is_metadata_too_large(commit: &CommitPartition, config: &GroupConfig) -> bool {
    commit.metadata.as_ref().is_some_and(|metadata| {
        // The record's string must fit too, whatever the setting allows.
        metadata.len() > i16::MAX as usize
            || metadata.encode_utf16().count() > config.offset_metadata_units_max
    })
}

/// An offset with an expiry of its own has neither leader epoch nor topic id: the version of the
/// record that has the one lacks the others.
fn committed(
    commit: CommitPartition,
    topic_id: TopicId,
    now: Now,
    expire_timestamp: Option<TimestampMs>,
) -> CommittedOffset {
    let expires = expire_timestamp.is_some();
    CommittedOffset {
        offset: commit.offset,
        leader_epoch: if expires {
            LeaderEpoch(-1)
        } else {
            commit.leader_epoch
        },
        metadata: Arc::from(commit.metadata.unwrap_or_default()),
        commit_timestamp: now.wall,
        expire_timestamp,
        topic_id: if expires { TopicId::ZERO } else { topic_id },
    }
}

fn refused(topics: &[CommitTopic], error: ErrorCode) -> OffsetCommitResponse {
    let topics = topics.iter().map(|topic| CommittedTopic {
        name: Arc::clone(&topic.name),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|p| (p.partition, error))
            .collect(),
    });
    OffsetCommitResponse {
        topics: topics.collect(),
    }
}
