//! What an orderly stop leaves for the next start: where every partition ends and begins, and the mark that says so.

use std::io;
use std::path::Path;

use crate::io::files::replace;
use crate::log::files::{
    CLEAN_SHUTDOWN, LOG_START_OFFSETS, OffsetCheckpoint, RECOVERY_POINTS, format_offset_checkpoints,
};
use crate::metadata::ClusterImage;
use crate::shard::messages::PartitionCheckpoint;

/// The mark's contents: Kafka reads its version, and takes -1 for an epoch that nobody knows.
const MARK: &str = r#"{"version":0,"brokerEpoch":-1}"#;

/// Writes the checkpoints and then the mark, each durably.
pub fn write(
    data_dir: &Path,
    image: &ClusterImage,
    partitions: &[PartitionCheckpoint],
) -> io::Result<()> {
    let file = |name: &str, offset: fn(&PartitionCheckpoint) -> crate::base::Offset| {
        let entries: Vec<OffsetCheckpoint> = partitions
            .iter()
            .filter_map(|checkpoint| {
                let topic = image.topic_by_id(checkpoint.partition.topic)?;
                Some(OffsetCheckpoint {
                    topic: topic.name.to_string(),
                    partition: checkpoint.partition.partition,
                    offset: offset(checkpoint),
                })
            })
            .collect();
        replace(
            &data_dir.join(name),
            format_offset_checkpoints(&entries).as_bytes(),
        )
    };
    file(RECOVERY_POINTS, |checkpoint| checkpoint.recovery_point)?;
    file(LOG_START_OFFSETS, |checkpoint| checkpoint.log_start)?;
    replace(&data_dir.join(CLEAN_SHUTDOWN), MARK.as_bytes())
}
