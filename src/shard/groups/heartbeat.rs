//! Heartbeat (key 12), versions 0 to 4.

use std::rc::Rc;

use crate::base::GenerationId;
use crate::group::Response as GroupResponse;
use crate::group::requests::Heartbeat;
use crate::protocol::ErrorCode;
use crate::protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask, owned};
use crate::shard::response::Response;

/// Answers a Heartbeat request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let beat = match request.decode::<HeartbeatRequest<'_>>() {
        Ok(beat) => Heartbeat {
            group_id: beat.group_id.to_owned(),
            generation_id: GenerationId(beat.generation_id),
            member_id: beat.member_id.to_owned(),
            group_instance_id: owned(beat.group_instance_id),
        },
        Err(error) => return Response::malformed(error),
    };
    let group_id = beat.group_id.clone();
    let error = match ask(&shard, &group_id, GroupRequest::Heartbeat(beat)).await {
        Ok(GroupReply::One(GroupResponse::Heartbeat(error))) | Err(error) => match error {
            // A coordinator that still loads does not take members away: the client goes on (as Kafka answers).
            ErrorCode::CoordinatorLoadInProgress => ErrorCode::None,
            other => other,
        },
        Ok(_) => ErrorCode::UnknownServerError,
    };
    let response = HeartbeatResponse {
        error_code: error.code(),
        ..Default::default()
    };
    Response::encode(&request.header, &response)
}
