//! OffsetDelete (key 47), version 0.
//!
//! - Unknown topics and partitions are UNKNOWN_TOPIC_OR_PARTITION, topics that the group subscribes to are
//!   GROUP_SUBSCRIBED_TO_TOPIC (KIP-496).

use std::rc::Rc;
use std::sync::Arc;

use crate::base::PartitionIndex;
use crate::group::Response as GroupResponse;
use crate::group::requests::OffsetDelete;
use crate::metadata::ClusterImage;
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask};
use crate::shard::response::Response;

type TopicPartitions<T> = Vec<(Arc<str>, Vec<T>)>;

/// Answers an OffsetDelete request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let (group_id, known, mut answers) = match request.decode::<OffsetDeleteRequest<'_>>() {
        Ok(asked) => {
            let (known, unknown) = split(&shard.image(), &asked);
            (asked.group_id.to_owned(), known, unknown)
        }
        Err(error) => return Response::malformed(error),
    };
    let delete = OffsetDelete {
        group_id: group_id.clone(),
        topics: known,
    };
    let error = match ask(&shard, &group_id, GroupRequest::DeleteOffsets(delete)).await {
        Ok(GroupReply::One(GroupResponse::OffsetDelete(deleted))) => {
            merge(&mut answers, deleted.topics);
            deleted.error
        }
        Ok(_) => ErrorCode::UnknownServerError,
        Err(error) => error,
    };
    // An error of the whole request leaves no answer for its parts.
    let topics = if error.is_none() {
        encode(&answers)
    } else {
        Vec::new()
    };
    let response = OffsetDeleteResponse {
        error_code: error.code(),
        topics,
        ..Default::default()
    };
    Response::encode(&request.header, &response)
}

fn split(
    image: &ClusterImage,
    asked: &OffsetDeleteRequest<'_>,
) -> (
    TopicPartitions<PartitionIndex>,
    TopicPartitions<(PartitionIndex, ErrorCode)>,
) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for topic in &asked.topics {
        let found = image.topic(topic.name);
        let indexes = topic
            .partitions
            .iter()
            .map(|p| PartitionIndex(p.partition_index));
        let (there, missing): (Vec<_>, Vec<_>) =
            indexes.partition(|p| found.is_some_and(|topic| topic.partition(*p).is_some()));
        let name: Arc<str> = topic.name.into();
        if !there.is_empty() {
            known.push((name.clone(), there));
        }
        if !missing.is_empty() {
            let failed = |index| (index, ErrorCode::UnknownTopicOrPartition);
            unknown.push((name, missing.into_iter().map(failed).collect()));
        }
    }
    (known, unknown)
}

fn merge(
    answers: &mut TopicPartitions<(PartitionIndex, ErrorCode)>,
    deleted: TopicPartitions<(PartitionIndex, ErrorCode)>,
) {
    for (name, mut partitions) in deleted {
        match answers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.append(&mut partitions),
            None => answers.push((name, partitions)),
        }
    }
}

fn encode(
    answers: &TopicPartitions<(PartitionIndex, ErrorCode)>,
) -> Vec<OffsetDeleteResponseTopic<'_>> {
    answers
        .iter()
        .map(|(name, partitions)| OffsetDeleteResponseTopic {
            name,
            partitions: partitions
                .iter()
                .map(|(index, error)| OffsetDeleteResponsePartition {
                    partition_index: index.get(),
                    error_code: error.code(),
                })
                .collect(),
        })
        .collect()
}
