//! What a log takes from its topic's configuration, already parsed.

use crate::protocol::records::TimestampType;

/// What `acks=all` waits for (`ringlog.durability`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// The write and an fdatasync that began after it.
    #[default]
    Fsync,
    /// The write alone, as Kafka does.
    Write,
}

/// One topic's log settings, with Kafka's defaults. Times are in milliseconds, sizes in bytes; `None` is "without bound".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// `segment.bytes`: a segment rolls before it grows beyond this.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment rolls when its first batch is older than this.
    pub segment_ms: i64,
    /// Taken off `segment_ms`, so that many partitions do not roll at one moment. The driver draws it below
    /// `segment.jitter.ms` once per partition.
    pub segment_jitter_ms: i64,
    /// `index.interval.bytes`: log bytes between two entries of the sparse indexes.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`: a segment rolls when an index would outgrow this.
    pub segment_index_bytes: u32,
    /// `retention.ms`.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`.
    pub retention_bytes: Option<u64>,
    /// `cleanup.policy` contains `delete`.
    pub cleanup_delete: bool,
    /// `cleanup.policy` contains `compact`.
    pub cleanup_compact: bool,
    /// `max.message.bytes`: the largest batch, checked before the log sees it.
    pub max_message_bytes: u32,
    /// `preallocate`: reserve a segment's whole size at once instead of in steps.
    pub preallocate: bool,
    /// `file.delete.delay.ms`: how long a deleted segment's files stay.
    pub file_delete_delay_ms: i64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `producer.id.expiration.ms`: how long an idle producer's state is kept.
    pub producer_id_expiration_ms: i64,
    /// `flush.messages`: sync after so many records, whatever the acks.
    pub flush_messages: i64,
    /// `flush.ms`: sync after so long, whatever the acks.
    pub flush_ms: i64,
    /// `ringlog.durability`.
    pub durability: Durability,
}

impl Default for LogConfig {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            segment_jitter_ms: 0,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            retention_ms: Some(7 * DAY_MS),
            retention_bytes: None,
            cleanup_delete: true,
            cleanup_compact: false,
            max_message_bytes: 1_048_588,
            preallocate: false,
            file_delete_delay_ms: 60_000,
            timestamp_type: TimestampType::CreateTime,
            producer_id_expiration_ms: DAY_MS,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            durability: Durability::Fsync,
        }
    }
}
