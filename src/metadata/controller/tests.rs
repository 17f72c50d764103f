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
fn topics_that_cannot_be_are_refused_in_kafkas_words() {
    use ErrorCode as E;
    let check = |topic: CreateTopic, code: E, message: &str| {
        assert_eq!(create_one(topic), Err(ApiError::new(code, message)));
    };
    let wrong_name = |name: &str, why: &str| {
        check(
            topic(name),
            E::InvalidTopicException,
            &format!("Topic name is invalid: {why}"),
        );
    };
    wrong_name("", "the empty string is not allowed");
    wrong_name(".", "'.' is not allowed");
    wrong_name("..", "'..' is not allowed");
    let long = "x".repeat(250);
    wrong_name(
        &long,
        &format!("the length of '{long}' is longer than the max allowed length 249"),
    );
    let characters =
        "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    wrong_name("sp ace", &format!("'sp ace' {characters}"));
    wrong_name("é", &format!("'é' {characters}"));
    check(
        topic("t"),
        E::TopicAlreadyExists,
        "Topic 't' already exists.",
    );
    check(
        topic("a.b"),
        E::TopicAlreadyExists,
        "Topic 'a.b' already exists.",
    );
    let collides = "Topic 'a_b' collides with existing topic: a.b";
    check(topic("a_b"), E::InvalidTopicException, collides);
    let prohibited = "Creation of internal topic __cluster_metadata is prohibited.";
    check(topic("__cluster_metadata"), E::InvalidRequest, prohibited);
}

#[test]
fn wrong_counts_are_refused_in_kafkas_words() {
    use ErrorCode as E;
    let check = |num_partitions: i32, replication_factor: i16, code: E, message: &str| {
        let topic = CreateTopic {
            num_partitions,
            replication_factor,
            ..topic("new")
        };
        assert_eq!(create_one(topic), Err(ApiError::new(code, message)));
    };
    let partitions = "Number of partitions was set to an invalid non-positive value.";
    check(0, 1, E::InvalidPartitions, partitions);
    check(-2, 1, E::InvalidPartitions, partitions);
    let factor = "Replication factor must be larger than 0, or -1 to use the default value.";
    check(1, 0, E::InvalidReplicationFactor, factor);
    check(0, -2, E::InvalidReplicationFactor, factor);
    check(
        1,
        3,
        E::InvalidReplicationFactor,
        "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be \
         reached because only 1 broker(s) are registered or some brokers have all their log \
         directories cordoned.",
    );
    let excessive = "Excessively large number of partitions per request.";
    check(10_001, 1, E::PolicyViolation, excessive);
    check(i32::MAX, 1, E::PolicyViolation, excessive);
    // The topic's own record is the one too many.
    let batch = "Unable to perform excessively large batch operation.";
    check(10_000, 1, E::PolicyViolation, batch);
}

#[test]
fn wrong_assignments_are_refused_in_kafkas_words() {
    use ErrorCode as E;
    let check = |topic: CreateTopic, code: E, message: &str| {
        assert_eq!(create_one(topic), Err(ApiError::new(code, message)));
    };
    let given = "A manual partition assignment was specified, but";
    check(
        CreateTopic {
            replication_factor: 1,
            ..manual(&[(0, &[1])])
        },
        E::InvalidRequest,
        &format!("{given} replication factor was not set to -1."),
    );
    check(
        CreateTopic {
            num_partitions: 1,
            ..manual(&[(0, &[1])])
        },
        E::InvalidRequest,
        &format!("{given} numPartitions was not set to -1."),
    );
    let refused = |assignments: &[(i32, &[i32])], message: &str| {
        check(manual(assignments), E::InvalidReplicaAssignment, message);
    };
    let includes = "The manual partition assignment includes";
    refused(
        &[(0, &[1, 1])],
        &format!("{includes} the broker 1 more than once."),
    );
    refused(
        &[(0, &[2])],
        &format!("{includes} broker 2, but no such broker is registered."),
    );
    refused(&[(0, &[])], &format!("{includes} an empty replica list."));
    refused(
        &[(1, &[1])],
        "partitions should be a consecutive 0-based integer sequence",
    );
    refused(
        &[(0, &[1]), (0, &[1])],
        "Found multiple manual partition assignments for partition 0",
    );
}

#[test]
fn wrong_settings_are_refused_in_kafkas_words() {
    let check = |configs: &[(&str, Option<&str>)], message: &str| {
        let configs = configs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned)));
        let topic = CreateTopic {
            configs: configs.collect(),
            ..topic("new")
        };
        assert_eq!(
            create_one(topic),
            Err(ApiError::new(ErrorCode::InvalidConfig, message))
        );
    };
    check(&[("foo", Some("1"))], "Unknown topic config name: foo");
    check(
        &[
            ("retention.ms", None),
            ("foo", Some("1")),
            ("segment.ms", None),
        ],
        "Null value not supported for topic configs: retention.ms,segment.ms",
    );
    check(
        &[("retention.ms", Some("x"))],
        "Invalid value x for configuration retention.ms: Not a number of type LONG",
    );
}

