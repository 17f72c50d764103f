//! OffsetForLeaderEpoch (key 23), versions 2 to 4.
//!
//! - Answers the end offset of the largest epoch not above the one asked for (KIP-101, KIP-279).
//! - The client's own leader epoch is checked first: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH (KIP-320).

use std::rc::Rc;

use crate::base::PartitionIndex;
use crate::protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::messages::{Call, EpochAnswer, EpochQuery, Reply};
use crate::shard::response::Response;
use crate::shard::scatter::Scatter;

/// Answers an OffsetForLeaderEpoch request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<OffsetForLeaderEpochRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let mut scatter = Scatter::default();
    for topic in &asked.topics {
        for partition in &topic.partitions {
            let found = shard.locate(topic.topic, PartitionIndex(partition.partition));
            scatter.push(found.map(|(owner, place)| {
                let query = EpochQuery {
                    partition: place,
                    current_leader_epoch: partition.current_leader_epoch,
                    leader_epoch: partition.leader_epoch,
                };
                (owner, query)
            }));
        }
    }
    let failed = |error| EpochAnswer {
        error,
        leader_epoch: -1,
        end_offset: -1,
    };
    let answers = scatter
        .gather(&shard, Call::EpochEnds, failed, |reply| match reply {
            Reply::EpochEnds(answers) => Some(answers),
            _ => None,
        })
        .await;
    let mut answers = answers.into_iter();
    let topics = asked
        .topics
        .iter()
        .map(|topic| OffsetForLeaderTopicResult {
            topic: topic.topic,
            partitions: topic
                .partitions
                .iter()
                .zip(answers.by_ref())
                .map(|(partition, answer)| EpochEndOffset {
                    error_code: answer.error.code(),
                    partition: partition.partition,
                    leader_epoch: answer.leader_epoch,
                    end_offset: answer.end_offset,
                })
                .collect(),
        })
        .collect();
    Response::encode(
        &request.header,
        &OffsetForLeaderEpochResponse {
            topics,
            ..Default::default()
        },
    )
}
