//! JoinGroup (key 11), versions 0 to 9.
//!
//! - From version 4 a new member is first told its id (KIP-394), from 5 members may be static (KIP-345), from 9 a
//!   static leader that comes back may skip the assignment (KIP-814).
//! - The answer waits for the rebalance.
//! - With an error, versions below 7 carry an empty protocol name, later ones null.

use std::rc::Rc;

use crate::group::Response as GroupResponse;
use crate::group::effects::JoinGroupResponse as Joined;
use crate::group::requests::{JoinGroup, Protocol};
use crate::protocol::ErrorCode;
use crate::protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask, owned};
use crate::shard::response::Response;

/// Answers a JoinGroup request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let join = match request.decode::<JoinGroupRequest<'_>>() {
        Ok(join) => owned_request(&shard, &request, &join),
        Err(error) => return Response::malformed(error),
    };
    let Request { header, frame, .. } = request;
    // A member may wait for minutes: its frame is not kept.
    drop(frame);
    let (group_id, member_id) = (join.group_id.clone(), join.member_id.clone());
    match ask(&shard, &group_id, GroupRequest::Join(join)).await {
        Ok(GroupReply::One(GroupResponse::JoinGroup(joined))) => {
            Response::encode(&header, &encode(header.api_version, &joined))
        }
        Ok(_) => Response::encode(
            &header,
            &refused(
                header.api_version,
                &member_id,
                ErrorCode::UnknownServerError,
            ),
        ),
        Err(error) => Response::encode(&header, &refused(header.api_version, &member_id, error)),
    }
}

fn owned_request(shard: &Shard, request: &Request, join: &JoinGroupRequest<'_>) -> JoinGroup {
    let version = request.header.api_version;
    JoinGroup {
        group_id: join.group_id.to_owned(),
        api_version: version,
        session_timeout_ms: join.session_timeout_ms,
        rebalance_timeout_ms: match version {
            0 => join.session_timeout_ms,
            _ => join.rebalance_timeout_ms,
        },
        member_id: join.member_id.to_owned(),
        group_instance_id: owned(join.group_instance_id),
        protocol_type: join.protocol_type.to_owned(),
        protocols: join
            .protocols
            .iter()
            .map(|protocol| Protocol {
                name: protocol.name.into(),
                metadata: bytes::Bytes::copy_from_slice(protocol.metadata),
            })
            .collect(),
        client_id: request
            .header
            .client_id
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        client_host: format!("/{}", request.peer.host),
        uuid: shard.random_bytes(),
    }
}

fn no_protocol(version: i16) -> Option<&'static str> {
    (version < 7).then_some("")
}

fn refused(version: i16, member_id: &str, error: ErrorCode) -> JoinGroupResponse<'_> {
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_name: no_protocol(version),
        member_id,
        ..Default::default()
    }
}

fn encode(version: i16, joined: &Joined) -> JoinGroupResponse<'_> {
    JoinGroupResponse {
        error_code: joined.error.code(),
        generation_id: joined.generation_id.get(),
        protocol_type: joined.protocol_type.as_deref(),
        protocol_name: joined.protocol_name.as_deref().or(no_protocol(version)),
        leader: &joined.leader,
        skip_assignment: joined.skip_assignment,
        member_id: &joined.member_id,
        members: joined
            .members
            .iter()
            .map(|member| JoinGroupResponseMember {
                member_id: &member.member_id,
                group_instance_id: member.group_instance_id.as_deref(),
                metadata: &member.metadata,
            })
            .collect(),
        ..Default::default()
    }
}
