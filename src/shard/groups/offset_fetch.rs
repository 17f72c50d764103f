//! OffsetFetch (key 9), versions 1 to 10.
//!
//! - From version 2 no topics means all that the group has; from 8 one request names several groups; 10 names topics
//!   by id, an unknown one is UNKNOWN_TOPIC_ID.
//! - A group or partition that nobody committed for is not an error: its offset is -1.
//! - An error of the group as a whole stands in every partition (version 1), at the top (2 to 7) or in the group.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use crate::group::Response as GroupResponse;
use crate::group::effects::FetchedTopic;
use crate::group::requests::{FetchTopic, OffsetFetch};
use crate::metadata::ClusterImage;
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask};
use crate::shard::oneshot::join_all;
use crate::shard::response::Response;

/// Answers an OffsetFetch request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let version = request.header.api_version;
    let wanted = match request.decode::<OffsetFetchRequest<'_>>() {
        Ok(asked) if version >= 8 => {
            let group =
                |group| Wanted::of_group(&shard.image(), version, asked.require_stable, group);
            once_each(&asked.groups).map(group).collect()
        }
        Ok(asked) => vec![Wanted::of_request(&asked)],
        Err(error) => return Response::malformed(error),
    };
    let wanted: Vec<Wanted> = wanted;
    let groups = join_all(wanted.into_iter().map(|wanted| fetch(&shard, wanted))).await;
    let image = shard.image();
    let response = match (version, groups.as_slice()) {
        (8.., _) => OffsetFetchResponse {
            groups: groups
                .iter()
                .map(|group| group.encode(&image, version))
                .collect(),
            ..Default::default()
        },
        (_, [group]) => group.encode_alone(version),
        _ => OffsetFetchResponse::default(),
    };
    Response::encode(&request.header, &response)
}

/// What is asked of groups; everything that a group has is told once, else a small request could ask for any amount.
fn once_each<'r, 'a>(
    groups: &'r [OffsetFetchRequestGroup<'a>],
) -> impl Iterator<Item = &'r OffsetFetchRequestGroup<'a>> {
    let mut all_of = HashSet::new();
    groups
        .iter()
        .filter(move |group| group.topics.is_some() || all_of.insert(group.group_id))
}

/// What is asked of one group.
struct Wanted {
    fetch: OffsetFetch,
    /// Topics whose id nobody knows.
    unknown: Vec<(TopicId, Vec<i32>)>,
}

/// What came of it.
struct Fetched {
    group_id: String,
    error: ErrorCode,
    topics: Vec<FetchedTopic>,
    unknown: Vec<(TopicId, Vec<i32>)>,
    /// What was asked, for the version that repeats the group's error in every partition.
    asked: Vec<(Arc<str>, Vec<i32>)>,
}

impl Wanted {
    fn of_request(asked: &OffsetFetchRequest<'_>) -> Wanted {
        let topics = asked.topics.as_ref().map(|topics| {
            topics
                .iter()
                .map(|topic| {
                    fetch_topic(topic.name.into(), TopicId::ZERO, &topic.partition_indexes)
                })
                .collect()
        });
        let fetch = OffsetFetch {
            group_id: asked.group_id.to_owned(),
            require_stable: asked.require_stable,
            topics,
        };
        Wanted {
            fetch,
            unknown: Vec::new(),
        }
    }

    fn of_group(
        image: &ClusterImage,
        version: i16,
        require_stable: bool,
        group: &OffsetFetchRequestGroup<'_>,
    ) -> Wanted {
        let mut unknown = Vec::new();
        let topics = group.topics.as_ref().map(|topics| {
            let mut known = Vec::with_capacity(topics.len());
            for topic in topics {
                let name = match version {
                    ..10 => Some(topic.name.into()),
                    _ => image
                        .topic_by_id(topic.topic_id)
                        .map(|topic| topic.name.clone()),
                };
                match name {
                    Some(name) => {
                        known.push(fetch_topic(name, topic.topic_id, &topic.partition_indexes));
                    }
                    None => unknown.push((topic.topic_id, topic.partition_indexes.clone())),
                }
            }
            known
        });
        let fetch = OffsetFetch {
            group_id: group.group_id.to_owned(),
            require_stable,
            topics,
        };
        Wanted { fetch, unknown }
    }
}

fn fetch_topic(name: Arc<str>, topic_id: TopicId, partitions: &[i32]) -> FetchTopic {
    let partitions = partitions
        .iter()
        .map(|index| PartitionIndex(*index))
        .collect();
    FetchTopic {
        name,
        topic_id,
        partitions,
    }
}

