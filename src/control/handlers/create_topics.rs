//! CreateTopics (key 19), versions 2 to 7.
//!
//! - Each topic is created on its own: one that is refused does not keep the others from being there.
//! - `validate_only` answers as if, and changes nothing.
//! - -1 partitions or replicas are the broker's defaults (KIP-464).
//! - From version 5 the answer tells partitions, replicas and every setting (KIP-525); from 7 the topic's id (KIP-516).
//! - The request's timeout is not looked at: the answer comes when every shard has the topic, which takes milliseconds.

use super::{Unanswered, error_fields};
use crate::base::NodeId;
use crate::control::draft::{Draft, fresh_ids};
use crate::control::messages::ForwardedRequest;
use crate::metadata::config::ConfigEntry;
use crate::metadata::controller::{
    ApiError, CreateTopic, CreatedTopic, ReplicaAssignment, create_topics,
};
use crate::protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

pub(super) fn handle(draft: &mut Draft, request: &ForwardedRequest) -> Result<Vec<u8>, Unanswered> {
    let asked: CreateTopicsRequest<'_> = request.decode()?;
    let topics: Vec<CreateTopic> = asked.topics.iter().map(wanted).collect();
    let ids = fresh_ids(topics.len());
    let outcome = create_topics(
        draft.image(),
        &topics,
        asked.validate_only,
        draft.shards(),
        &ids,
    );
    let results: Vec<_> = outcome
        .result
        .into_iter()
        .map(|(name, result)| (name, draft.told(result)))
        .collect();
    let response = CreateTopicsResponse {
        topics: results
            .iter()
            .map(|(name, result)| answer(name, result))
            .collect(),
        ..Default::default()
    };
    let frame = request.encode(&response)?;
    draft.change(outcome.records)?;
    Ok(frame)
}

fn wanted(topic: &CreatableTopic<'_>) -> CreateTopic {
    let assignments = topic
        .assignments
        .iter()
        .map(|assignment| ReplicaAssignment {
            partition: assignment.partition_index,
            brokers: assignment.broker_ids.iter().copied().map(NodeId).collect(),
        });
    let configs = topic.configs.iter();
    CreateTopic {
        name: topic.name.to_owned(),
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: configs
            .map(|config| (config.name.to_owned(), config.value.map(str::to_owned)))
            .collect(),
    }
}

fn answer<'a>(
    name: &'a str,
    result: &'a Result<CreatedTopic, ApiError>,
) -> CreatableTopicResult<'a> {
    let (error_code, error_message) = error_fields(result);
    let mut answer = CreatableTopicResult {
        name,
        error_code,
        error_message,
        ..Default::default()
    };
    if let Ok(created) = result {
        answer.topic_id = created.id;
        answer.num_partitions = created.num_partitions;
        answer.replication_factor = created.replication_factor;
        answer.configs = Some(created.configs.iter().map(setting).collect());
    }
    answer
}

fn setting(entry: &ConfigEntry) -> CreatableTopicConfigs<'_> {
    CreatableTopicConfigs {
        name: entry.name,
        value: entry.value.as_deref(),
        read_only: entry.is_read_only,
        config_source: entry.source.code(),
        is_sensitive: entry.is_sensitive,
    }
}
