//! The records of `__consumer_offsets` that a classic coordinator keeps, in Kafka's own format: a
//! 16-bit version, then the fields of the schema `OffsetCommitKey`, `OffsetCommitValue`,
//! `GroupMetadataKey` or `GroupMetadataValue`. A key's version is the kind of its record.
//!
//! All versions are read; those that Kafka 4.3 writes are written.

use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use super::cursor::{Cursor, put_bytes, put_compact_str, put_nullable_str, put_str, put_uvarint};
use super::effects::GroupRecord;
use crate::base::{GenerationId, LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicId};

const KEY_OFFSET_COMMIT_LEGACY: i16 = 0;
const KEY_OFFSET_COMMIT: i16 = 1;
const KEY_GROUP_METADATA: i16 = 2;

/// The version of a value with an expiry of its own: no later version has that field.
const OFFSET_VALUE_VERSION_EXPIRING: i16 = 1;
const OFFSET_VALUE_VERSION: i16 = 4;
const GROUP_VALUE_VERSION: i16 = 3;
/// The first flexible version of both values.
const VALUE_VERSION_FLEXIBLE: i16 = 4;
const TAG_TOPIC_ID: u32 = 0;

/// A record of `__consumer_offsets` that cannot be what a coordinator wrote: the disk's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// The bytes end within a field.
    #[error("a group record ends within a field")]
    Truncated,
    /// A length is negative or too large.
    #[error("a group record has an impossible length")]
    BadLength,
    /// A string is not UTF-8.
    #[error("a group record has a string that is not UTF-8")]
    NotUtf8,
    /// A field that is always there is null.
    #[error("a group record lacks a mandatory field")]
    Null,
    /// The value has a version from the future.
    #[error("a group record's value has the unknown version {0}")]
    UnknownVersion(i16),
    /// The group's members do not form a group.
    #[error("a group record describes an impossible group: {0}")]
    Impossible(&'static str),
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordKey<'a> {
    /// A committed offset.
    OffsetCommit {
        /// The group.
        group: &'a str,
        /// The topic's name.
        topic: &'a str,
        /// The partition.
        partition: PartitionIndex,
    },
    /// A classic group.
    GroupMetadata {
        /// The group.
        group: &'a str,
    },
    /// A record of another kind (of the newer group types), named by its number.
    Other(i16),
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The offset.
    pub offset: Offset,
    /// The leader epoch of the last consumed record, -1 when unknown.
    pub leader_epoch: LeaderEpoch,
    /// What the client keeps beside it.
    pub metadata: Arc<str>,
    /// When it was committed.
    pub commit_timestamp: TimestampMs,
    /// When it expires, for the commits of old clients that say so.
    pub expire_timestamp: Option<TimestampMs>,
    /// The topic's id, zero when the commit named none.
    pub topic_id: TopicId,
}

/// A classic group as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValue {
    /// The protocol type, empty when there is none.
    pub protocol_type: Arc<str>,
    /// The generation.
    pub generation_id: GenerationId,
    /// The chosen protocol.
    pub protocol_name: Option<Arc<str>>,
    /// The leader's member id.
    pub leader: Option<Arc<str>>,
    /// When the group entered its state.
    pub state_timestamp: Option<TimestampMs>,
    /// The members.
    pub members: Vec<MemberValue>,
}

/// A member as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberValue {
    /// The member's id.
    pub member_id: Arc<str>,
    /// The id of a static member.
    pub group_instance_id: Option<Arc<str>>,
    /// The client id that it joined with.
    pub client_id: Arc<str>,
    /// The address that it joined from.
    pub client_host: Arc<str>,
    /// Its rebalance timeout, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// Its session timeout, in milliseconds.
    pub session_timeout_ms: i32,
    /// Its metadata for the chosen protocol.
    pub subscription: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

