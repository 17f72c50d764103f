use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn consumer(topic: &str) -> Vec<u8> {
    consumes(topic)
}

#[test]
fn a_commit_is_refused_in_the_order_of_the_checks() {
    let metadata = consumer("t");
    let check = |change: fn(&mut OffsetCommit), expected: ErrorCode| {
        let mut desk = Desk::new();
        let ids = desk.stable(1, &[("range", &metadata)]);
        let mut request = commit("g", &ids[0], 1, "t", 5);
        change(&mut request);
        let group = request.group_id.clone();
        let token = desk.commit(request);
        assert_eq!(desk.committed(token), expected);
        let offset = desk.offset(&group, "t");
        assert_eq!(offset, if expected.is_none() { 5 } else { -1 });
    };
    check(|_| {}, ErrorCode::None);
    check(|r| r.group_id = "new".into(), ErrorCode::GroupIdNotFound);
    check(
        |r| (r.group_id, r.api_version) = ("new".into(), 8),
        ErrorCode::IllegalGeneration,
    );
    check(
        |r| (r.group_id, r.generation_id) = ("new".into(), GenerationId(-1)),
        ErrorCode::None,
    );
    check(
        |r| (r.group_id, r.generation_id) = (String::new(), GenerationId(-1)),
        ErrorCode::None,
    );
    check(
        |r| r.member_id = "stranger".into(),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| r.generation_id = GenerationId(2),
        ErrorCode::IllegalGeneration,
    );
    check(
        |r| r.group_instance_id = Some("i".into()),
        ErrorCode::UnknownMemberId,
    );
    // A simple consumer, while the group has members.
    check(
        |r| (r.member_id, r.generation_id) = (String::new(), GenerationId(-1)),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| r.topics[0].partitions[0].metadata = Some("é".repeat(4_097)),
        ErrorCode::OffsetMetadataTooLarge,
    );
    check(
        |r| r.topics[0].partitions[0].metadata = Some("é".repeat(4_096)),
        ErrorCode::None,
    );
}

#[test]
fn a_commit_shows_when_it_is_durable() {
    let mut desk = Desk::new();
    desk.is_prompt = false;
    let token = desk.commit(commit("simple", "", -1, "t", 5));
    assert!(!desk.has_reply(token));
    assert_eq!(desk.offset("simple", "t"), -1);
    let mut stable = fetch("simple", "t");
    stable.require_stable = true;
    let stable = desk.fetch(stable);
    assert!(!desk.has_reply(stable));
    desk.land();
    assert_eq!(desk.committed(token), ErrorCode::None);
    assert_eq!(desk.fetched(stable), 5);
    assert_eq!(desk.offset("simple", "t"), 5);

    let failed = desk.commit(commit("simple", "", -1, "t", 6));
    desk.fail(ErrorCode::MessageTooLarge);
    assert_eq!(desk.committed(failed), ErrorCode::UnknownServerError);
    assert_eq!(desk.offset("simple", "t"), 5);
}

#[test]
fn appends_take_effect_in_the_order_of_the_log() {
    let mut desk = Desk::new();
    desk.is_prompt = false;
    let tokens = [5, 6].map(|offset| desk.commit(commit("simple", "", -1, "t", offset)));
    let (second, records) = desk.in_flight.pop_last().unwrap();
    desk.run(|c, now, out| c.on_appended(now, second, Ok(()), out));
    assert!(!desk.has_reply(tokens[1]));
    desk.land();
    desk.log.extend(records);
    assert_eq!(desk.offset("simple", "t"), 6);
    assert!(tokens.iter().all(|token| desk.has_reply(*token)));
}

