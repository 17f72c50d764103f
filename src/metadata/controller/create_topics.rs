//! CreateTopics.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::placement::{Placement, Shards, place_manually, place_replicas};
use super::{ApiError, Outcome, batch_too_large};
use crate::base::limits::PARTITIONS_PER_REQUEST_MAX;
use crate::base::{LeaderEpoch, NodeId, PartitionIndex, ShardId, TopicId};
use crate::metadata::config::{ConfigEntry, TopicConfig, describe_created_topic};
use crate::metadata::image::{ClusterImage, PartitionInfo};
use crate::metadata::records::Record;
use crate::metadata::topic_name;
use crate::protocol::ErrorCode;

/// The replicas that a request names for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaAssignment {
    /// The partition.
    pub partition: i32,
    /// Its replicas, the preferred leader first.
    pub brokers: Vec<NodeId>,
}

/// A topic to create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateTopic {
    /// The name.
    pub name: String,
    /// Partitions, or -1 for the broker's default.
    pub num_partitions: i32,
    /// Replicas, or -1 for the broker's default.
    pub replication_factor: i16,
    /// Replicas chosen by hand; empty to let the controller choose.
    pub assignments: Vec<ReplicaAssignment>,
    /// Overrides.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was created, as the answer tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedTopic {
    /// The id.
    pub id: TopicId,
    /// Partitions.
    pub num_partitions: i32,
    /// Replicas of each.
    pub replication_factor: i16,
    /// Every setting of the topic, by name.
    pub configs: Vec<ConfigEntry>,
}

type TopicResult = (String, Result<CreatedTopic, ApiError>);

/// Creates topics, each on its own; with `validate_only` says what would happen.
///
/// `ids` are fresh random ids, one for each topic; `shards` is how many shards the node has. Results come in
/// the request's order, names that stand more than once behind them.
pub fn create_topics(
    image: &ClusterImage,
    topics: &[CreateTopic],
    validate_only: bool,
    shards: u16,
    ids: &[TopicId],
) -> Outcome<Vec<TopicResult>> {
    assert!(ids.len() >= topics.len(), "a fresh id for each topic");
    let (wanted, refused) = set_apart(topics);
    if let Some(error) = too_many_partitions(image, &wanted) {
        return refuse_all(topics, error);
    }
    let mut request = Request {
        image,
        colliding: collision_keys(image, &wanted),
        shards: Shards::count(image, shards),
        records: Vec::new(),
    };
    let mut result = Vec::with_capacity(topics.len());
    for (topic, id) in wanted.iter().zip(ids) {
        result.push((topic.name.clone(), request.create(topic, *id)));
    }
    if let Err(error) = batch_too_large(request.records.len()) {
        return refuse_all(topics, error);
    }
    result.extend(refused);
    match validate_only {
        true => Outcome::unchanged(result),
        false => Outcome {
            result,
            records: request.records,
        },
    }
}

/// The topics to look at, and the answers for names that may not be created at all.
fn set_apart(topics: &[CreateTopic]) -> (Vec<&CreateTopic>, Vec<TopicResult>) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for topic in topics {
        *times.entry(&topic.name).or_default() += 1;
    }
    let mut refused = Vec::new();
    let mut wanted = Vec::new();
    let mut told = HashSet::new();
    for topic in topics {
        let message = if times.get(topic.name.as_str()) != Some(&1) {
            "Duplicate topic name.".to_owned()
        } else if topic.name == topic_name::CLUSTER_METADATA {
            format!("Creation of internal topic {} is prohibited.", topic.name)
        } else {
            wanted.push(topic);
            continue;
        };
        if told.insert(topic.name.as_str()) {
            let error = ApiError::new(ErrorCode::InvalidRequest, message);
            refused.push((topic.name.clone(), Err(error)));
        }
    }
    (wanted, refused)
}

fn refuse_all(topics: &[CreateTopic], error: ApiError) -> Outcome<Vec<TopicResult>> {
    let refuse = |topic: &CreateTopic| (topic.name.clone(), Err(error.clone()));
    Outcome::unchanged(topics.iter().map(refuse).collect())
}

fn too_many_partitions(image: &ClusterImage, topics: &[&CreateTopic]) -> Option<ApiError> {
    let partitions = |topic: &&CreateTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => i64::from(image.settings().num_partitions),
        (0, n) => i64::from(n.max(0)),
        (n, _) => n as i64,
    };
    let total: i64 = topics.iter().map(partitions).sum();
    (total > PARTITIONS_PER_REQUEST_MAX as i64).then(|| {
        let message = "Excessively large number of partitions per request.";
        ApiError::new(ErrorCode::PolicyViolation, message)
    })
}

/// The existing topics that new ones could collide with; empty when no new name could.
fn collision_keys(image: &ClusterImage, topics: &[&CreateTopic]) -> HashMap<String, String> {
    if !topics
        .iter()
        .any(|topic| topic_name::collision_key(&topic.name).is_some())
    {
        return HashMap::new();
    }
    let keyed = image.topics().filter_map(|topic| {
        Some((
            topic_name::collision_key(&topic.name)?,
            topic.name.to_string(),
        ))
    });
    keyed.collect()
}

/// A request half-way: what earlier topics of it have taken.
struct Request<'a> {
    image: &'a ClusterImage,
    colliding: HashMap<String, String>,
    shards: Shards,
    records: Vec<Record>,
}

