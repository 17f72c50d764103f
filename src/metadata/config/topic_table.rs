//! The settings of a topic, in the order in which Kafka checks them, and the broker's settings that
//! stand in for those that a topic does not set.

use super::def::*;

const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Every setting of a topic: Kafka 4.4's, then Ringlog's own.
pub const TOPIC_CONFIGS: &[ConfigDef] = defs! {
    int "segment.bytes" = "1073741824", at_least(1_048_576),
        in_effect("The most bytes of one segment.");
    long "segment.ms" = "604800000", at_least(1),
        in_effect("The age at which a segment rolls even when it is not full.");
    long "segment.jitter.ms" = "0", at_least(0),
        in_effect("The most time taken at random from segment.ms, so that segments do not roll at once.");
    int "segment.index.bytes" = "10485760", at_least(4),
        in_effect("The most bytes of a segment's index, at which the segment rolls.");
    long "flush.messages" = "9223372036854775807", at_least(1),
        in_effect("Records after which a partition is forced to disk; see ringlog.durability.");
    long "flush.ms" = "9223372036854775807", at_least(0),
        in_effect("Time after which a partition is forced to disk; see ringlog.durability.");
    long "retention.bytes" = "-1",
        in_effect("The most bytes that a partition keeps; negative for no limit.");
    long "retention.ms" = "604800000", at_least(-1),
        in_effect("How long records are kept; -1 for ever.");
    int "max.message.bytes" = "1048588", at_least(0),
        in_effect("The largest batch of records that the topic accepts.");
    int "index.interval.bytes" = "4096", at_least(0),
        in_effect("Record bytes between two entries of a segment's offset index.");
    long "delete.retention.ms" = "86400000", at_least(0),
        not_yet("How long compaction keeps the mark of a deleted key.");
    long "min.compaction.lag.ms" = "0", at_least(0),
        not_yet("The age before which a record is not compacted.");
    long "max.compaction.lag.ms" = "9223372036854775807", at_least(1),
        not_yet("The age after which a record must be compacted.");
    long "file.delete.delay.ms" = "60000", at_least(0),
        in_effect("How long a deleted segment's files stay before they are unlinked.");
    double "min.cleanable.dirty.ratio" = "0.5", check(Check::Fraction(0.0, 1.0)),
        not_yet("The share of a log that must be dirty before it is compacted.");
    list "cleanup.policy" = "delete", check(Check::Distinct { of: &["compact", "delete"], empty: true }),
        in_effect("What happens to old records: delete, compact or both.");
    boolean "unclean.leader.election.enable" = "false",
        not_yet("Whether a replica outside the in-sync set may lead when no other can.");
    int "min.insync.replicas" = "1", at_least(1),
        in_effect("The in-sync replicas that acks=all needs.");
    string "compression.type" = "producer", one_of(CODECS),
        in_effect("The codec that batches are kept in; producer keeps what the producer chose.");
    int "compression.gzip.level" = "-1", check(Check::Level(1, 9)),
        in_effect("The level of gzip when batches are compressed again.");
    int "compression.lz4.level" = "9", between(1, 17),
        not_yet("The level of lz4 when batches are compressed again.");
    int "compression.zstd.level" = "3", between(-131_072, 22),
        in_effect("The level of zstd when batches are compressed again.");
    boolean "preallocate" = "false",
        in_effect("Whether a new segment takes its whole size at once; else segments grow in steps.");
    string "message.timestamp.type" = "CreateTime", one_of(&["CreateTime", "LogAppendTime"]),
        in_effect("Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).");
    long "message.timestamp.before.max.ms" = "9223372036854775807", at_least(0),
        in_effect("How far behind the broker's clock a record's timestamp may be.");
    long "message.timestamp.after.max.ms" = "3600000", at_least(0),
        in_effect("How far ahead of the broker's clock a record's timestamp may be.");
    list "leader.replication.throttled.replicas" = "", check(Check::ThrottledReplicas),
        not_yet("The replicas whose leaders send at a limited rate.");
    list "follower.replication.throttled.replicas" = "", check(Check::ThrottledReplicas),
        not_yet("The replicas whose followers fetch at a limited rate.");
    boolean "remote.storage.enable" = "false",
        not_yet("Whether old segments move to remote storage.");
    long "local.retention.ms" = "-2", at_least(-2),
        not_yet("How long records stay local when remote storage is on; -2 for retention.ms.");
    long "local.retention.bytes" = "-2", at_least(-2),
        not_yet("The most bytes that stay local when remote storage is on; -2 for retention.bytes.");
    boolean "remote.log.copy.disable" = "false",
        not_yet("Whether the topic stops moving segments to remote storage.");
    boolean "remote.log.delete.on.disable" = "false",
        not_yet("Whether turning remote storage off deletes what is there.");
    int "internal.segment.bytes", internal,
        in_effect("Like segment.bytes, without its lower bound: for tests.");
    long "remote.copy.lag.ms" = "0", at_least(0),
        not_yet("How long a closed segment waits before it moves to remote storage.");
    long "remote.copy.lag.bytes" = "-1", at_least(-1),
        not_yet("How many newer bytes there must be before a segment moves to remote storage.");
    boolean "errors.deadletterqueue.group.enable" = "false",
        not_yet("Whether share groups may use the topic for records that cannot be processed.");
    string "ringlog.durability" = "fsync", one_of(&["fsync", "write"]),
        in_effect("What acks=all waits for: fsync (on the disk) or write (survives the process).");
    boolean "ringlog.validate.compressed" = "false",
        in_effect("Whether the records inside compressed batches are checked before they are kept.");
};

