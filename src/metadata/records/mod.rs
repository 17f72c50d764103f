//! The records of the metadata log: their types and their bytes.
//!
//! A record is `kind: uvarint`, `version: uvarint`, the kind's fields, and tagged fields
//! (`count: uvarint`, then `tag: uvarint`, `length: uvarint`, bytes each). A later release may add
//! tagged fields, which earlier ones skip, or raise the version, which they refuse: so whatever must
//! not be overlooked is a new version or a new kind.
//!
//! Numbers are zigzag varints, lists and texts have their length before them, ids are 16 bytes.

mod codec;

#[cfg(test)]
mod tests;

pub use codec::{RecordError, fuzz_metadata_record};

use super::image::{Broker, PartitionInfo};
use crate::base::{PartitionIndex, ProducerId, ShardId, TopicId};

/// One change of the cluster's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The cluster got its id.
    ClusterId {
        /// A UUID in Kafka's base64.
        id: String,
    },
    /// A node joined, or is reached elsewhere.
    Broker(Broker),
    /// A feature was finalized at a level; 0 takes it away.
    Feature {
        /// Its name.
        name: String,
        /// Its level.
        level: i16,
    },
    /// A topic was made; its settings and partitions follow.
    Topic {
        /// Its id.
        id: TopicId,
        /// Its name.
        name: String,
    },
    /// A topic's override was set or, without a value, taken away.
    TopicConfig {
        /// The topic.
        topic: TopicId,
        /// The setting.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// A partition was added at the end of a topic, or replaced as a whole.
    Partition {
        /// The topic.
        topic: TopicId,
        /// Its index.
        index: PartitionIndex,
        /// All that is known of it.
        info: PartitionInfo,
    },
    /// A partition went to another shard of its leader.
    PartitionMoved {
        /// The topic.
        topic: TopicId,
        /// Its index.
        index: PartitionIndex,
        /// The shard that owns it now.
        shard: ShardId,
    },
    /// A topic is gone, with its partitions and overrides.
    TopicRemoved {
        /// The topic.
        topic: TopicId,
    },
    /// A block of producer ids was taken.
    ProducerIds {
        /// The first id after the block.
        next: ProducerId,
    },
}

impl Record {
    /// Whether the change gives disk space back, and so has to be possible when there is none.
    pub fn frees_space(&self) -> bool {
        matches!(self, Record::TopicRemoved { .. })
    }
}
