//! ListGroups (key 16), versions 0 to 5.
//!
//! - Filters by state from version 4 (KIP-518), by type from 5 (KIP-848); unknown names in them match nothing.
//! - A core's own port tells the groups of that core: clients ask every node, and put the answers together.
//! - Coordinators that still load make the whole answer COORDINATOR_LOAD_IN_PROGRESS; those that are closed list nothing.

use std::rc::Rc;

use crate::base::{PartitionIndex, TopicPartition};
use crate::group::ListFilter;
use crate::group::effects::ListedGroup as Listed;
use crate::protocol::ErrorCode;
use crate::protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use crate::shard::Shard;
use crate::shard::connection::Port;
use crate::shard::dispatch::Request;
use crate::shard::groups::{GroupJob, GroupReply, GroupRequest, OFFSETS_TOPIC, ask_at};
use crate::shard::oneshot::join_all;
use crate::shard::response::Response;

/// Answers a ListGroups request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let filter = match request.decode::<ListGroupsRequest<'_>>() {
        Ok(asked) => ListFilter::new(&asked.states_filter, &asked.types_filter),
        Err(error) => return Response::malformed(error),
    };
    let of_this_core = request.peer.port == Port::OfThisCore;
    let answers = ask_all(&shard, of_this_core, &filter).await;
    let error = answers
        .iter()
        .find_map(|answer| answer.as_ref().err())
        .copied();
    let listed: Vec<Listed> = match error {
        Some(_) => Vec::new(),
        None => answers.into_iter().flatten().flatten().collect(),
    };
    let response = ListGroupsResponse {
        error_code: error.unwrap_or(ErrorCode::None).code(),
        groups: listed.iter().map(encode).collect(),
        ..Default::default()
    };
    Response::encode(&request.header, &response)
}

async fn ask_all(
    shard: &Rc<Shard>,
    of_this_core: bool,
    filter: &ListFilter,
) -> Vec<Result<Vec<Listed>, ErrorCode>> {
    let image = shard.image();
    let Some(topic) = image.topic(OFFSETS_TOPIC) else {
        return Vec::new();
    };
    let partitions = topic.partitions.iter().enumerate();
    let meant = partitions.filter(|(_, info)| !of_this_core || info.shard == shard.id);
    let calls = meant.map(|(index, info)| {
        let partition = TopicPartition {
            topic: topic.id,
            partition: PartitionIndex(index as i32),
        };
        let request = GroupRequest::List(filter.clone());
        let owner = info.shard;
        async move {
            match ask_at(shard, owner, GroupJob { partition, request }).await {
                Ok(GroupReply::Listed(groups)) => Ok(groups),
                Ok(_) => Err(ErrorCode::UnknownServerError),
                Err(ErrorCode::NotCoordinator) => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        }
    });
    join_all(calls).await
}

fn encode(group: &Listed) -> ListedGroup<'_> {
    ListedGroup {
        group_id: &group.group_id,
        protocol_type: &group.protocol_type,
        group_state: group.state,
        group_type: group.group_type,
    }
}
