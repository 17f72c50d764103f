use std::collections::{BTreeMap, BTreeSet};

use super::broker::all_defs;
use super::topic_table::synonyms;
use super::*;

fn overrides(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn broker(pairs: &[(&str, &str)]) -> BrokerConfig {
    BrokerConfig::parse(pairs).expect("good settings").0
}

#[test]
fn tables_are_sound() {
    for defs in [
        TOPIC_CONFIGS.iter().collect::<Vec<_>>(),
        all_defs().collect(),
    ] {
        let names: BTreeSet<&str> = defs.iter().map(|def| def.name).collect();
        assert_eq!(names.len(), defs.len(), "a name stands once");
        for def in defs {
            if let Some(text) = def.default {
                let value = def
                    .parse(text)
                    .unwrap_or_else(|e| panic!("{}: {e}", def.name));
                assert_eq!(value.to_string(), text, "{}", def.name);
            }
            assert!(
                def.status == Status::NotYet || !def.doc.is_empty(),
                "{}",
                def.name
            );
        }
    }
    for def in TOPIC_CONFIGS {
        for (name, _) in synonyms(def.name) {
            assert!(broker_config_def(name).is_some(), "{name}");
        }
    }
    assert!(
        all_defs().count() > 350,
        "every name that Kafka 4.3.1 knows"
    );
}

#[test]
fn wrong_topic_settings_are_refused_in_kafkas_words() {
    let check = |pairs: &[(&str, &str)], expected: &str| {
        let found = TopicConfig::resolve(&overrides(pairs), &BrokerConfig::default());
        assert_eq!(found.unwrap_err().to_string(), expected);
    };
    let codecs = "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer";
    let level = "Value must be between 1 and 9 or equal to -1";
    for (name, value, why) in [
        ("retention.ms", "xyz", "Not a number of type LONG"),
        ("retention.ms", "", "Not a number of type LONG"),
        ("retention.ms", "-2", "Value must be at least -1"),
        ("segment.bytes", "1000", "Value must be at least 1048576"),
        ("segment.bytes", "3000000000", "Not a number of type INT"),
        (
            "cleanup.policy",
            "foo",
            "String must be one of: compact, delete",
        ),
        ("compression.type", "foo", codecs),
        ("compression.type", "GZIP", codecs),
        ("compression.gzip.level", "0", level),
        ("compression.gzip.level", "10", level),
        (
            "compression.lz4.level",
            "18",
            "Value must be no more than 17",
        ),
        (
            "compression.zstd.level",
            "23",
            "Value must be no more than 22",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.5",
            "Value must be no more than 1",
        ),
        (
            "min.cleanable.dirty.ratio",
            "-0.1",
            "Value must be at least 0",
        ),
        (
            "min.cleanable.dirty.ratio",
            "x",
            "Not a number of type DOUBLE",
        ),
        (
            "preallocate",
            "yes",
            "Expected value to be either true or false",
        ),
        (
            "message.timestamp.type",
            "createtime",
            "String must be one of: CreateTime, LogAppendTime",
        ),
        ("max.message.bytes", "-1", "Value must be at least 0"),
        ("min.insync.replicas", "0", "Value must be at least 1"),
        (
            "ringlog.durability",
            "maybe",
            "String must be one of: fsync, write",
        ),
    ] {
        let expected = format!("Invalid value {value} for configuration {name}: {why}");
        check(&[(name, value)], &expected);
    }
    check(&[("foo", "1")], "Unknown topic config name: foo");
    check(
        &[("message.downconversion.enable", "true")],
        "Unknown topic config name: message.downconversion.enable",
    );
    check(
        &[("cleanup.policy", "delete,,compact")],
        "Configuration 'cleanup.policy' values must not be empty.",
    );
    check(
        &[
            ("min.compaction.lag.ms", "10"),
            ("max.compaction.lag.ms", "5"),
        ],
        "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
    );
    check(
        &[("remote.storage.enable", "true")],
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with \
         remote log storage.",
    );
    check(
        &[("leader.replication.throttled.replicas", "a:b")],
        "Invalid value [a:b] for configuration leader.replication.throttled.replicas: \
         leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the \
         following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    );
}

#[test]
fn topic_settings_that_kafka_takes_are_taken() {
    for (name, value) in [
        ("retention.ms", " 5 "),
        ("cleanup.policy", "delete,delete"),
        ("cleanup.policy", ""),
        ("cleanup.policy", " delete , compact "),
        ("preallocate", "TRUE"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1,,1:2"),
        ("internal.segment.bytes", "100"),
        ("segment.bytes", "+2000000"),
    ] {
        let found = TopicConfig::resolve(&overrides(&[(name, value)]), &BrokerConfig::default());
        assert!(found.is_ok(), "{name}={value}: {found:?}");
    }
}

#[test]
fn topic_settings_are_typed() {
    let check = |pairs: &[(&str, &str)], expected: &dyn Fn(&TopicConfig) -> bool| {
        let config = TopicConfig::resolve(&overrides(pairs), &BrokerConfig::default());
        let config = config.expect("good overrides");
        assert!(expected(&config), "{pairs:?} {config:?}");
    };
    check(&[], &|c| {
        c.retention_ms == Some(604_800_000) && c.retention_bytes.is_none()
    });
    check(&[], &|c| {
        c.cleanup_delete && !c.cleanup_compact && c.durability == Durability::Fsync
    });
    check(&[("retention.ms", "-1")], &|c| c.retention_ms.is_none());
    check(&[("retention.bytes", "7")], &|c| {
        c.retention_bytes == Some(7)
    });
    check(&[("cleanup.policy", "compact")], &|c| {
        c.cleanup_compact && !c.cleanup_delete
    });
    check(&[("cleanup.policy", "")], &|c| {
        !c.cleanup_compact && !c.cleanup_delete
    });
    check(&[("internal.segment.bytes", "4096")], &|c| {
        c.segment_bytes == 4096
    });
    check(&[("message.timestamp.type", "LogAppendTime")], &|c| {
        c.message_timestamp_type == TimestampType::LogAppendTime
    });
    check(
        &[
            ("compression.type", "zstd"),
            ("compression.zstd.level", "9"),
        ],
        &|c| c.compression_type == CompressionType::Codec(Codec::Zstd(9)),
    );
    check(&[("ringlog.durability", "write")], &|c| {
        c.durability == Durability::Write
    });
    check(&[("ringlog.validate.compressed", "true")], &|c| {
        c.validate_compressed
    });
}

#[test]
fn the_finest_unit_that_is_given_decides() {
    let retention = |pairs: &[(&str, &str)]| TopicConfig::defaults(&broker(pairs)).retention_ms;
    assert_eq!(retention(&[("log.retention.hours", "1")]), Some(3_600_000));
    assert_eq!(
        retention(&[("log.retention.hours", "1"), ("log.retention.minutes", "2")]),
        Some(120_000)
    );
    assert_eq!(
        retention(&[("log.retention.ms", "5"), ("log.retention.minutes", "2")]),
        Some(5)
    );
    assert_eq!(retention(&[("log.retention.ms", "-1")]), None);
    assert_eq!(retention(&[("log.retention.hours", "-5")]), None);
    let roll = |pairs: &[(&str, &str)]| TopicConfig::defaults(&broker(pairs)).segment_ms;
    assert_eq!(roll(&[("log.roll.hours", "2")]), 7_200_000);
    assert_eq!(roll(&[("log.roll.hours", "2"), ("log.roll.ms", "9")]), 9);
}

#[test]
fn broker_problems_name_the_pair_and_the_nearest_name() {
    let check = |name: &str, value: &str, expected: &str| {
        let found = BrokerConfig::parse(&[("num.partitions", "2"), (name, value)]);
        let problems = found.expect_err(name);
        let [problem] = problems.as_slice() else {
            panic!("one problem, not {problems:?}");
        };
        assert_eq!(
            (problem.pair, problem.message.as_str()),
            (Some(1), expected)
        );
    };
    check(
        "num.partition",
        "1",
        "Unknown setting num.partition: did you mean num.partitions?",
    );
    check(
        "retention.ms",
        "1",
        "Unknown setting retention.ms: did you mean log.retention.ms?",
    );
    check(
        "quite.something.else.entirely",
        "1",
        "Unknown setting quite.something.else.entirely",
    );
    check(
        "num.partitions",
        "many",
        "Invalid value many for configuration num.partitions: Not a number of type INT",
    );
    check(
        "num.partitions",
        "0",
        "Invalid value 0 for configuration num.partitions: Value must be at least 1",
    );
    check(
        "fetch.zero.copy",
        "no",
        "Invalid value no for configuration fetch.zero.copy: String must be one of: auto, always, never",
    );
    check(
        "log.dirs",
        "/a,,/b",
        "Configuration 'log.dirs' values must not be empty.",
    );
}

#[test]
fn broker_problems_of_several_settings_name_no_pair() {
    let check = |pairs: &[(&str, &str)], expected: &str| {
        let problems = BrokerConfig::parse(pairs).expect_err(expected);
        let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(messages, [expected]);
    };
    check(
        &[("node.id", "1"), ("broker.id", "2")],
        "You must set `node.id` to the same value as `broker.id`.",
    );
    check(
        &[("log.dirs", "/a,/b")],
        "log.dirs names 2 directories: Ringlog keeps its data in exactly one",
    );
    check(
        &[("log.retention.ms", "0")],
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    );
    check(
        &[("listeners", "SSL://:9093")],
        "listeners: SSL://:9093 needs SSL: only PLAINTEXT is served yet",
    );
    check(
        &[("listeners", "PLAINTEXT:9093")],
        "listeners: Unable to parse 'PLAINTEXT:9093': a listener is written NAME://host:port",
    );
    check(
        &[("advertised.listeners", "PLAINTEXT://0.0.0.0:9092")],
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
    );
    check(
        &[
            ("group.min.session.timeout.ms", "10"),
            ("group.max.session.timeout.ms", "5"),
        ],
        "group.min.session.timeout.ms (10) must not exceed group.max.session.timeout.ms (5)",
    );
}

#[test]
fn a_file_made_for_kafka_starts_ringlog_with_warnings() {
    let pairs = [
        ("process.roles", "broker,controller"),
        ("node.id", "7"),
        ("controller.quorum.voters", "7@localhost:9093"),
        ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("advertised.listeners", "PLAINTEXT://localhost:9092"),
        ("controller.listener.names", "CONTROLLER"),
        (
            "listener.security.protocol.map",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        ),
        ("zookeeper.connect", "localhost:2181"),
        ("listener.name.external.ssl.keystore.type", "PEM"),
        ("log.dirs", "/var/lib/kafka"),
    ];
    let (config, warnings) = BrokerConfig::parse(&pairs).expect("it starts");
    let warned: Vec<usize> = warnings.iter().map(|warning| warning.pair).collect();
    assert_eq!(warned, [0, 2, 7, 8]);
    assert_eq!(config.node_id.get(), 7);
    assert_eq!(config.log_dir, "/var/lib/kafka");
    let [listener] = config.listeners.as_slice() else {
        panic!("one listener, not {:?}", config.listeners);
    };
    assert_eq!((listener.host.as_str(), listener.port), ("", 9092));
    assert_eq!(
        config.advertised_listeners[0].to_string(),
        "PLAINTEXT://localhost:9092"
    );
}

#[test]
fn listeners_are_read_and_printed() {
    for (text, host, port) in [
        ("PLAINTEXT://127.0.0.1:9092", "127.0.0.1", 9092),
        ("INSIDE://[::1]:0", "::1", 0),
        ("PLAINTEXT://:1", "", 1),
    ] {
        let listener = Listener::parse(text).expect(text);
        assert_eq!((listener.host.as_str(), listener.port), (host, port));
        assert_eq!(listener.to_string(), text);
    }
    for text in [
        "",
        "x",
        "A://b",
        "A://b:x",
        "A://b:70000",
        "://b:1",
        "A://::1:1",
        "A B://c:1",
    ] {
        assert!(Listener::parse(text).is_err(), "{text}");
    }
}

/// One line a setting: name, value, source, read-only, synonyms.
fn told(entries: &[ConfigEntry], name: &str) -> String {
    let entry = entries.iter().find(|entry| entry.name == name).expect(name);
    let synonyms: Vec<String> = entry
        .synonyms
        .iter()
        .map(|s| {
            format!(
                "{}={}/{}",
                s.name,
                s.value.as_deref().unwrap_or("null"),
                s.source.code()
            )
        })
        .collect();
    let value = entry.value.as_deref().unwrap_or("null");
    format!(
        "{value} {} {} [{}]",
        entry.source.code(),
        entry.is_read_only,
        synonyms.join(" ")
    )
}

/// The settings of the broker that Kafka was asked with.
fn asked() -> BrokerConfig {
    broker(&[
        ("log.retention.hours", "24"),
        ("log.segment.bytes", "2000000"),
    ])
}

#[test]
fn topics_are_described_as_kafka_describes_them() {
    let set = overrides(&[
        ("retention.ms", "5000"),
        ("cleanup.policy", " delete , compact "),
    ]);
    let with = describe_topic_config(&set, &asked(), None);
    let without = describe_topic_config(&BTreeMap::new(), &asked(), None);
    let check = |entries, name, expected| assert_eq!(told(entries, name), expected, "{name}");
    check(&with, "retention.ms", "5000 1 false [retention.ms=5000/1]");
    check(
        &with,
        "cleanup.policy",
        "delete,compact 1 false [cleanup.policy=delete,compact/1 log.cleanup.policy=delete/5]",
    );
    check(
        &with,
        "segment.bytes",
        "2000000 4 false [log.segment.bytes=2000000/4 log.segment.bytes=1073741824/5]",
    );
    check(&without, "retention.ms", "86400000 5 false []");
    check(&without, "segment.ms", "604800000 5 false []");
    check(&without, "flush.ms", "9223372036854775807 5 false []");
    check(
        &without,
        "max.message.bytes",
        "1048588 5 false [message.max.bytes=1048588/5]",
    );
    check(
        &without,
        "leader.replication.throttled.replicas",
        " 5 false []",
    );
    assert!(
        !without
            .iter()
            .any(|entry| entry.name == "internal.segment.bytes")
    );
    assert!(with.is_sorted_by_key(|entry| entry.name));
    let one = describe_topic_config(&set, &asked(), Some(&["retention.ms", "foo"]));
    assert_eq!(one.len(), 1);
    assert_eq!(
        describe_topic_config(&set, &asked(), Some(&[])).len(),
        with.len()
    );
}

#[test]
fn created_topics_are_described_as_kafka_describes_them() {
    let set = overrides(&[
        ("retention.ms", "5000"),
        ("cleanup.policy", " delete , compact "),
    ]);
    let entries = describe_created_topic(&set, &asked());
    assert_eq!(
        told(&entries, "cleanup.policy"),
        " delete , compact  1 false []"
    );
    assert_eq!(told(&entries, "segment.bytes"), "2000000 4 false []");
    assert_eq!(told(&entries, "segment.ms"), "604800000 5 false []");
    let without = describe_created_topic(&BTreeMap::new(), &asked());
    assert_eq!(told(&without, "retention.ms"), "86400000 4 false []");
}

#[test]
fn the_broker_is_described_as_kafka_describes_it() {
    let given = broker(&[
        ("log.retention.hours", "24"),
        ("sasl.jaas.config", "a secret"),
    ]);
    let entries = describe_broker_config(&given, None);
    let check = |name, expected| assert_eq!(told(&entries, name), expected, "{name}");
    check(
        "log.retention.hours",
        "24 4 true [log.retention.hours=24/4 log.retention.hours=168/5]",
    );
    check("log.retention.ms", "null 5 false []");
    check("num.partitions", "1 5 true [num.partitions=1/5]");
    check("log.flush.interval.ms", "null 5 false []");
    check("sasl.jaas.config", "null 4 false [sasl.jaas.config=null/4]");
    check(
        "log.cleaner.io.max.bytes.per.second",
        "1.7976931348623157E308 5 false [log.cleaner.io.max.bytes.per.second=1.7976931348623157E308/5]",
    );
    let twice = describe_broker_config(&broker(&[("broker.id", "7")]), None);
    assert_eq!(
        told(&twice, "node.id"),
        "7 4 true [node.id=7/4 node.id=1/5]"
    );
    let secret = entries
        .iter()
        .find(|entry| entry.name == "sasl.jaas.config")
        .expect("it is there");
    assert!(secret.is_sensitive && secret.kind.code() == 9);
    assert!(
        !entries
            .iter()
            .any(|entry| entry.name == "unstable.api.versions.enable")
    );
}

#[test]
fn groups_are_described_as_kafka_describes_them() {
    let given = broker(&[("group.share.delivery.count.limit", "7")]);
    let entries = describe_group_config(&given, None);
    let check = |name, expected| assert_eq!(told(&entries, name), expected, "{name}");
    check(
        "share.delivery.count.limit",
        "7 4 false [group.share.delivery.count.limit=7/4 group.share.delivery.count.limit=5/5]",
    );
    check(
        "consumer.session.timeout.ms",
        "45000 5 false [group.consumer.session.timeout.ms=45000/5]",
    );
    check(
        "share.auto.offset.reset",
        "latest 5 false [share.auto.offset.reset=latest/5]",
    );
    assert!(
        entries.iter().all(|entry| entry.value.is_some()),
        "what has no default here has the broker's"
    );
    let one = describe_group_config(&given, Some(&["share.isolation.level", "foo"]));
    assert_eq!(one.len(), 1);
}

#[test]
fn client_metrics_are_described_as_kafka_describes_them() {
    let entries = describe_client_metrics_config(None);
    for (name, expected) in [
        ("interval.ms", "300000 5 false []"),
        ("match", " 5 false []"),
        ("metrics", " 5 false []"),
    ] {
        assert_eq!(told(&entries, name), expected, "{name}");
    }
}

#[test]
fn doubles_print_as_java_prints_them() {
    for (n, expected) in [
        (0.5, "0.5"),
        (1.0, "1.0"),
        (1e7, "1.0E7"),
        (9_999_999.0, "9999999.0"),
        (f64::MAX, "1.7976931348623157E308"),
        (1e-4, "1.0E-4"),
        (123_456.789, "123456.789"),
        (0.0, "0.0"),
    ] {
        assert_eq!(Value::Double(n).to_string(), expected);
    }
}
