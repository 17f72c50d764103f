//! CreateTopics.

use super::*;

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