#[test]
fn offsets_come_back_with_all_that_was_committed() {
    let mut desk = Desk::new();
    let mut request = commit("simple", "", -1, "t", 5);
    request.topics[0].topic_id = TopicId([7; 16]);
    request.topics[0].partitions[0].leader_epoch = LeaderEpoch(3);
    request.topics[0].partitions[0].metadata = Some("kept".into());
    desk.commit(request);
    let mut desk = desk.restarted(GroupConfig::default());
    let expected = |offset: i64, epoch: i32, metadata: &str| FetchedOffset {
        partition: PartitionIndex(0),
        offset: Offset(offset),
        leader_epoch: LeaderEpoch(epoch),
        metadata: metadata.into(),
    };
    let check = |desk: &mut Desk, topic_id: Option<u8>, expected: FetchedOffset| {
        let mut request = fetch("simple", "t");
        match topic_id {
            Some(byte) => request.topics.as_mut().unwrap()[0].topic_id = TopicId([byte; 16]),
            None => request.topics = None,
        }
        let token = desk.fetch(request);
        let Response::OffsetFetch(fetched) = desk.reply(token) else {
            panic!("not of OffsetFetch");
        };
        assert_eq!(fetched.error, ErrorCode::None);
        assert_eq!(fetched.topics[0].partitions, [expected]);
    };
    check(&mut desk, None, expected(5, 3, "kept"));
    check(&mut desk, Some(0), expected(5, 3, "kept"));
    check(&mut desk, Some(7), expected(5, 3, "kept"));
    check(&mut desk, Some(8), expected(-1, -1, ""));
}

#[test]
fn an_unknown_group_has_no_offsets_and_no_error() {
    let mut desk = Desk::new();
    let mut all = fetch("nothing", "t");
    all.topics = None;
    let token = desk.fetch(all);
    let expected = OffsetFetchResponse {
        group_id: "nothing".into(),
        error: ErrorCode::None,
        topics: Vec::new(),
    };
    assert_eq!(*desk.reply(token), Response::OffsetFetch(expected));
    assert_eq!(desk.offset("nothing", "t"), -1);
}

fn delete(desk: &mut Desk, group: &str, topic: &str) -> (ErrorCode, Option<ErrorCode>) {
    let request = OffsetDelete {
        group_id: group.into(),
        topics: vec![(topic.into(), vec![PartitionIndex(0)])],
    };
    let token = desk.ask(|c, now, token, out| c.delete_offsets(now, request, token, out));
    match desk.reply(token) {
        Response::OffsetDelete(deleted) => {
            let first = deleted
                .topics
                .first()
                .map(|(_, partitions)| partitions[0].1);
            (deleted.error, first)
        }
        other => panic!("not of OffsetDelete: {other:?}"),
    }
}

#[test]
fn offsets_of_topics_in_use_are_not_deleted() {
    let mut desk = Desk::new();
    let metadata = consumer("used");
    let ids = desk.stable(1, &[("range", &metadata)]);
    for topic in ["used", "unused"] {
        desk.commit(commit("g", &ids[0], 1, topic, 5));
    }
    let none = ErrorCode::None;
    assert_eq!(
        delete(&mut desk, "", "t"),
        (ErrorCode::InvalidGroupId, None)
    );
    assert_eq!(
        delete(&mut desk, "nothing", "t"),
        (ErrorCode::GroupIdNotFound, None)
    );
    let used = (none, Some(ErrorCode::GroupSubscribedToTopic));
    assert_eq!(delete(&mut desk, "g", "used"), used);
    assert_eq!(delete(&mut desk, "g", "unused"), (none, Some(none)));
    assert_eq!(delete(&mut desk, "g", "never"), (none, Some(none)));
    let mut desk = desk.restarted(GroupConfig::default());
    assert_eq!(
        (desk.offset("g", "used"), desk.offset("g", "unused")),
        (5, -1)
    );
    desk.leave(&[(&ids[0], None)]);
    assert_eq!(delete(&mut desk, "g", "used"), (none, Some(none)));
    assert_eq!(desk.offset("g", "used"), -1);
}

#[test]
fn offsets_of_members_that_are_no_consumers_are_not_deleted() {
    let mut desk = Desk::new();
    let mut request = join("", &[("default", b"")]);
    (request.protocol_type, request.api_version) = ("connect".into(), 3);
    desk.join(request);
    assert_eq!(
        delete(&mut desk, "g", "t"),
        (ErrorCode::NonEmptyGroup, None)
    );
}

#[test]
fn consumers_that_cannot_be_understood_may_use_any_topic() {
    let mut desk = Desk::new();
    desk.stable(1, &[("range", b"?")]);
    let used = (ErrorCode::None, Some(ErrorCode::GroupSubscribedToTopic));
    assert_eq!(delete(&mut desk, "g", "t"), used);
}

