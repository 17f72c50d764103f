//! From one image to the next, and from an image back to records.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::config::{InvalidValue, TopicConfig, topic_config_def};
use super::image::{ClusterImage, PartitionInfo, Topic};
use super::records::Record;
use super::topic_name;
use crate::base::{PartitionIndex, ShardId, TopicId};

/// Records that do not fit the image that they were to be applied to: the log is damaged or the
/// records were made from another image.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApplyError {
    /// A record names a topic that is not there.
    #[error("the metadata log names topic {0}, which does not exist")]
    NoTopic(TopicId),
    /// A topic is made whose id or name is taken.
    #[error("the metadata log makes topic {name} ({id}) again")]
    TopicExists {
        /// The id.
        id: TopicId,
        /// The name.
        name: String,
    },
    /// A record names a partition that is neither there nor the next one.
    #[error("the metadata log names partition {1} of topic {0}, which does not exist")]
    NoPartition(TopicId, PartitionIndex),
    /// A topic's setting has a value that it cannot have.
    #[error("the metadata log has a wrong setting of topic {topic}: {why}")]
    Config {
        /// The topic.
        topic: String,
        /// Why.
        why: InvalidValue,
    },
}

impl ClusterImage {
    /// The image after these records: all of them or, on an error, none.
    pub fn apply(&self, records: &[Record]) -> Result<ClusterImage, ApplyError> {
        let mut next = Draft {
            image: self.clone(),
            changed: HashMap::new(),
            names: HashSet::new(),
        };
        for record in records {
            next.apply(record)?;
        }
        let mut image = next.finish()?;
        image.version += records.len() as i64;
        Ok(image)
    }

    /// The same state, said to be what the log makes up to this offset.
    pub fn at_version(mut self, version: i64) -> ClusterImage {
        self.version = version;
        self
    }

    /// Records that make this image from an empty one, but for its version.
    pub fn snapshot(&self) -> Vec<Record> {
        let mut records = Vec::new();
        if !self.cluster_id.is_empty() {
            records.push(Record::ClusterId {
                id: self.cluster_id.to_string(),
            });
        }
        records.extend(self.brokers.values().cloned().map(Record::Broker));
        for (name, level) in &self.features {
            records.push(Record::Feature {
                name: name.clone(),
                level: *level,
            });
        }
        for topic in self.topics() {
            snapshot_topic(topic, &mut records);
        }
        if self.next_producer_id.get() != 0 {
            records.push(Record::ProducerIds {
                next: self.next_producer_id,
            });
        }
        records
    }
}

fn snapshot_topic(topic: &Topic, records: &mut Vec<Record>) {
    records.push(Record::Topic {
        id: topic.id,
        name: topic.name.to_string(),
    });
    for (name, value) in &topic.overrides {
        records.push(Record::TopicConfig {
            topic: topic.id,
            name: name.clone(),
            value: Some(value.clone()),
        });
    }
    for (index, info) in (0..).zip(&topic.partitions) {
        records.push(Record::Partition {
            topic: topic.id,
            index: PartitionIndex(index),
            info: info.clone(),
        });
    }
}

/// An image being made. Topics that change are taken out once and put back at the end, so that a
/// batch of many partitions costs one copy of its topic.
struct Draft {
    image: ClusterImage,
    changed: HashMap<TopicId, DraftTopic>,
    /// The names of the changed topics, which the image no longer has.
    names: HashSet<Arc<str>>,
}

struct DraftTopic {
    name: Arc<str>,
    partitions: Vec<PartitionInfo>,
    overrides: BTreeMap<String, String>,
    /// The settings, until an override changes them.
    config: Option<TopicConfig>,
}

