//! The committed offsets: what has become durable, by group, topic and partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::records::CommittedOffset;
use crate::base::PartitionIndex;

type ByPartition = BTreeMap<PartitionIndex, CommittedOffset>;
type ByTopic = BTreeMap<Arc<str>, ByPartition>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    groups: BTreeMap<Arc<str>, ByTopic>,
}

impl Offsets {
    pub(super) fn get(
        &self,
        group: &str,
        topic: &str,
        partition: PartitionIndex,
    ) -> Option<&CommittedOffset> {
        self.groups.get(group)?.get(topic)?.get(&partition)
    }

    pub(super) fn insert(
        &mut self,
        group: Arc<str>,
        topic: Arc<str>,
        partition: PartitionIndex,
        offset: CommittedOffset,
    ) {
        let topics = self.groups.entry(group).or_default();
        topics.entry(topic).or_default().insert(partition, offset);
    }

    pub(super) fn remove(&mut self, group: &str, topic: &str, partition: PartitionIndex) {
        let Some(topics) = self.groups.get_mut(group) else {
            return;
        };
        if let Some(partitions) = topics.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                topics.remove(topic);
            }
        }
        if topics.is_empty() {
            self.groups.remove(group);
        }
    }

    /// The offsets of a group, by topic.
    pub(super) fn of_group(&self, group: &str) -> impl Iterator<Item = (&Arc<str>, &ByPartition)> {
        self.groups.get(group).into_iter().flatten()
    }

    /// All offsets: group, topic, partitions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &ByPartition)> {
        let groups = self.groups.iter();
        groups.flat_map(|(group, topics)| {
            let topics = topics.iter();
            topics.map(move |(topic, partitions)| (group, topic, partitions))
        })
    }
}
