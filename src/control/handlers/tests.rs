use std::sync::Arc;

use super::*;
use crate::base::{NodeId, TopicId};
use crate::metadata::config::BrokerConfig;
use crate::metadata::controller::bootstrap;
use crate::metadata::{Broker, ClusterImage};
use crate::protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
};
use crate::protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::protocol::messages::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::protocol::{Reader, decode_response_header};

fn draft() -> Draft {
    let broker = Broker {
        id: NodeId(1),
        host: "localhost".to_owned(),
        port: 9092,
        rack: None,
        core_ports: Vec::new(),
    };
    let empty = ClusterImage::empty(Arc::new(BrokerConfig::default()));
    let records = bootstrap(&empty, "cluster", broker);
    Draft::new(Arc::new(empty.apply(&records).unwrap()), 2)
}

/// Has a request handled and hands the frame of the response over.
fn ask<'a>(draft: &mut Draft, api: ApiKey, version: i16, body: &impl Message<'a>) -> Vec<u8> {
    let request = ForwardedRequest {
        api,
        version,
        correlation_id: 9,
        body: body.to_bytes(version).unwrap().into(),
    };
    match handle(draft, &request) {
        ControlReply::Response(frame) => frame,
        other => panic!("{other:?}"),
    }
}

/// Reads a frame whole: length, header, body and nothing behind it.
fn read<'a, M: Message<'a>>(frame: &'a [u8], api: ApiKey, version: i16) -> M {
    let (length, rest) = frame.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, rest.len());
    let mut reader = Reader::new(rest);
    assert_eq!(decode_response_header(&mut reader, api, version), Ok(9));
    let message = M::decode(&mut reader, version).unwrap();
    assert!(reader.rest().is_empty());
    message
}

