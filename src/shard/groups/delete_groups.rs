//! DeleteGroups (key 42), versions 0 to 3.
//!
//! - Only empty groups go: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND.

use std::rc::Rc;

use crate::group::Response as GroupResponse;
use crate::protocol::ErrorCode;
use crate::protocol::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::groups::spread::{by_coordinator, once_each};
use crate::shard::groups::{GroupReply, GroupRequest, ask_at};
use crate::shard::oneshot::join_all;
use crate::shard::response::Response;

/// Answers a DeleteGroups request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let group_ids = match request.decode::<DeleteGroupsRequest<'_>>() {
        Ok(asked) => once_each(&asked.groups_names),
        Err(error) => return Response::malformed(error),
    };
    let (spread, mut results) = by_coordinator(&shard, group_ids);
    let calls = spread.into_iter().map(|(owner, partition, ids)| {
        let shard = &shard;
        async move {
            let request = GroupRequest::Delete(ids.clone());
            match ask_at(shard, owner, super::GroupJob { partition, request }).await {
                Ok(GroupReply::One(GroupResponse::DeleteGroups(results))) => results,
                Ok(_) => ids
                    .into_iter()
                    .map(|id| (id, ErrorCode::UnknownServerError))
                    .collect(),
                Err(error) => ids.into_iter().map(|id| (id, error)).collect(),
            }
        }
    });
    results.extend(join_all(calls).await.into_iter().flatten());
    let encoded = results
        .iter()
        .map(|(group_id, error)| DeletableGroupResult {
            group_id,
            error_code: error.code(),
            ..Default::default()
        })
        .collect();
    Response::encode(
        &request.header,
        &DeleteGroupsResponse {
            results: encoded,
            ..Default::default()
        },
    )
}
