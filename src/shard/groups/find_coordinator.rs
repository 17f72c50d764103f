//! FindCoordinator (key 10), versions 0 to 6.
//!
//! - Key type 0 is a group: its coordinator is this broker. `__consumer_offsets` is made at the first question, and
//!   the answer waits for it, where Kafka sends the client away to come again.
//! - Key type 1 is a transactional id, 2 a share group: there are no such coordinators yet. A transactional id is
//!   refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients report at once instead of asking again.
//! - From version 4 one request names several keys (KIP-699).

use std::rc::Rc;

use crate::control::messages::{ControlCall, ControlReply};
use crate::protocol::ErrorCode;
use crate::protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::OFFSETS_TOPIC;
use crate::shard::response::Response;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Answers a FindCoordinator request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<FindCoordinatorRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let error = check(&shard, asked.key_type).await;
    let image = shard.image();
    let node = image
        .broker(shard.config.node_id)
        .filter(|_| error.is_none());
    let (node_id, host, port) = node.map_or((-1, "", -1), |node| {
        (node.id.get(), &*node.host, i32::from(node.port))
    });
    let response = match request.header.api_version {
        ..4 => FindCoordinatorResponse {
            error_code: error.code(),
            error_message: Some(error.name()),
            node_id,
            host,
            port,
            ..Default::default()
        },
        _ => FindCoordinatorResponse {
            coordinators: asked
                .coordinator_keys
                .iter()
                .map(|key| Coordinator {
                    key,
                    node_id,
                    host,
                    port,
                    error_code: error.code(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        },
    };
    Response::encode(&request.header, &response)
}

async fn check(shard: &Rc<Shard>, key_type: i8) -> ErrorCode {
    match key_type {
        GROUP => ensure_offsets_topic(shard).await,
        TRANSACTION => ErrorCode::TransactionalIdAuthorizationFailed,
        _ => ErrorCode::InvalidRequest,
    }
}

async fn ensure_offsets_topic(shard: &Rc<Shard>) -> ErrorCode {
    if shard.image().topic(OFFSETS_TOPIC).is_some() {
        return ErrorCode::None;
    }
    match shard.call_control(ControlCall::EnsureOffsetsTopic).await {
        Some(ControlReply::Done(Ok(()))) => ErrorCode::None,
        _ => ErrorCode::CoordinatorNotAvailable,
    }
}
