use super::*;

const A: &[(&str, &[u8])] = &[("range", b"a")];

fn join_static(member: &str, instance: &str, protocols: &[(&str, &[u8])]) -> JoinGroup {
    let mut request = join(member, protocols);
    request.group_instance_id = Some(instance.into());
    request
}

/// A stable group of the static members "i0", "i1", ...; their ids, the leader's index.
fn stable(desk: &mut Desk, members: usize) -> (Vec<String>, usize) {
    let instances = 0..members;
    let tokens = instances.map(|i| desk.join(join_static("", &format!("i{i}"), A)));
    let tokens: Vec<_> = tokens.collect();
    desk.wait(JOINING_MS);
    let ids = tokens
        .iter()
        .map(|token| desk.joined(*token).member_id.to_string());
    let ids: Vec<_> = ids.collect();
    let leader = &desk.joined(tokens[0]).leader;
    let leader = ids.iter().position(|id| **id == **leader).unwrap();
    let mut request = sync(&ids[leader], 1);
    request.assignments = ids
        .iter()
        .map(|id| (id.clone(), id.clone().into()))
        .collect();
    desk.sync(request);
    for id in &ids {
        desk.sync(sync(id, 1));
    }
    assert_eq!(desk.state(), "Stable");
    (ids, leader)
}

#[test]
fn a_static_member_needs_no_second_join() {
    let mut desk = Desk::new();
    let (ids, _) = stable(&mut desk, 1);
    assert!(ids[0].starts_with("i0-"));
}

#[test]
fn a_follower_comes_back_without_a_rebalance() {
    let mut desk = Desk::new();
    let (ids, leader) = stable(&mut desk, 2);
    let who = 1 - leader;
    desk.is_prompt = false;
    let token = desk.join(join_static("", &format!("i{who}"), A));
    assert!(!desk.has_reply(token), "the new id must be durable first");
    desk.land();
    let joined = desk.joined(token).clone();
    assert_eq!(joined.error, ErrorCode::None);
    assert_eq!(joined.generation_id, GenerationId(1));
    assert!(!joined.skip_assignment);
    assert_eq!(*joined.leader, *ids[leader]);
    assert_eq!(desk.state(), "Stable");
    assert_ne!(*joined.member_id, *ids[who]);
    let token = desk.sync(sync(&joined.member_id, 1));
    assert_eq!(desk.synced(token).assignment, ids[who].as_bytes());

    // The old self is fenced, the more so if it names the instance.
    assert_eq!(desk.heartbeat(&ids[who], 1), ErrorCode::UnknownMemberId);
    let mut request = sync(&ids[who], 1);
    request.group_instance_id = Some(format!("i{who}"));
    let token = desk.sync(request);
    assert_eq!(desk.synced(token).error, ErrorCode::FencedInstanceId);
    let token = desk.join(join_static(&ids[who], &format!("i{who}"), A));
    assert_eq!(desk.joined(token).error, ErrorCode::FencedInstanceId);
    let mut request = commit("g", &ids[who], 1, "t", 0);
    request.group_instance_id = Some(format!("i{who}"));
    let token = desk.commit(request);
    assert_eq!(desk.committed(token), ErrorCode::FencedInstanceId);
    let token = desk.leave(&[(&ids[who], Some(&format!("i{who}")))]);
    assert_eq!(desk.left(token).1, [ErrorCode::FencedInstanceId]);
    // And the log knows the new one.
    let mut desk = desk.restarted(GroupConfig::default());
    assert_eq!(desk.heartbeat(&joined.member_id, 1), ErrorCode::None);
}

#[test]
fn a_leader_comes_back_and_skips_the_assignment() {
    for (api_version, may_skip) in [(9, true), (8, false)] {
        let mut desk = Desk::new();
        let (ids, leader) = stable(&mut desk, 2);
        let mut request = join_static("", &format!("i{leader}"), A);
        request.api_version = api_version;
        let token = desk.join(request);
        let joined = desk.joined(token).clone();
        assert_eq!(joined.skip_assignment, may_skip);
        assert_eq!(joined.members.len(), if may_skip { 2 } else { 0 });
        let told = if may_skip {
            &*joined.member_id
        } else {
            &*ids[leader]
        };
        assert_eq!(&*joined.leader, told);
        let token = desk.sync(sync(&joined.member_id, 1));
        assert_eq!(desk.synced(token).assignment, ids[leader].as_bytes());
        // It is the leader all the same: joining again, it forces a rebalance.
        let token = desk.join(join_static(&joined.member_id, &format!("i{leader}"), A));
        assert!(!desk.has_reply(token));
    }
}

