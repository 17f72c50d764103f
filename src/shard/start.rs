//! What a shard is given at its start.

use std::path::PathBuf;
use std::sync::Arc;

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
    /// The shard's end of the mesh.
    pub mesh: Endpoint<Message>,
    /// Its socket on the port that all shards share.
    pub listener: BoundListener,
    /// Its socket on a port of its own, where clients are told of cores.
    pub core_listener: Option<BoundListener>,
    /// What all shards count; this one's cells are at its place.
    pub metrics: Arc<[ShardMetrics]>,
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
