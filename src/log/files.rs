//! The names of a log's files and directories, and the small text files among them, as Kafka writes them.

mod names;
mod texts;

use std::str::FromStr;

pub use names::{
    CLEAN_SHUTDOWN, DELETED_DIRECTORY_SUFFIX, DELETED_SUFFIX, FileKind, FileName, LEADER_EPOCHS,
    LOCK, LOG_START_OFFSETS, META_PROPERTIES, PARTITION_METADATA, RECOVERY_POINTS,
    deleted_directory, is_deleted_directory, is_topic_name, parse_partition_directory,
    partition_directory,
};
pub use texts::{
    MetaProperties, OffsetCheckpoint, TextError, format_leader_epochs, format_offset_checkpoints,
    format_partition_metadata, parse_leader_epochs, parse_offset_checkpoints,
    parse_partition_metadata, parse_uuid,
};

/// A number of digits only: no sign, no space.
fn plain_number<N: FromStr>(text: &str) -> Option<N> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
