//! Where partitions go: their replicas on brokers, and a shard of the leader's to own them.

use super::ApiError;
use crate::base::{NodeId, PartitionIndex, ShardId};
use crate::metadata::image::{ClusterImage, Topic};
use crate::metadata::nodes::Place;
use crate::metadata::records::Record;
use crate::protocol::ErrorCode;

/// Where a new partition is to go.
pub(super) struct Placement {
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The leader's shard, if whoever chose by hand chose that too.
    pub shard: Option<ShardId>,
}

/// Replicas for `count` partitions from index `start` on, each partition beginning one broker further;
/// or why that cannot be, in the words of Kafka's placer.
pub(super) fn place_replicas(
    image: &ClusterImage,
    start: usize,
    count: i32,
    factor: i32,
) -> Result<Vec<Placement>, String> {
    let brokers: Vec<NodeId> = image.brokers().map(|broker| broker.id).collect();
    let replicas = match usize::try_from(factor) {
        Ok(n) if n > 0 => n,
        _ => {
            return Err(format!(
                "Invalid replication factor {factor}: the replication factor must be positive."
            ));
        }
    };
    if brokers.is_empty() {
        let why = "All brokers are currently fenced, or have all their log directories cordoned.";
        return Err(why.to_owned());
    }
    if replicas > brokers.len() {
        return Err(format!(
            "The target replication factor of {factor} cannot be reached because only {} broker(s) are \
             registered or some brokers have all their log directories cordoned.",
            brokers.len()
        ));
    }
    let count = usize::try_from(count).unwrap_or(0);
    let of_partition = |index: usize| {
        let from = brokers.iter().cycle().skip((start + index) % brokers.len());
        Placement {
            replicas: from.take(replicas).copied().collect(),
            shard: None,
        }
    };
    Ok((0..count).map(of_partition).collect())
}

/// A partition on these nodes, which must be as many as those of the partitions before it. Where cores are nodes, the
/// first one names the shard; two cores of a broker are the same broker twice.
pub(super) fn place_manually(
    image: &ClusterImage,
    nodes: &[NodeId],
    factor: Option<usize>,
) -> Result<Placement, ApiError> {
    let refuse = |why: String| {
        let message = format!("The manual partition assignment includes {why}");
        Err(ApiError::new(ErrorCode::InvalidReplicaAssignment, message))
    };
    let mut sorted = nodes.to_vec();
    sorted.sort();
    let mut seen = Vec::new();
    for node in sorted {
        let Some(place) = image.place_of(node) else {
            return refuse(format!("broker {node}, but no such broker is registered."));
        };
        if seen.contains(&place.broker) {
            return refuse(format!("the broker {} more than once.", place.broker));
        }
        seen.push(place.broker);
    }
    let places: Vec<Place> = nodes
        .iter()
        .filter_map(|node| image.place_of(*node))
        .collect();
    match (places.first(), factor) {
        (None, _) => refuse("an empty replica list.".to_owned()),
        (_, Some(factor)) if factor != nodes.len() => refuse(format!(
            "a partition with {} replica(s), but this is not consistent with previous partitions, \
             which have {factor} replica(s).",
            nodes.len()
        )),
        (Some(first), _) => Ok(Placement {
            replicas: places.iter().map(|place| place.broker).collect(),
            shard: first.shard,
        }),
    }
}

/// How many partitions each shard owns.
pub(super) struct Shards {
    owned: Vec<usize>,
}

impl Shards {
    /// The count as it is. Partitions of shards that the node does not have count for none.
    pub(super) fn count(image: &ClusterImage, shards: u16) -> Shards {
        let mut counted = Shards::empty(shards);
        for topic in image.topics() {
            for (total, of_topic) in counted.owned.iter_mut().zip(counts(topic, shards)) {
                *total += of_topic;
            }
        }
        counted
    }

    fn empty(shards: u16) -> Shards {
        assert!(shards > 0, "a node has a shard");
        Shards {
            owned: vec![0; shards.into()],
        }
    }

    /// A topic without partitions.
    pub(super) fn none(&self) -> Vec<usize> {
        vec![0; self.owned.len()]
    }

    /// Gives a partition to the shard that was chosen for it, or else to the next.
    pub(super) fn place(&mut self, chosen: Option<ShardId>, of_topic: &mut [usize]) -> ShardId {
        match chosen {
            Some(shard) => self.give(shard, of_topic),
            None => self.take(of_topic),
        }
    }

    /// The shard for the next partition of a topic that has `of_topic` on each: the one with the fewest of
    /// the topic, then with the fewest of all, then the next in turn. So a topic's load is spread
    /// first, and many topics of one partition are spread too.
    fn take(&mut self, of_topic: &mut [usize]) -> ShardId {
        let turn = self.owned.iter().sum::<usize>() % self.owned.len();
        let in_turn = (turn..self.owned.len()).chain(0..turn);
        let best = in_turn.min_by_key(|shard| (of_topic[*shard], self.owned[*shard]));
        let shard = best.expect("a node has a shard");
        let shard = ShardId(u16::try_from(shard).expect("shards are counted in 16 bits"));
        self.give(shard, of_topic)
    }

    fn give(&mut self, shard: ShardId, of_topic: &mut [usize]) -> ShardId {
        self.owned[shard.index()] += 1;
        of_topic[shard.index()] += 1;
        shard
    }
}

/// The partitions of a topic on each shard.
pub(super) fn counts(topic: &Topic, shards: u16) -> Vec<usize> {
    let mut counts = vec![0; shards.into()];
    for partition in &topic.partitions {
        if let Some(count) = counts.get_mut(partition.shard.index()) {
            *count += 1;
        }
    }
    counts
}

/// The moves that spread all partitions over `shards` shards; none when they are spread already.
///
/// For the start, when the number of cores may have changed: files stay where they are, so a
/// move costs nothing then, and every partition is placed anew once any is out of place. Where cores are nodes to
/// clients, partitions may have been put on them by hand: then only those move whose core is no longer there.
pub fn reassign_shards(image: &ClusterImage, shards: u16) -> Vec<Record> {
    let keep = image.brokers().any(|broker| !broker.core_ports.is_empty());
    if !keep && is_spread(image, shards) {
        return Vec::new();
    }
    let mut placed = match keep {
        true => Shards::count(image, shards),
        false => Shards::empty(shards),
    };
    let mut moves = Vec::new();
    for topic in image.topics() {
        let mut of_topic = match keep {
            true => counts(topic, shards),
            false => placed.none(),
        };
        for (index, partition) in (0..).zip(&topic.partitions) {
            if keep && partition.shard.get() < shards {
                continue;
            }
            let shard = placed.take(&mut of_topic);
            if shard != partition.shard {
                let index = PartitionIndex(index);
                moves.push(Record::PartitionMoved {
                    topic: topic.id,
                    index,
                    shard,
                });
            }
        }
    }
    moves
}

/// Whether every partition is on a shard that exists, and no shard has two more than another, of any
/// topic or of all.
fn is_spread(image: &ClusterImage, shards: u16) -> bool {
    let even = |counts: &[usize]| match (counts.iter().min(), counts.iter().max()) {
        (Some(min), Some(max)) => max - min <= 1,
        _ => true,
    };
    let topic_is_spread = |topic: &Topic| {
        let counts = counts(topic, shards);
        counts.iter().sum::<usize>() == topic.partitions.len() && even(&counts)
    };
    image.topics().all(|topic| topic_is_spread(topic)) && even(&Shards::count(image, shards).owned)
}
