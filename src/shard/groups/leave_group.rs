//! LeaveGroup (key 13), versions 0 to 5.
//!
//! - Versions below 3 name one member and carry one error; later ones name several, static ones by their instance
//!   id (KIP-345).

use std::rc::Rc;

use crate::group::Response as GroupResponse;
use crate::group::effects::LeaveGroupResponse as Left;
use crate::group::requests::{LeaveGroup, LeavingMember};
use crate::protocol::ErrorCode;
use crate::protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupReply, GroupRequest, ask, owned};
use crate::shard::response::Response;

/// Answers a LeaveGroup request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let version = request.header.api_version;
    let leave = match request.decode::<LeaveGroupRequest<'_>>() {
        Ok(leave) => LeaveGroup {
            group_id: leave.group_id.to_owned(),
            members: members(version, &leave),
        },
        Err(error) => return Response::malformed(error),
    };
    let group_id = leave.group_id.clone();
    let failed = |error: ErrorCode| LeaveGroupResponse {
        error_code: error.code(),
        ..Default::default()
    };
    match ask(&shard, &group_id, GroupRequest::Leave(leave)).await {
        Ok(GroupReply::One(GroupResponse::LeaveGroup(left))) => {
            Response::encode(&request.header, &encode(version, &left))
        }
        Ok(_) => Response::encode(&request.header, &failed(ErrorCode::UnknownServerError)),
        Err(error) => Response::encode(&request.header, &failed(error)),
    }
}

fn members(version: i16, leave: &LeaveGroupRequest<'_>) -> Vec<LeavingMember> {
    if version < 3 {
        let member_id = leave.member_id.to_owned();
        return vec![LeavingMember {
            member_id,
            group_instance_id: None,
        }];
    }
    leave
        .members
        .iter()
        .map(|member| LeavingMember {
            member_id: member.member_id.to_owned(),
            group_instance_id: owned(member.group_instance_id),
        })
        .collect()
}

fn encode(version: i16, left: &Left) -> LeaveGroupResponse<'_> {
    if version < 3 {
        let first = left
            .members
            .first()
            .map_or(ErrorCode::None, |member| member.error);
        let error = if left.error.is_none() {
            first
        } else {
            left.error
        };
        return LeaveGroupResponse {
            error_code: error.code(),
            ..Default::default()
        };
    }
    LeaveGroupResponse {
        error_code: left.error.code(),
        members: left
            .members
            .iter()
            .map(|member| MemberResponse {
                member_id: &member.member_id,
                group_instance_id: member.group_instance_id.as_deref(),
                error_code: member.error.code(),
            })
            .collect(),
        ..Default::default()
    }
}