impl Draft {
    fn apply(&mut self, record: &Record) -> Result<(), ApplyError> {
        match record {
            Record::ClusterId { id } => self.image.cluster_id = id.as_str().into(),
            Record::Broker(broker) => {
                self.image.brokers.insert(broker.id, broker.clone());
            }
            Record::Feature { name, level: 0 } => {
                self.image.features.remove(name);
            }
            Record::Feature { name, level } => {
                self.image.features.insert(name.clone(), *level);
            }
            Record::Topic { id, name } => self.make_topic(*id, name)?,
            Record::TopicConfig { topic, name, value } => {
                self.topic(*topic)?.set(name, value.as_deref());
            }
            Record::Partition { topic, index, info } => {
                let wrong = ApplyError::NoPartition(*topic, *index);
                self.topic(*topic)?.put(*index, info).ok_or(wrong)?;
            }
            Record::PartitionMoved {
                topic,
                index,
                shard,
            } => {
                let wrong = ApplyError::NoPartition(*topic, *index);
                self.topic(*topic)?.relocate(*index, *shard).ok_or(wrong)?;
            }
            Record::TopicRemoved { topic } => self.remove_topic(*topic)?,
            Record::ProducerIds { next } => self.image.next_producer_id = *next,
        }
        Ok(())
    }

    fn make_topic(&mut self, id: TopicId, name: &str) -> Result<(), ApplyError> {
        let name_taken = self.image.by_name.contains_key(name) || self.names.contains(name);
        if name_taken || self.image.by_id.contains_key(&id) || self.changed.contains_key(&id) {
            return Err(ApplyError::TopicExists {
                id,
                name: name.to_owned(),
            });
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        let topic = DraftTopic {
            name,
            partitions: Vec::new(),
            overrides: BTreeMap::new(),
            config: None,
        };
        self.changed.insert(id, topic);
        Ok(())
    }

    /// The topic, taken out of the image if it is still there.
    fn topic(&mut self, id: TopicId) -> Result<&mut DraftTopic, ApplyError> {
        if let Some(topic) = self.image.by_id.remove(&id) {
            self.image.by_name.remove(&topic.name);
            let draft = DraftTopic {
                name: Arc::clone(&topic.name),
                partitions: topic.partitions.clone(),
                overrides: topic.overrides.clone(),
                config: Some(topic.config.clone()),
            };
            self.names.insert(Arc::clone(&draft.name));
            self.changed.insert(id, draft);
        }
        self.changed.get_mut(&id).ok_or(ApplyError::NoTopic(id))
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), ApplyError> {
        if let Some(topic) = self.image.by_id.remove(&id) {
            self.image.by_name.remove(&topic.name);
            return Ok(());
        }
        let draft = self.changed.remove(&id).ok_or(ApplyError::NoTopic(id))?;
        self.names.remove(&draft.name);
        Ok(())
    }

    fn finish(self) -> Result<ClusterImage, ApplyError> {
        let Draft {
            mut image, changed, ..
        } = self;
        for (id, draft) in changed {
            let topic = Arc::new(draft.finish(id, &image)?);
            image
                .by_name
                .insert(Arc::clone(&topic.name), Arc::clone(&topic));
            image.by_id.insert(id, topic);
        }
        Ok(image)
    }
}

impl DraftTopic {
    fn set(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.overrides.insert(name.to_owned(), value.to_owned()),
            None => self.overrides.remove(name),
        };
        self.config = None;
    }

    /// Replaces the partition, or adds it if it is the next one.
    fn put(&mut self, index: PartitionIndex, info: &PartitionInfo) -> Option<()> {
        let at = usize::try_from(index.get()).ok()?;
        if at == self.partitions.len() {
            self.partitions.push(info.clone());
        } else {
            *self.partitions.get_mut(at)? = info.clone();
        }
        Some(())
    }

    fn relocate(&mut self, index: PartitionIndex, shard: ShardId) -> Option<()> {
        let at = usize::try_from(index.get()).ok()?;
        self.partitions.get_mut(at)?.shard = shard;
        Some(())
    }

    fn finish(self, id: TopicId, image: &ClusterImage) -> Result<Topic, ApplyError> {
        let config = match self.config {
            Some(config) => config,
            None => self.resolve(image)?,
        };
        Ok(Topic {
            id,
            internal: topic_name::is_internal(&self.name),
            name: self.name,
            partitions: self.partitions,
            overrides: self.overrides,
            config,
        })
    }

    /// The settings in effect. An override that this release does not know stays in the image, for a
    /// release that does, and changes nothing.
    fn resolve(&self, image: &ClusterImage) -> Result<TopicConfig, ApplyError> {
        let mut known = self.overrides.clone();
        known.retain(|name, _| topic_config_def(name).is_some());
        TopicConfig::resolve(&known, &image.settings).map_err(|why| ApplyError::Config {
            topic: self.name.to_string(),
            why,
        })
    }
}
