//! The text files. What is read back is taken at its word only if all of it is well formed.

use std::fmt::{self, Write as _};

use thiserror::Error;

use super::{is_topic_name, plain_number};
use crate::base::{LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};
use crate::log::EpochEntry;

/// Why a file's text was refused. Lines count from 1.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TextError {
    /// A version that is not understood.
    #[error("version {0} is not supported")]
    Version(i32),
    /// A line that is not what belongs there.
    #[error("line {0} is malformed")]
    Line(usize),
    /// More or fewer entries than announced.
    #[error("{announced} entries are announced, {found} are there")]
    Count {
        /// What the second line says.
        announced: usize,
        /// How many follow it.
        found: usize,
    },
    /// A property that has to be there.
    #[error("the property {0} is missing")]
    Missing(&'static str),
    /// A property with a value that makes no sense.
    #[error("the property {0} has an invalid value")]
    Value(&'static str),
}

/// An offset for each of some partitions, by the names of their topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCheckpoint {
    /// The topic.
    pub topic: String,
    /// The partition within it.
    pub partition: PartitionIndex,
    /// The offset.
    pub offset: Offset,
}

/// Writes a file of [`RECOVERY_POINTS`](super::RECOVERY_POINTS) or [`LOG_START_OFFSETS`](super::LOG_START_OFFSETS).
pub fn format_offset_checkpoints(entries: &[OffsetCheckpoint]) -> String {
    format_checkpoint(entries, |entry, out| {
        write!(out, "{} {} {}", entry.topic, entry.partition, entry.offset)
    })
}

/// Reads a file of [`RECOVERY_POINTS`](super::RECOVERY_POINTS) or [`LOG_START_OFFSETS`](super::LOG_START_OFFSETS).
pub fn parse_offset_checkpoints(text: &str) -> Result<Vec<OffsetCheckpoint>, TextError> {
    parse_checkpoint(text, |[topic, partition, offset]| {
        Some(OffsetCheckpoint {
            topic: is_topic_name(topic).then(|| topic.to_string())?,
            partition: PartitionIndex(plain_number(partition)?),
            offset: Offset(plain_number(offset)?),
        })
    })
}

/// Writes [`LEADER_EPOCHS`](super::LEADER_EPOCHS).
pub fn format_leader_epochs(entries: &[EpochEntry]) -> String {
    format_checkpoint(entries, |entry, out| {
        write!(out, "{} {}", entry.epoch, entry.start_offset)
    })
}

/// Reads [`LEADER_EPOCHS`](super::LEADER_EPOCHS).
pub fn parse_leader_epochs(text: &str) -> Result<Vec<EpochEntry>, TextError> {
    parse_checkpoint(text, |[epoch, start_offset]| {
        Some(EpochEntry {
            epoch: LeaderEpoch(plain_number(epoch)?),
            start_offset: Offset(plain_number(start_offset)?),
        })
    })
}

fn format_checkpoint<T>(
    entries: &[T],
    write_entry: impl Fn(&T, &mut String) -> fmt::Result,
) -> String {
    let mut out = format!("0\n{}\n", entries.len());
    for entry in entries {
        // Writing to a string cannot fail.
        let _ = write_entry(entry, &mut out);
        out.push('\n');
    }
    out
}

/// A version, a count, and that many lines of `N` fields.
fn parse_checkpoint<T, const N: usize>(
    text: &str,
    entry: impl Fn([&str; N]) -> Option<T>,
) -> Result<Vec<T>, TextError> {
    let mut lines = text.lines();
    check_version(lines.next().unwrap_or_default(), 0)?;
    let announced = lines.next().and_then(plain_number);
    let announced: usize = announced.ok_or(TextError::Line(2))?;
    let mut entries = Vec::new();
    for (number, line) in (3..).zip(lines) {
        let mut fields = line.split_ascii_whitespace();
        let array = [(); N].map(|()| fields.next().unwrap_or_default());
        let parsed = match fields.next() {
            None => entry(array),
            Some(_) => None,
        };
        entries.push(parsed.ok_or(TextError::Line(number))?);
    }
    if entries.len() != announced {
        return Err(TextError::Count {
            announced,
            found: entries.len(),
        });
    }
    Ok(entries)
}

