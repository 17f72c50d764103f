//! The controller's decisions: from an image and a request to the answer and the records of the change.
//!
//! Every decision is a function. It answers as Kafka's `ReplicationControlManager` and `ControllerApis`
//! do, message for message, since tools show those to people. The records are empty when nothing is to
//! change; otherwise they are one atomic batch of the metadata log, made for the very image given.
//! Random ids come from the caller.

mod create_partitions;
mod create_topics;
mod delete_topics;
mod describe_configs;
mod housekeeping;
mod placement;

#[cfg(test)]
mod tests;

pub use create_partitions::{CreatePartitions, PartitionsResult, create_partitions};
pub use create_topics::{CreateTopic, CreatedTopic, ReplicaAssignment, create_topics};
pub use delete_topics::{DeleteTopic, DeletedTopic, delete_topics};
pub use describe_configs::describe_configs;
pub use housekeeping::{
    AutoCreated, ProducerIdBlock, allocate_producer_ids, auto_create, bootstrap,
};
pub use placement::reassign_shards;

use super::records::Record;
use crate::base::limits::PARTITIONS_PER_REQUEST_MAX;
use crate::protocol::ErrorCode;

/// A decision: what to answer, and what to write first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome<R> {
    /// The answer, true once the records are applied.
    pub result: R,
    /// The change; empty for none.
    pub records: Vec<Record>,
}

impl<R> Outcome<R> {
    fn unchanged(result: R) -> Outcome<R> {
        Outcome {
            result,
            records: Vec::new(),
        }
    }
}

/// Why a part of a request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// Kafka's message; none where Kafka sends none.
    pub message: Option<String>,
}

impl ApiError {
    /// An error with a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError {
            code,
            message: Some(message.into()),
        }
    }

    fn bare(code: ErrorCode) -> ApiError {
        ApiError {
            code,
            message: None,
        }
    }
}

/// Refuses a change of more records than one batch of the metadata log takes, as Kafka does.
fn batch_too_large(records: usize) -> Result<(), ApiError> {
    if records <= PARTITIONS_PER_REQUEST_MAX {
        return Ok(());
    }
    let message = "Unable to perform excessively large batch operation.";
    Err(ApiError::new(ErrorCode::PolicyViolation, message))
}
