//! The cluster's state at one moment of the metadata log: immutable, shared by every shard.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::config::{BrokerConfig, TopicConfig};
use crate::base::{LeaderEpoch, NodeId, PartitionIndex, ProducerId, ShardId, TopicId};

/// A node of the cluster, and where clients reach it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broker {
    /// Its id.
    pub id: NodeId,
    /// The host that clients are told.
    pub host: String,
    /// The port that clients are told.
    pub port: u16,
    /// Its rack, if it has one.
    pub rack: Option<String>,
    /// The port of each core, by shard, where clients are told of cores; else none.
    pub core_ports: Vec<u16>,
}

/// One partition's place and leadership.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionInfo {
    /// The node that leads it.
    pub leader: NodeId,
    /// Counts leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts changes of any kind.
    pub partition_epoch: i32,
    /// The nodes that hold it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The replicas that are in sync.
    pub isr: Vec<NodeId>,
    /// The shard of the leader that owns it.
    pub shard: ShardId,
}

/// A topic: shared by the images in which it did not change.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its id, never used twice.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionInfo>,
    /// The settings that were given for it, as they were written.
    pub overrides: BTreeMap<String, String>,
    /// The settings in effect.
    pub config: TopicConfig,
    /// Whether it is one that the cluster keeps for itself.
    pub internal: bool,
}

impl Topic {
    /// The partition with this index.
    pub fn partition(&self, index: PartitionIndex) -> Option<&PartitionInfo> {
        self.partitions.get(usize::try_from(index.get()).ok()?)
    }
}

/// The cluster's state: what the metadata log says up to one offset.
///
/// Every change makes a new image. The maps are plain ones and are copied by each change, entries
/// being shared: with 10,000 topics a copy takes three to four milliseconds of the control thread, once a
/// change; lookups, which every request makes, are as fast as they can be.
#[derive(Clone)]
pub struct ClusterImage {
    pub(super) version: i64,
    pub(super) cluster_id: Arc<str>,
    pub(super) brokers: BTreeMap<NodeId, Broker>,
    pub(super) by_id: HashMap<TopicId, Arc<Topic>>,
    pub(super) by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    pub(super) features: BTreeMap<String, i16>,
    pub(super) next_producer_id: ProducerId,
    pub(super) settings: Arc<BrokerConfig>,
}

impl ClusterImage {
    /// The image of an empty log, on a broker with these settings.
    pub fn empty(settings: Arc<BrokerConfig>) -> ClusterImage {
        ClusterImage {
            version: 0,
            cluster_id: "".into(),
            brokers: BTreeMap::new(),
            by_id: HashMap::new(),
            by_name: BTreeMap::new(),
            features: BTreeMap::new(),
            next_producer_id: ProducerId(0),
            settings,
        }
    }

    /// How many records of the metadata log made this image; grows with every change, over restarts too.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The cluster's id; empty until the log has said it.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The broker's own settings, from which topics take what they do not override.
    pub fn settings(&self) -> &Arc<BrokerConfig> {
        &self.settings
    }

    /// The nodes, by id.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Broker> {
        self.brokers.values()
    }

    /// The node with this id.
    pub fn broker(&self, id: NodeId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// The node that answers for the cluster: the one with the lowest id.
    pub fn controller(&self) -> Option<&Broker> {
        self.brokers.values().next()
    }

    /// The topics, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// The topics from this name on, by name.
    pub fn topics_from<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<Topic>> + use<'a> {
        use std::ops::Bound::{Included, Unbounded};
        self.by_name
            .range::<str, _>((Included(name), Unbounded))
            .map(|(_, topic)| topic)
    }

    /// The topic with this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// A partition, by its topic's id.
    pub fn partition(&self, id: TopicId, index: PartitionIndex) -> Option<&PartitionInfo> {
        self.topic_by_id(id)?.partition(index)
    }

    /// Partitions of all topics.
    pub fn partition_count(&self) -> usize {
        self.by_name
            .values()
            .map(|topic| topic.partitions.len())
            .sum()
    }

    /// The levels at which features are finalized.
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    /// The first producer id that no block has taken.
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }
}

impl fmt::Debug for ClusterImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterImage")
            .field("version", &self.version)
            .field("cluster_id", &self.cluster_id)
            .field("brokers", &self.brokers)
            .field("topics", &self.by_name)
            .field("features", &self.features)
            .field("next_producer_id", &self.next_producer_id)
            .finish_non_exhaustive()
    }
}

/// A feature that this release knows, as ApiVersions tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// The lowest level that this release can run at.
    pub min_level: i16,
    /// The highest.
    pub max_level: i16,
}

/// What this release supports.
///
/// Clients read these as promises: transaction.version 2 makes them send the newer transaction
/// protocol, group.version 1 offers KIP-848 groups. So only what is there is named:
/// metadata.version at the level of Kafka 4.3-IV0, which tools show as the cluster's version.
pub const FEATURES: &[Feature] = &[Feature {
    name: "metadata.version",
    min_level: METADATA_VERSION,
    max_level: METADATA_VERSION,
}];

/// The level of `metadata.version` that Kafka calls 4.3-IV0.
pub const METADATA_VERSION: i16 = 30;
