//! CreateTopics and DeleteTopics.

use ringlog::base::TopicId;
use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ringlog::protocol::messages::delete_topics::DeleteTopicState;
use ringlog::protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest};

use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    for version in pair.versions(ApiKey::CreateTopics) {
        create(pair, version);
    }
    for version in pair.versions(ApiKey::DeleteTopics) {
        delete(pair, version);
    }
}

fn create(pair: &mut Pair, version: i16) {
    let name = format!("t-{version}");
    let cases = counts()
        .into_iter()
        .chain(names())
        .chain(assignments())
        .chain(configs());
    for (what, topic) in cases {
        for validate_only in [true, false] {
            // What is right is created under a name of its own and deleted again.
            let topic = match topic.name {
                "" => CreatableTopic {
                    name: &name,
                    ..topic.clone()
                },
                _ => topic.clone(),
            };
            pair.ask(what, |_| {
                create_request(version, std::slice::from_ref(&topic), validate_only)
            });
            if topic.name == name && !validate_only {
                pair.ask("delete it", |_| {
                    delete_request(6, &[(&name, TopicId::ZERO)])
                });
            }
        }
    }
    let good = CreatableTopic {
        name: &name,
        ..topic(2, 1)
    };
    let bad = CreatableTopic {
        name: "t-bad name",
        ..topic(1, 1)
    };
    pair.ask("nothing", |_| create_request(version, &[], false));
    pair.ask("one good, one bad", |_| {
        create_request(version, &[good.clone(), bad.clone()], false)
    });
    pair.ask("an existing topic", |_| {
        create_request(version, std::slice::from_ref(&good), false)
    });
    pair.ask("an existing topic, to validate", |_| {
        create_request(version, std::slice::from_ref(&good), true)
    });
    let twice = CreatableTopic {
        name: "t-twice",
        ..topic(1, 1)
    };
    pair.ask("the same topic twice", |_| {
        create_request(version, &[twice.clone(), twice.clone(), bad.clone()], false)
    });
}

type Case = (&'static str, CreatableTopic<'static>);

fn counts() -> Vec<Case> {
    vec![
        ("three partitions", topic(3, 1)),
        ("default partitions", topic(-1, 1)),
        ("default replication", topic(1, -1)),
        ("all defaults", topic(-1, -1)),
        ("no partitions", topic(0, 1)),
        ("fewer than no partitions", topic(-2, 1)),
        ("no replicas", topic(1, 0)),
        ("fewer than no replicas", topic(1, -2)),
        ("two replicas", topic(1, 2)),
        ("too many replicas", topic(1, i16::MAX)),
        (
            "more partitions than a batch of metadata holds",
            topic(100_000, 1),
        ),
        ("as many partitions as a number holds", topic(i32::MAX, 1)),
    ]
}

fn names() -> Vec<Case> {
    let named = |name| CreatableTopic {
        name,
        ..topic(1, 1)
    };
    let long: &'static str = "n".repeat(250).leak();
    vec![
        ("a space in the name", named("a b")),
        ("a slash in the name", named("a/b")),
        ("a dot as name", named(".")),
        ("two dots as name", named("..")),
        ("a name too long", named(long)),
        ("an internal topic's name", named("__cluster_metadata")),
    ]
}

fn assignments() -> Vec<Case> {
    let case = |what, partitions, replication, assigned: &[(i32, &[i32])]| {
        let assignments = assigned
            .iter()
            .map(|(index, brokers)| CreatableReplicaAssignment {
                partition_index: *index,
                broker_ids: brokers.to_vec(),
            });
        let assignments = assignments.collect();
        (
            what,
            CreatableTopic {
                assignments,
                ..topic(partitions, replication)
            },
        )
    };
    vec![
        case("assigned", -1, -1, &[(0, &[1]), (1, &[1])]),
        case("assigned in another order", -1, -1, &[(1, &[1]), (0, &[1])]),
        case("assigned with a count", 2, -1, &[(0, &[1]), (1, &[1])]),
        case("assigned with a replication", -1, 1, &[(0, &[1])]),
        case("assigned to an unknown broker", -1, -1, &[(0, &[9])]),
        case("assigned twice to a broker", -1, -1, &[(0, &[1, 1])]),
        case("assigned to nobody", -1, -1, &[(0, &[])]),
        case("assigned unevenly", -1, -1, &[(0, &[1]), (1, &[1, 2])]),
        case(
            "a partition assigned twice",
            -1,
            -1,
            &[(0, &[1]), (0, &[1])],
        ),
        case("a gap in the assignment", -1, -1, &[(0, &[1]), (2, &[1])]),
        case("assigned from one on", -1, -1, &[(1, &[1])]),
        case("a negative partition assigned", -1, -1, &[(-1, &[1])]),
        case("a negative broker assigned", -1, -1, &[(0, &[-1])]),
    ]
}