/// How the value of a broker setting becomes the value of a topic's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// As it is.
    Same,
    /// From minutes to milliseconds.
    Minutes,
    /// From hours to milliseconds.
    Hours,
}

impl Unit {
    pub(super) const fn to_ms(self, n: i64) -> i64 {
        match self {
            Unit::Same => n,
            Unit::Minutes => n.saturating_mul(60_000),
            Unit::Hours => n.saturating_mul(3_600_000),
        }
    }
}

/// The broker's settings that stand in for a topic's, the strongest first (Kafka's
/// `ServerTopicConfigSynonyms`).
pub(super) fn synonyms(topic_config: &str) -> &'static [(&'static str, Unit)] {
    use Unit::{Hours, Minutes, Same};
    match topic_config {
        "segment.bytes" => &[("log.segment.bytes", Same)],
        "segment.ms" => &[("log.roll.ms", Same), ("log.roll.hours", Hours)],
        "segment.jitter.ms" => &[
            ("log.roll.jitter.ms", Same),
            ("log.roll.jitter.hours", Hours),
        ],
        "segment.index.bytes" => &[("log.index.size.max.bytes", Same)],
        "flush.messages" => &[("log.flush.interval.messages", Same)],
        "flush.ms" => &[
            ("log.flush.interval.ms", Same),
            ("log.flush.scheduler.interval.ms", Same),
        ],
        "retention.bytes" => &[("log.retention.bytes", Same)],
        "retention.ms" => &[
            ("log.retention.ms", Same),
            ("log.retention.minutes", Minutes),
            ("log.retention.hours", Hours),
        ],
        "max.message.bytes" => &[("message.max.bytes", Same)],
        "index.interval.bytes" => &[("log.index.interval.bytes", Same)],
        "delete.retention.ms" => &[("log.cleaner.delete.retention.ms", Same)],
        "min.compaction.lag.ms" => &[("log.cleaner.min.compaction.lag.ms", Same)],
        "max.compaction.lag.ms" => &[("log.cleaner.max.compaction.lag.ms", Same)],
        "file.delete.delay.ms" => &[("log.segment.delete.delay.ms", Same)],
        "min.cleanable.dirty.ratio" => &[("log.cleaner.min.cleanable.ratio", Same)],
        "cleanup.policy" => &[("log.cleanup.policy", Same)],
        "unclean.leader.election.enable" => &[("unclean.leader.election.enable", Same)],
        "min.insync.replicas" => &[("min.insync.replicas", Same)],
        "compression.type" => &[("compression.type", Same)],
        "compression.gzip.level" => &[("compression.gzip.level", Same)],
        "compression.lz4.level" => &[("compression.lz4.level", Same)],
        "compression.zstd.level" => &[("compression.zstd.level", Same)],
        "preallocate" => &[("log.preallocate", Same)],
        "message.timestamp.type" => &[("log.message.timestamp.type", Same)],
        "message.timestamp.before.max.ms" => &[("log.message.timestamp.before.max.ms", Same)],
        "message.timestamp.after.max.ms" => &[("log.message.timestamp.after.max.ms", Same)],
        "local.retention.ms" => &[("log.local.retention.ms", Same)],
        "local.retention.bytes" => &[("log.local.retention.bytes", Same)],
        "ringlog.durability" => &[("ringlog.durability", Same)],
        "ringlog.validate.compressed" => &[("ringlog.validate.compressed", Same)],
        _ => &[],
    }
}

/// The setting of a topic with this name.
pub fn topic_config_def(name: &str) -> Option<&'static ConfigDef> {
    TOPIC_CONFIGS.iter().find(|def| def.name == name)
}
