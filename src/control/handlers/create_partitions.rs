//! CreatePartitions (key 37), versions 0 to 3.
//!
//! - The count is the new total; there is no way to fewer partitions.
//! - Each topic is changed on its own; `validate_only` changes nothing.
//! - The request's timeout is not looked at: the answer comes when every shard has the partitions.

use super::{Unanswered, error_fields};
use crate::base::NodeId;
use crate::control::draft::Draft;
use crate::control::messages::ForwardedRequest;
use crate::metadata::controller::{CreatePartitions, create_partitions};
use crate::protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopicResult,
};

pub(super) fn handle(draft: &mut Draft, request: &ForwardedRequest) -> Result<Vec<u8>, Unanswered> {
    let asked: CreatePartitionsRequest<'_> = request.decode()?;
    let brokers = |assignment: &CreatePartitionsAssignment| -> Vec<NodeId> {
        assignment.broker_ids.iter().copied().map(NodeId).collect()
    };
    let topics = asked.topics.iter().map(|topic| CreatePartitions {
        topic: topic.name.to_owned(),
        count: topic.count,
        assignments: topic
            .assignments
            .as_ref()
            .map(|new| new.iter().map(brokers).collect()),
    });
    let topics: Vec<CreatePartitions> = topics.collect();
    let outcome = create_partitions(draft.image(), &topics, asked.validate_only, draft.shards());
    let told: Vec<_> = outcome
        .result
        .into_iter()
        .map(|(name, result)| (name, draft.told(result)))
        .collect();
    let results = told.iter().map(|(name, result)| {
        let (error_code, error_message) = error_fields(result);
        CreatePartitionsTopicResult {
            name,
            error_code,
            error_message,
        }
    });
    let response = CreatePartitionsResponse {
        results: results.collect(),
        ..Default::default()
    };
    let frame = request.encode(&response)?;
    draft.change(outcome.records)?;
    Ok(frame)
}
