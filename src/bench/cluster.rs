//! The topics of a run and where their partitions are; made first, if they are not there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::base::TopicId;
use crate::bench::client::{Answer, Client, check_with};
use crate::bench::error::{BenchError, error_name};
use crate::protocol::messages::create_topics::CreatableTopic;
use crate::protocol::messages::delete_topics::DeleteTopicState;
use crate::protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use crate::protocol::messages::metadata::MetadataRequestTopic;
use crate::protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
    ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse,
};
use crate::protocol::{ApiKey, ErrorCode};

/// What brokers answer for partitions that are just being made.
const NOT_YET: [ErrorCode; 3] = [
    ErrorCode::UnknownTopicOrPartition,
    ErrorCode::LeaderNotAvailable,
    ErrorCode::NotLeaderOrFollower,
];

/// How long to wait before asking again whether a new topic has its leaders.
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

/// Asks for the first offset of a partition.
pub const EARLIEST: i64 = -2;
/// Asks for the offset behind the last record of a partition.
pub const LATEST: i64 = -1;

/// A topic of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id, if the broker has ids.
    pub id: TopicId,
}

/// A partition of one of the run's topics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The topic, by its place among the run's.
    pub topic: usize,
    /// The partition.
    pub partition: i32,
}

/// The run's topics and their leaders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// The topics.
    pub topics: Vec<Topic>,
    /// The partitions that each node leads, by the node's address, in order.
    pub led: BTreeMap<String, Vec<Place>>,
}

impl Cluster {
    /// All partitions.
    pub fn partitions(&self) -> usize {
        self.led.values().map(Vec::len).sum()
    }
}

/// What is wanted of the topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Their names.
    pub names: Vec<String>,
    /// The partitions of each; `None` takes them as they are, and makes one.
    pub partitions: Option<i32>,
    /// The replicas of new partitions.
    pub replication_factor: i16,
    /// Whether to make those that are not there.
    pub may_create: bool,
}

/// Finds the topics, makes those that are missing, and waits until all partitions have leaders. Tells which it made.
pub fn prepare(
    client: &mut Client,
    wanted: &Wanted,
    patience: Duration,
) -> Result<(Cluster, Vec<String>), BenchError> {
    let mut created = Vec::new();
    for name in missing(client, &wanted.names)? {
        if !wanted.may_create {
            return Err(BenchError::NoTopic(name));
        }
        create(
            client,
            &name,
            wanted.partitions.unwrap_or(1),
            wanted.replication_factor,
            patience,
        )?;
        created.push(name);
    }
    let cluster = settle(client, &wanted.names, patience)?;
    let per_topic = cluster.partitions() / wanted.names.len().max(1);
    match wanted.partitions {
        Some(partitions) if cluster.partitions() != wanted.names.len() * partitions as usize => {
            Err(BenchError::Options(format!(
                "--partitions {partitions}: the topic is there and has {per_topic}; choose another --topic"
            )))
        }
        _ => Ok((cluster, created)),
    }
}

/// Creates one topic.
pub fn create(
    client: &mut Client,
    name: &str,
    partitions: i32,
    replication_factor: i16,
    patience: Duration,
) -> Result<(), BenchError> {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name,
            num_partitions: partitions,
            replication_factor,
            ..CreatableTopic::default()
        }],
        timeout_ms: patience.as_millis() as i32,
        validate_only: false,
    };
    let answer = client.call(ApiKey::CreateTopics, &request)?;
    let response: CreateTopicsResponse<'_> = answer.read()?;
    let what = || format!("creating the topic {name} with {partitions} partitions");
    for topic in &response.topics {
        check_with(topic.error_code, topic.error_message, what)?;
    }
    Ok(())
}

