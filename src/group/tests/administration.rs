use super::*;

const A: &[(&str, &[u8])] = &[("range", b"a")];

fn delete(desk: &mut Desk, groups: &[&str]) -> ReplyToken {
    let groups = groups.iter().map(|group| (*group).into()).collect();
    desk.ask(|c, now, token, out| c.delete_groups(now, groups, token, out))
}

fn deleted(desk: &Desk, token: ReplyToken) -> Vec<ErrorCode> {
    match desk.reply(token) {
        Response::DeleteGroups(groups) => groups.iter().map(|(_, error)| *error).collect(),
        other => panic!("not of DeleteGroups: {other:?}"),
    }
}

#[test]
fn an_unknown_group_is_dead_and_later_an_error() {
    let desk = Desk::new();
    let check = |version, error, message: Option<&str>| {
        let described = desk.coordinator.describe_group("g", version);
        assert_eq!(described.state, "Dead");
        assert_eq!(described.error, error);
        assert_eq!(described.error_message.as_deref(), message);
    };
    check(5, ErrorCode::None, None);
    check(6, ErrorCode::GroupIdNotFound, Some("Group g not found."));
}

#[test]
fn a_group_is_described_in_full_when_stable() {
    let mut desk = Desk::new();
    let ids = desk.stable(2, A);
    let described = desk.coordinator.describe_group("g", 6);
    assert_eq!(described.error, ErrorCode::None);
    assert_eq!(
        (described.state, &*described.protocol_type),
        ("Stable", "consumer")
    );
    assert_eq!(&*described.protocol_data, "range");
    let leader = described
        .members
        .iter()
        .find(|m| *m.member_id == *ids[0])
        .unwrap();
    assert_eq!(&*leader.client_id, "client");
    assert_eq!(&*leader.client_host, "/127.0.0.1");
    assert_eq!(leader.metadata, "a");
    assert_eq!(leader.assignment, Bytes::from_static(&[0]));

    desk.join(join(&ids[0], A));
    let described = desk.coordinator.describe_group("g", 6);
    assert_eq!(described.state, "PreparingRebalance");
    assert_eq!(&*described.protocol_data, "");
    assert_eq!(described.members[0].metadata, "");
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let mut desk = Desk::new();
    desk.stable(1, A);
    desk.commit(commit("simple", "", -1, "t", 1));
    let check = |states: &[&str], types: &[&str], expected: &[&str]| {
        let listed = desk
            .coordinator
            .list_groups(&ListFilter::new(states, types));
        let ids: Vec<_> = listed.iter().map(|group| &*group.group_id).collect();
        assert_eq!(ids, expected, "{states:?} {types:?}");
    };
    check(&[], &[], &["g", "simple"]);
    check(&["Stable"], &[], &["g"]);
    check(&[" stable ", "EMPTY"], &["Classic"], &["g", "simple"]);
    check(&["Dead"], &[], &[]);
    check(&["nonsense"], &[], &[]);
    check(&[], &["consumer"], &[]);
    check(&[], &["consumer", "classic"], &["g", "simple"]);
    check(&[], &["nonsense"], &[]);
    let listed = desk
        .coordinator
        .list_groups(&ListFilter::new(&["stable"], &[]))
        .remove(0);
    assert_eq!(
        (&*listed.protocol_type, listed.state),
        ("consumer", "Stable")
    );
    assert_eq!(listed.group_type, "classic");
}

#[test]
fn only_empty_groups_are_deleted() {
    let mut desk = Desk::new();
    desk.stable(1, A);
    desk.commit(commit("simple", "", -1, "t", 1));
    desk.is_prompt = false;
    // A commit that is still being written goes too.
    let commit_2 = desk.commit(commit("simple", "", -1, "u", 2));
    let token = delete(&mut desk, &["g", "simple", "nothing", "simple"]);
    assert!(!desk.has_reply(token));
    desk.land();
    let expected = [
        ErrorCode::NonEmptyGroup,
        ErrorCode::None,
        ErrorCode::GroupIdNotFound,
    ];
    assert_eq!(deleted(&desk, token), expected);
    assert_eq!(desk.committed(commit_2), ErrorCode::None);
    let mut restarted = desk.restarted(GroupConfig::default());
    for desk in [&mut desk, &mut restarted] {
        assert_eq!(
            (desk.offset("simple", "t"), desk.offset("simple", "u")),
            (-1, -1)
        );
        let listed = desk.coordinator.list_groups(&ListFilter::new(&[], &[]));
        assert_eq!(listed.len(), 1);
    }
}

#[test]
fn a_deletion_that_cannot_be_written_is_taken_back() {
    let mut desk = Desk::new();
    desk.commit(commit("simple", "", -1, "t", 1));
    desk.is_prompt = false;
    let token = delete(&mut desk, &["simple"]);
    desk.fail(ErrorCode::NotLeaderOrFollower);
    assert_eq!(deleted(&desk, token), [ErrorCode::NotCoordinator]);
    assert_eq!(desk.offset("simple", "t"), 1);
    assert_eq!(
        desk.coordinator
            .list_groups(&ListFilter::new(&[], &[]))
            .len(),
        1
    );
}

#[test]
fn whoever_joins_a_group_that_is_being_deleted_joins_a_new_one() {
    let mut desk = Desk::new();
    desk.commit(commit("g", "", -1, "t", 1));
    desk.is_prompt = false;
    delete(&mut desk, &["g"]);
    let (_, token) = desk.enter(A);
    desk.land();
    desk.is_prompt = true;
    desk.wait(DELAY_MS);
    assert_eq!(desk.joined(token).generation_id, GenerationId(1));
    assert_eq!(desk.offset("g", "t"), -1);
}
