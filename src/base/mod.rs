//! The vocabulary: a type for every id, offset and epoch, the clock reading that machines are given,
//! and every bound ([`limits`]). Names no other module.

mod ids;
pub mod limits;
mod time;

pub use ids::{
    GenerationId, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerEpoch, ProducerId, ShardId,
    TopicId, TopicPartition,
};
pub use time::{MonoMs, Now, TimestampMs};
