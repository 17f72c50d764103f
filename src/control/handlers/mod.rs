//! The APIs that change the cluster's state, one file each: a request becomes a decision of the controller's, and the
//! decision a response.

mod create_partitions;
mod create_topics;
mod delete_topics;

use super::draft::Draft;
use super::messages::{ControlReply, ForwardedRequest};
use crate::metadata::ApplyError;
use crate::metadata::controller::ApiError;
use crate::protocol::{ApiKey, DecodeError, EncodeError, ErrorCode, Message, encode_response};

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    /// The peer's fault.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// Ours: the decision does not fit the state it was made from.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Ours: the version has no room for the answer.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Ours: it belongs to the shards.
    #[error("{0:?} is not an API of the control thread")]
    NotControl(ApiKey),
}

/// Decides a request and encodes the response, which is true once the draft is in the metadata log.
pub fn handle(draft: &mut Draft, request: &ForwardedRequest) -> ControlReply {
    let response = match request.api {
        ApiKey::CreateTopics => create_topics::handle(draft, request),
        ApiKey::DeleteTopics => delete_topics::handle(draft, request),
        ApiKey::CreatePartitions => create_partitions::handle(draft, request),
        other => Err(Unanswered::NotControl(other)),
    };
    match response {
        Ok(frame) => ControlReply::Response(frame),
        Err(Unanswered::Malformed(error)) => ControlReply::Malformed(error),
        Err(fault) => {
            tracing::error!(api = ?request.api, %fault, "a request could not be answered");
            ControlReply::Failed(ErrorCode::UnknownServerError)
        }
    }
}

impl ForwardedRequest {
    fn decode<'a, M: Message<'a>>(&'a self) -> Result<M, DecodeError> {
        M::from_bytes(&self.body, self.version)
    }

    fn encode<'a>(&self, response: &impl Message<'a>) -> Result<Vec<u8>, Unanswered> {
        Ok(encode_response(self.correlation_id, self.version, response)?.buf)
    }
}

/// Code and message as responses carry them.
fn error_fields<T>(result: &Result<T, ApiError>) -> (i16, Option<&str>) {
    match result {
        Ok(_) => (ErrorCode::None.code(), None),
        Err(error) => (error.code.code(), error.message.as_deref()),
    }
}

#[cfg(test)]
mod tests;
