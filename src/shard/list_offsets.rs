//! ListOffsets (key 2), versions 1 to 11.
//!
//! - A timestamp of -1 is the latest offset (high watermark or last stable offset), -2 the earliest, -3 (version 7,
//!   KIP-734) the record with the largest timestamp, -4 (version 8, KIP-405) the earliest on local disk; -5 (version 9)
//!   and -6 (version 11) speak of tiered storage, of which there is none: offset -1.
//! - Another negative timestamp, or one newer than the version, is UNSUPPORTED_VERSION.
//! - A partition that is named twice is INVALID_REQUEST, once; a topic that is named twice is answered once, and one without
//!   partitions not at all.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::base::{PartitionIndex, ShardId, TopicPartition};
use crate::protocol::ErrorCode;
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::messages::{Call, OffsetAnswer, OffsetQuery, Reply};
use crate::shard::response::Response;
use crate::shard::scatter::Scatter;

/// The latest offset.
pub const LATEST_TIMESTAMP: i64 = -1;
/// The earliest offset.
pub const EARLIEST_TIMESTAMP: i64 = -2;
/// The record with the largest timestamp.
pub const MAX_TIMESTAMP: i64 = -3;
/// The earliest offset on local disk.
pub const EARLIEST_LOCAL_TIMESTAMP: i64 = -4;
/// The latest offset in tiered storage.
pub const LATEST_TIERED_TIMESTAMP: i64 = -5;
/// The earliest offset not yet in tiered storage.
pub const EARLIEST_PENDING_UPLOAD_TIMESTAMP: i64 = -6;

/// Answers a ListOffsets request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let list = match request.decode::<ListOffsetsRequest<'_>>() {
        Ok(list) => list,
        Err(error) => return Response::malformed(error),
    };
    let version = request.header.api_version;
    let duplicates = duplicates(&list);
    let read_committed = list.isolation_level == 1;
    let mut scatter = Scatter::default();
    for topic in &list.topics {
        for partition in &topic.partitions {
            let found = match duplicates.contains(&(topic.name, partition.partition_index)) {
                true => Err(ErrorCode::InvalidRequest),
                false => find(&shard, version, topic.name, partition),
            };
            scatter.push(found.map(|(owner, partition_at)| {
                let query = OffsetQuery {
                    partition: partition_at,
                    timestamp: partition.timestamp,
                    current_leader_epoch: partition.current_leader_epoch,
                    read_committed,
                };
                (owner, query)
            }));
        }
    }
    let answers = scatter
        .gather(
            &shard,
            Call::Offsets,
            OffsetAnswer::none,
            |reply| match reply {
                Reply::Offsets(answers) => Some(answers),
                _ => None,
            },
        )
        .await;
    let mut answers = answers.into_iter();
    let mut told = HashSet::new();
    let mut topics: Vec<ListOffsetsTopicResponse<'_>> = Vec::new();
    let mut places = HashMap::new();
    for topic in &list.topics {
        for (partition, answer) in topic.partitions.iter().zip(answers.by_ref()) {
            // What is named twice is refused once.
            if !told.insert((topic.name, partition.partition_index)) {
                continue;
            }
            let place = *places.entry(topic.name).or_insert_with(|| {
                topics.push(ListOffsetsTopicResponse {
                    name: topic.name,
                    ..Default::default()
                });
                topics.len() - 1
            });
            let answer = partition_response(version, partition, answer);
            topics[place].partitions.push(answer);
        }
    }
    Response::encode(
        &request.header,
        &ListOffsetsResponse {
            topics,
            ..Default::default()
        },
    )
}

fn duplicates<'a>(list: &ListOffsetsRequest<'a>) -> HashSet<(&'a str, i32)> {
    let mut seen = HashSet::new();
    list.topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|p| (topic.name, p.partition_index))
        })
        .filter(|named| !seen.insert(*named))
        .collect()
}

fn find(
    shard: &Shard,
    version: i16,
    topic: &str,
    partition: &ListOffsetsPartition,
) -> Result<(ShardId, TopicPartition), ErrorCode> {
    if !is_supported(version, partition.timestamp) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    shard.locate(topic, PartitionIndex(partition.partition_index))
}

fn is_supported(version: i16, timestamp: i64) -> bool {
    match timestamp {
        0.. | LATEST_TIMESTAMP | EARLIEST_TIMESTAMP => true,
        MAX_TIMESTAMP => version >= 7,
        EARLIEST_LOCAL_TIMESTAMP => version >= 8,
        LATEST_TIERED_TIMESTAMP => version >= 9,
        EARLIEST_PENDING_UPLOAD_TIMESTAMP => version >= 11,
        _ => false,
    }
}

fn partition_response(
    version: i16,
    partition: &ListOffsetsPartition,
    answer: OffsetAnswer,
) -> ListOffsetsPartitionResponse {
    let error = match answer.error {
        // Clients of version 4 and older do not know this code.
        ErrorCode::OffsetNotAvailable if version < 5 => ErrorCode::LeaderNotAvailable,
        other => other,
    };
    ListOffsetsPartitionResponse {
        partition_index: partition.partition_index,
        error_code: error.code(),
        timestamp: answer.timestamp,
        offset: answer.offset,
        leader_epoch: if version >= 4 {
            answer.leader_epoch
        } else {
            -1
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_places_came_with_their_versions() {
        for (timestamp, since) in [
            (-1, 1),
            (-2, 1),
            (-3, 7),
            (-4, 8),
            (-5, 9),
            (-6, 11),
            (0, 1),
        ] {
            for version in 1..=11 {
                assert_eq!(
                    is_supported(version, timestamp),
                    version >= since,
                    "{timestamp}"
                );
            }
        }
        assert!(!is_supported(11, -7));
    }
}