#[test]
fn a_new_id_that_cannot_be_written_is_taken_back() {
    let mut desk = Desk::new();
    let (ids, leader) = stable(&mut desk, 2);
    desk.is_prompt = false;
    let token = desk.join(join_static("", &format!("i{leader}"), &[("range", b"new")]));
    desk.fail(ErrorCode::RequestTimedOut);
    let joined = desk.joined(token);
    assert_eq!(joined.error, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(&*joined.member_id, "");
    assert_eq!(*joined.leader, *ids[leader]);
    assert_eq!(desk.heartbeat(&ids[leader], 1), ErrorCode::None);
    assert_eq!(desk.state(), "Stable");
}

#[test]
fn another_protocol_calls_for_a_rebalance() {
    let mut desk = Desk::new();
    let both: &[(&str, &[u8])] = &[("a", b""), ("b", b"")];
    let token = desk.join(join_static("", "i0", both));
    desk.wait(DELAY_MS);
    let id = desk.joined(token).member_id.to_string();
    assert_eq!(desk.joined(token).protocol_name.as_deref(), Some("a"));
    desk.sync(sync(&id, 1));
    let token = desk.join(join_static("", "i0", &[("b", b"")]));
    assert_eq!(desk.joined(token).generation_id, GenerationId(2));
    assert_eq!(desk.joined(token).protocol_name.as_deref(), Some("b"));
}

#[test]
fn coming_back_during_a_rebalance_fences_the_former_self() {
    let mut desk = Desk::new();
    let (ids, leader) = stable(&mut desk, 2);
    let parked = desk.join(join_static(&ids[leader], &format!("i{leader}"), A));
    let token = desk.join(join_static("", &format!("i{leader}"), A));
    assert_eq!(desk.joined(parked).error, ErrorCode::FencedInstanceId);
    let other = 1 - leader;
    desk.join(join_static(&ids[other], &format!("i{other}"), A));
    assert_eq!(desk.joined(token).generation_id, GenerationId(2));
    // Between joining and the assignment it begins anew.
    let new_id = desk.joined(token).member_id.to_string();
    let parked = desk.sync(sync(&ids[other], 2));
    desk.join(join_static("", &format!("i{leader}"), A));
    assert_eq!(desk.synced(parked).error, ErrorCode::RebalanceInProgress);
    assert_eq!(desk.heartbeat(&new_id, 2), ErrorCode::UnknownMemberId);
    assert_eq!(desk.state(), "PreparingRebalance");
}

#[test]
fn an_absent_static_member_stays_until_its_session_ends() {
    let mut desk = Desk::with(GroupConfig::default());
    let mut patient = join_static("", "i0", A);
    patient.session_timeout_ms = 60_000;
    desk.join(patient);
    let (dynamic, token) = desk.enter(A);
    desk.wait(JOINING_MS);
    let generation = desk.joined(token).generation_id.get();
    let leader = desk.joined(token).leader.to_string();
    desk.sync(sync(&leader, generation));
    desk.sync(sync(&dynamic, generation));
    let token = desk.join(join(&dynamic, &[("range", b"new")]));
    desk.wait(REBALANCE_MS as u64);
    // The rebalance timeout is over: the dynamic member leads, the static one is still counted.
    assert_eq!(*desk.joined(token).leader, *dynamic);
    assert_eq!(desk.joined(token).members.len(), 2);
}

#[test]
fn an_operator_removes_a_static_member_by_its_instance() {
    let mut desk = Desk::new();
    let (ids, _) = stable(&mut desk, 2);
    let token = desk.leave(&[("", Some("i0")), ("", Some("i7"))]);
    let expected = vec![ErrorCode::None, ErrorCode::UnknownMemberId];
    assert_eq!(desk.left(token), (ErrorCode::None, expected));
    assert_eq!(desk.heartbeat(&ids[0], 1), ErrorCode::UnknownMemberId);
    assert_eq!(desk.heartbeat(&ids[1], 1), ErrorCode::RebalanceInProgress);
}

#[test]
fn a_static_member_expires_exactly_with_its_session() {
    let mut desk = Desk::new();
    let (ids, _) = stable(&mut desk, 1);
    desk.wait(SESSION_MS as u64 - 1);
    assert_eq!(desk.state(), "Stable");
    desk.wait(1);
    assert_eq!(desk.state(), "Empty");
    let token = desk.join(join_static(&ids[0], "i0", A));
    // An empty group takes any protocol, but knows nobody.
    assert_eq!(desk.joined(token).error, ErrorCode::UnknownMemberId);
}
