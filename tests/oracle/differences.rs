//! The differences that are meant to be, each with its reason.

use ringlog::protocol::ApiKey;

use crate::pair::Difference;

/// A difference between Ringlog and Kafka 4.3.1 that is no fault.
pub struct Named {
    /// Its name, in reports.
    pub name: &'static str,
    /// Why it is right.
    pub reason: &'static str,
    /// Which differences it covers.
    pub covers: fn(&Difference) -> bool,
}

/// All of them. The first that covers a difference explains it.
pub const NAMED: &[Named] = &[
    Named {
        name: "APIs not served",
        reason: "Ringlog tells only the APIs that it serves; GAPS.md lists the others.",
        covers: |d| {
            let key = element(d, "api_keys[").and_then(|key| key.parse().ok());
            d.is(ApiKey::ApiVersions)
                && d.only_kafka()
                && key.is_some_and(|key| ApiKey::from_code(key).is_none())
        },
    },
    Named {
        name: "versions of Kafka 4.4",
        reason: "Ringlog speaks Kafka 4.4's protocol, where ApiVersions 5 (KIP-1242) and DeleteGroups 3 are new.",
        covers: |d| {
            d.is(ApiKey::ApiVersions)
                && ["api_keys[18].max_version", "api_keys[42].max_version"].contains(&&*d.path)
        },
    },
    Named {
        name: "features not served",
        reason: "A feature says that its APIs are there: clients would use transactions, new groups or share groups.",
        covers: |d| {
            d.is(ApiKey::ApiVersions)
                && d.only_kafka()
                && (element(d, "supported_features[").is_some()
                    || element(d, "finalized_features[").is_some())
        },
    },
    Named {
        name: "no old metadata",
        reason: "There is no metadata log of an older Ringlog to be read, so older levels are not supported.",
        covers: |d| {
            d.is(ApiKey::ApiVersions)
                && d.path == "supported_features[metadata.version].min_version"
        },
    },
    Named {
        name: "settings of Kafka 4.4",
        reason: "Ringlog has the settings that 4.4 added: remote copy lag (KIP-1241) and dead letter queues.",
        covers: |d| {
            d.only_ringlog()
                && setting(d).is_some_and(|name| {
                    name.starts_with("errors.deadletterqueue.")
                        || name.starts_with("remote.copy.lag.")
                })
        },
    },
    Named {
        name: "settings of Ringlog",
        reason: "They are no names of Kafka's.",
        covers: |d| {
            d.only_ringlog()
                && setting(d)
                    .is_some_and(|name| name.starts_with("ringlog.") || name == "fetch.zero.copy")
        },
    },
    Named {
        name: "in-sync replicas are not a dynamic setting",
        reason: "Kafka 4.3 writes min.insync.replicas as a default of all brokers for eligible leader replicas (KIP-966), which one node has no use for.",
        covers: |d| {
            let name = setting(d);
            let lists = [ApiKey::DescribeConfigs, ApiKey::CreateTopics];
            lists.iter().any(|api| d.is(*api)) && name == Some("min.insync.replicas")
        },
    },
    Named {
        name: "settings that only the oracle is started with",
        reason: "A Kafka of one node needs a controller's listener, quick heartbeats and internal topics of one replica.",
        covers: |d| {
            const ONLY_KAFKA: &[&str] = &[
                "advertised.listeners",
                "broker.heartbeat.interval.ms",
                "broker.session.timeout.ms",
                "controller.listener.names",
                "controller.quorum.voters",
                "listener.security.protocol.map",
                "listeners",
                "process.roles",
                "share.coordinator.state.topic.min.isr",
                "share.coordinator.state.topic.replication.factor",
                "transaction.state.log.min.isr",
                "transaction.state.log.replication.factor",
            ];
            d.is(ApiKey::DescribeConfigs)
                && d.about("the broker")
                && setting(d).is_some_and(|name| ONLY_KAFKA.contains(&name))
        },
    },
    Named {
        name: "defaults of Ringlog's own",
        reason: "Ringlog keeps its data in ./ringlog-data and has a node id without being told one.",
        covers: |d| {
            d.is(ApiKey::DescribeConfigs)
                && d.about("the broker")
                && setting(d).is_some_and(|name| ["log.dir", "node.id"].contains(&name))
        },
    },
    Named {
        name: "words of our own",
        reason: "What a setting does is told in Ringlog's own sentences.",
        covers: |d| d.is(ApiKey::DescribeConfigs) && d.path.ends_with("].documentation"),
    },
    Named {
        name: "a refusal in words of our own",
        reason: "The codes agree; the sentences beside them are for people, and Kafka's general one does not say what is wrong.",
        covers: |d| {
            (d.is(ApiKey::FindCoordinator) || d.is(ApiKey::DescribeConfigs))
                && d.path.ends_with("error_message")
        },
    },
    Named {
        name: "a refusal says why",
        reason: "Kafka leaves the error message of many refused batches empty; a code alone does not tell what is wrong.",
        covers: |d| {
            d.is(ApiKey::Produce)
                && d.path.ends_with("].error_message")
                && d.values[1].as_deref() == Some("None")
        },
    },
    Named {
        name: "compressed records are not opened",
        reason: "They pass through untouched unless ringlog.validate.compressed is set: the checksum and the header are judged, and what is within is the producer's word.",
        covers: |d| {
            const WITHIN: &[&str] = &[
                "garbage behind",
                "nothing behind",
                "a lie behind",
                "gzip claimed",
                "snappy claimed",
                "lz4 claimed",
                "zstd claimed",
                "a bad time, compressed",
            ];
            d.is(ApiKey::Produce) && WITHIN.iter().any(|what| d.about(what))
        },
    },
    Named {
        name: "offsets within a batch count up from zero",
        reason: "Kafka takes uncompressed records with any offsets, and then serves offsets twice, or none; Ringlog refuses them as Kafka does within compressed batches.",
        covers: |d| {
            const OFFSETS: &[&str] = &[
                "an offset skipped",
                "an offset twice",
                "offsets that go back",
                "a first offset of one",
            ];
            d.is(ApiKey::Produce) && OFFSETS.iter().any(|what| d.about(what))
        },
    },
    Named {
        name: "no unknown server error for a known fault",
        reason: "Kafka lets a Java exception become UNKNOWN_SERVER_ERROR, after which clients cannot know what was done (KAFKA-14034); Ringlog names the fault.",
        covers: |d| d.beside_unknown_server_error && d.ringlog_refuses,
    },
    Named {
        name: "senseless values are served",
        reason: "Kafka fails with UNKNOWN_SERVER_ERROR on bounds below zero and unknown isolation levels, which no client sends; Ringlog takes the nearest value that means something.",
        covers: |d| {
            let senseless = [
                "negative bound",
                "negative partition bound",
                "no such isolation",
                "isolated",
            ];
            d.beside_unknown_server_error && senseless.iter().any(|what| d.about(what))
        },
    },
    Named {
        name: "a request without records is refused",
        reason: "Kafka 4.3.1 fails on null records and never answers, which leaves its client waiting.",
        covers: |d| d.api.is_none() && d.about("null records"),
    },
    Named {
        name: "asked twice, answered once",
        reason: "Kafka answers as often as it is asked: a small request that names a large group or topic a hundred thousand times asks for more than any memory.",
        covers: |d| {
            let asked = [ApiKey::DescribeGroups, ApiKey::DescribeConfigs];
            let of_groups = d.is(ApiKey::OffsetFetch) && d.about("a group twice");
            d.only_kafka()
                && (of_groups || d.about("one twice") && asked.iter().any(|api| d.is(*api)))
        },
    },
    Named {
        name: "batches are not cut",
        reason: "Where a bound falls within a batch, Kafka sends the batch's beginning and every client throws it away.",
        covers: |d| d.is(ApiKey::Fetch) && d.path.ends_with("records.cut_bytes"),
    },
];

impl Difference {
    fn is(&self, api: ApiKey) -> bool {
        self.api == Some(api)
    }

    fn about(&self, what: &str) -> bool {
        self.what.contains(what)
    }

    fn only_kafka(&self) -> bool {
        self.values[0].is_none()
    }

    fn only_ringlog(&self) -> bool {
        self.values[1].is_none()
    }
}

/// The key of the list element that a difference lies in, if it lies in this list.
fn element<'a>(difference: &'a Difference, list: &str) -> Option<&'a str> {
    let rest = difference.path.strip_prefix(list)?;
    rest.split_once(']').map(|(key, _)| key)
}

/// The setting that a difference is about.
fn setting(difference: &Difference) -> Option<&str> {
    let (_, rest) = difference.path.split_once(".configs[")?;
    rest.split_once(']').map(|(name, _)| name)
}
