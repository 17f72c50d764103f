//! What Kafka 4.3.1 answers, as tables: its messages were taken from a running broker.

mod creation;
mod deletion;
mod growth;

use std::sync::Arc;

use super::*;
use crate::base::{NodeId, PartitionIndex, ShardId, TopicId};
use crate::metadata::config::BrokerConfig;
use crate::metadata::image::{Broker, ClusterImage, METADATA_VERSION};
use crate::metadata::topic_name;

const SHARDS: u16 = 4;

fn id(n: u8) -> TopicId {
    TopicId([n; 16])
}

fn ids(n: usize) -> Vec<TopicId> {
    (0..n)
        .map(|i| TopicId((i as u128 + 1000).to_be_bytes()))
        .collect()
}

fn node(host: &str) -> Broker {
    Broker {
        id: NodeId(1),
        host: host.to_owned(),
        port: 9092,
        rack: None,
        core_ports: Vec::new(),
    }
}

/// One node, number 1, with these settings.
fn image_with(settings: &[(&str, &str)]) -> ClusterImage {
    let (settings, _) = BrokerConfig::parse(settings).expect("good settings");
    let empty = ClusterImage::empty(Arc::new(settings));
    empty
        .apply(&bootstrap(&empty, "cluster", node("localhost")))
        .expect("a first image")
}

fn topic(name: &str) -> CreateTopic {
    CreateTopic {
        name: name.to_owned(),
        num_partitions: 1,
        replication_factor: 1,
        assignments: Vec::new(),
        configs: Vec::new(),
    }
}

fn manual(assignments: &[(i32, &[i32])]) -> CreateTopic {
    let assignment = |(partition, brokers): &(i32, &[i32])| ReplicaAssignment {
        partition: *partition,
        brokers: brokers.iter().copied().map(NodeId).collect(),
    };
    CreateTopic {
        num_partitions: -1,
        replication_factor: -1,
        assignments: assignments.iter().map(assignment).collect(),
        ..topic("manual")
    }
}

/// The image with these topics, `t` (3 partitions) and `a.b` among them.
fn image() -> ClusterImage {
    let image = image_with(&[]);
    let topics = [
        CreateTopic {
            num_partitions: 3,
            ..topic("t")
        },
        topic("a.b"),
    ];
    let created = create_topics(&image, &topics, false, SHARDS, &[id(1), id(2)]);
    image
        .apply(&created.records)
        .expect("records of this image")
}

fn create_one(topic: CreateTopic) -> Result<CreatedTopic, ApiError> {
    let outcome = create_topics(&image(), &[topic], false, SHARDS, &[id(9)]);
    let [(_, result)] = <[_; 1]>::try_from(outcome.result).expect("one result");
    assert_eq!(result.is_ok(), !outcome.records.is_empty());
    result
}

#[test]
fn topics_are_made_on_the_way() {
    let image = image();
    let names = ["t", "new", "sp ace", topic_name::CONSUMER_OFFSETS];
    let outcome = auto_create(&image, &names, SHARDS, &ids(4));
    let codes: Vec<_> = outcome
        .result
        .iter()
        .map(|(name, result)| (name.as_str(), result.as_ref().err().map(|error| error.code)))
        .collect();
    assert_eq!(
        codes,
        [
            ("t", None),
            ("new", None),
            ("sp ace", Some(ErrorCode::InvalidTopicException)),
            (topic_name::CONSUMER_OFFSETS, None),
        ]
    );
    let after = image
        .apply(&outcome.records)
        .expect("records of this image");
    let offsets = after
        .topic(topic_name::CONSUMER_OFFSETS)
        .expect("it is there");
    assert!(offsets.internal && offsets.config.cleanup_compact);
    assert_eq!(offsets.config.segment_bytes, 104_857_600);
    assert_eq!(offsets.partitions.len(), 50);
    assert!(!after.topic("new").expect("it is there").internal);
}

