//! CreatePartitions.

use super::*;

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
