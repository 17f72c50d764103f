//! What a shard is given at its start.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::limits::{OPEN_FILES_PER_SHARD_MAX, PROCESS_DESCRIPTORS, SHARD_DESCRIPTORS};
use crate::base::{ShardId, TopicPartition};
use crate::control::metrics::ShardMetrics;
use crate::io::listener::BoundListener;
use crate::mesh::Endpoint;
use crate::metadata::ClusterImage;
use crate::metadata::config::BrokerConfig;
use crate::partition::Partition;
use crate::shard::messages::Message;

/// Everything that a shard begins with.
pub struct ShardStart {
    /// Which shard.
    pub id: ShardId,
    /// How many there are.
    pub shards: usize,
    /// The broker's settings.
    pub config: Arc<BrokerConfig>,
    /// Where the partitions' directories are.
    pub data_dir: PathBuf,
    /// The cluster's state at the start.
    pub image: Arc<ClusterImage>,
    /// The partitions of this shard that were on disk.
    pub recovered: Vec<RecoveredPartition>,
    /// Its part of what the process may have open.
    pub descriptors: Descriptors,
    /// The shard's end of the mesh.
    pub mesh: Endpoint<Message>,
    /// Its socket on the port that all shards share.
    pub listener: BoundListener,
    /// Its socket on a port of its own, where clients are told of cores.
    pub core_listener: Option<BoundListener>,
    /// What all shards count; this one's cells are at its place.
    pub metrics: Arc<[ShardMetrics]>,
}

/// What a shard may have open at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptors {
    /// Segment files, which take two each.
    pub segment_files: usize,
    /// Connections.
    pub connections: usize,
}

impl Descriptors {
    /// A shard's part of the process's limit of open files: half of what can be divided is for segments, as long as they
    /// need so many, and the rest for connections. Connections beyond that would take the partitions' files away.
    pub fn of_shard(nofile: u64, shards: usize) -> Descriptors {
        let nofile = usize::try_from(nofile).unwrap_or(usize::MAX);
        let own = nofile.saturating_sub(PROCESS_DESCRIPTORS) / shards.max(1);
        let left = own.saturating_sub(SHARD_DESCRIPTORS);
        let segment_files = (left / 4).clamp(1, OPEN_FILES_PER_SHARD_MAX);
        Descriptors {
            segment_files,
            connections: left.saturating_sub(2 * segment_files),
        }
    }
}

/// A partition that recovery found.
pub struct RecoveredPartition {
    /// Which.
    pub id: TopicPartition,
    /// Its replica, made with [`log_config`](crate::shard::settings::log_config) and [`Partition::recovered`].
    pub state: Partition,
    /// The bytes of the active segment's last, partial page.
    pub tail_page: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::SHARD_DESCRIPTORS_MIN;

    #[test]
    fn descriptors_are_never_promised_twice() {
        for shards in [1, 2, 7, 256] {
            let least = PROCESS_DESCRIPTORS + shards * SHARD_DESCRIPTORS_MIN;
            for nofile in [least, least + 1000, 1 << 20] {
                let share = Descriptors::of_shard(nofile as u64, shards);
                let used = 2 * share.segment_files + share.connections + SHARD_DESCRIPTORS;
                assert!(PROCESS_DESCRIPTORS + shards * used <= nofile, "{share:?}");
                assert!(
                    share.segment_files >= 8 && share.connections >= 16,
                    "{share:?}"
                );
            }
        }
        let plenty = Descriptors::of_shard(1 << 20, 2);
        assert_eq!(plenty.segment_files, OPEN_FILES_PER_SHARD_MAX);
        assert!(plenty.connections > 500_000);
    }
}
