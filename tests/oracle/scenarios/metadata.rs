//! Metadata: all topics, some, none; by name and by id; topics created by asking.

use ringlog::base::TopicId;
use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::metadata::MetadataRequestTopic;
use ringlog::protocol::messages::{MetadataRequest, MetadataResponse};

use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    pair.create_topic("m-one", 1, &[]);
    pair.create_topic("m-three", 3, &[]);
    let long = "n".repeat(249);
    let longer = "n".repeat(250);
    let lists: &[(&str, &[&str])] = &[
        ("one topic", &["m-one"]),
        ("several topics", &["m-three", "m-one"]),
        ("the same topic twice", &["m-one", "m-one"]),
        ("an unknown topic", &["m-unknown"]),
        ("known and unknown", &["m-unknown", "m-one"]),
        ("longest name", &[&long]),
        ("name too long", &[&longer]),
        ("empty name", &[""]),
        ("dot", &["."]),
        ("two dots", &[".."]),
        ("bad characters", &["a/b", "a b", "a:b", "ü"]),
    ];
    for version in pair.versions(ApiKey::Metadata) {
        // Version 0 cannot name no topics: its empty list means all.
        pair.ask("an empty list", |_| ask(version, Some(&[]), false));
        if version >= 1 {
            pair.ask("all topics", |_| ask(version, None, false));
        }
        for (what, topics) in lists {
            // Before version 4 asking creates.
            if version >= 4 {
                pair.ask(what, |_| ask(version, Some(topics), false));
            }
        }
        by_id(pair, version);
        authorized_operations(pair, version);
        auto_creation(pair, version);
    }
}

fn by_id(pair: &mut Pair, version: i16) {
    if version < 10 {
        return;
    }
    let ask = |topics: &[(TopicId, Option<&str>)]| {
        let topics = topics.iter().map(|(topic_id, name)| MetadataRequestTopic {
            topic_id: *topic_id,
            name: *name,
        });
        let asked = MetadataRequest {
            topics: Some(topics.collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        request(version, &asked)
    };
    let unknown = TopicId([7; 16]);
    pair.ask("by id", |side| ask(&[(side.topic_id("m-one"), None)]));
    pair.ask("by unknown id", |_| ask(&[(unknown, None)]));
    pair.ask("by id and its name", |side| {
        ask(&[(side.topic_id("m-one"), Some("m-one"))])
    });
    pair.ask("by id and another name", |side| {
        ask(&[(side.topic_id("m-one"), Some("m-three"))])
    });
    pair.ask("neither id nor name", |_| ask(&[(TopicId::ZERO, None)]));
    pair.ask("an id and a name", |side| {
        ask(&[
            (side.topic_id("m-one"), None),
            (TopicId::ZERO, Some("m-three")),
        ])
    });
}

fn authorized_operations(pair: &mut Pair, version: i16) {
    if version < 8 {
        return;
    }
    for (cluster, topic) in [(false, true), (true, false), (true, true)] {
        if cluster && version > 10 {
            continue;
        }
        let asked = MetadataRequest {
            topics: Some(vec![named("m-one"), named("m-unknown")]),
            allow_auto_topic_creation: false,
            include_cluster_authorized_operations: cluster,
            include_topic_authorized_operations: topic,
        };
        pair.ask("authorized operations", |_| request(version, &asked));
    }
}

/// The first answer says that the topic is not there. Later ones may come before it has leaders, and Kafka's do; what
/// counts then is what the topic becomes.
fn auto_creation(pair: &mut Pair, version: i16) {
    let name = format!("m-auto-{version}");
    let bad = format!("m/auto/{version}");
    let create = |name: &str| ask(version, Some(&[name]), true);
    pair.ask("create a bad name by asking", |_| create(&bad));
    let (dotted, colliding) = (format!("m.dots.{version}"), format!("m_dots_{version}"));
    pair.create_topic(&dotted, 1, &[]);
    pair.ask("create a name like another's by asking", |_| {
        create(&colliding)
    });
    pair.ask("that name again", |_| create(&colliding));
    pair.ask("create the cluster's log by asking", |_| {
        create("__cluster_metadata")
    });
    pair.ask("create by asking", |_| create(&name));
    pair.until(
        "create by asking",
        |_| create(&name),
        |answer| {
            let answer: MetadataResponse<'_> = answer.decode();
            answer
                .topics
                .first()
                .is_some_and(|topic| topic.error_code == 0)
        },
    );
    pair.await_leaders(&name, 3);
    pair.learn_topic(&name);
    pair.ask("created by asking", |_| create(&name));
}

fn ask(version: i16, topics: Option<&[&str]>, create: bool) -> Request {
    let asked = MetadataRequest {
        topics: topics.map(|names| names.iter().map(|name| named(name)).collect()),
        allow_auto_topic_creation: create || version < 4,
        ..MetadataRequest::default()
    };
    request(version, &asked)
}

fn named(name: &str) -> MetadataRequestTopic<'_> {
    MetadataRequestTopic {
        topic_id: TopicId::ZERO,
        name: Some(name),
    }
}
