//! CreatePartitions.

use std::collections::HashMap;

use super::create_topics::new_partition;
use super::placement::{Placement, Shards, counts, place_manually, place_replicas};
use super::{ApiError, Outcome, batch_too_large};
use crate::base::{NodeId, PartitionIndex};
use crate::metadata::image::{ClusterImage, Topic};
use crate::metadata::records::Record;
use crate::protocol::ErrorCode;

/// A topic to give more partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatePartitions {
    /// The topic.
    pub topic: String,
    /// How many partitions it shall have in all.
    pub count: i32,
    /// The replicas of each new partition, when they are chosen by hand.
    pub assignments: Option<Vec<Vec<NodeId>>>,
}

/// What became of a topic: its name, and done or why not.
pub type PartitionsResult = (String, Result<(), ApiError>);

/// Adds partitions, to each topic on its own; with `validate_only` says what would happen. `shards` is how
/// many shards the node has.
pub fn create_partitions(
    image: &ClusterImage,
    topics: &[CreatePartitions],
    validate_only: bool,
    shards: u16,
) -> Outcome<Vec<PartitionsResult>> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    let mut result: Vec<PartitionsResult> = Vec::new();
    for topic in topics {
        let seen = times.entry(&topic.topic).or_default();
        *seen += 1;
        if *seen == 2 {
            let error = ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
            result.push((topic.topic.clone(), Err(error)));
        }
    }
    let mut placed = Shards::count(image, shards);
    let mut records = Vec::new();
    for topic in topics
        .iter()
        .filter(|topic| times.get(topic.topic.as_str()) == Some(&1))
    {
        let added = add_partitions(image, topic, shards, &mut placed, &mut records);
        result.push((topic.topic.clone(), added));
    }
    match validate_only {
        true => Outcome::unchanged(result),
        false => Outcome { result, records },
    }
}

fn add_partitions(
    image: &ClusterImage,
    request: &CreatePartitions,
    shards: u16,
    placed: &mut Shards,
    records: &mut Vec<Record>,
) -> Result<(), ApiError> {
    let unknown = ApiError::bare(ErrorCode::UnknownTopicOrPartition);
    let topic = image.topic(&request.topic).ok_or(unknown)?;
    let additional = additional(request, topic)?;
    let start = topic.partitions.len();
    // Looked at before anything is placed: a count is as large as a client likes.
    batch_too_large(records.len() + additional)?;
    let placements = placements(image, request, topic, additional)?;
    let mut of_topic = counts(topic, shards);
    for (index, placement) in (start..).zip(placements) {
        let shard = placed.place(placement.shard, &mut of_topic);
        let info = new_partition(placement.replicas, shard);
        let index = PartitionIndex(i32::try_from(index).expect("the count is an INT"));
        records.push(Record::Partition {
            topic: topic.id,
            index,
            info,
        });
    }
    Ok(())
}

/// How many partitions are to be added.
fn additional(request: &CreatePartitions, topic: &Topic) -> Result<usize, ApiError> {
    let now = topic.partitions.len();
    let invalid = |message| Err(ApiError::new(ErrorCode::InvalidPartitions, message));
    let less = || {
        invalid(format!(
            "The topic {} currently has {now} partition(s); {} would not be an increase.",
            request.topic, request.count
        ))
    };
    let Ok(count) = usize::try_from(request.count) else {
        return less();
    };
    let additional = match count.checked_sub(now) {
        None => return less(),
        Some(0) => return invalid(format!("Topic already has {now} partition(s).")),
        Some(additional) => additional,
    };
    match &request.assignments {
        Some(assignments) if assignments.len() != additional => {
            let message = format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) \
                 were specified.",
                assignments.len()
            );
            Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message))
        }
        _ => Ok(additional),
    }
}

fn placements(
    image: &ClusterImage,
    request: &CreatePartitions,
    topic: &Topic,
    additional: usize,
) -> Result<Vec<Placement>, ApiError> {
    let factor = topic
        .partitions
        .first()
        .map_or(1, |first| first.replicas.len());
    if let Some(assignments) = &request.assignments {
        let place = |nodes: &Vec<NodeId>| place_manually(image, nodes, Some(factor));
        return assignments.iter().map(place).collect();
    }
    let additional = i32::try_from(additional).expect("the count is an INT");
    let factor = i32::try_from(factor).unwrap_or(i32::MAX);
    place_replicas(image, topic.partitions.len(), additional, factor)
        .map_err(|why| ApiError::new(ErrorCode::InvalidReplicationFactor, why))
}
