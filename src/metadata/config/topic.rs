//! A topic's settings as a log and the produce path need them.

use std::collections::BTreeMap;

use super::broker::BrokerConfig;
use super::def::{InvalidValue, Value};
use super::topic_table::{TOPIC_CONFIGS, topic_config_def};

/// A codec that records can be compressed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// `gzip`, at this level (-1 for its own default).
    Gzip(i32),
    /// `snappy`.
    Snappy,
    /// `lz4`, at this level.
    Lz4(i32),
    /// `zstd`, at this level.
    Zstd(i32),
}

/// What a topic keeps its batches in (`compression.type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Uncompressed, whatever the producer sent.
    Uncompressed,
    /// In this codec, whatever the producer sent.
    Codec(Codec),
}

/// Whose clock stamps records (`message.timestamp.type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

/// What `acks=all` waits for (`ringlog.durability`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// The write and an fdatasync after it.
    Fsync,
    /// The write: it survives the death of the process, not of the machine.
    Write,
}

/// A topic's settings, parsed and checked.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// `segment.bytes`, or `internal.segment.bytes` where a test set it.
    pub segment_bytes: u32,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `retention.ms`; none for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`; none for no limit.
    pub retention_bytes: Option<u64>,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `cleanup.policy` has `delete`.
    pub cleanup_delete: bool,
    /// `cleanup.policy` has `compact`.
    pub cleanup_compact: bool,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `min.cleanable.dirty.ratio`.
    pub min_cleanable_dirty_ratio: f64,
    /// `max.message.bytes`: of a whole batch, after compression.
    pub max_message_bytes: u32,
    /// `compression.type`, with the level of its codec.
    pub compression_type: CompressionType,
    /// `message.timestamp.type`.
    pub message_timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub message_timestamp_after_max_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election_enable: bool,
    /// `flush.messages`.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: i64,
    /// `preallocate`.
    pub preallocate: bool,
    /// `ringlog.durability`.
    pub durability: Durability,
    /// `ringlog.validate.compressed`.
    pub validate_compressed: bool,
}

impl TopicConfig {
    /// The settings of a topic with these overrides on this broker, with Kafka's error otherwise.
    pub fn resolve(
        overrides: &BTreeMap<String, String>,
        broker: &BrokerConfig,
    ) -> Result<TopicConfig, InvalidValue> {
        check_names(overrides)?;
        let values = Values::of(overrides, broker)?;
        let config = values.typed();
        check_together(&config, &values)?;
        Ok(config)
    }

    /// The settings of a topic without overrides.
    pub fn defaults(broker: &BrokerConfig) -> TopicConfig {
        let values = Values::of(&BTreeMap::new(), broker).expect("a broker's settings are checked");
        values.typed()
    }
}

fn check_names(overrides: &BTreeMap<String, String>) -> Result<(), InvalidValue> {
    match overrides
        .keys()
        .find(|name| topic_config_def(name).is_none())
    {
        Some(name) => Err(InvalidValue(format!("Unknown topic config name: {name}"))),
        None => Ok(()),
    }
}

/// The rules that more than one setting takes part in (`LogConfig.validateTopicLogConfigValues`).
fn check_together(config: &TopicConfig, values: &Values) -> Result<(), InvalidValue> {
    let (min, max) = (config.min_compaction_lag_ms, config.max_compaction_lag_ms);
    if min > max {
        return Err(InvalidValue(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        )));
    }
    if values.flag("remote.storage.enable") {
        return Err(InvalidValue(
            "Tiered Storage functionality is disabled in the broker. \
             Topic cannot be configured with remote log storage."
                .to_owned(),
        ));
    }
    Ok(())
}

/// The effective value of every setting, in the order of the table.
struct Values(Vec<Option<Value>>);

impl Values {
    fn of(
        overrides: &BTreeMap<String, String>,
        broker: &BrokerConfig,
    ) -> Result<Values, InvalidValue> {
        let effective =
            TOPIC_CONFIGS
                .iter()
                .enumerate()
                .map(|(i, def)| match overrides.get(def.name) {
                    Some(text) => def.parse(text).map(Some),
                    None => Ok(broker.topic_defaults[i].clone()),
                });
        Ok(Values(effective.collect::<Result<_, _>>()?))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let at = TOPIC_CONFIGS.iter().position(|def| def.name == name);
        self.0[at.expect("the name is in the table")].as_ref()
    }

    fn number(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Value::Number(n)) => *n,
            other => unreachable!("{name} is a number with a default, not {other:?}"),
        }
    }

    /// A number that its check keeps from being negative.
    fn size(&self, name: &str) -> u32 {
        u32::try_from(self.number(name)).expect("an INT that is not negative")
    }

    fn level(&self, name: &str) -> i32 {
        i32::try_from(self.number(name)).expect("an INT")
    }

    fn ratio(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Value::Double(n)) => *n,
            other => unreachable!("{name} is a double with a default, not {other:?}"),
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Boolean(true))
    }

    fn is(&self, name: &str, text: &str) -> bool {
        matches!(self.get(name), Some(Value::Text(value)) if value == text)
    }

    fn has(&self, name: &str, item: &str) -> bool {
        matches!(self.get(name), Some(Value::List(items)) if items.iter().any(|i| i == item))
    }

    fn segment_bytes(&self) -> u32 {
        match self.get("internal.segment.bytes") {
            // Kafka lets tests say anything here; a segment without room for a batch header is no use.
            Some(Value::Number(n)) => u32::try_from(*n).unwrap_or(0).max(1),
            _ => self.size("segment.bytes"),
        }
    }

    fn compression_type(&self) -> CompressionType {
        let Some(Value::Text(text)) = self.get("compression.type") else {
            unreachable!("compression.type has a default");
        };
        match text.as_str() {
            "producer" => CompressionType::Producer,
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Codec(Codec::Gzip(self.level("compression.gzip.level"))),
            "snappy" => CompressionType::Codec(Codec::Snappy),
            "lz4" => CompressionType::Codec(Codec::Lz4(self.level("compression.lz4.level"))),
            "zstd" => CompressionType::Codec(Codec::Zstd(self.level("compression.zstd.level"))),
            other => unreachable!("the check of compression.type let {other} pass"),
        }
    }

    fn typed(&self) -> TopicConfig {
        let retention_ms = self.number("retention.ms");
        let log_append_time = self.is("message.timestamp.type", "LogAppendTime");
        let write_is_enough = self.is("ringlog.durability", "write");
        TopicConfig {
            segment_bytes: self.segment_bytes(),
            segment_ms: self.number("segment.ms"),
            segment_jitter_ms: self.number("segment.jitter.ms"),
            segment_index_bytes: self.size("segment.index.bytes"),
            index_interval_bytes: self.size("index.interval.bytes"),
            retention_ms: (retention_ms >= 0).then_some(retention_ms),
            retention_bytes: u64::try_from(self.number("retention.bytes")).ok(),
            file_delete_delay_ms: self.number("file.delete.delay.ms"),
            cleanup_delete: self.has("cleanup.policy", "delete"),
            cleanup_compact: self.has("cleanup.policy", "compact"),
            delete_retention_ms: self.number("delete.retention.ms"),
            min_compaction_lag_ms: self.number("min.compaction.lag.ms"),
            max_compaction_lag_ms: self.number("max.compaction.lag.ms"),
            min_cleanable_dirty_ratio: self.ratio("min.cleanable.dirty.ratio"),
            max_message_bytes: self.size("max.message.bytes"),
            compression_type: self.compression_type(),
            message_timestamp_type: match log_append_time {
                true => TimestampType::LogAppendTime,
                false => TimestampType::CreateTime,
            },
            message_timestamp_before_max_ms: self.number("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms: self.number("message.timestamp.after.max.ms"),
            min_insync_replicas: self.size("min.insync.replicas"),
            unclean_leader_election_enable: self.flag("unclean.leader.election.enable"),
            flush_messages: self.number("flush.messages"),
            flush_ms: self.number("flush.ms"),
            preallocate: self.flag("preallocate"),
            durability: match write_is_enough {
                true => Durability::Write,
                false => Durability::Fsync,
            },
            validate_compressed: self.flag("ringlog.validate.compressed"),
        }
    }
}
