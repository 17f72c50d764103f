use super::*;

const A: &[(&str, &[u8])] = &[("range", b"a")];

#[test]
fn a_join_is_refused_in_the_order_of_the_checks() {
    let check = |change: fn(&mut JoinGroup), expected: ErrorCode| {
        let mut desk = Desk::new();
        desk.stable(1, A);
        let mut request = join("", A);
        change(&mut request);
        let token = desk.join(request);
        assert_eq!(desk.joined(token).error, expected);
        assert_eq!(desk.joined(token).generation_id, GenerationId(-1));
    };
    check(
        |r| (r.group_id, r.session_timeout_ms) = (String::new(), 0),
        ErrorCode::InvalidGroupId,
    );
    check(
        |r| r.session_timeout_ms = 5_999,
        ErrorCode::InvalidSessionTimeout,
    );
    check(
        |r| r.session_timeout_ms = 1_800_001,
        ErrorCode::InvalidSessionTimeout,
    );
    check(
        |r| (r.group_id, r.member_id) = ("new".into(), "m".into()),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| r.protocol_type = "connect".into(),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(
        |r| r.protocols[0].name = "other".into(),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(
        |r| r.protocols.clear(),
        ErrorCode::InconsistentGroupProtocol,
    );
    check(
        |r| r.member_id = "stranger".into(),
        ErrorCode::UnknownMemberId,
    );
    check(
        |r| (r.member_id, r.group_instance_id) = ("m".into(), Some("i".into())),
        ErrorCode::UnknownMemberId,
    );
    check(|_| {}, ErrorCode::MemberIdRequired);
}

#[test]
fn a_member_is_told_its_id_first_except_by_old_versions() {
    let mut desk = Desk::new();
    let token = desk.join(join("", A));
    let id = "client-01010101-0101-0101-0101-010101010101";
    assert_eq!(desk.joined(token).error, ErrorCode::MemberIdRequired);
    assert_eq!(&*desk.joined(token).member_id, id);
    assert_eq!(desk.state(), "Empty");
    let token = desk.join(join(id, A));
    assert_eq!(desk.state(), "PreparingRebalance");
    desk.wait(DELAY_MS);
    let joined = desk.joined(token);
    assert_eq!(joined.error, ErrorCode::None);
    assert_eq!(joined.generation_id, GenerationId(1));
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(joined.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(&*joined.leader, id);
    assert_eq!(joined.members.len(), 1);

    let mut desk = Desk::new();
    let mut old = join("", A);
    old.api_version = 3;
    let token = desk.join(old);
    desk.wait(DELAY_MS);
    assert_eq!(&*desk.joined(token).member_id, id);
    assert_eq!(desk.joined(token).error, ErrorCode::None);
}

#[test]
fn a_promised_id_lapses_with_the_session() {
    let mut desk = Desk::new();
    let token = desk.join(join("", A));
    let id = desk.joined(token).member_id.to_string();
    desk.wait(SESSION_MS as u64 - 1);
    let mut with_instance = join(&id, A);
    with_instance.group_instance_id = Some("i".into());
    let token = desk.join(with_instance);
    assert_eq!(desk.joined(token).error, ErrorCode::UnknownServerError);
    desk.wait(1);
    let token = desk.join(join(&id, A));
    assert_eq!(desk.joined(token).error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_promised_id_holds_up_the_rebalance_until_it_lapses() {
    let mut desk = Desk::new();
    let leader = desk.stable(1, A).remove(0);
    desk.join(join("", A));
    let token = desk.join(join(&leader, A));
    assert!(!desk.has_reply(token));
    desk.wait(SESSION_MS as u64);
    assert_eq!(desk.joined(token).error, ErrorCode::None);
}

#[test]
fn a_new_group_waits_for_members_as_long_as_they_come() {
    let mut desk = Desk::new();
    let (_, first) = desk.enter(A);
    desk.wait(DELAY_MS - 1);
    let (_, second) = desk.enter(A);
    desk.wait(1);
    assert!(!desk.has_reply(first));
    desk.wait(DELAY_MS);
    assert!(desk.has_reply(first) && desk.has_reply(second));

    // But not beyond the rebalance timeout.
    let mut desk = Desk::new();
    let (_, first) = desk.enter(A);
    for _ in 0..REBALANCE_MS as u64 / 1_000 - 1 {
        desk.wait(1_000);
        desk.enter(A);
    }
    assert!(!desk.has_reply(first));
    desk.wait(1_000);
    assert_eq!(desk.joined(first).members.len(), 30);
}

#[test]
fn a_group_has_no_more_members_than_it_may() {
    let config = GroupConfig {
        members_max: 2,
        ..GroupConfig::default()
    };
    let mut desk = Desk::with(config.clone());
    let ids = desk.stable(2, A);
    let token = desk.join(join("", A));
    assert_eq!(desk.joined(token).error, ErrorCode::GroupMaxSizeReached);
    assert_eq!(&*desk.joined(token).member_id, "");
    // A rebalance lets in whoever comes first.
    let first = desk.join(join(&ids[0], A));
    let (_, newcomer) = desk.enter(A);
    let last = desk.join(join(&ids[1], A));
    assert_eq!(desk.joined(last).error, ErrorCode::GroupMaxSizeReached);
    desk.wait(REBALANCE_MS as u64);
    assert_eq!(desk.joined(first).error, ErrorCode::None);
    assert_eq!(desk.joined(newcomer).error, ErrorCode::None);

    // A group that was larger is called to rebalance when it is loaded.
    let mut desk = Desk::new();
    desk.stable(3, A);
    assert_eq!(desk.restarted(config).state(), "PreparingRebalance");
}

#[test]
fn most_members_choose_the_protocol_among_those_that_all_know() {
    let mut desk = Desk::new();
    let (_, token) = desk.enter(&[("only", b""), ("x", b""), ("y", b"")]);
    desk.enter(&[("y", b""), ("x", b"")]);
    desk.enter(&[("y", b""), ("x", b""), ("y", b"again")]);
    desk.wait(JOINING_MS);
    assert_eq!(desk.joined(token).protocol_name.as_deref(), Some("y"));
}

#[test]
fn a_member_of_this_generation_may_ask_again() {
    let mut desk = Desk::new();
    let (first, token) = desk.enter(A);
    let (second, _) = desk.enter(A);
    desk.wait(JOINING_MS);
    let leader = desk.joined(token).leader.to_string();
    let follower = if leader == first { &second } else { &first };
    // Waiting for the assignment: the same metadata is answered at once.
    let token = desk.join(join(&leader, A));
    assert_eq!(desk.joined(token).members.len(), 2);
    let token = desk.join(join(follower, A));
    assert_eq!(desk.joined(token).members.len(), 0);
    assert_eq!(desk.state(), "CompletingRebalance");
    // Other metadata calls for a rebalance.
    let parked = desk.sync(sync(&leader, 1));
    desk.is_prompt = true;
    let token = desk.join(join(follower, &[("range", b"other")]));
    assert!(!desk.has_reply(token));
    assert_eq!(desk.state(), "PreparingRebalance");
    assert!(desk.has_reply(parked));
}

#[test]
fn in_a_stable_group_the_leader_forces_a_rebalance_and_a_follower_does_not() {
    let mut desk = Desk::new();
    let ids = desk.stable(2, A);
    let token = desk.join(join(&ids[1], A));
    assert_eq!(desk.joined(token).generation_id, GenerationId(1));
    assert_eq!(desk.state(), "Stable");
    let token = desk.join(join(&ids[0], A));
    assert!(!desk.has_reply(token));
    assert_eq!(desk.heartbeat(&ids[1], 1), ErrorCode::RebalanceInProgress);
    let again = desk.join(join(&ids[0], A));
    assert_eq!(desk.joined(token).error, ErrorCode::RebalanceInProgress);
    desk.join(join(&ids[1], A));
    assert_eq!(desk.joined(again).generation_id, GenerationId(2));
}

#[test]
fn if_the_group_cannot_be_written_it_is_not_there() {
    let mut desk = Desk::new();
    desk.is_prompt = false;
    let mut old = join("", A);
    old.api_version = 3;
    let token = desk.join(old.clone());
    let another = desk.join(old);
    desk.fail(ErrorCode::NotEnoughReplicas);
    for token in [token, another] {
        assert_eq!(desk.joined(token).error, ErrorCode::CoordinatorNotAvailable);
    }
    assert_eq!(desk.state(), "Dead");
    assert!(desk.log.is_empty());
}