#[rustfmt::skip]
fn configs() -> Vec<Case> {
    let case = |what, configs: &[(&'static str, Option<&'static str>)]| {
        let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
            name,
            value: *value,
        });
        (
            what,
            CreatableTopic {
                configs: configs.collect(),
                ..topic(1, 1)
            },
        )
    };
    vec![
        case("a setting", &[("retention.ms", Some("1000"))]),
        case("spaces around a value", &[("retention.ms", Some(" 1000 "))]),
        case("several settings", &[("cleanup.policy", Some("compact,delete")), ("segment.bytes", Some("1048576")), ("compression.type", Some("zstd"))]),
        case("no cleanup policy", &[("cleanup.policy", Some(""))]),
        case("a setting twice", &[("retention.ms", Some("1")), ("retention.ms", Some("2"))]),
        case("an unknown setting", &[("no.such.setting", Some("1"))]),
        case("an empty setting", &[("", Some("1"))]),
        case("a setting without a value", &[("retention.ms", None)]),
        case("no number", &[("retention.ms", Some("soon"))]),
        case("an empty number", &[("retention.ms", Some(""))]),
        case("a number too large", &[("segment.bytes", Some("2147483648"))]),
        case("a number too small", &[("segment.bytes", Some("13"))]),
        case("retention below its least", &[("retention.ms", Some("-2"))]),
        case("no such choice", &[("compression.type", Some("rar"))]),
        case("no such policy", &[("cleanup.policy", Some("shred"))]),
        case("a policy and none such", &[("cleanup.policy", Some("delete,shred"))]),
        case("no boolean", &[("preallocate", Some("perhaps"))]),
        case("a boolean in capitals", &[("preallocate", Some("TRUE"))]),
        case("a ratio above one", &[("min.cleanable.dirty.ratio", Some("1.5"))]),
        case("a ratio", &[("min.cleanable.dirty.ratio", Some("0.25"))]),
        case("in-sync replicas below one", &[("min.insync.replicas", Some("0"))]),
        case("lags in the wrong order", &[("min.compaction.lag.ms", Some("10")), ("max.compaction.lag.ms", Some("5"))]),
        case("bad throttled replicas", &[("leader.replication.throttled.replicas", Some("x"))]),
        case("a wrong timestamp type", &[("message.timestamp.type", Some("Never"))]),
        case("a gzip level too high", &[("compression.gzip.level", Some("10"))]),
        case("remote storage", &[("remote.storage.enable", Some("true"))]),
    ]
}

fn delete(pair: &mut Pair, version: i16) {
    let names = ["a", "b", "c"].map(|letter| format!("td-{version}-{letter}"));
    for name in &names {
        pair.create_topic(name, 1, &[]);
    }
    let none = TopicId::ZERO;
    let unknown = TopicId([9; 16]);
    let [a, b, c] = names.each_ref().map(String::as_str);
    pair.ask("nothing", |_| delete_request(version, &[]));
    pair.ask("unknown", |_| {
        delete_request(version, &[("td-unknown", none)])
    });
    pair.ask("bad name", |_| delete_request(version, &[("td/bad", none)]));
    pair.ask("empty name", |_| delete_request(version, &[("", none)]));
    pair.ask("one twice", |_| {
        delete_request(version, &[(a, none), (a, none)])
    });
    pair.ask("known and unknown", |_| {
        delete_request(version, &[(b, none), ("td-unknown", none)])
    });
    pair.ask("gone", |_| delete_request(version, &[(b, none)]));
    if version < 6 {
        return;
    }
    pair.ask("an unknown id", |_| by_id(version, &[(None, unknown)]));
    pair.ask("neither name nor id", |_| by_id(version, &[(None, none)]));
    pair.ask("name and id", |side| {
        by_id(version, &[(Some(c), side.topic_id(c))])
    });
    pair.ask("by name and by id", |side| {
        by_id(version, &[(Some(c), none), (None, side.topic_id(c))])
    });
    pair.ask("by id", |side| by_id(version, &[(None, side.topic_id(c))]));
    pair.ask("by id, gone", |side| {
        by_id(version, &[(None, side.topic_id(c))])
    });
}

fn topic(num_partitions: i32, replication_factor: i16) -> CreatableTopic<'static> {
    CreatableTopic {
        num_partitions,
        replication_factor,
        ..CreatableTopic::default()
    }
}

fn create_request(version: i16, topics: &[CreatableTopic<'_>], validate_only: bool) -> Request {
    request(
        version,
        &CreateTopicsRequest {
            topics: topics.to_vec(),
            timeout_ms: 10_000,
            validate_only,
        },
    )
}

/// A request to delete these topics, each by name.
pub fn delete_request(version: i16, topics: &[(&str, TopicId)]) -> Request {
    if version >= 6 {
        let topics: Vec<_> = topics.iter().map(|(name, id)| (Some(*name), *id)).collect();
        return by_id(version, &topics);
    }
    request(
        version,
        &DeleteTopicsRequest {
            topic_names: topics.iter().map(|(name, _)| *name).collect(),
            timeout_ms: 10_000,
            ..DeleteTopicsRequest::default()
        },
    )
}

fn by_id(version: i16, topics: &[(Option<&str>, TopicId)]) -> Request {
    let topics = topics.iter().map(|(name, topic_id)| DeleteTopicState {
        name: *name,
        topic_id: *topic_id,
    });
    request(
        version,
        &DeleteTopicsRequest {
            topics: topics.collect(),
            timeout_ms: 10_000,
            ..DeleteTopicsRequest::default()
        },
    )
}
