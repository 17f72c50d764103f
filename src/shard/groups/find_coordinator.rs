//! FindCoordinator (key 10), versions 0 to 6.
//!
//! - Key type 0 is a group: its coordinator is this broker, or the core that has it where cores are nodes to clients.
//!   `__consumer_offsets` is made at the first question, and
//!   the answer waits for it, where Kafka sends the client away to come again.
//! - Key type 1 is a transactional id, 2 a share group: there are no such coordinators yet. A transactional id is
//!   refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients report at once instead of asking again.
//! - From version 4 one request names several keys (KIP-699).

use std::rc::Rc;

use crate::control::messages::{ControlCall, ControlReply};
use crate::metadata::{ClusterImage, Node};
use crate::protocol::ErrorCode;
use crate::protocol::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{OFFSETS_TOPIC, coordinator_of};
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
    let find = |group| match error {
        ErrorCode::None => coordinator(&shard, &image, group),
        error => Err(error),
    };
    let response = match request.header.api_version {
        ..4 => {
            let found = find(asked.key);
            let error = found.err().unwrap_or(ErrorCode::None);
            let (node_id, host, port) = told(found);
            FindCoordinatorResponse {
                error_code: error.code(),
                error_message: Some(error.name()),
                node_id,
                host,
                port,
                ..Default::default()
            }
        }
        _ => FindCoordinatorResponse {
            coordinators: asked
                .coordinator_keys
                .iter()
                .map(|key| entry(key, find(key)))
                .collect(),
            ..Default::default()
        },
    };
    Response::encode(&request.header, &response)
}

/// The node to ask for a group.
fn coordinator<'a>(
    shard: &Shard,
    image: &'a ClusterImage,
    group: &str,
) -> Result<Node<'a>, ErrorCode> {
    let (owner, _) = coordinator_of(shard, group)?;
    let broker = image.broker(shard.config.node_id);
    let node = broker.map(|broker| broker.node_of(owner));
    node.ok_or(ErrorCode::CoordinatorNotAvailable)
}

fn entry<'a>(key: &'a str, found: Result<Node<'a>, ErrorCode>) -> Coordinator<'a> {
    let (node_id, host, port) = told(found);
    Coordinator {
        key,
        node_id,
        host,
        port,
        error_code: found.err().unwrap_or(ErrorCode::None).code(),
        ..Default::default()
    }
}

fn told(found: Result<Node<'_>, ErrorCode>) -> (i32, &str, i32) {
    found.map_or((-1, "", -1), |node| {
        (node.id.get(), node.host, i32::from(node.port))
    })
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
