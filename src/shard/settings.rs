//! A topic's and the broker's settings as logs and coordinators take them.

use crate::group::GroupConfig;
use crate::log::{self, LogConfig};
use crate::metadata::config::{self, BrokerConfig, TopicConfig};
use crate::protocol::records::{Codec, TimestampType, TopicCompression};

/// The settings of a partition's log.
pub fn log_config(topic: &TopicConfig, broker: &BrokerConfig) -> LogConfig {
    LogConfig {
        segment_bytes: topic.segment_bytes,
        segment_ms: topic.segment_ms,
        segment_jitter_ms: topic.segment_jitter_ms,
        index_interval_bytes: topic.index_interval_bytes,
        segment_index_bytes: topic.segment_index_bytes,
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        cleanup_delete: topic.cleanup_delete,
        cleanup_compact: topic.cleanup_compact,
        max_message_bytes: topic.max_message_bytes,
        preallocate: topic.preallocate,
        file_delete_delay_ms: topic.file_delete_delay_ms,
        timestamp_type: timestamp_type(topic),
        producer_id_expiration_ms: broker.producer_id_expiration_ms,
        flush_messages: topic.flush_messages,
        flush_ms: topic.flush_ms,
        durability: match topic.durability {
            config::Durability::Fsync => log::Durability::Fsync,
            config::Durability::Write => log::Durability::Write,
        },
    }
}

/// Whose clock stamps a topic's records.
pub fn timestamp_type(topic: &TopicConfig) -> TimestampType {
    match topic.message_timestamp_type {
        config::TimestampType::CreateTime => TimestampType::CreateTime,
        config::TimestampType::LogAppendTime => TimestampType::LogAppendTime,
    }
}

/// What a topic keeps its batches in, and the level for it.
pub fn compression(topic: &TopicConfig) -> (TopicCompression, Option<i32>) {
    let (codec, level) = match topic.compression_type {
        config::CompressionType::Producer => return (TopicCompression::Producer, None),
        config::CompressionType::Uncompressed => (Codec::None, None),
        config::CompressionType::Codec(config::Codec::Gzip(level)) => (Codec::Gzip, Some(level)),
        config::CompressionType::Codec(config::Codec::Snappy) => (Codec::Snappy, None),
        config::CompressionType::Codec(config::Codec::Lz4(level)) => (Codec::Lz4, Some(level)),
        config::CompressionType::Codec(config::Codec::Zstd(level)) => (Codec::Zstd, Some(level)),
    };
    (TopicCompression::Always(codec), level)
}

/// The settings of a group coordinator.
pub fn group_config(broker: &BrokerConfig) -> GroupConfig {
    GroupConfig {
        session_timeout_ms_min: broker.group_min_session_timeout_ms,
        session_timeout_ms_max: broker.group_max_session_timeout_ms,
        initial_rebalance_delay_ms: broker.group_initial_rebalance_delay_ms,
        members_max: usize::try_from(broker.group_max_size).unwrap_or(0),
        offset_metadata_units_max: usize::try_from(broker.offset_metadata_max_bytes).unwrap_or(0),
        offsets_retention_ms: broker.offsets_retention_ms,
        offsets_retention_check_interval_ms: broker.offsets_retention_check_interval_ms,
    }
}