/// Deletes topics.
pub fn delete(client: &mut Client, names: &[String], patience: Duration) -> Result<(), BenchError> {
    let state = |name| DeleteTopicState {
        name: Some(name),
        ..DeleteTopicState::default()
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Version 6 has the names elsewhere.
    let by_state = client.version_of(ApiKey::DeleteTopics)? >= 6;
    let request = DeleteTopicsRequest {
        topics: if by_state {
            names.iter().copied().map(state).collect()
        } else {
            Vec::new()
        },
        topic_names: if by_state { Vec::new() } else { names },
        timeout_ms: patience.as_millis() as i32,
    };
    let answer = client.call(ApiKey::DeleteTopics, &request)?;
    let response: DeleteTopicsResponse<'_> = answer.read()?;
    for topic in &response.responses {
        let what = || format!("deleting the topic {}", topic.name.unwrap_or_default());
        check_with(topic.error_code, topic.error_message, what)?;
    }
    Ok(())
}

fn missing(client: &mut Client, names: &[String]) -> Result<Vec<String>, BenchError> {
    let answer = ask(client, names)?;
    let response: MetadataResponse<'_> = answer.read()?;
    let mut missing = Vec::new();
    for topic in &response.topics {
        let name = topic.name.unwrap_or_default();
        if topic.error_code == ErrorCode::UnknownTopicOrPartition.code() {
            missing.push(name.to_owned());
        } else if topic.error_code != ErrorCode::LeaderNotAvailable.code() {
            check_with(topic.error_code, None, || format!("the topic {name}"))?;
        }
    }
    Ok(missing)
}

/// Asks for the metadata of these topics, of which none makes itself by that.
pub fn ask(client: &mut Client, names: &[String]) -> Result<Answer, BenchError> {
    let topic = |name| MetadataRequestTopic {
        name: Some(name),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(names.iter().map(String::as_str).map(topic).collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    client.call(ApiKey::Metadata, &request)
}

/// Asks until every partition has a leader, and every leader knows that it is one.
pub fn settle(
    client: &mut Client,
    names: &[String],
    patience: Duration,
) -> Result<Cluster, BenchError> {
    let cluster = find_leaders(client, names, patience)?;
    let deadline = Instant::now() + patience;
    for (address, places) in &cluster.led {
        let mut leader = Client::connect(address, patience)?;
        loop {
            match offsets(&mut leader, &cluster.topics, places, LATEST) {
                Ok(_) => break,
                Err(BenchError::NotYet { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(SETTLE_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(cluster)
}

fn find_leaders(
    client: &mut Client,
    names: &[String],
    patience: Duration,
) -> Result<Cluster, BenchError> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = ask(client, names)?;
        let response: MetadataResponse<'_> = answer.read()?;
        let why = match leaders(names, &response) {
            Ok(cluster) => return Ok(cluster),
            Err(why) => why,
        };
        if Instant::now() >= deadline {
            return Err(BenchError::Refused {
                what: format!("finding the leaders of {}", names.join(", ")),
                why,
            });
        }
        std::thread::sleep(SETTLE_PAUSE);
    }
}

/// The topics and their leaders, or what is not settled yet.
fn leaders(names: &[String], response: &MetadataResponse<'_>) -> Result<Cluster, String> {
    let nodes: BTreeMap<i32, String> = response
        .brokers
        .iter()
        .map(|node| (node.node_id, format!("{}:{}", node.host, node.port)))
        .collect();
    let mut cluster = Cluster {
        topics: Vec::new(),
        led: BTreeMap::new(),
    };
    for (index, name) in names.iter().enumerate() {
        let found = response
            .topics
            .iter()
            .find(|topic| topic.name == Some(name));
        let found = found.ok_or_else(|| format!("nothing is told of {name}"))?;
        settled(found.error_code, name)?;
        cluster.topics.push(Topic {
            name: name.clone(),
            id: found.topic_id,
        });
        for partition in &found.partitions {
            let place = Place {
                topic: index,
                partition: partition.partition_index,
            };
            settled(partition.error_code, name)?;
            let node = nodes.get(&partition.leader_id);
            let node = node.ok_or_else(|| format!("a partition of {name} has no leader"))?;
            cluster.led.entry(node.clone()).or_default().push(place);
        }
    }
    cluster
        .led
        .values_mut()
        .for_each(|places| places.sort_unstable());
    Ok(cluster)
}

fn settled(code: i16, name: &str) -> Result<(), String> {
    match code == ErrorCode::None.code() {
        true => Ok(()),
        false => Err(format!("{} of {name}", error_name(code))),
    }
}

/// The first offsets of partitions ([`EARLIEST`]), or those behind the last ([`LATEST`]), in the order of `places`. The
/// client must be connected to their leader.
pub fn offsets(
    client: &mut Client,
    topics: &[Topic],
    places: &[Place],
    timestamp: i64,
) -> Result<Vec<i64>, BenchError> {
    let of_topic = |places: &[Place]| ListOffsetsTopic {
        name: &topics[places[0].topic].name,
        partitions: places
            .iter()
            .map(|place| ListOffsetsPartition {
                partition_index: place.partition,
                timestamp,
                ..ListOffsetsPartition::default()
            })
            .collect(),
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: places
            .chunk_by(|a, b| a.topic == b.topic)
            .map(of_topic)
            .collect(),
        ..ListOffsetsRequest::default()
    };
    let answer = client.call(ApiKey::ListOffsets, &request)?;
    let response: ListOffsetsResponse<'_> = answer.read()?;
    let mut found = BTreeMap::new();
    for topic in &response.topics {
        for partition in &topic.partitions {
            let what = || {
                format!(
                    "the offsets of {}-{}",
                    topic.name, partition.partition_index
                )
            };
            if NOT_YET
                .iter()
                .any(|code| code.code() == partition.error_code)
            {
                let (what, why) = (what(), error_name(partition.error_code));
                return Err(BenchError::NotYet { what, why });
            }
            check_with(partition.error_code, None, what)?;
            found.insert((topic.name, partition.partition_index), partition.offset);
        }
    }
    let offset_of = |place: &Place| {
        let key = (topics[place.topic].name.as_str(), place.partition);
        found
            .get(&key)
            .copied()
            .ok_or_else(|| BenchError::Protocol {
                address: client.address().to_owned(),
                what: "ListOffsets",
                why: format!("nothing is told of {}-{}", key.0, key.1),
            })
    };
    places.iter().map(offset_of).collect()
}
