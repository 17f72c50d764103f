//! DescribeGroups (key 15), versions 0 to 6.
//!
//! - An unknown group is "Dead" without an error; from version 6 it is GROUP_ID_NOT_FOUND (KIP-1043).
//! - Metadata and assignments are the members' own bytes.
//! - A group that is named twice is answered once: else a small request could ask for any amount.

use std::collections::HashMap;
use std::rc::Rc;

use crate::group::effects::{DescribedGroup as Described, DescribedMember};
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::spread::{by_coordinator, once_each};
use crate::shard::groups::{GroupJob, GroupReply, GroupRequest, ask_at};
use crate::shard::oneshot::join_all;
use crate::shard::operations::{GROUP_OPERATIONS, OPERATIONS_NOT_ASKED};
use crate::shard::response::Response;

/// Answers a DescribeGroups request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let version = request.header.api_version;
    let (group_ids, with_operations) = match request.decode::<DescribeGroupsRequest<'_>>() {
        Ok(asked) => (
            once_each(&asked.groups),
            asked.include_authorized_operations,
        ),
        Err(error) => return Response::malformed(error),
    };
    let (spread, lost) = by_coordinator(&shard, group_ids.clone());
    let mut described: Vec<Described> = lost
        .into_iter()
        .map(|(id, error)| failed(id, error))
        .collect();
    let calls = spread.into_iter().map(|(owner, partition, ids)| {
        let shard = &shard;
        async move {
            let request = GroupRequest::Describe {
                group_ids: ids.clone(),
                version,
            };
            match ask_at(shard, owner, GroupJob { partition, request }).await {
                Ok(GroupReply::Described(described)) => described,
                Ok(_) => ids
                    .into_iter()
                    .map(|id| failed(id, ErrorCode::UnknownServerError))
                    .collect(),
                Err(error) => ids.into_iter().map(|id| failed(id, error)).collect(),
            }
        }
    });
    described.extend(join_all(calls).await.into_iter().flatten());
    // Answered in the order of the request.
    let order: HashMap<_, _> = group_ids.iter().zip(0..).collect();
    described.sort_by_key(|group| order.get(&group.group_id).copied());
    let groups = described
        .iter()
        .map(|group| encode(group, with_operations))
        .collect();
    Response::encode(
        &request.header,
        &DescribeGroupsResponse {
            groups,
            ..Default::default()
        },
    )
}

fn failed(group_id: String, error: ErrorCode) -> Described {
    Described {
        error,
        error_message: None,
        group_id,
        state: "",
        protocol_type: "".into(),
        protocol_data: "".into(),
        members: Vec::new(),
    }
}

fn encode(group: &Described, with_operations: bool) -> DescribedGroup<'_> {
    DescribedGroup {
        error_code: group.error.code(),
        error_message: group.error_message.as_deref(),
        group_id: &group.group_id,
        group_state: group.state,
        protocol_type: &group.protocol_type,
        protocol_data: &group.protocol_data,
        members: group.members.iter().map(encode_member).collect(),
        authorized_operations: match with_operations && group.error.is_none() {
            true => GROUP_OPERATIONS,
            false => OPERATIONS_NOT_ASKED,
        },
    }
}

fn encode_member(member: &DescribedMember) -> DescribedGroupMember<'_> {
    DescribedGroupMember {
        member_id: &member.member_id,
        group_instance_id: member.group_instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        member_metadata: &member.metadata,
        member_assignment: &member.assignment,
    }
}