#[test]
fn a_created_topic_is_told_and_recorded() {
    let wanted = CreateTopic {
        num_partitions: 5,
        configs: vec![("retention.ms".to_owned(), Some("7".to_owned()))],
        ..topic("new")
    };
    let before = image();
    let outcome = create_topics(
        &before,
        std::slice::from_ref(&wanted),
        false,
        SHARDS,
        &[id(9)],
    );
    let (_, created) = &outcome.result[0];
    let created = created.as_ref().expect("it is created");
    assert_eq!(
        (
            created.id,
            created.num_partitions,
            created.replication_factor
        ),
        (id(9), 5, 1)
    );
    let retention = created
        .configs
        .iter()
        .find(|entry| entry.name == "retention.ms");
    assert_eq!(
        retention.and_then(|entry| entry.value.as_deref()),
        Some("7")
    );
    let after = before
        .apply(&outcome.records)
        .expect("records of this image");
    let topic = after.topic("new").expect("it is there");
    assert_eq!(topic.config.retention_ms, Some(7));
    assert_eq!(topic.partitions.len(), 5);
    assert_eq!(topic.partitions[0].isr, [NodeId(1)]);
    assert_eq!(after.version(), before.version() + 7);
    let only_said = create_topics(&before, &[wanted], true, SHARDS, &[id(9)]);
    assert_eq!(
        (only_said.result, only_said.records),
        (outcome.result, Vec::new())
    );
}

#[test]
fn defaults_are_the_brokers() {
    let image = image_with(&[("num.partitions", "6")]);
    let wanted = CreateTopic {
        num_partitions: -1,
        replication_factor: -1,
        ..topic("new")
    };
    let outcome = create_topics(&image, &[wanted], true, SHARDS, &[id(9)]);
    let created = outcome.result[0].1.as_ref().expect("it could be");
    assert_eq!((created.num_partitions, created.replication_factor), (6, 1));
}

#[test]
fn a_name_that_stands_twice_is_refused_once_and_spoils_nothing() {
    let topics = [topic("x"), topic("y"), topic("x"), topic("x")];
    let outcome = create_topics(&image(), &topics, false, SHARDS, &ids(4));
    let told: Vec<_> = outcome
        .result
        .iter()
        .map(|(name, result)| {
            (
                name.as_str(),
                result.as_ref().err().and_then(|e| e.message.clone()),
            )
        })
        .collect();
    let duplicate = Some("Duplicate topic name.".to_owned());
    assert_eq!(told, [("y", None), ("x", duplicate)]);
}

fn delete(image: &ClusterImage, topics: &[(Option<&str>, TopicId)]) -> Outcome<Vec<DeletedTopic>> {
    let topics = topics.iter().map(|(name, id)| DeleteTopic {
        name: name.map(str::to_owned),
        id: *id,
    });
    delete_topics(image, &topics.collect::<Vec<_>>(), 6)
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let before = image();
    let outcome = delete(&before, &[(Some("t"), TopicId::ZERO), (None, id(2))]);
    let told: Vec<_> = outcome
        .result
        .iter()
        .map(|t| (t.name.as_deref(), t.id))
        .collect();
    assert_eq!(told, [(Some("a.b"), id(2)), (Some("t"), id(1))]);
    assert!(outcome.result.iter().all(|topic| topic.result.is_ok()));
    let after = before
        .apply(&outcome.records)
        .expect("records of this image");
    assert_eq!(after.topics().len(), 0);
    assert!(after.topic_by_id(id(1)).is_none());
}