fn check_version(line: &str, expected: i32) -> Result<(), TextError> {
    match plain_number(line) {
        Some(version) if version == expected => Ok(()),
        Some(version) => Err(TextError::Version(version)),
        None => Err(TextError::Line(1)),
    }
}

/// Writes [`PARTITION_METADATA`](super::PARTITION_METADATA).
pub fn format_partition_metadata(topic: TopicId) -> String {
    format!("version: 0\ntopic_id: {topic}")
}

/// Reads [`PARTITION_METADATA`](super::PARTITION_METADATA).
pub fn parse_partition_metadata(text: &str) -> Result<TopicId, TextError> {
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix("version: "));
    check_version(version.unwrap_or_default(), 0)?;
    let id = lines
        .next()
        .and_then(|line| line.strip_prefix("topic_id: "));
    let id = id.and_then(parse_uuid).ok_or(TextError::Line(2))?;
    match lines.next() {
        None if !id.is_zero() => Ok(id),
        None => Err(TextError::Line(2)),
        Some(_) => Err(TextError::Line(3)),
    }
}

/// Whose data directory it is: the contents of [`META_PROPERTIES`](super::META_PROPERTIES).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetaProperties {
    /// The broker.
    pub node_id: NodeId,
    /// The cluster.
    pub cluster_id: String,
    /// This directory, which has an id of its own (KIP-858).
    pub directory_id: Option<TopicId>,
}

impl MetaProperties {
    /// The file's text.
    pub fn format(&self) -> String {
        let mut out = String::from("#\n");
        let _ = writeln!(out, "cluster.id={}", self.cluster_id);
        if let Some(id) = self.directory_id {
            let _ = writeln!(out, "directory.id={id}");
        }
        let _ = writeln!(out, "node.id={}\nversion=1", self.node_id);
        out
    }

    /// Reads the file's text: version 1 only. Unknown properties are left alone, as Kafka does.
    pub fn parse(text: &str) -> Result<MetaProperties, TextError> {
        let mut found = [None; 4];
        let names = ["version", "node.id", "cluster.id", "directory.id"];
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(TextError::Line(number))?;
            let known = names
                .iter()
                .zip(&mut found)
                .find(|(known, _)| **known == name.trim());
            match known {
                Some((_, Some(_))) => return Err(TextError::Line(number)),
                Some((_, slot)) => *slot = Some(value.trim()),
                None => {}
            }
        }
        let [version, node_id, cluster_id, directory_id] = found;
        Self::from_values(version, node_id, cluster_id, directory_id)
    }

    fn from_values(
        version: Option<&str>,
        node_id: Option<&str>,
        cluster_id: Option<&str>,
        directory_id: Option<&str>,
    ) -> Result<MetaProperties, TextError> {
        let version = version.ok_or(TextError::Missing("version"))?;
        match plain_number(version) {
            Some(1) => {}
            Some(other) => return Err(TextError::Version(other)),
            None => return Err(TextError::Value("version")),
        }
        let node_id = node_id.ok_or(TextError::Missing("node.id"))?;
        let cluster_id = cluster_id.ok_or(TextError::Missing("cluster.id"))?;
        if cluster_id.is_empty() {
            return Err(TextError::Value("cluster.id"));
        }
        let directory_id = directory_id
            .map(|id| parse_uuid(id).ok_or(TextError::Value("directory.id")))
            .transpose()?;
        Ok(MetaProperties {
            node_id: NodeId(plain_number(node_id).ok_or(TextError::Value("node.id"))?),
            cluster_id: cluster_id.to_string(),
            directory_id,
        })
    }
}

/// An id as tools write it: 22 characters of URL-safe base64.
pub fn parse_uuid(text: &str) -> Option<TopicId> {
    if text.len() != 22 {
        return None;
    }
    let (value, last) = text.bytes().try_fold((0u128, 0), |(value, _), byte| {
        let six = base64_value(byte)?;
        Some(((value << 6) | u128::from(six), six))
    })?;
    // 22 characters are 132 bits: the first 128 count, the last four are padding and must be zero. The
    // first four of them have left the integer by now.
    let first = base64_value(*text.as_bytes().first()?)?;
    let id = (value >> 4) | (u128::from(first >> 2) << 124);
    (last & 0xf == 0).then_some(TopicId(id.to_be_bytes()))
}

fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}
