//! Metadata (key 3), versions 0 to 13.
//!
//! - No topics means all of them: an empty list in version 0, null later.
//! - Unknown topics are made if the request and `auto.create.topics.enable` allow it, with `num.partitions`. The answer
//!   is UNKNOWN_TOPIC_OR_PARTITION whether or not one can be made, as Kafka's, and clients count on that; whoever asks again
//!   finds what was made. Only a name that no topic may have is INVALID_TOPIC_EXCEPTION.
//! - Topics by id (KIP-516) from version 12: an unknown one is UNKNOWN_TOPIC_ID. Ids and null names in older versions
//!   are INVALID_REQUEST.
//! - Authorized operations (KIP-430) from version 8: all of them, while there are no ACLs.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use crate::base::TopicId;
use crate::control::messages::{ControlCall, ControlReply};
use crate::metadata::{ClusterImage, Topic, topic_name};
use crate::protocol::ErrorCode;
use crate::protocol::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::operations::{CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED, TOPIC_OPERATIONS};
use crate::shard::response::Response;

/// Answers a Metadata request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let version = request.header.api_version;
    let asked = match request.decode::<MetadataRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let wanted = match Wanted::of(version, &asked) {
        Ok(wanted) => wanted,
        Err(error) => return Response::encode(&request.header, &refused(&asked, error)),
    };
    let mut missing = HashSet::new();
    let auto_create =
        shard.config.auto_create_topics_enable && (version < 4 || asked.allow_auto_topic_creation);
    if let (Wanted::Names(names), true) = (&wanted, auto_create) {
        missing = create(&shard, names).await;
    }
    let image = shard.image();
    let mut response = Answer {
        image: &image,
        missing: &missing,
    }
    .to(&wanted);
    response.cluster_authorized_operations = asked_for(
        asked.include_cluster_authorized_operations,
        CLUSTER_OPERATIONS,
    );
    for topic in &mut response.topics {
        topic.topic_authorized_operations =
            asked_for(asked.include_topic_authorized_operations, TOPIC_OPERATIONS);
    }
    Response::encode(&request.header, &response)
}

/// What a request for all topics is answered.
pub fn all_topics(image: &ClusterImage) -> MetadataResponse<'_> {
    let topics = image.topics().map(|topic| known(image, topic));
    answer(image, topics.collect())
}

fn asked_for(asked: bool, operations: i32) -> i32 {
    if asked {
        operations
    } else {
        OPERATIONS_NOT_ASKED
    }
}

/// Which topics a request asks for.
enum Wanted {
    All,
    Names(BTreeSet<String>),
    Ids(BTreeSet<TopicId>),
}

impl Wanted {
    fn of(version: i16, asked: &MetadataRequest<'_>) -> Result<Wanted, ErrorCode> {
        let topics = match &asked.topics {
            None => return Ok(Wanted::All),
            Some(topics) if version == 0 && topics.is_empty() => return Ok(Wanted::All),
            Some(topics) => topics,
        };
        let ids: BTreeSet<_> = topics
            .iter()
            .map(|topic| topic.topic_id)
            .filter(|id| !id.is_zero())
            .collect();
        if version < 12 && (!ids.is_empty() || topics.iter().any(|topic| topic.name.is_none())) {
            return Err(ErrorCode::InvalidRequest);
        }
        if !ids.is_empty() {
            return Ok(Wanted::Ids(ids));
        }
        let names: Option<_> = topics
            .iter()
            .map(|topic| topic.name.map(str::to_owned))
            .collect();
        names.map(Wanted::Names).ok_or(ErrorCode::InvalidRequest)
    }
}

fn refused<'a>(asked: &MetadataRequest<'a>, error: ErrorCode) -> MetadataResponse<'a> {
    let topics = asked.topics.iter().flatten();
    MetadataResponse {
        topics: topics
            .map(|topic| MetadataResponseTopic {
                error_code: error.code(),
                name: Some(topic.name.unwrap_or_default()),
                topic_id: topic.topic_id,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// Makes the topics that are not there, if they can be made, and says which were not.
async fn create(shard: &Rc<Shard>, names: &BTreeSet<String>) -> HashSet<String> {
    let image = shard.image();
    let missing: HashSet<String> = names
        .iter()
        .filter(|name| image.topic(name).is_none())
        .cloned()
        .collect();
    let legal = missing
        .iter()
        .filter(|name| topic_name::validate(name).is_ok());
    let names: Vec<String> = legal.cloned().collect();
    if names.is_empty() {
        return missing;
    }
    let reply = shard.call_control(ControlCall::AutoCreate { names }).await;
    if let Some(ControlReply::AutoCreated(made)) = reply {
        for (topic, error) in made.iter().filter(|(_, error)| !error.is_none()) {
            tracing::debug!(%topic, %error, "a topic that was asked for cannot be made");
        }
    }
    missing
}

struct Answer<'a> {
    image: &'a ClusterImage,
    /// What was not there when the request came; by now it may be.
    missing: &'a HashSet<String>,
}

impl<'a> Answer<'a> {
    fn to(&self, wanted: &'a Wanted) -> MetadataResponse<'a> {
        let topics = match wanted {
            Wanted::All => return all_topics(self.image),
            Wanted::Names(names) => names.iter().map(|name| self.by_name(name)).collect(),
            Wanted::Ids(ids) => ids.iter().map(|id| self.by_id(*id)).collect(),
        };
        answer(self.image, topics)
    }

    fn by_name(&self, name: &'a str) -> MetadataResponseTopic<'a> {
        let there = match self.missing.contains(name) {
            true => None,
            false => self.image.topic(name),
        };
        if let Some(topic) = there {
            return known(self.image, topic);
        }
        MetadataResponseTopic {
            error_code: unknown(name).code(),
            name: Some(name),
            is_internal: topic_name::is_internal(name),
            ..Default::default()
        }
    }

    fn by_id(&self, id: TopicId) -> MetadataResponseTopic<'a> {
        self.image.topic_by_id(id).map_or_else(
            || MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId.code(),
                name: None,
                topic_id: id,
                ..Default::default()
            },
            |topic| known(self.image, topic),
        )
    }
}

/// The cluster, and what it says of these topics.
fn answer<'a>(
    image: &'a ClusterImage,
    topics: Vec<MetadataResponseTopic<'a>>,
) -> MetadataResponse<'a> {
    MetadataResponse {
        brokers: image
            .nodes()
            .map(|node| MetadataResponseBroker {
                node_id: node.id.get(),
                host: node.host,
                port: node.port.into(),
                rack: node.rack,
            })
            .collect(),
        cluster_id: Some(image.cluster_id()),
        controller_id: image.controller().map_or(-1, |broker| broker.id.get()),
        topics,
        ..Default::default()
    }
}

fn unknown(name: &str) -> ErrorCode {
    match topic_name::validate(name) {
        Ok(()) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    }
}

fn known<'a>(image: &ClusterImage, topic: &'a Topic) -> MetadataResponseTopic<'a> {
    MetadataResponseTopic {
        name: Some(&topic.name),
        topic_id: topic.id,
        is_internal: topic.internal,
        partitions: topic
            .partitions
            .iter()
            .enumerate()
            .map(|(index, info)| MetadataResponsePartition {
                partition_index: index as i32,
                leader_id: image.leader_node(info).get(),
                leader_epoch: info.leader_epoch.get(),
                replica_nodes: image.replica_nodes(info, &info.replicas),
                isr_nodes: image.replica_nodes(info, &info.isr),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
