//! Groups of one request, sorted by their coordinators.

use std::collections::HashSet;

use crate::base::{ShardId, TopicPartition};
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::groups::coordinator_of;

/// The groups of one coordinator, and where it is.
pub type Spread = Vec<(ShardId, TopicPartition, Vec<String>)>;

/// Sorts groups by coordinator; those that have none come with the reason.
pub fn by_coordinator(shard: &Shard, group_ids: Vec<String>) -> (Spread, Vec<(String, ErrorCode)>) {
    let (mut spread, mut lost): (Spread, _) = (Vec::new(), Vec::new());
    for id in group_ids {
        match coordinator_of(shard, &id) {
            Err(error) => lost.push((id, error)),
            Ok((owner, at)) => match spread.iter_mut().find(|(_, known, _)| *known == at) {
                Some((_, _, ids)) => ids.push(id),
                None => spread.push((owner, at, vec![id])),
            },
        }
    }
    (spread, lost)
}

/// The groups that a request names, each once, in their order.
pub fn once_each(group_ids: &[&str]) -> Vec<String> {
    let mut seen = HashSet::with_capacity(group_ids.len());
    let firsts = group_ids.iter().filter(|id| seen.insert(**id));
    firsts.map(|id| id.to_string()).collect()
}
