//! SyncGroup (key 14), versions 0 to 5.
//!
//! - The leader brings the assignments; each member's answer waits until they are durable.
//! - From version 5 the protocol's type and name are checked and answered (KIP-559).

use std::rc::Rc;

use bytes::Bytes;

use crate::base::GenerationId;
use crate::group::Response as GroupResponse;
use crate::group::requests::SyncGroup;
use crate::protocol::ErrorCode;
use crate::protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask, owned};
use crate::shard::response::Response;

/// Answers a SyncGroup request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let sync = match request.decode::<SyncGroupRequest<'_>>() {
        Ok(sync) => owned_request(request.header.api_version, &sync),
        Err(error) => return Response::malformed(error),
    };
    let Request { header, frame, .. } = request;
    drop(frame);
    let group_id = sync.group_id.clone();
    let failed = |error: ErrorCode| SyncGroupResponse {
        error_code: error.code(),
        ..Default::default()
    };
    match ask(&shard, &group_id, GroupRequest::Sync(sync)).await {
        Ok(GroupReply::One(GroupResponse::SyncGroup(synced))) => {
            let response = SyncGroupResponse {
                error_code: synced.error.code(),
                protocol_type: synced.protocol_type.as_deref(),
                protocol_name: synced.protocol_name.as_deref(),
                assignment: &synced.assignment,
                ..Default::default()
            };
            Response::encode(&header, &response)
        }
        Ok(_) => Response::encode(&header, &failed(ErrorCode::UnknownServerError)),
        Err(error) => Response::encode(&header, &failed(error)),
    }
}

fn owned_request(api_version: i16, sync: &SyncGroupRequest<'_>) -> SyncGroup {
    SyncGroup {
        group_id: sync.group_id.to_owned(),
        api_version,
        generation_id: GenerationId(sync.generation_id),
        member_id: sync.member_id.to_owned(),
        group_instance_id: owned(sync.group_instance_id),
        protocol_type: owned(sync.protocol_type),
        protocol_name: owned(sync.protocol_name),
        assignments: sync
            .assignments
            .iter()
            .map(|given| {
                (
                    given.member_id.to_owned(),
                    Bytes::copy_from_slice(given.assignment),
                )
            })
            .collect(),
    }
}