#[test]
fn topics_that_cannot_be_deleted_are_told_in_kafkas_words() {
    use ErrorCode as E;
    let check = |topics: &[(Option<&str>, TopicId)],
                 told: (Option<&str>, TopicId),
                 code: E,
                 message: &str| {
        let outcome = delete(&image(), topics);
        let [topic] = outcome.result.as_slice() else {
            panic!("one answer, not {:?}", outcome.result);
        };
        assert_eq!((topic.name.as_deref(), topic.id), told);
        assert_eq!(topic.result, Err(ApiError::new(code, message)));
        assert!(outcome.records.is_empty());
    };
    let none = TopicId::ZERO;
    let name = (Some("nope"), none);
    let not_hosted = "This server does not host this topic-partition.";
    check(&[name], name, E::UnknownTopicOrPartition, not_hosted);
    check(
        &[(None, id(7))],
        (None, id(7)),
        E::UnknownTopicId,
        "This server does not host this topic ID.",
    );
    let neither = "Neither topic name nor id were specified.";
    check(&[(None, none)], (None, none), E::InvalidRequest, neither);
    let both = (Some("t"), id(1));
    check(
        &[both],
        both,
        E::InvalidRequest,
        "You may not specify both topic name and topic id.",
    );
    let t = (Some("t"), none);
    check(&[t, t, t], t, E::InvalidRequest, "Duplicate topic name.");
    let of_t = (None, id(1));
    check(
        &[of_t, of_t],
        of_t,
        E::InvalidRequest,
        "Duplicate topic id.",
    );
    let supplied = "The provided topic name maps to an ID that was already supplied.";
    check(&[of_t, t], both, E::InvalidRequest, supplied);
}

#[test]
fn deletion_can_be_forbidden() {
    let image = image_with(&[("delete.topic.enable", "false")]);
    let topics = [DeleteTopic {
        name: Some("t".to_owned()),
        id: TopicId::ZERO,
    }];
    for (version, code) in [
        (2, ErrorCode::InvalidRequest),
        (3, ErrorCode::TopicDeletionDisabled),
    ] {
        let outcome = delete_topics(&image, &topics, version);
        assert_eq!(outcome.result[0].result, Err(ApiError::bare(code)));
    }
}

fn increase(topic: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitions {
    let nodes = |brokers: &&[i32]| brokers.iter().copied().map(NodeId).collect();
    CreatePartitions {
        topic: topic.to_owned(),
        count,
        assignments: assignments.map(|all| all.iter().map(nodes).collect()),
    }
}

#[test]
fn partitions_are_added() {
    let before = image();
    for request in [
        increase("t", 5, None),
        increase("t", 5, Some(&[&[1], &[1]])),
    ] {
        let outcome = create_partitions(&before, std::slice::from_ref(&request), false, SHARDS);
        assert_eq!(outcome.result, [("t".to_owned(), Ok(()))]);
        let after = before
            .apply(&outcome.records)
            .expect("records of this image");
        assert_eq!(after.topic("t").expect("it is there").partitions.len(), 5);
        let only_said = create_partitions(&before, &[request], true, SHARDS);
        assert_eq!(
            (only_said.result, only_said.records),
            (outcome.result, Vec::new())
        );
    }
}

#[test]
fn partitions_that_cannot_be_added_are_told_in_kafkas_words() {
    use ErrorCode as E;
    let check = |request: CreatePartitions, expected: ApiError| {
        let outcome = create_partitions(&image(), &[request], false, SHARDS);
        assert_eq!(outcome.result[0].1, Err(expected));
        assert!(outcome.records.is_empty());
    };
    let fewer = |count: i32| {
        let message =
            format!("The topic t currently has 3 partition(s); {count} would not be an increase.");
        check(
            increase("t", count, None),
            ApiError::new(E::InvalidPartitions, message),
        );
    };
    fewer(2);
    fewer(-1);
    let same = ApiError::new(E::InvalidPartitions, "Topic already has 3 partition(s).");
    check(increase("t", 3, None), same);
    check(
        increase("nope", 3, None),
        ApiError::bare(E::UnknownTopicOrPartition),
    );
    let excessive = "Unable to perform excessively large batch operation.";
    check(
        increase("t", 20_000, None),
        ApiError::new(E::PolicyViolation, excessive),
    );
    let wrong = |assignments: &[&[i32]], message: &str| {
        let expected = ApiError::new(E::InvalidReplicaAssignment, message);
        check(increase("t", 5, Some(assignments)), expected);
    };
    wrong(
        &[&[1]],
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    );
    wrong(
        &[&[1], &[7]],
        "The manual partition assignment includes broker 7, but no such broker is registered.",
    );
    wrong(
        &[&[1], &[]],
        "The manual partition assignment includes an empty replica list.",
    );
}

#[test]
fn a_topic_that_stands_twice_gets_no_partitions() {
    let twice = [
        increase("t", 4, None),
        increase("t", 5, None),
        increase("a.b", 2, None),
    ];
    let outcome = create_partitions(&image(), &twice, false, SHARDS);
    let duplicate = ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
    assert_eq!(
        outcome.result,
        [("t".to_owned(), Err(duplicate)), ("a.b".to_owned(), Ok(()))]
    );
    assert_eq!(outcome.records.len(), 1);
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
    check(
        32,
        "g",
        invalid("Unexpected resource type GROUP for resource g"),
    );
    check(
        99,
        "g",
        invalid("Unexpected resource type UNKNOWN for resource g"),
    );
}
