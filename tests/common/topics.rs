//! Topics made and deleted by one request, whatever its answer is.

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, TopicName};

use super::wire::{Connection, decode_answer, text};

/// How long the broker may take, in milliseconds.
const TIMEOUT_MS: i32 = 10_000;

/// Asks for a topic; the error code.
pub fn create(connection: &mut Connection, name: &str, partitions: i32) -> i16 {
    let response = connection.call(5, &create_request(name, partitions));
    response.topics[0].error_code
}

/// Asks for the end of a topic; the error code.
pub fn delete(connection: &mut Connection, name: &str) -> i16 {
    let response = connection.call(4, &delete_request(name));
    response.responses[0].error_code
}

/// A request for one topic.
pub fn create_request(name: &str, partitions: i32) -> CreateTopicsRequest {
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(partitions)
        .with_replication_factor(1);
    CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(TIMEOUT_MS)
}

/// A request for the end of one topic.
pub fn delete_request(name: &str) -> DeleteTopicsRequest {
    DeleteTopicsRequest::default()
        .with_topic_names(vec![TopicName(text(name))])
        .with_timeout_ms(TIMEOUT_MS)
}

/// The error code in the answer to [`create_request`].
pub fn created(frame: &[u8]) -> i16 {
    decode_answer::<CreateTopicsRequest>(5, frame).topics[0].error_code
}

/// The error code in the answer to [`delete_request`].
pub fn deleted(frame: &[u8]) -> i16 {
    decode_answer::<DeleteTopicsRequest>(4, frame).responses[0].error_code
}
