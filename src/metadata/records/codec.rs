//! The bytes of metadata records.

use super::Record;
use crate::base::{LeaderEpoch, NodeId, PartitionIndex, ProducerId, ShardId, TopicId};
use crate::metadata::image::{Broker, PartitionInfo};

/// The version that every kind of record is written in.
const VERSION: u64 = 0;

/// The kinds of records; a number is never used for another kind.
mod kind {
    pub const CLUSTER_ID: u64 = 1;
    pub const BROKER: u64 = 2;
    pub const FEATURE: u64 = 3;
    pub const TOPIC: u64 = 4;
    pub const TOPIC_CONFIG: u64 = 5;
    pub const PARTITION: u64 = 6;
    pub const PARTITION_MOVED: u64 = 7;
    pub const TOPIC_REMOVED: u64 = 8;
    pub const PRODUCER_IDS: u64 = 9;
}

/// The tags of a broker's fields.
mod tag {
    pub const CORE_PORTS: u64 = 0;
}

/// Why bytes are not a metadata record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// The bytes end within a field, or a length goes beyond them.
    #[error("a metadata record is cut short at byte {at}")]
    CutShort {
        /// Where.
        at: usize,
    },
    /// A field holds what it cannot.
    #[error("a metadata record has a wrong {field}")]
    Wrong {
        /// The field.
        field: &'static str,
    },
    /// Bytes follow the record.
    #[error("{bytes} bytes follow a metadata record")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A kind or version that this release does not know, and may not pass over.
    #[error(
        "a metadata record of kind {kind}, version {version}: it was written by a newer release of Ringlog"
    )]
    TooNew {
        /// The kind.
        kind: u64,
        /// The version.
        version: u64,
    },
}

