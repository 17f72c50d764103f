//! OffsetFetch (key 9): where a group has got to.
//!
//! - An unknown group, or a partition without a commit, has the offset -1 and no error.
//! - From version 7 a client may ask for stable offsets (KIP-447): the reply then waits for the
//!   commits that are being written.
//! - Version 10 names topics by id: an offset committed under another id is not returned.

use std::sync::Arc;

use super::coordinator::Coordinator;
use super::effects::{
    Effect, Effects, FetchedOffset, FetchedTopic, OffsetFetchResponse, ReplyToken, Response,
};
use super::records::CommittedOffset;
use super::requests::{FetchTopic, OffsetFetch};
use crate::base::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::protocol::ErrorCode;

impl Coordinator {
    /// OffsetFetch for one group; parked behind unfinished appends if it asks for stable offsets.
    /// Kafka accepts the empty group id here.
    pub fn fetch_offsets(&mut self, request: OffsetFetch, token: ReplyToken, out: &mut Effects) {
        let request = match request.require_stable {
            true => self.appends.park_fetch(token, request),
            false => Some(request),
        };
        if let Some(request) = request {
            let response = Response::OffsetFetch(self.read_offsets(request));
            out.push(Effect::Reply { token, response });
        }
    }

    pub(super) fn read_offsets(&self, request: OffsetFetch) -> OffsetFetchResponse {
        let group_id = request.group_id;
        let topics = match request.topics {
            Some(topics) => {
                let topics = topics.into_iter();
                topics
                    .map(|topic| self.read_topic(&group_id, topic))
                    .collect()
            }
            None => self.read_all(&group_id),
        };
        OffsetFetchResponse {
            group_id,
            error: ErrorCode::None,
            topics,
        }
    }

    fn read_topic(&self, group_id: &str, topic: FetchTopic) -> FetchedTopic {
        let read = |partition: PartitionIndex| {
            let committed = self.offsets.get(group_id, &topic.name, partition);
            let committed = committed.filter(|known| is_same_topic(known.topic_id, topic.topic_id));
            fetched(partition, committed)
        };
        FetchedTopic {
            partitions: topic.partitions.iter().map(|p| read(*p)).collect(),
            topic_id: topic.topic_id,
            name: topic.name,
        }
    }

    fn read_all(&self, group_id: &str) -> Vec<FetchedTopic> {
        let topics = self.offsets.of_group(group_id);
        let topics = topics.map(|(name, partitions)| FetchedTopic {
            name: Arc::clone(name),
            topic_id: TopicId::ZERO,
            partitions: partitions
                .iter()
                .map(|(partition, committed)| fetched(*partition, Some(committed)))
                .collect(),
        });
        topics.collect()
    }
}

impl OffsetFetch {
    /// The reply when the coordinator cannot answer.
    pub(super) fn failed(self, error: ErrorCode) -> Response {
        Response::OffsetFetch(OffsetFetchResponse {
            group_id: self.group_id,
            error,
            topics: Vec::new(),
        })
    }
}

fn is_same_topic(committed: TopicId, asked: TopicId) -> bool {
    committed.is_zero() || asked.is_zero() || committed == asked
}

fn fetched(partition: PartitionIndex, committed: Option<&CommittedOffset>) -> FetchedOffset {
    match committed {
        Some(committed) => FetchedOffset {
            partition,
            offset: committed.offset,
            leader_epoch: committed.leader_epoch,
            metadata: Arc::clone(&committed.metadata),
        },
        None => FetchedOffset {
            partition,
            offset: Offset(-1),
            leader_epoch: LeaderEpoch(-1),
            metadata: Arc::from(""),
        },
    }
}