async fn fetch(shard: &Rc<Shard>, wanted: Wanted) -> Fetched {
    let Wanted { fetch, unknown } = wanted;
    let group_id = fetch.group_id.clone();
    let asked = fetch
        .topics
        .iter()
        .flatten()
        .map(|topic| {
            (
                topic.name.clone(),
                topic.partitions.iter().map(|p| p.get()).collect::<Vec<_>>(),
            )
        })
        .collect();
    let (error, topics) = match ask(shard, &group_id, GroupRequest::Fetch(fetch)).await {
        Ok(GroupReply::One(GroupResponse::OffsetFetch(fetched))) => (fetched.error, fetched.topics),
        Ok(_) => (ErrorCode::UnknownServerError, Vec::new()),
        Err(error) => (error, Vec::new()),
    };
    Fetched {
        group_id,
        error,
        topics,
        unknown,
        asked,
    }
}

impl Fetched {
    fn encode<'a>(&'a self, image: &ClusterImage, version: i16) -> OffsetFetchResponseGroup<'a> {
        let mut topics = Vec::new();
        if self.error.is_none() {
            topics.extend(
                self.topics
                    .iter()
                    .filter_map(|topic| encode_topic(image, version, topic)),
            );
            topics.extend(self.unknown.iter().map(unknown_topic));
        }
        OffsetFetchResponseGroup {
            group_id: &self.group_id,
            topics,
            error_code: self.error.code(),
        }
    }

    fn encode_alone(&self, version: i16) -> OffsetFetchResponse<'_> {
        let failed_everywhere = version < 2 && !self.error.is_none();
        let topics = match failed_everywhere {
            true => self
                .asked
                .iter()
                .map(|(name, all)| self.failed_topic(name, all))
                .collect(),
            false => self.topics.iter().map(encode_topic_alone).collect(),
        };
        OffsetFetchResponse {
            topics,
            error_code: self.error.code(),
            ..Default::default()
        }
    }

    fn failed_topic<'a>(&self, name: &'a str, partitions: &[i32]) -> OffsetFetchResponseTopic<'a> {
        OffsetFetchResponseTopic {
            name,
            partitions: partitions
                .iter()
                .map(|index| OffsetFetchResponsePartition {
                    partition_index: *index,
                    committed_offset: -1,
                    metadata: Some(""),
                    error_code: self.error.code(),
                    ..Default::default()
                })
                .collect(),
        }
    }
}

fn encode_topic_alone(topic: &FetchedTopic) -> OffsetFetchResponseTopic<'_> {
    OffsetFetchResponseTopic {
        name: &topic.name,
        partitions: topic
            .partitions
            .iter()
            .map(|fetched| OffsetFetchResponsePartition {
                partition_index: fetched.partition.get(),
                committed_offset: fetched.offset.get(),
                committed_leader_epoch: fetched.leader_epoch.get(),
                metadata: Some(&fetched.metadata),
                ..Default::default()
            })
            .collect(),
    }
}

/// A topic as versions 8 and later carry it; version 10 needs an id, without one the topic is left out.
fn encode_topic<'a>(
    image: &ClusterImage,
    version: i16,
    topic: &'a FetchedTopic,
) -> Option<OffsetFetchResponseTopics<'a>> {
    let mut topic_id = topic.topic_id;
    if version >= 10 && topic_id.is_zero() {
        topic_id = image.topic(&topic.name)?.id;
    }
    let partitions = topic
        .partitions
        .iter()
        .map(|fetched| {
            partition(
                fetched.partition.get(),
                fetched.offset,
                fetched.leader_epoch,
                &fetched.metadata,
            )
        })
        .collect();
    Some(OffsetFetchResponseTopics {
        name: &topic.name,
        topic_id,
        partitions,
    })
}

fn unknown_topic<'a>((id, partitions): &(TopicId, Vec<i32>)) -> OffsetFetchResponseTopics<'a> {
    let failed = |index: &i32| OffsetFetchResponsePartitions {
        error_code: ErrorCode::UnknownTopicId.code(),
        ..partition(*index, Offset(-1), LeaderEpoch(-1), "")
    };
    OffsetFetchResponseTopics {
        topic_id: *id,
        partitions: partitions.iter().map(failed).collect(),
        ..Default::default()
    }
}

fn partition(
    index: i32,
    offset: Offset,
    leader_epoch: LeaderEpoch,
    metadata: &str,
) -> OffsetFetchResponsePartitions<'_> {
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: offset.get(),
        committed_leader_epoch: leader_epoch.get(),
        metadata: Some(metadata),
        ..Default::default()
    }
}
