use super::*;

const A: &[(&str, &[u8])] = &[("range", b"a")];

fn assignments(ids: &[String]) -> Vec<(String, Bytes)> {
    let bytes = |id: &String| (id.clone(), Bytes::from(format!("for {id}")));
    ids.iter().map(bytes).collect()
}

/// Two members whose joining has ended; the leader first.
fn joined_pair(desk: &mut Desk) -> [String; 2] {
    let (first, token) = desk.enter(A);
    let (second, _) = desk.enter(A);
    desk.wait(JOINING_MS);
    match *desk.joined(token).leader == *first {
        true => [first, second],
        false => [second, first],
    }
}

#[test]
fn a_sync_is_refused_in_the_order_of_the_checks() {
    let check = |change: fn(&mut SyncGroup), expected: ErrorCode| {
        let mut desk = Desk::new();
        let ids = desk.stable(2, A);
        let mut request = sync(&ids[0], 1);
        change(&mut request);
        let token = desk.sync(request);
        assert_eq!(desk.synced(token).error, expected);
    };
    check(
        |r| (r.api_version, r.group_id) = (5, String::new()),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(|r| r.group_id.clear(), ErrorCode::InvalidGroupId);
    check(
        |r| r.group_id = "nothing".into(),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| r.member_id = "stranger".into(),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| r.generation_id = GenerationId(0),
        ErrorCode::IllegalGeneration,
    );
    check(
        |r| r.protocol_type = Some("connect".into()),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(
        |r| r.protocol_name = Some("sticky".into()),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(
        |r| {
            r.api_version = 5;
            r.protocol_type = Some("consumer".into());
            r.protocol_name = Some("range".into());
        },
        ErrorCode::None,
    );
}

#[test]
fn followers_wait_until_the_leaders_assignment_is_durable() {
    let mut desk = Desk::new();
    let [leader, follower] = joined_pair(&mut desk);
    let theirs = desk.sync(sync(&follower, 1));
    assert!(!desk.has_reply(theirs));
    desk.is_prompt = false;
    let mut request = sync(&leader, 1);
    request.assignments = assignments(std::slice::from_ref(&follower));
    let ours = desk.sync(request);
    assert!(!desk.has_reply(ours));
    assert_eq!(desk.state(), "CompletingRebalance");
    desk.land();
    assert_eq!(desk.state(), "Stable");
    assert_eq!(desk.synced(ours).assignment, "");
    assert_eq!(desk.synced(theirs).assignment, format!("for {follower}"));
    assert_eq!(desk.synced(theirs).protocol_name.as_deref(), Some("range"));
    let again = desk.sync(sync(&follower, 1));
    assert_eq!(desk.synced(again).assignment, format!("for {follower}"));
}

#[test]
fn an_assignment_that_cannot_be_written_sends_all_to_join_again() {
    let mut desk = Desk::new();
    let [leader, follower] = joined_pair(&mut desk);
    desk.is_prompt = false;
    let tokens = [desk.sync(sync(&follower, 1)), desk.sync(sync(&leader, 1))];
    desk.fail(ErrorCode::NotLeaderOrFollower);
    for token in tokens {
        assert_eq!(desk.synced(token).error, ErrorCode::NotCoordinator);
    }
    assert_eq!(desk.state(), "PreparingRebalance");
}

#[test]
fn an_assignment_of_a_generation_gone_by_is_dropped() {
    let mut desk = Desk::new();
    let [leader, follower] = joined_pair(&mut desk);
    desk.is_prompt = false;
    let mut request = sync(&leader, 1);
    request.assignments = assignments(std::slice::from_ref(&leader));
    let token = desk.sync(request.clone());
    // The leader asks again, over another connection: one record is enough.
    let again = desk.sync(request);
    assert_eq!(desk.synced(token).error, ErrorCode::RebalanceInProgress);
    assert_eq!(desk.in_flight.len(), 1);
    desk.join(join(&follower, &[("range", b"new")]));
    assert_eq!(desk.synced(again).error, ErrorCode::RebalanceInProgress);
    desk.land();
    assert_eq!(desk.state(), "PreparingRebalance");
    desk.join(join(&leader, A));
    assert_eq!(desk.state(), "CompletingRebalance");
}

#[test]
fn an_assignment_of_a_group_that_was_removed_is_dropped() {
    let mut desk = Desk::new();
    let enter = |desk: &mut Desk| {
        let (id, _) = desk.enter(A);
        desk.wait(JOINING_MS);
        assert_eq!(desk.state(), "CompletingRebalance");
        id
    };
    let id = enter(&mut desk);
    desk.is_prompt = false;
    desk.sync(sync(&id, 1));
    let stale = desk.in_flight.clone();
    desk.leave(&[(&id, None)]);
    desk.ask(|c, now, token, out| c.delete_groups(now, vec!["g".into()], token, out));
    let id = enter(&mut desk);
    // The new group is in generation 1 too, and has not stored its assignment.
    for (append_id, records) in stale {
        desk.in_flight.remove(&append_id);
        desk.log.extend(records);
        desk.run(|c, now, out| c.on_appended(now, append_id, Ok(()), out));
    }
    assert_eq!(desk.state(), "CompletingRebalance");
    assert_eq!(desk.heartbeat(&id, 1), ErrorCode::None);
}

#[test]
fn a_lapsed_promise_does_not_disturb_a_stable_group() {
    let mut desk = Desk::new();
    let ids = desk.stable(1, A);
    desk.join(join("", A));
    desk.wait(SESSION_MS as u64 / 2);
    desk.heartbeat(&ids[0], 1);
    desk.wait(SESSION_MS as u64 / 2);
    assert_eq!(desk.state(), "Stable");
    assert!(desk.coordinator.groups["g"].pending_joins.is_empty());
}

#[test]
fn members_that_do_not_sync_in_time_go() {
    let mut desk = Desk::new();
    let [leader, follower] = joined_pair(&mut desk);
    desk.sync(sync(&leader, 1));
    assert_eq!(desk.state(), "Stable");
    for _ in 0..REBALANCE_MS / 5_000 {
        desk.wait(5_000);
        for id in [&leader, &follower] {
            desk.heartbeat(id, 1);
        }
    }
    assert_eq!(desk.state(), "PreparingRebalance");
    assert_eq!(desk.heartbeat(&follower, 1), ErrorCode::UnknownMemberId);
    assert_eq!(desk.heartbeat(&leader, 1), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_heartbeat_is_refused_in_the_order_of_the_checks() {
    let mut desk = Desk::new();
    let ids = desk.stable(1, A);
    assert_eq!(desk.heartbeat("stranger", 0), ErrorCode::UnknownMemberId);
    assert_eq!(desk.heartbeat(&ids[0], 2), ErrorCode::IllegalGeneration);
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::None);
    let check = |desk: &mut Desk, group: &str, expected| {
        let request = Heartbeat {
            group_id: group.into(),
            generation_id: GenerationId(1),
            member_id: ids[0].clone(),
            group_instance_id: None,
        };
        let token = desk.ask(|c, now, token, out| c.heartbeat(now, request, token, out));
        assert_eq!(*desk.reply(token), Response::Heartbeat(expected));
    };
    check(&mut desk, "", ErrorCode::InvalidGroupId);
    check(&mut desk, "nothing", ErrorCode::UnknownMemberId);
}

#[test]
fn a_silent_member_goes_when_its_session_ends() {
    let mut desk = Desk::new();
    let ids = desk.stable(2, A);
    desk.wait(SESSION_MS as u64 - 1);
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::None);
    desk.wait(1);
    assert_eq!(desk.heartbeat(&ids[1], 1), ErrorCode::UnknownMemberId);
    assert_eq!(desk.state(), "PreparingRebalance");
    let token = desk.join(join(&ids[0], A));
    assert_eq!(desk.joined(token).generation_id, GenerationId(2));
    // The last one goes too: an empty generation.
    desk.wait(SESSION_MS as u64 + REBALANCE_MS as u64);
    assert_eq!(desk.state(), "Empty");
    let restarted = desk.restarted(GroupConfig::default());
    assert_eq!(restarted.state(), "Empty");
}

#[test]
fn commits_and_heartbeats_keep_the_session() {
    let mut desk = Desk::new();
    let ids = desk.stable(1, A);
    for _ in 0..10 {
        desk.wait(SESSION_MS as u64 / 2);
        let token = desk.commit(commit("g", &ids[0], 1, "t", 5));
        assert_eq!(desk.committed(token), ErrorCode::None);
    }
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::None);
}

#[test]
fn a_member_that_misses_the_rebalance_goes() {
    let mut desk = Desk::new();
    let ids = desk.stable(3, A);
    let first = desk.join(join(&ids[0], A));
    let second = desk.join(join(&ids[1], A));
    for _ in 0..REBALANCE_MS / 5_000 {
        assert!(!desk.has_reply(first));
        desk.heartbeat(&ids[2], 1);
        desk.wait(5_000);
    }
    assert_eq!(desk.joined(first).members.len(), 2);
    assert_eq!(desk.joined(second).generation_id, GenerationId(2));
    assert_eq!(desk.heartbeat(&ids[2], 1), ErrorCode::UnknownMemberId);
}

#[test]
fn a_leader_that_misses_the_rebalance_is_succeeded() {
    let mut desk = Desk::new();
    let ids = desk.stable(2, A);
    let token = desk.join(join(&ids[1], &[("range", b"new")]));
    assert!(!desk.has_reply(token));
    desk.wait(SESSION_MS as u64);
    assert_eq!(*desk.joined(token).leader, *ids[1]);
}

#[test]
fn members_leave_one_by_one_or_together() {
    let mut desk = Desk::new();
    let ids = desk.stable(3, A);
    let token = desk.leave(&[(&ids[0], None), ("stranger", None), ("", Some("nobody"))]);
    let unknown = ErrorCode::UnknownMemberId;
    let expected = (ErrorCode::None, vec![ErrorCode::None, unknown, unknown]);
    assert_eq!(desk.left(token), expected);
    assert_eq!(desk.state(), "PreparingRebalance");
    // Whoever waits to join and leaves is answered.
    let parked = desk.join(join(&ids[1], A));
    desk.is_prompt = false;
    let token = desk.leave(&[(&ids[1], None), (&ids[2], None)]);
    assert_eq!(desk.joined(parked).error, ErrorCode::UnknownMemberId);
    // The group is empty, and that must be durable first.
    assert!(!desk.has_reply(token));
    desk.land();
    assert_eq!(desk.left(token).0, ErrorCode::None);
    assert_eq!(desk.state(), "Empty");
    let token = desk.leave(&[(&ids[1], None)]);
    assert_eq!(desk.left(token), (ErrorCode::None, vec![unknown]));
}

#[test]
fn leaving_is_refused_without_a_group() {
    let mut desk = Desk::new();
    let token = desk.leave(&[("m", None)]);
    assert_eq!(
        desk.left(token),
        (ErrorCode::None, vec![ErrorCode::UnknownMemberId])
    );
    let request = LeaveGroup {
        group_id: String::new(),
        members: Vec::new(),
    };
    let token = desk.ask(|c, now, token, out| c.leave(now, request, token, out));
    assert_eq!(desk.left(token).0, ErrorCode::InvalidGroupId);
}

#[test]
fn leaving_while_the_assignment_is_awaited_answers_the_sync() {
    let mut desk = Desk::new();
    let [_, follower] = joined_pair(&mut desk);
    let parked = desk.sync(sync(&follower, 1));
    desk.leave(&[(&follower, None)]);
    assert_eq!(desk.synced(parked).error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_promised_member_may_leave() {
    let mut desk = Desk::new();
    let token = desk.join(join("", A));
    let id = desk.joined(token).member_id.to_string();
    let token = desk.leave(&[(&id, None)]);
    assert_eq!(desk.left(token), (ErrorCode::None, vec![ErrorCode::None]));
}

/// Three members rebalance cooperatively: a third joins, the leader takes a partition from the
/// second, who gives it up and joins again, upon which the third gets it.
#[test]
fn three_members_rebalance_cooperatively() {
    let cooperative = |owned: &'static [u8]| [("cooperative-sticky", owned)];
    let mut desk = Desk::new();
    let mut ids = desk.stable(2, &cooperative(b"none"));
    let (third, joined_3) = desk.enter(&cooperative(b"none"));
    for id in &ids {
        assert_eq!(desk.heartbeat(id, 1), ErrorCode::RebalanceInProgress);
        // They go on consuming and committing meanwhile.
        let token = desk.commit(commit("g", id, 1, "t", 7));
        assert_eq!(desk.committed(token), ErrorCode::None);
    }
    let joined_1 = desk.join(join(&ids[0], &cooperative(b"p0")));
    assert!(!desk.has_reply(joined_1));
    let joined_2 = desk.join(join(&ids[1], &cooperative(b"p1 p2")));
    ids.push(third);
    let leader = desk.joined(joined_1);
    assert_eq!(leader.generation_id, GenerationId(2));
    let owned: Vec<_> = leader.members.iter().map(|m| m.metadata.clone()).collect();
    assert_eq!(owned.len(), 3);
    assert!(owned.contains(&Bytes::from("p1 p2")));
    for token in [joined_2, joined_3] {
        assert!(desk.joined(token).members.is_empty());
    }
    let token = desk.commit(commit("g", &ids[1], 2, "t", 8));
    assert_eq!(desk.committed(token), ErrorCode::RebalanceInProgress);
    let mut request = sync(&ids[0], 2);
    request.assignments = vec![
        (ids[0].clone(), "p0".into()),
        (ids[1].clone(), "p1".into()),
        (ids[2].clone(), Bytes::new()),
    ];
    let synced_2 = desk.sync(sync(&ids[1], 2));
    desk.sync(request);
    let synced_3 = desk.sync(sync(&ids[2], 2));
    assert_eq!(desk.synced(synced_2).assignment, "p1");
    assert_eq!(desk.synced(synced_3).assignment, "");
    // The second has given up a partition: its metadata changed, so it joins again.
    let joined_2 = desk.join(join(&ids[1], &cooperative(b"p1")));
    assert!(!desk.has_reply(joined_2));
    desk.join(join(&ids[0], &cooperative(b"p0")));
    desk.join(join(&ids[2], &cooperative(b"none")));
    assert_eq!(desk.joined(joined_2).generation_id, GenerationId(3));
    let mut request = sync(&ids[0], 3);
    request.assignments = assignments(&ids);
    desk.sync(request);
    let synced_3 = desk.sync(sync(&ids[2], 3));
    assert_eq!(desk.synced(synced_3).assignment, format!("for {}", ids[2]));
}

#[test]
fn a_loaded_group_goes_on_where_it_was() {
    let mut desk = Desk::new();
    let ids = desk.stable(2, A);
    let mut desk = desk.restarted(GroupConfig::default());
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::None);
    let token = desk.sync(sync(&ids[1], 1));
    assert_eq!(desk.synced(token).assignment, Bytes::from_static(&[1]));
    desk.wait(SESSION_MS as u64);
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::UnknownMemberId);
}

#[test]
fn when_the_partition_moves_away_all_are_told() {
    let mut desk = Desk::new();
    let [_, follower] = joined_pair(&mut desk);
    let synced = desk.sync(sync(&follower, 1));
    desk.is_prompt = false;
    let committed = desk.commit(commit("simple", "", -1, "t", 1));
    let mut stable = fetch("simple", "t");
    stable.require_stable = true;
    let fetched = desk.fetch(stable);
    desk.run(|c, _, out| c.on_unloaded(out));
    assert_eq!(desk.synced(synced).error, ErrorCode::NotCoordinator);
    assert_eq!(desk.committed(committed), ErrorCode::NotCoordinator);
    assert!(desk.has_reply(fetched));
    assert_eq!(desk.coordinator.next_deadline(), None);
    desk.land();
}
