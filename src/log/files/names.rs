//! Names of files and directories.

use std::fmt::{self, Display};

use super::plain_number;
use crate::base::limits::TOPIC_NAME_CHARS_MAX;
use crate::base::{Offset, PartitionIndex};

/// One file for the recovery points of all partitions of a data directory.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";

/// One file for the log start offsets of all partitions of a data directory.
pub const LOG_START_OFFSETS: &str = "log-start-offset-checkpoint";

/// A partition's leader epochs.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

/// A partition's topic id.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// Whose data directory it is.
pub const META_PROPERTIES: &str = "meta.properties";

/// Says that the last stop was an orderly one.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// Held while a broker uses the data directory.
pub const LOCK: &str = ".lock";

/// The end of the name of a file that a later sweep removes.
pub const DELETED_SUFFIX: &str = ".deleted";

/// The end of the name of a partition's directory that a later sweep removes.
pub const DELETED_DIRECTORY_SUFFIX: &str = "-delete";

/// The kinds of files that are named after an offset.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileKind {
    /// Batches.
    Log,
    /// The sparse offset index.
    Index,
    /// The sparse time index.
    TimeIndex,
    /// The aborted transactions of a segment.
    TxnIndex,
    /// The state of all producers at an offset.
    Snapshot,
}

impl FileKind {
    const ALL: [FileKind; 5] = [
        FileKind::Log,
        FileKind::Index,
        FileKind::TimeIndex,
        FileKind::TxnIndex,
        FileKind::Snapshot,
    ];

    /// The end of the file's name, with the dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            FileKind::Log => ".log",
            FileKind::Index => ".index",
            FileKind::TimeIndex => ".timeindex",
            FileKind::TxnIndex => ".txnindex",
            FileKind::Snapshot => ".snapshot",
        }
    }
}

/// A file that is named after an offset: twenty digits, so that names sort as offsets do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileName {
    /// The offset: a segment's first, or the one that a snapshot was taken at.
    pub offset: Offset,
    /// What the file holds.
    pub kind: FileKind,
    /// Whether it only waits to be removed.
    pub deleted: bool,
}

impl FileName {
    /// The name of a file in use.
    pub const fn new(offset: Offset, kind: FileKind) -> FileName {
        FileName {
            offset,
            kind,
            deleted: false,
        }
    }

    /// The name under which it waits to be removed.
    pub const fn deleted(self) -> FileName {
        FileName {
            deleted: true,
            ..self
        }
    }

    /// Reads a name; `None` for a file that is not named after an offset.
    pub fn parse(name: &str) -> Option<FileName> {
        let (name, deleted) = match name.strip_suffix(DELETED_SUFFIX) {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (digits, _) = name.split_once('.')?;
        let suffix = name.get(digits.len()..)?;
        let kind = FileKind::ALL
            .into_iter()
            .find(|kind| kind.suffix() == suffix)?;
        if digits.len() != 20 {
            return None;
        }
        let offset = Offset(plain_number(digits)?);
        Some(FileName {
            offset,
            kind,
            deleted,
        })
    }
}

impl Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deleted = if self.deleted { DELETED_SUFFIX } else { "" };
        write!(f, "{:020}{}{deleted}", self.offset.0, self.kind.suffix())
    }
}

/// The name of a partition's directory.
pub fn partition_directory(topic: &str, partition: PartitionIndex) -> String {
    format!("{topic}-{partition}")
}

/// Topic and partition of a directory's name: what is before and after its last dash.
pub fn parse_partition_directory(name: &str) -> Option<(&str, PartitionIndex)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = plain_number(partition)?;
    is_topic_name(topic).then_some((topic, PartitionIndex(partition)))
}

/// The name of a removed partition's directory; `unique` tells it from an earlier one of the same name. It is
/// no longer than a file name may be.
pub fn deleted_directory(topic: &str, partition: PartitionIndex, unique: u128) -> String {
    let tail = format!("-{partition}.{unique:032x}{DELETED_DIRECTORY_SUFFIX}");
    let room = FILE_NAME_BYTES_MAX.saturating_sub(tail.len());
    // Topic names are ASCII; another name would be cut before a character, not within.
    let kept = topic.floor_char_boundary(room);
    format!("{}{tail}", topic.get(..kept).unwrap_or_default())
}

/// Whether a directory waits to be removed.
pub fn is_deleted_directory(name: &str) -> bool {
    let tail = name
        .strip_suffix(DELETED_DIRECTORY_SUFFIX)
        .and_then(|name| name.rsplit_once('.'));
    tail.is_some_and(|(partition, unique)| {
        parse_partition_directory(partition).is_some()
            && unique.len() == 32
            && unique.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The longest name of a file that Linux's filesystems allow.
const FILE_NAME_BYTES_MAX: usize = 255;

/// The names that Kafka allows for topics (`org.apache.kafka.common.internals.Topic`). None of them leads out
/// of a directory.
pub fn is_topic_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(name, "" | "." | "..")
        && name.len() <= TOPIC_NAME_CHARS_MAX
        && name.bytes().all(legal)
}