impl<'a> RecordKey<'a> {
    /// Reads a record's key.
    pub fn decode(key: &'a [u8]) -> Result<RecordKey<'a>, ReplayError> {
        let mut cursor = Cursor::new(key);
        match cursor.i16()? {
            KEY_OFFSET_COMMIT_LEGACY | KEY_OFFSET_COMMIT => Ok(RecordKey::OffsetCommit {
                group: cursor.str(false)?,
                topic: cursor.str(false)?,
                partition: PartitionIndex(cursor.i32()?),
            }),
            KEY_GROUP_METADATA => Ok(RecordKey::GroupMetadata {
                group: cursor.str(false)?,
            }),
            other => Ok(RecordKey::Other(other)),
        }
    }
}

fn offset_key(group: &str, topic: &str, partition: PartitionIndex) -> Bytes {
    let mut out = Vec::with_capacity(10 + group.len() + topic.len());
    out.extend_from_slice(&KEY_OFFSET_COMMIT.to_be_bytes());
    put_str(&mut out, group);
    put_str(&mut out, topic);
    out.extend_from_slice(&partition.get().to_be_bytes());
    out.into()
}

fn group_key(group: &str) -> Bytes {
    let mut out = Vec::with_capacity(4 + group.len());
    out.extend_from_slice(&KEY_GROUP_METADATA.to_be_bytes());
    put_str(&mut out, group);
    out.into()
}

/// The record of a committed offset.
pub fn offset_record(
    group: &str,
    topic: &str,
    partition: PartitionIndex,
    value: &CommittedOffset,
) -> GroupRecord {
    GroupRecord {
        key: offset_key(group, topic, partition),
        value: Some(value.encode()),
    }
}

/// The record that removes a committed offset.
pub fn offset_tombstone(group: &str, topic: &str, partition: PartitionIndex) -> GroupRecord {
    GroupRecord {
        key: offset_key(group, topic, partition),
        value: None,
    }
}

/// The record of a classic group.
pub fn group_record(group: &str, value: &GroupValue) -> GroupRecord {
    GroupRecord {
        key: group_key(group),
        value: Some(value.encode()),
    }
}

/// The record that removes a classic group.
pub fn group_tombstone(group: &str) -> GroupRecord {
    GroupRecord {
        key: group_key(group),
        value: None,
    }
}

impl CommittedOffset {
    /// Reads any version of `OffsetCommitValue`.
    pub fn decode(value: &[u8]) -> Result<CommittedOffset, ReplayError> {
        let mut cursor = Cursor::new(value);
        let version = known_version(cursor.i16()?)?;
        let flexible = version >= VALUE_VERSION_FLEXIBLE;
        let offset = Offset(cursor.i64()?);
        let leader_epoch = LeaderEpoch(if version >= 3 { cursor.i32()? } else { -1 });
        let metadata = Arc::from(cursor.str(flexible)?);
        let commit_timestamp = TimestampMs(cursor.i64()?);
        let expire_timestamp = match version {
            1 => timestamp(cursor.i64()?),
            _ => None,
        };
        let mut topic_id = TopicId::ZERO;
        cursor.tagged(flexible, |tag, field| {
            if tag == TAG_TOPIC_ID {
                topic_id = TopicId(field.uuid()?);
            }
            Ok(())
        })?;
        Ok(CommittedOffset {
            offset,
            leader_epoch,
            metadata,
            commit_timestamp,
            expire_timestamp,
            topic_id,
        })
    }

    fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(48 + self.metadata.len());
        if let Some(expire) = self.expire_timestamp {
            out.extend_from_slice(&OFFSET_VALUE_VERSION_EXPIRING.to_be_bytes());
            out.extend_from_slice(&self.offset.get().to_be_bytes());
            put_str(&mut out, &self.metadata);
            out.extend_from_slice(&self.commit_timestamp.0.to_be_bytes());
            out.extend_from_slice(&expire.0.to_be_bytes());
            return out.into();
        }
        out.extend_from_slice(&OFFSET_VALUE_VERSION.to_be_bytes());
        out.extend_from_slice(&self.offset.get().to_be_bytes());
        out.extend_from_slice(&self.leader_epoch.get().to_be_bytes());
        put_compact_str(&mut out, &self.metadata);
        out.extend_from_slice(&self.commit_timestamp.0.to_be_bytes());
        if self.topic_id.is_zero() {
            put_uvarint(&mut out, 0);
        } else {
            for varint in [1, TAG_TOPIC_ID, 16] {
                put_uvarint(&mut out, varint);
            }
            out.extend_from_slice(&self.topic_id.0);
        }
        out.into()
    }
}

impl GroupValue {
    /// Reads any version of `GroupMetadataValue`.
    pub fn decode(value: &[u8]) -> Result<GroupValue, ReplayError> {
        let mut cursor = Cursor::new(value);
        let version = known_version(cursor.i16()?)?;
        let flexible = version >= VALUE_VERSION_FLEXIBLE;
        let protocol_type = Arc::from(cursor.str(flexible)?);
        let generation_id = GenerationId(cursor.i32()?);
        let protocol_name = cursor.nullable_str(flexible)?.map(Arc::from);
        let leader = cursor.nullable_str(flexible)?.map(Arc::from);
        let state_timestamp = match version {
            0 | 1 => None,
            _ => timestamp(cursor.i64()?),
        };
        // The claimed count reserves nothing: each member takes bytes that must be there.
        let mut members = Vec::new();
        for _ in 0..cursor.len(flexible)?.ok_or(ReplayError::Null)? {
            members.push(MemberValue::decode(&mut cursor, version)?);
        }
        cursor.tagged(flexible, |_, _| Ok(()))?;
        Ok(GroupValue {
            protocol_type,
            generation_id,
            protocol_name,
            leader,
            state_timestamp,
            members,
        })
    }

    fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(64 + 256 * self.members.len());
        out.extend_from_slice(&GROUP_VALUE_VERSION.to_be_bytes());
        put_str(&mut out, &self.protocol_type);
        out.extend_from_slice(&self.generation_id.get().to_be_bytes());
        put_nullable_str(&mut out, self.protocol_name.as_deref());
        put_nullable_str(&mut out, self.leader.as_deref());
        let state_timestamp = self.state_timestamp.map_or(-1, |at| at.0);
        out.extend_from_slice(&state_timestamp.to_be_bytes());
        out.extend_from_slice(&(self.members.len() as i32).to_be_bytes());
        for member in &self.members {
            member.encode(&mut out);
        }
        out.into()
    }
}

impl MemberValue {
    fn decode(cursor: &mut Cursor<'_>, version: i16) -> Result<MemberValue, ReplayError> {
        let flexible = version >= VALUE_VERSION_FLEXIBLE;
        let member_id = Arc::from(cursor.str(flexible)?);
        let group_instance_id = match version {
            0..=2 => None,
            _ => cursor.nullable_str(flexible)?.map(Arc::from),
        };
        let client_id = Arc::from(cursor.str(flexible)?);
        let client_host = Arc::from(cursor.str(flexible)?);
        let rebalance_timeout_ms = if version >= 1 { cursor.i32()? } else { -1 };
        let session_timeout_ms = cursor.i32()?;
        let subscription = Bytes::copy_from_slice(cursor.bytes(flexible)?);
        let assignment = Bytes::copy_from_slice(cursor.bytes(flexible)?);
        cursor.tagged(flexible, |_, _| Ok(()))?;
        Ok(MemberValue {
            member_id,
            group_instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms: match rebalance_timeout_ms {
                -1 => session_timeout_ms,
                known => known,
            },
            session_timeout_ms,
            subscription,
            assignment,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_str(out, &self.member_id);
        put_nullable_str(out, self.group_instance_id.as_deref());
        put_str(out, &self.client_id);
        put_str(out, &self.client_host);
        out.extend_from_slice(&self.rebalance_timeout_ms.to_be_bytes());
        out.extend_from_slice(&self.session_timeout_ms.to_be_bytes());
        put_bytes(out, &self.subscription);
        put_bytes(out, &self.assignment);
    }
}

fn known_version(version: i16) -> Result<i16, ReplayError> {
    match version {
        0..=4 => Ok(version),
        _ => Err(ReplayError::UnknownVersion(version)),
    }
}

fn timestamp(value: i64) -> Option<TimestampMs> {
    (value != -1).then_some(TimestampMs(value))
}

/// The topics in the metadata of a member of a "consumer" group (the schema
/// `ConsumerProtocolSubscription`), read as its version 0, which begins every later one. None when
/// the bytes are not that.
pub(super) fn subscribed_topics(metadata: &[u8]) -> Option<Vec<&str>> {
    let mut cursor = Cursor::new(metadata);
    cursor.i16().ok()?;
    let mut topics = Vec::new();
    for _ in 0..cursor.len(false).ok()?? {
        topics.push(cursor.str(false).ok()?);
    }
    if let Some(user_data) = cursor.len(false).ok()? {
        cursor.take(user_data).ok()?;
    }
    Some(topics)
}

/// Feeds arbitrary bytes to the decoders: the first byte is the length of the key, the rest the
/// value. Whatever decodes must encode to the same meaning and never upset a coordinator.
pub fn fuzz_group_record(bytes: &[u8]) {
    let Some((&key_len, rest)) = bytes.split_first() else {
        return;
    };
    let (key, value) = rest.split_at(rest.len().min(key_len.into()));
    if let Ok(offset) = CommittedOffset::decode(value) {
        assert_eq!(CommittedOffset::decode(&offset.encode()), Ok(offset));
    }
    if let Ok(group) = GroupValue::decode(value) {
        assert_eq!(GroupValue::decode(&group.encode()), Ok(group));
    }
    let _ = subscribed_topics(value);
    let mut coordinator = super::Coordinator::new(super::GroupConfig::default());
    let _ = coordinator.replay(key, Some(value));
    let _ = coordinator.replay(key, None);
    coordinator.invariants();
}

#[cfg(test)]
mod tests;