#[test]
fn logs_of_coordinators_are_not_made_on_the_way() {
    let names = [
        topic_name::TRANSACTION_STATE,
        topic_name::SHARE_GROUP_STATE,
        topic_name::CLUSTER_METADATA,
    ];
    let outcome = auto_create(&image(), &names, SHARDS, &ids(3));
    assert_eq!(outcome.result.len(), names.len());
    assert!(outcome.result.iter().all(|(_, result)| result.is_err()));
    assert!(outcome.records.is_empty());
}

#[test]
fn producer_ids_come_in_blocks() {
    let image = image();
    let first = allocate_producer_ids(&image).expect("there are ids");
    assert_eq!((first.result.first.get(), first.result.len), (0, 1000));
    let image = image.apply(&first.records).expect("records of this image");
    let second = allocate_producer_ids(&image).expect("there are ids");
    assert_eq!(second.result.first.get(), 1000);
    let last = [Record::ProducerIds {
        next: crate::base::ProducerId(i64::MAX - 999),
    }];
    let used_up = image.apply(&last).expect("records of this image");
    assert!(allocate_producer_ids(&used_up).is_none());
}

#[test]
fn a_start_records_only_what_is_new() {
    let image = image();
    assert_eq!(image.cluster_id(), "cluster");
    assert_eq!(
        image.features().get("metadata.version"),
        Some(&METADATA_VERSION)
    );
    assert!(bootstrap(&image, "another", node("localhost")).is_empty());
    let moved = bootstrap(&image, "another", node("elsewhere"));
    assert_eq!(moved, [Record::Broker(node("elsewhere"))]);
}

#[test]
fn new_partitions_are_spread_over_the_shards() {
    let mut image = image_with(&[]);
    for n in 0..8 {
        let topics = [topic(&format!("single-{n}"))];
        let created = create_topics(&image, &topics, false, SHARDS, &[id(n + 1)]);
        image = image
            .apply(&created.records)
            .expect("records of this image");
    }
    let wide = CreateTopic {
        num_partitions: 10,
        ..topic("wide")
    };
    let created = create_topics(&image, &[wide], false, SHARDS, &[id(50)]);
    image = image
        .apply(&created.records)
        .expect("records of this image");
    let owners: Vec<u16> = image
        .topics()
        .flat_map(|topic| &topic.partitions)
        .map(|p| p.shard.get())
        .collect();
    let count = |shard: u16| owners.iter().filter(|owner| **owner == shard).count();
    assert_eq!([count(0), count(1), count(2), count(3)], [5, 5, 4, 4]);
    assert!(reassign_shards(&image, SHARDS).is_empty());
}

#[test]
fn partitions_follow_the_number_of_shards() {
    let image = image();
    for shards in [1, 2, 3, 7] {
        let moves = reassign_shards(&image, shards);
        let after = image.apply(&moves).expect("moves of this image");
        let mut all = after.topics().flat_map(|topic| &topic.partitions);
        assert!(all.all(|p| p.shard < ShardId(shards)));
        assert!(reassign_shards(&after, shards).is_empty(), "it is stable");
    }
    let one = image
        .apply(&reassign_shards(&image, 1))
        .expect("moves of this image");
    assert!(
        one.partition(id(1), PartitionIndex(2))
            .is_some_and(|p| p.shard == ShardId(0))
    );
}

/// Node 1 with two cores that clients are told of as nodes.
fn image_of_cores() -> ClusterImage {
    let empty = ClusterImage::empty(Arc::new(BrokerConfig::default()));
    let broker = Broker {
        core_ports: vec![9093, 9094],
        ..node("localhost")
    };
    let records = bootstrap(&empty, "cluster", broker);
    empty.apply(&records).expect("a first image")
}