impl Request<'_> {
    fn create(&mut self, topic: &CreateTopic, id: TopicId) -> Result<CreatedTopic, ApiError> {
        self.check_name(&topic.name)?;
        let overrides = check_configs(topic, self.image)?;
        let placements = self.placements(topic)?;
        let configs = describe_created_topic(&overrides, self.image.settings());
        let created = CreatedTopic {
            id,
            num_partitions: count_i32(placements.len()),
            replication_factor: placements
                .first()
                .map_or(0, |first| count_i16(first.replicas.len())),
            configs,
        };
        self.record(topic, id, overrides, placements);
        Ok(created)
    }

    fn check_name(&self, name: &str) -> Result<(), ApiError> {
        if self.image.topic(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(ApiError::new(ErrorCode::TopicAlreadyExists, message));
        }
        let invalid = |message| ApiError::new(ErrorCode::InvalidTopicException, message);
        topic_name::validate(name).map_err(invalid)?;
        let key = topic_name::collision_key(name);
        match key.and_then(|key| self.colliding.get(&key)) {
            Some(other) => Err(invalid(format!(
                "Topic '{name}' collides with existing topic: {other}"
            ))),
            None => Ok(()),
        }
    }

    /// The place of each partition, chosen by the request or here.
    fn placements(&self, topic: &CreateTopic) -> Result<Vec<Placement>, ApiError> {
        if !topic.assignments.is_empty() {
            return manual_placements(topic, self.image);
        }
        let (partitions, factor) = (topic.num_partitions, topic.replication_factor);
        if factor < -1 || factor == 0 {
            return Err(ApiError::new(
                ErrorCode::InvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            ));
        }
        if partitions < -1 || partitions == 0 {
            return Err(ApiError::new(
                ErrorCode::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            ));
        }
        let settings = self.image.settings();
        let partitions = if partitions == -1 {
            settings.num_partitions
        } else {
            partitions
        };
        let factor = if factor == -1 {
            settings.default_replication_factor
        } else {
            factor.into()
        };
        place_replicas(self.image, 0, partitions, factor).map_err(|why| {
            let message = format!("Unable to replicate the partition {factor} time(s): {why}");
            ApiError::new(ErrorCode::InvalidReplicationFactor, message)
        })
    }

    fn record(
        &mut self,
        topic: &CreateTopic,
        id: TopicId,
        overrides: BTreeMap<String, String>,
        placements: Vec<Placement>,
    ) {
        self.records.push(Record::Topic {
            id,
            name: topic.name.clone(),
        });
        for (name, value) in overrides {
            self.records.push(Record::TopicConfig {
                topic: id,
                name,
                value: Some(value),
            });
        }
        let mut of_topic = self.shards.none();
        for (index, placement) in (0..).zip(placements) {
            let shard = self.shards.place(placement.shard, &mut of_topic);
            let info = new_partition(placement.replicas, shard);
            let index = PartitionIndex(index);
            self.records.push(Record::Partition {
                topic: id,
                index,
                info,
            });
        }
    }
}

/// A partition that has just been made.
pub(super) fn new_partition(replicas: Vec<NodeId>, shard: ShardId) -> PartitionInfo {
    PartitionInfo {
        leader: *replicas.first().expect("a placed partition has a replica"),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
        isr: replicas.clone(),
        replicas,
        shard,
    }
}

/// The overrides of a new topic, checked.
fn check_configs(
    topic: &CreateTopic,
    image: &ClusterImage,
) -> Result<BTreeMap<String, String>, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorCode::InvalidConfig, message);
    let mut overrides = BTreeMap::new();
    let mut without_value = Vec::new();
    for (name, value) in &topic.configs {
        match value {
            Some(value) => drop(overrides.insert(name.clone(), value.clone())),
            None => without_value.push(name.as_str()),
        }
    }
    if !without_value.is_empty() {
        let names = without_value.join(",");
        return Err(invalid(format!(
            "Null value not supported for topic configs: {names}"
        )));
    }
    match TopicConfig::resolve(&overrides, image.settings()) {
        Ok(_) => Ok(overrides),
        Err(why) => Err(invalid(why.to_string())),
    }
}

fn manual_placements(
    topic: &CreateTopic,
    image: &ClusterImage,
) -> Result<Vec<Placement>, ApiError> {
    let refuse = |code, message: &str| Err(ApiError::new(code, message));
    if topic.replication_factor != -1 {
        let message = "A manual partition assignment was specified, but replication factor was not set to -1.";
        return refuse(ErrorCode::InvalidRequest, message);
    }
    if topic.num_partitions != -1 {
        let message =
            "A manual partition assignment was specified, but numPartitions was not set to -1.";
        return refuse(ErrorCode::InvalidRequest, message);
    }
    let mut by_index = BTreeMap::new();
    let mut factor = None;
    for ReplicaAssignment { partition, brokers } in &topic.assignments {
        if by_index.contains_key(partition) {
            let message =
                format!("Found multiple manual partition assignments for partition {partition}");
            return refuse(ErrorCode::InvalidReplicaAssignment, &message);
        }
        let placement = place_manually(image, brokers, factor)?;
        factor = Some(brokers.len());
        by_index.insert(*partition, placement);
    }
    if by_index
        .keys()
        .zip(0..)
        .any(|(index, expected)| *index != expected)
    {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return refuse(ErrorCode::InvalidReplicaAssignment, message);
    }
    Ok(by_index.into_values().collect())
}

fn count_i32(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn count_i16(n: usize) -> i16 {
    i16::try_from(n).unwrap_or(i16::MAX)
}