impl Record {
    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Bytes(Vec::with_capacity(64));
        bytes.unsigned(self.kind());
        bytes.unsigned(VERSION);
        self.encode_fields(&mut bytes);
        self.encode_tagged(&mut bytes);
        bytes.0
    }

    /// The record that exactly these bytes are.
    pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
        let mut fields = Fields { bytes, at: 0 };
        let (kind, version) = (fields.unsigned()?, fields.unsigned()?);
        if version != VERSION {
            return Err(RecordError::TooNew { kind, version });
        }
        let mut record = Record::decode_fields(kind, &mut fields)?;
        record.decode_tagged(&mut fields)?;
        match fields.left() {
            0 => Ok(record),
            bytes => Err(RecordError::Trailing { bytes }),
        }
    }

    const fn kind(&self) -> u64 {
        match self {
            Record::ClusterId { .. } => kind::CLUSTER_ID,
            Record::Broker(_) => kind::BROKER,
            Record::Feature { .. } => kind::FEATURE,
            Record::Topic { .. } => kind::TOPIC,
            Record::TopicConfig { .. } => kind::TOPIC_CONFIG,
            Record::Partition { .. } => kind::PARTITION,
            Record::PartitionMoved { .. } => kind::PARTITION_MOVED,
            Record::TopicRemoved { .. } => kind::TOPIC_REMOVED,
            Record::ProducerIds { .. } => kind::PRODUCER_IDS,
        }
    }

    fn encode_fields(&self, bytes: &mut Bytes) {
        match self {
            Record::ClusterId { id } => bytes.text(id),
            Record::Broker(broker) => {
                bytes.signed(broker.id.get().into());
                bytes.text(&broker.host);
                bytes.unsigned(broker.port.into());
                bytes.optional_text(broker.rack.as_deref());
            }
            Record::Feature { name, level } => {
                bytes.text(name);
                bytes.signed((*level).into());
            }
            Record::Topic { id, name } => {
                bytes.topic_id(*id);
                bytes.text(name);
            }
            Record::TopicConfig { topic, name, value } => {
                bytes.topic_id(*topic);
                bytes.text(name);
                bytes.optional_text(value.as_deref());
            }
            Record::Partition { topic, index, info } => {
                bytes.topic_id(*topic);
                bytes.signed(index.get().into());
                bytes.partition(info);
            }
            Record::PartitionMoved {
                topic,
                index,
                shard,
            } => {
                bytes.topic_id(*topic);
                bytes.signed(index.get().into());
                bytes.unsigned(shard.get().into());
            }
            Record::TopicRemoved { topic } => bytes.topic_id(*topic),
            Record::ProducerIds { next } => bytes.signed(next.get()),
        }
    }

    fn decode_fields(kind: u64, fields: &mut Fields) -> Result<Record, RecordError> {
        Ok(match kind {
            kind::CLUSTER_ID => Record::ClusterId {
                id: fields.text("cluster id")?,
            },
            kind::BROKER => Record::Broker(Broker {
                id: fields.node("broker id")?,
                host: fields.text("host")?,
                port: fields.narrow_unsigned("port")?,
                rack: fields.optional_text("rack")?,
                core_ports: Vec::new(),
            }),
            kind::FEATURE => Record::Feature {
                name: fields.text("feature name")?,
                level: fields.narrow("feature level")?,
            },
            kind::TOPIC => Record::Topic {
                id: fields.topic_id()?,
                name: fields.text("topic name")?,
            },
            kind::TOPIC_CONFIG => Record::TopicConfig {
                topic: fields.topic_id()?,
                name: fields.text("setting")?,
                value: fields.optional_text("value")?,
            },
            kind::PARTITION => Record::Partition {
                topic: fields.topic_id()?,
                index: fields.partition_index()?,
                info: fields.partition()?,
            },
            kind::PARTITION_MOVED => Record::PartitionMoved {
                topic: fields.topic_id()?,
                index: fields.partition_index()?,
                shard: ShardId(fields.narrow_unsigned("shard")?),
            },
            kind::TOPIC_REMOVED => Record::TopicRemoved {
                topic: fields.topic_id()?,
            },
            kind::PRODUCER_IDS => Record::ProducerIds {
                next: ProducerId(fields.signed()?),
            },
            kind => {
                return Err(RecordError::TooNew {
                    kind,
                    version: VERSION,
                });
            }
        })
    }
}

/// Fields that a release which does not know them may pass over; left out where they say nothing.
impl Record {
    fn encode_tagged(&self, bytes: &mut Bytes) {
        match self {
            Record::Broker(broker) if !broker.core_ports.is_empty() => {
                let mut ports = Bytes(Vec::new());
                for port in &broker.core_ports {
                    ports.unsigned((*port).into());
                }
                bytes.unsigned(1);
                bytes.unsigned(tag::CORE_PORTS);
                bytes.unsigned(ports.0.len() as u64);
                bytes.0.append(&mut ports.0);
            }
            _ => bytes.unsigned(0),
        }
    }

    fn decode_tagged(&mut self, fields: &mut Fields<'_>) -> Result<(), RecordError> {
        for _ in 0..fields.unsigned()? {
            let (tag, len) = (fields.unsigned()?, fields.unsigned()?);
            let mut field = Fields {
                bytes: fields.take(len)?,
                at: 0,
            };
            if let (Record::Broker(broker), tag::CORE_PORTS) = (&mut *self, tag) {
                while field.left() > 0 {
                    broker
                        .core_ports
                        .push(field.narrow_unsigned("port of a core")?);
                }
            }
        }
        Ok(())
    }
}

/// Bytes being written.
struct Bytes(Vec<u8>);