#[test]
fn the_offsets_of_deleted_topics_go() {
    let mut desk = Desk::new();
    let mut with_id = |topic: &str, id: u8| {
        let mut request = commit("simple", "", -1, topic, 5);
        request.topics[0].topic_id = TopicId([id; 16]);
        desk.commit(request);
    };
    with_id("gone", 1);
    with_id("unnamed", 0);
    with_id("anew", 2);
    with_id("other", 4);
    let gone = [("gone", 1), ("unnamed", 9), ("anew", 3)].map(|(name, id)| DeletedTopic {
        name: name.into(),
        topic_id: TopicId([id; 16]),
    });
    desk.is_prompt = false;
    desk.commit(commit("simple", "", -1, "unnamed", 6));
    desk.run(|c, now, out| c.on_topics_deleted(now, &gone, out));
    desk.land();
    let mut restarted = desk.restarted(GroupConfig::default());
    for desk in [&mut desk, &mut restarted] {
        let offsets = ["gone", "unnamed", "anew", "other"].map(|t| desk.offset("simple", t));
        assert_eq!(offsets, [-1, -1, 5, 5]);
    }
}

#[test]
fn simple_offsets_expire_after_their_commit() {
    let mut desk = Desk::new();
    desk.commit(commit("simple", "", -1, "old", 5));
    desk.wait(DAY_MS);
    desk.commit(commit("simple", "", -1, "new", 5));
    desk.wait(6 * DAY_MS + 600_000);
    assert_eq!(
        (desk.offset("simple", "old"), desk.offset("simple", "new")),
        (-1, 5)
    );
    desk.wait(DAY_MS);
    assert_eq!(desk.offset("simple", "new"), -1);
    assert!(
        desk.coordinator
            .list_groups(&ListFilter::new(&[], &[]))
            .is_empty()
    );
    let restarted = desk.restarted(GroupConfig::default());
    assert!(
        restarted
            .coordinator
            .list_groups(&ListFilter::new(&[], &[]))
            .is_empty()
    );
}

#[test]
fn the_offsets_of_a_group_expire_after_its_last_member_has_left() {
    let mut desk = Desk::new();
    let metadata = consumer("used");
    let ids = desk.stable(1, &[("range", &metadata)]);
    for topic in ["used", "unused"] {
        desk.commit(commit("g", &ids[0], 1, topic, 5));
    }
    let half_sessions = 8 * DAY_MS / (SESSION_MS as u64 / 2);
    for _ in 0..half_sessions {
        desk.wait(SESSION_MS as u64 / 2);
        desk.heartbeat(&ids[0], 1);
    }
    // A stable group keeps what it consumes.
    assert_eq!(
        (desk.offset("g", "used"), desk.offset("g", "unused")),
        (5, -1)
    );
    desk.leave(&[(&ids[0], None)]);
    desk.wait(7 * DAY_MS - 600_000);
    assert_eq!(desk.offset("g", "used"), 5);
    desk.wait(1_200_000);
    assert_eq!(desk.offset("g", "used"), -1);
    assert_eq!(desk.state(), "Dead");
}

#[test]
fn a_commit_may_bring_its_own_retention() {
    let mut desk = Desk::new();
    let mut request = commit("simple", "", -1, "t", 5);
    request.retention_time_ms = 3_600_000;
    request.topics[0].partitions[0].leader_epoch = LeaderEpoch(3);
    desk.commit(request);
    let mut desk = desk.restarted(GroupConfig::default());
    assert_eq!(desk.offset("simple", "t"), 5);
    desk.wait(3_600_000 + 600_000);
    assert_eq!(desk.offset("simple", "t"), -1);
}

#[test]
fn a_commit_in_flight_keeps_its_group() {
    let mut desk = Desk::new();
    desk.commit(commit("simple", "", -1, "t", 5));
    desk.is_prompt = false;
    desk.now.wall.0 += 8 * DAY_MS as i64;
    desk.commit(commit("simple", "", -1, "t", 6));
    desk.wait(600_000);
    desk.land();
    assert_eq!(desk.offset("simple", "t"), 6);
    assert_eq!(
        desk.coordinator
            .list_groups(&ListFilter::new(&[], &[]))
            .len(),
        1
    );
}