fn create<'a>(name: &'a str, configs: Vec<CreatableTopicConfig<'a>>) -> CreateTopicsRequest<'a> {
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name,
            num_partitions: 3,
            replication_factor: 1,
            configs,
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn versions(api: ApiKey) -> std::ops::RangeInclusive<i16> {
    api.spec().min_version..=api.spec().max_version
}

#[test]
fn topics_are_created_in_every_version() {
    for version in versions(ApiKey::CreateTopics) {
        let mut draft = draft();
        let frame = ask(
            &mut draft,
            ApiKey::CreateTopics,
            version,
            &create("a", Vec::new()),
        );
        let response: CreateTopicsResponse<'_> = read(&frame, ApiKey::CreateTopics, version);
        let topic = &response.topics[0];
        assert_eq!(
            (topic.name, topic.error_code, topic.error_message),
            ("a", 0, None)
        );
        let made = draft.image().topic("a").unwrap();
        assert_eq!(made.partitions.len(), 3);
        if version >= 5 {
            assert_eq!((topic.num_partitions, topic.replication_factor), (3, 1));
            let configs = topic.configs.as_ref().unwrap();
            assert!(
                configs
                    .iter()
                    .any(|c| c.name == "retention.ms" && c.value == Some("604800000"))
            );
        }
        if version >= 7 {
            assert_eq!(topic.topic_id, made.id);
        }
    }
}

#[test]
fn refusals_carry_code_and_message_and_change_nothing() {
    let mut draft = draft();
    let wrong = CreatableTopicConfig {
        name: "retention.ms",
        value: Some("never"),
    };
    for (request, code) in [
        (create("a", vec![wrong]), ErrorCode::InvalidConfig),
        (create("a/b", Vec::new()), ErrorCode::InvalidTopicException),
    ] {
        let frame = ask(&mut draft, ApiKey::CreateTopics, 7, &request);
        let response: CreateTopicsResponse<'_> = read(&frame, ApiKey::CreateTopics, 7);
        let topic = &response.topics[0];
        assert_eq!(topic.error_code, code.code());
        assert!(topic.error_message.is_some() && topic.topic_id == TopicId::ZERO);
        assert_eq!((topic.num_partitions, topic.replication_factor), (-1, -1));
    }
    let (_, changes) = draft.into_parts();
    assert!(changes.is_empty());
}

#[test]
fn a_change_that_cannot_be_written_is_refused_topic_by_topic() {
    let there = draft();
    let refusal = ApiError::new(ErrorCode::KafkaStorageError, "why");
    let mut draft = Draft::refusing(there.image().clone(), 2, refusal);
    let mut request = create("a", Vec::new());
    request
        .topics
        .push(create("a/b", Vec::new()).topics.remove(0));
    for version in versions(ApiKey::CreateTopics) {
        let frame = ask(&mut draft, ApiKey::CreateTopics, version, &request);
        let response: CreateTopicsResponse<'_> = read(&frame, ApiKey::CreateTopics, version);
        let told = |name| {
            let mut topics = response.topics.iter();
            let topic = topics.find(|topic| topic.name == name).unwrap();
            (topic.error_code, topic.error_message)
        };
        assert_eq!(
            told("a"),
            (ErrorCode::KafkaStorageError.code(), Some("why"))
        );
        assert_eq!(told("a/b").0, ErrorCode::InvalidTopicException.code());
    }
    let (_, changes) = draft.into_parts();
    assert!(changes.is_empty());
}

#[test]
fn validate_only_answers_and_changes_nothing() {
    let mut draft = draft();
    let request = CreateTopicsRequest {
        validate_only: true,
        ..create("a", Vec::new())
    };
    let frame = ask(&mut draft, ApiKey::CreateTopics, 7, &request);
    let response: CreateTopicsResponse<'_> = read(&frame, ApiKey::CreateTopics, 7);
    assert_eq!(response.topics[0].error_code, 0);
    assert!(draft.image().topic("a").is_none());
}

#[test]
fn topics_are_deleted_by_name_and_by_id_in_every_version() {
    for version in versions(ApiKey::DeleteTopics) {
        let mut draft = draft();
        ask(
            &mut draft,
            ApiKey::CreateTopics,
            7,
            &create("a", Vec::new()),
        );
        ask(
            &mut draft,
            ApiKey::CreateTopics,
            7,
            &create("b", Vec::new()),
        );
        let id = draft.image().topic("b").unwrap().id;
        let request = match version {
            ..6 => DeleteTopicsRequest {
                topic_names: vec!["a", "b"],
                ..Default::default()
            },
            6.. => DeleteTopicsRequest {
                topics: vec![
                    DeleteTopicState {
                        name: Some("a"),
                        topic_id: TopicId::ZERO,
                    },
                    DeleteTopicState {
                        name: None,
                        topic_id: id,
                    },
                ],
                ..Default::default()
            },
        };
        let frame = ask(&mut draft, ApiKey::DeleteTopics, version, &request);
        let response: DeleteTopicsResponse<'_> = read(&frame, ApiKey::DeleteTopics, version);
        let mut names: Vec<_> = response
            .responses
            .iter()
            .map(|r| (r.name, r.error_code))
            .collect();
        names.sort_unstable();
        assert_eq!(names, [(Some("a"), 0), (Some("b"), 0)], "version {version}");
        assert_eq!(draft.image().topics().len(), 0);
    }
}

#[test]
fn partitions_are_added_in_every_version() {
    for version in versions(ApiKey::CreatePartitions) {
        let mut draft = draft();
        ask(
            &mut draft,
            ApiKey::CreateTopics,
            7,
            &create("a", Vec::new()),
        );
        for (count, code) in [(5, ErrorCode::None), (4, ErrorCode::InvalidPartitions)] {
            let topic = CreatePartitionsTopic {
                name: "a",
                count,
                assignments: None,
            };
            let request = CreatePartitionsRequest {
                topics: vec![topic],
                ..Default::default()
            };
            let frame = ask(&mut draft, ApiKey::CreatePartitions, version, &request);
            let response: CreatePartitionsResponse<'_> =
                read(&frame, ApiKey::CreatePartitions, version);
            let result = &response.results[0];
            assert_eq!((result.name, result.error_code), ("a", code.code()));
            assert_eq!(result.error_message.is_some(), code != ErrorCode::None);
        }
        assert_eq!(draft.image().topic("a").unwrap().partitions.len(), 5);
    }
}

#[test]
fn an_api_of_the_shards_is_our_fault_here() {
    let request = ForwardedRequest {
        api: ApiKey::Fetch,
        version: 4,
        correlation_id: 1,
        body: bytes::Bytes::new(),
    };
    let reply = handle(&mut draft(), &request);
    assert_eq!(reply, ControlReply::Failed(ErrorCode::UnknownServerError));
}