impl Bytes {
    fn unsigned(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push((n as u8) | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    fn signed(&mut self, n: i64) {
        self.unsigned(((n << 1) ^ (n >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.unsigned(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// An absent text is a 0, any other its length and one.
    fn optional_text(&mut self, text: Option<&str>) {
        match text {
            None => self.unsigned(0),
            Some(text) => {
                self.unsigned(text.len() as u64 + 1);
                self.0.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn topic_id(&mut self, id: TopicId) {
        self.0.extend_from_slice(&id.0);
    }

    fn nodes(&mut self, nodes: &[NodeId]) {
        self.unsigned(nodes.len() as u64);
        for node in nodes {
            self.signed(node.get().into());
        }
    }

    fn partition(&mut self, info: &PartitionInfo) {
        self.signed(info.leader.get().into());
        self.signed(info.leader_epoch.get().into());
        self.signed(info.partition_epoch.into());
        self.nodes(&info.replicas);
        self.nodes(&info.isr);
        self.unsigned(info.shard.get().into());
    }
}

/// Bytes being read. No length is believed before the bytes that it claims are seen.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], RecordError> {
        let cut_short = RecordError::CutShort { at: self.at };
        let Ok(len) = usize::try_from(len) else {
            return Err(cut_short);
        };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(cut_short)?;
        self.at += len;
        Ok(taken)
    }

    fn unsigned(&mut self) -> Result<u64, RecordError> {
        let mut n: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = match self.take(1)? {
                [byte] => *byte,
                _ => return Err(RecordError::CutShort { at: self.at }),
            };
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(RecordError::Wrong { field: "number" });
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(RecordError::Wrong { field: "number" })
    }

    fn signed(&mut self) -> Result<i64, RecordError> {
        let n = self.unsigned()?;
        Ok(((n >> 1) as i64) ^ -((n & 1) as i64))
    }

    fn narrow<T: TryFrom<i64>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        T::try_from(self.signed()?).map_err(|_| RecordError::Wrong { field })
    }

    fn narrow_unsigned<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        T::try_from(self.unsigned()?).map_err(|_| RecordError::Wrong { field })
    }

    fn text(&mut self, field: &'static str) -> Result<String, RecordError> {
        let len = self.unsigned()?;
        self.utf8(len, field)
    }

    fn optional_text(&mut self, field: &'static str) -> Result<Option<String>, RecordError> {
        match self.unsigned()?.checked_sub(1) {
            None => Ok(None),
            Some(len) => self.utf8(len, field).map(Some),
        }
    }

    fn utf8(&mut self, len: u64, field: &'static str) -> Result<String, RecordError> {
        let bytes = self.take(len)?;
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::Wrong { field })?;
        Ok(text.to_owned())
    }

    fn topic_id(&mut self) -> Result<TopicId, RecordError> {
        let bytes = self.take(16)?;
        let id = bytes
            .try_into()
            .map_err(|_| RecordError::Wrong { field: "topic id" })?;
        Ok(TopicId(id))
    }

    fn node(&mut self, field: &'static str) -> Result<NodeId, RecordError> {
        self.narrow(field).map(NodeId)
    }

    fn partition_index(&mut self) -> Result<PartitionIndex, RecordError> {
        let index: u32 = self.narrow("partition")?;
        let index = i32::try_from(index).map_err(|_| RecordError::Wrong { field: "partition" })?;
        Ok(PartitionIndex(index))
    }

    fn nodes(&mut self, field: &'static str) -> Result<Vec<NodeId>, RecordError> {
        // Each node takes at least a byte, so a list grows no faster than the bytes are read.
        let count = self.unsigned()?;
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(self.node(field)?);
        }
        Ok(nodes)
    }

    fn partition(&mut self) -> Result<PartitionInfo, RecordError> {
        Ok(PartitionInfo {
            leader: self.node("leader")?,
            leader_epoch: LeaderEpoch(self.narrow("leader epoch")?),
            partition_epoch: self.narrow("partition epoch")?,
            replicas: self.nodes("replica")?,
            isr: self.nodes("in-sync replica")?,
            shard: ShardId(self.narrow_unsigned("shard")?),
        })
    }
}

/// Any bytes are a record or an error, and a record's own bytes are that record again.
pub fn fuzz_metadata_record(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}
