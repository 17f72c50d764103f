//! The broker's settings that take effect. The names, types, defaults and bounds are Kafka's, except
//! for the defaults of `listeners`, `log.dir` and `node.id`, which let Ringlog start without a file.

use super::def::*;

/// Settings in effect, by name.
pub(super) const IN_EFFECT: &[ConfigDef] = defs! {
    list "advertised.listeners", distinct,
        in_effect("The addresses that clients are told to connect to; those of listeners when unset.");
    boolean "auto.create.topics.enable" = "true",
        in_effect("Whether a metadata request for a topic that does not exist creates it.");
    int "broker.id" = "-1",
        in_effect("The older name of node.id; the two must agree when both are set.");
    string "broker.rack",
        in_effect("The rack of this node, told to clients that fetch from the closest replica.");
    int "compression.gzip.level" = "-1", check(Check::Level(1, 9)), dynamic,
        in_effect("The level of gzip where batches are compressed again.");
    string "compression.type" = "producer", one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), dynamic,
        in_effect("The codec that topics keep batches in; producer keeps what the producer chose.");
    int "compression.zstd.level" = "3", between(-131_072, 22), dynamic,
        in_effect("The level of zstd where batches are compressed again.");
    long "connections.max.idle.ms" = "600000",
        in_effect("How long a connection may stay silent before it is closed; negative for ever.");
    list "controller.listener.names", distinct,
        in_effect("Listeners that only controllers use: Ringlog has no need of them and does not open them.");
    int "default.replication.factor" = "1",
        in_effect("The replicas of a topic whose creator names no number.");
    boolean "delete.topic.enable" = "true",
        in_effect("Whether topics can be deleted.");
    int "fetch.max.bytes" = "57671680", at_least(1024),
        in_effect("The most bytes of records that one fetch is answered with.");
    int "group.initial.rebalance.delay.ms" = "3000",
        in_effect("How long the first rebalance of an empty group waits for more members.");
    int "group.max.session.timeout.ms" = "1800000",
        in_effect("The longest session timeout that a member may ask for.");
    int "group.max.size" = "2147483647", at_least(1),
        in_effect("The most members of one group.");
    int "group.min.session.timeout.ms" = "6000",
        in_effect("The shortest session timeout that a member may ask for.");
    string "listener.security.protocol.map" = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", dynamic,
        in_effect("Which security protocol each listener name stands for; only PLAINTEXT is served yet.");
    list "listeners" = "PLAINTEXT://127.0.0.1:9092", distinct_some, dynamic,
        in_effect("The addresses to listen on, as NAME://host:port.");
    list "log.cleanup.policy" = "delete", check(Check::Distinct { of: &["compact", "delete"], empty: true }), dynamic,
        in_effect("What happens to old records of topics: delete, compact or both.");
    list "log.dir" = "./ringlog-data", distinct_some,
        in_effect("The data directory, when log.dirs is not set.");
    list "log.dirs", distinct,
        in_effect("The data directory; Ringlog takes exactly one.");
    long "log.flush.interval.messages" = "9223372036854775807", at_least(1), dynamic,
        in_effect("Records after which a partition is forced to disk.");
    long "log.flush.interval.ms", dynamic,
        in_effect("Time after which a partition is forced to disk.");
    int "log.index.interval.bytes" = "4096", at_least(0), dynamic,
        in_effect("Record bytes between two entries of a segment's offset index.");
    int "log.index.size.max.bytes" = "10485760", at_least(4), dynamic,
        in_effect("The most bytes of a segment's index, at which the segment rolls.");
    long "log.initial.task.delay.ms" = "30000", at_least(0), internal,
        in_effect("How long after the start the first retention check comes.");
    long "log.message.timestamp.after.max.ms" = "3600000", at_least(0), dynamic,
        in_effect("How far ahead of the broker's clock a record's timestamp may be.");
    long "log.message.timestamp.before.max.ms" = "9223372036854775807", at_least(0), dynamic,
        in_effect("How far behind the broker's clock a record's timestamp may be.");
    string "log.message.timestamp.type" = "CreateTime", one_of(&["CreateTime", "LogAppendTime"]), dynamic,
        in_effect("Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).");
    boolean "log.preallocate" = "false", dynamic,
        in_effect("Whether a new segment takes its whole size at once; else segments grow in steps.");
    long "log.retention.bytes" = "-1", dynamic,
        in_effect("The most bytes that a partition keeps; negative for no limit.");
    long "log.retention.check.interval.ms" = "300000", at_least(1),
        in_effect("How often partitions are checked for segments to delete.");
    int "log.retention.hours" = "168",
        in_effect("How long records are kept, in hours; log.retention.minutes and log.retention.ms go first.");
    int "log.retention.minutes",
        in_effect("How long records are kept, in minutes; log.retention.ms goes first.");
    long "log.retention.ms", dynamic,
        in_effect("How long records are kept, in milliseconds; -1 for ever.");
    int "log.roll.hours" = "168", at_least(1),
        in_effect("The age in hours at which a segment rolls; log.roll.ms goes first.");
    int "log.roll.jitter.hours" = "0", at_least(0),
        in_effect("The most hours taken at random from a segment's age limit; log.roll.jitter.ms goes first.");
    long "log.roll.jitter.ms", dynamic,
        in_effect("The most milliseconds taken at random from a segment's age limit.");
    long "log.roll.ms", dynamic,
        in_effect("The age in milliseconds at which a segment rolls.");
    int "log.segment.bytes" = "1073741824", at_least(1_048_576), dynamic,
        in_effect("The most bytes of one segment.");
    long "log.segment.delete.delay.ms" = "60000", at_least(0), dynamic,
        in_effect("How long a deleted segment's files stay before they are unlinked.");
    int "max.connections" = "2147483647", at_least(0), dynamic,
        in_effect("The most connections that the broker keeps at once.");
    int "max.incremental.fetch.session.cache.slots" = "1000", at_least(0),
        in_effect("The most incremental fetch sessions that the broker keeps.");
    int "max.request.partition.size.limit" = "2000", at_least(1),
        in_effect("The most partitions in one answer to DescribeTopicPartitions.");
    int "message.max.bytes" = "1048588", at_least(0), dynamic,
        in_effect("The largest batch of records that topics accept.");
    int "min.insync.replicas" = "1", at_least(1), dynamic,
        in_effect("The in-sync replicas that acks=all needs.");
    int "node.id" = "1", at_least(0),
        in_effect("This node's id.");
    int "num.partitions" = "1", at_least(1),
        in_effect("The partitions of a topic whose creator names no number.");
    int "offset.metadata.max.bytes" = "4096",
        in_effect("The most bytes of metadata beside a committed offset.");
    long "offsets.retention.check.interval.ms" = "600000", at_least(1),
        in_effect("How often groups are checked for expired offsets.");
    int "offsets.retention.minutes" = "10080", at_least(1),
        in_effect("How long the offsets of an empty group are kept.");
    int "offsets.topic.num.partitions" = "50", at_least(1),
        in_effect("The partitions of __consumer_offsets when it is created.");
    short "offsets.topic.replication.factor" = "3", at_least(1),
        in_effect("The replicas of __consumer_offsets, as far as there are brokers.");
    int "offsets.topic.segment.bytes" = "104857600", at_least(1),
        in_effect("The segment size of __consumer_offsets.");
    int "producer.id.expiration.check.interval.ms" = "600000", at_least(1), internal,
        in_effect("How often partitions look for idle producers to forget.");
    int "producer.id.expiration.ms" = "86400000", at_least(1), dynamic,
        in_effect("How long a partition remembers an idle producer.");
    int "socket.listen.backlog.size" = "50", at_least(1),
        in_effect("Connections that may wait to be accepted.");
    int "socket.receive.buffer.bytes" = "102400",
        in_effect("The receive buffer of a connection's socket; -1 for the system's default.");
    int "socket.request.max.bytes" = "104857600", at_least(1),
        in_effect("The largest request; a larger one closes its connection.");
    int "socket.send.buffer.bytes" = "102400",
        in_effect("The send buffer of a connection's socket; -1 for the system's default.");
    string "fetch.zero.copy" = "auto", one_of(&["auto", "always", "never"]),
        in_effect("Whether reads go from file to socket by sendfile; auto decides by what is in memory.");
    string "ringlog.durability" = "fsync", one_of(&["fsync", "write"]),
        in_effect("What acks=all waits for: fsync (on the disk) or write (survives the process).");
    string "ringlog.advertise" = "broker", one_of(&["broker", "per-core"]),
        in_effect("What clients see as a node: the broker, or each of its cores with a port of its own.");
    boolean "ringlog.validate.compressed" = "false",
        in_effect("Whether the records inside compressed batches are checked before they are kept.");
};