#[test]
fn partitions_go_to_the_cores_that_are_named() {
    let image = image_of_cores();
    let wanted = manual(&[(0, &[10_001]), (1, &[10_001]), (2, &[10_001]), (3, &[1])]);
    let created = create_topics(&image, &[wanted], false, 2, &[id(1)]);
    let image = image.apply(&created.records).expect("a new topic");
    let owners = |image: &ClusterImage| -> Vec<u16> {
        let topic = image.topic("manual").expect("it was made");
        assert!(topic.partitions.iter().all(|p| p.replicas == [NodeId(1)]));
        topic.partitions.iter().map(|p| p.shard.get()).collect()
    };
    assert_eq!(owners(&image), [1, 1, 1, 0]);
    let more = CreatePartitions {
        topic: "manual".to_owned(),
        count: 6,
        assignments: Some(vec![vec![NodeId(10_001)], vec![NodeId(1)]]),
    };
    let grown = create_partitions(&image, &[more], false, 2);
    let image = image.apply(&grown.records).expect("more partitions");
    assert_eq!(owners(&image), [1, 1, 1, 0, 1, 0]);
    assert!(
        reassign_shards(&image, 2).is_empty(),
        "what was placed by hand stays at the next start"
    );
    let moved = image.apply(&reassign_shards(&image, 1)).expect("moves");
    assert_eq!(owners(&moved), [0; 6]);
}

#[test]
fn two_cores_are_never_two_hosts() {
    let image = image_of_cores();
    for (assignment, message) in [
        (&[1, 10_001][..], "the broker 1 more than once."),
        (&[20_001], "broker 20001, but no such broker is registered."),
    ] {
        let created = create_topics(&image, &[manual(&[(0, assignment)])], false, 2, &[id(1)]);
        let refused = ApiError::new(
            ErrorCode::InvalidReplicaAssignment,
            format!("The manual partition assignment includes {message}"),
        );
        assert_eq!(created.result[0].1, Err(refused));
    }
    let twice = CreateTopic {
        replication_factor: 2,
        ..topic("twice")
    };
    let created = create_topics(&image, &[twice], false, 2, &[id(1)]);
    let refused = created.result[0].1.as_ref().expect_err("one host");
    assert_eq!(refused.code, ErrorCode::InvalidReplicationFactor);
}

#[test]
fn the_settings_of_a_core_are_those_of_its_broker() {
    let image = image_of_cores();
    for (name, known) in [("1", true), ("10001", true), ("20001", false), ("2", false)] {
        let found = describe_configs(&image, NodeId(1), 4, name, None);
        assert_eq!(found.is_ok(), known, "{name}");
    }
}

#[test]
fn resources_are_described() {
    let image = image();
    let check = |kind: i8, name: &str, expected: Result<bool, (ErrorCode, Option<&str>)>| {
        let found = describe_configs(&image, NodeId(1), kind, name, None);
        let expected = expected.map_err(|(code, message)| ApiError {
            code,
            message: message.map(str::to_owned),
        });
        assert_eq!(
            found.map(|entries| !entries.is_empty()),
            expected,
            "{kind} {name}"
        );
    };
    use ErrorCode as E;
    check(2, "t", Ok(true));
    check(2, "nope", Err((E::UnknownTopicOrPartition, None)));
    let dot = "Topic name is invalid: '.' is not allowed";
    check(2, ".", Err((E::InvalidTopicException, Some(dot))));
    check(4, "1", Ok(true));
    check(4, "", Ok(false));
    let invalid = |message| Err((E::InvalidRequest, Some(message)));
    check(
        4,
        "x",
        invalid("Broker id must be an integer, but it is: x"),
    );
    check(
        4,
        "2",
        invalid("Unexpected broker id, expected 1 or empty string, but received 2"),
    );
    check(8, "1", Ok(false));
    check(8, "", invalid("Broker id must not be empty"));
    check(
        8,
        "2",
        invalid("Unexpected broker id, expected 1 but received 2"),
    );
    check(16, "m", Ok(true));
    check(
        16,
        "",
        invalid("Client metrics subscription name must not be empty"),
    );
    check(32, "g", Ok(true));
    check(32, "", invalid("Group name must not be empty"));
    check(
        99,
        "g",
        invalid("Unexpected resource type UNKNOWN for resource g"),
    );
}
