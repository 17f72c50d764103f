//! DeleteTopics.

use super::*;

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
