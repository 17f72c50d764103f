//! DescribeConfigs, of topics and of the broker.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::DescribeConfigsRequest;
use ringlog::protocol::messages::describe_configs::DescribeConfigsResource;

use crate::client::{Request, request};
use crate::pair::Pair;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

pub fn run(pair: &mut Pair) {
    pair.create_topic("c-plain", 1, &[]);
    let settings = [
        ("retention.ms", "1234567"),
        ("cleanup.policy", "compact,delete"),
        ("min.cleanable.dirty.ratio", "0.25"),
        ("flush.messages", "7"),
        ("compression.type", "lz4"),
    ];
    pair.create_topic("c-set", 1, &settings);
    type Keys = Option<&'static [&'static str]>;
    let some: Keys = Some(&["retention.ms", "segment.bytes", "no.such.setting"]);
    let cases: &[(&str, i8, &str, Keys)] = &[
        ("a topic with defaults", TOPIC, "c-plain", None),
        ("a topic with settings", TOPIC, "c-set", None),
        ("some settings", TOPIC, "c-set", some),
        ("no settings", TOPIC, "c-set", Some(&[])),
        ("an unknown topic", TOPIC, "c-unknown", None),
        ("a bad topic name", TOPIC, "c/bad", None),
        ("an empty topic name", TOPIC, "", None),
        ("the broker", BROKER, "1", None),
        (
            "some settings of the broker",
            BROKER,
            "1",
            Some(&["num.partitions", "log.retention.ms", "x"]),
        ),
        ("another broker", BROKER, "9", None),
        ("no broker's number", BROKER, "one", None),
        ("the brokers' defaults", BROKER, "", None),
        ("an unknown kind", 99, "x", None),
        ("kind zero", 0, "x", None),
        ("another broker's loggers", BROKER_LOGGER, "9", None),
        ("client metrics", CLIENT_METRICS, "m", None),
        ("client metrics without a name", CLIENT_METRICS, "", None),
        ("a group", GROUP, "g", None),
        (
            "some settings of a group",
            GROUP,
            "g",
            Some(&["share.isolation.level", "consumer.session.timeout.ms", "x"]),
        ),
        ("a group without a name", GROUP, "", None),
    ];
    for version in pair.versions(ApiKey::DescribeConfigs) {
        for (what, kind, name, keys) in cases {
            for synonyms in [false, true] {
                pair.ask(what, |_| {
                    ask(version, &[(*kind, name, *keys)], synonyms, false)
                });
            }
        }
        pair.ask("nothing", |_| ask(version, &[], false, false));
        pair.ask("several", |_| {
            let all = [
                (TOPIC, "c-set", some),
                (TOPIC, "c-unknown", None),
                (BROKER, "1", some),
            ];
            ask(version, &all, true, false)
        });
        pair.ask("one twice", |_| {
            ask(
                version,
                &[(TOPIC, "c-set", some), (TOPIC, "c-set", some)],
                true,
                false,
            )
        });
        if version >= 3 {
            pair.ask("documentation", |_| {
                ask(version, &[(TOPIC, "c-set", some)], false, true)
            });
        }
    }
}

fn ask(
    version: i16,
    resources: &[(i8, &str, Option<&'static [&'static str]>)],
    include_synonyms: bool,
    include_documentation: bool,
) -> Request {
    let resources = resources
        .iter()
        .map(|(kind, name, keys)| DescribeConfigsResource {
            resource_type: *kind,
            resource_name: name,
            configuration_keys: keys.map(<[_]>::to_vec),
        });
    request(
        version,
        &DescribeConfigsRequest {
            resources: resources.collect(),
            include_synonyms,
            include_documentation,
        },
    )
}
