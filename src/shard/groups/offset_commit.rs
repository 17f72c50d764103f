//! OffsetCommit (key 8), versions 2 to 10.
//!
//! - Version 10 names topics by id: an unknown one is UNKNOWN_TOPIC_ID; before, an unknown name or partition is
//!   UNKNOWN_TOPIC_OR_PARTITION.
//! - Answered when the commit is durable.
//! - Versions 2 to 4 may say how long the offset is to be kept.

use std::rc::Rc;
use std::sync::Arc;

use crate::base::{GenerationId, LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::group::Response as GroupResponse;
use crate::group::effects::CommittedTopic;
use crate::group::requests::{CommitPartition, CommitTopic, OffsetCommit};
use crate::metadata::ClusterImage;
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask, owned};
use crate::shard::response::Response;

/// Answers an OffsetCommit request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let (mut answers, commit) = match request.decode::<OffsetCommitRequest<'_>>() {
        Ok(asked) => split(&shard.image(), request.header.api_version, &asked),
        Err(error) => return Response::malformed(error),
    };
    let Request { header, frame, .. } = request;
    drop(frame);
    if answers.is_empty() || !commit.topics.is_empty() {
        let group_id = commit.group_id.clone();
        match ask(&shard, &group_id, GroupRequest::Commit(commit)).await {
            Ok(GroupReply::One(GroupResponse::OffsetCommit(committed))) => {
                merge(&mut answers, &committed.topics);
            }
            Ok(_) => fail(&mut answers, ErrorCode::UnknownServerError),
            Err(error) => fail(&mut answers, error),
        }
    }
    // Kafka tells what it refused by itself first.
    answers.sort_by_key(|answer| !answer.is_refused);
    let topics = answers.iter().map(TopicAnswer::encode).collect();
    Response::encode(
        &header,
        &OffsetCommitResponse {
            topics,
            ..Default::default()
        },
    )
}

/// What becomes of a topic of the request; a partition without an error yet is the coordinator's to answer.
struct TopicAnswer {
    name: Arc<str>,
    topic_id: TopicId,
    partitions: Vec<(i32, Option<ErrorCode>)>,
    /// Whether nothing of the topic is for the coordinator.
    is_refused: bool,
}

impl TopicAnswer {
    fn encode(&self) -> OffsetCommitResponseTopic<'_> {
        OffsetCommitResponseTopic {
            name: &self.name,
            topic_id: self.topic_id,
            partitions: self
                .partitions
                .iter()
                .map(|(index, error)| OffsetCommitResponsePartition {
                    partition_index: *index,
                    error_code: error.unwrap_or(ErrorCode::UnknownServerError).code(),
                })
                .collect(),
        }
    }
}

/// Sorts out what the cluster does not know; the rest is for the coordinator.
fn split(
    image: &ClusterImage,
    version: i16,
    asked: &OffsetCommitRequest<'_>,
) -> (Vec<TopicAnswer>, OffsetCommit) {
    let mut answers = Vec::with_capacity(asked.topics.len());
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let (answer, known) = split_topic(image, version, topic);
        answers.push(answer);
        topics.extend(known);
    }
    let commit = OffsetCommit {
        group_id: asked.group_id.to_owned(),
        api_version: version,
        generation_id: GenerationId(asked.generation_id_or_member_epoch),
        member_id: asked.member_id.to_owned(),
        group_instance_id: owned(asked.group_instance_id),
        retention_time_ms: asked.retention_time_ms,
        topics,
    };
    (answers, commit)
}

fn split_topic(
    image: &ClusterImage,
    version: i16,
    asked: &OffsetCommitRequestTopic<'_>,
) -> (TopicAnswer, Option<CommitTopic>) {
    let by_id = version >= 10;
    let topic = match by_id {
        true => image.topic_by_id(asked.topic_id),
        false => image.topic(asked.name),
    };
    let name: Arc<str> = topic.map_or_else(|| asked.name.into(), |topic| topic.name.clone());
    let unknown = match by_id && topic.is_none() {
        true => ErrorCode::UnknownTopicId,
        false => ErrorCode::UnknownTopicOrPartition,
    };
    let is_known =
        |index: i32| topic.is_some_and(|topic| topic.partition(PartitionIndex(index)).is_some());
    let partitions = asked
        .partitions
        .iter()
        .map(|p| {
            (
                p.partition_index,
                (!is_known(p.partition_index)).then_some(unknown),
            )
        })
        .collect();
    let known: Vec<_> = asked
        .partitions
        .iter()
        .filter(|p| is_known(p.partition_index))
        .map(commit_partition)
        .collect();
    let commit = (!known.is_empty()).then(|| CommitTopic {
        name: name.clone(),
        topic_id: topic.map_or(TopicId::ZERO, |topic| topic.id),
        partitions: known,
    });
    (
        TopicAnswer {
            name,
            topic_id: asked.topic_id,
            partitions,
            is_refused: commit.is_none(),
        },
        commit,
    )
}

fn commit_partition(asked: &OffsetCommitRequestPartition<'_>) -> CommitPartition {
    CommitPartition {
        partition: PartitionIndex(asked.partition_index),
        offset: Offset(asked.committed_offset),
        leader_epoch: LeaderEpoch(asked.committed_leader_epoch),
        metadata: owned(asked.committed_metadata),
    }
}

fn merge(answers: &mut [TopicAnswer], committed: &[CommittedTopic]) {
    for topic in committed {
        let named = answers
            .iter_mut()
            .filter(|answer| answer.name == topic.name);
        for (index, open) in named.flat_map(|answer| answer.partitions.iter_mut()) {
            if open.is_none() {
                let found = topic
                    .partitions
                    .iter()
                    .find(|(known, _)| known.get() == *index);
                *open = found.map(|(_, error)| *error);
            }
        }
    }
}

fn fail(answers: &mut [TopicAnswer], error: ErrorCode) {
    for (_, open) in answers
        .iter_mut()
        .flat_map(|answer| answer.partitions.iter_mut())
    {
        open.get_or_insert(error);
    }
}
