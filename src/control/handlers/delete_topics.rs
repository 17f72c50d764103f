//! DeleteTopics (key 20), versions 1 to 6.
//!
//! - From version 6 a topic is named by name or by id (KIP-516).
//! - `delete.topic.enable=false` is TOPIC_DELETION_DISABLED from version 3, INVALID_REQUEST before.
//! - From version 5 the answer has messages.
//! - A topic is gone for clients when the answer comes; its files go later.

use super::{Unanswered, error_fields};
use crate::base::TopicId;
use crate::control::draft::Draft;
use crate::control::messages::ForwardedRequest;
use crate::metadata::controller::{DeleteTopic, DeletedTopic, delete_topics};
use crate::protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};

pub(super) fn handle(draft: &mut Draft, request: &ForwardedRequest) -> Result<Vec<u8>, Unanswered> {
    let asked: DeleteTopicsRequest<'_> = request.decode()?;
    let by_name = asked.topic_names.iter().map(|name| DeleteTopic {
        name: Some((*name).to_owned()),
        id: TopicId::ZERO,
    });
    let by_either = asked.topics.iter().map(|topic| DeleteTopic {
        name: topic.name.map(str::to_owned),
        id: topic.topic_id,
    });
    let topics: Vec<DeleteTopic> = by_name.chain(by_either).collect();
    let outcome = delete_topics(draft.image(), &topics, request.version);
    let results: Vec<DeletedTopic> = outcome
        .result
        .into_iter()
        .map(|topic| DeletedTopic {
            result: draft.told(topic.result),
            ..topic
        })
        .collect();
    let response = DeleteTopicsResponse {
        responses: results.iter().map(answer).collect(),
        ..Default::default()
    };
    let frame = request.encode(&response)?;
    draft.change(outcome.records)?;
    Ok(frame)
}

fn answer(deleted: &DeletedTopic) -> DeletableTopicResult<'_> {
    let (error_code, error_message) = error_fields(&deleted.result);
    DeletableTopicResult {
        name: deleted.name.as_deref(),
        topic_id: deleted.id,
        error_code,
        error_message,
    }
}
