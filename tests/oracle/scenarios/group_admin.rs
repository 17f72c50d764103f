//! ListGroups, DescribeGroups and DeleteGroups.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest};

use super::find_coordinator::settle_coordinators;
use super::group_membership::{Join, new_member, sync};
use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    settle_coordinators(pair);
    stable_group(pair, "ga-stable");
    new_member(pair, 9, "ga-joined", "joined");
    let connect = Join {
        protocol_type: "connect",
        ..Join::new("ga-connect")
    };
    pair.ask("a group of another type", |_| connect.request(3));
    list(pair);
    describe(pair);
    delete(pair);
}

fn stable_group(pair: &mut Pair, group: &str) {
    new_member(pair, 9, group, "member");
    pair.ask("the sync", |side| {
        let member = side.text("member");
        sync(5, group, 1, member, &[(member, b"all")])
    });
}

fn list(pair: &mut Pair) {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("all groups", &[], &[]),
        ("empty groups", &["Empty"], &[]),
        ("stable groups", &["Stable"], &[]),
        ("stable groups in small letters", &["stable"], &[]),
        (
            "stable and waiting groups",
            &["Stable", "CompletingRebalance"],
            &[],
        ),
        ("groups in no such state", &["bogus"], &[]),
        (
            "groups in a known and no such state",
            &["bogus", "Stable"],
            &[],
        ),
        ("dead groups", &["Dead"], &[]),
        ("classic groups", &[], &["classic"]),
        ("classic groups in capitals", &[], &["CLASSIC"]),
        ("consumer groups", &[], &["consumer"]),
        ("groups of no such type", &[], &["bogus"]),
        ("stable classic groups", &["Stable"], &["classic"]),
    ];
    for version in pair.versions(ApiKey::ListGroups) {
        for (what, states, types) in cases {
            if (version >= 4 || states.is_empty()) && (version >= 5 || types.is_empty()) {
                let asked = ListGroupsRequest {
                    states_filter: states.to_vec(),
                    types_filter: types.to_vec(),
                };
                pair.ask(what, |_| request(version, &asked));
            }
        }
    }
}

fn describe(pair: &mut Pair) {
    let cases: &[(&str, &[&str])] = &[
        ("a stable group", &["ga-stable"]),
        ("a group that waits for its leader", &["ga-joined"]),
        ("a group of another type", &["ga-connect"]),
        ("an unknown group", &["ga-unknown"]),
        ("no name", &[""]),
        ("several", &["ga-unknown", "ga-stable", "ga-connect"]),
        ("one twice", &["ga-stable", "ga-stable"]),
        ("nothing", &[]),
    ];
    for version in pair.versions(ApiKey::DescribeGroups) {
        for (what, groups) in cases {
            for operations in [false, true] {
                let asked = DescribeGroupsRequest {
                    groups: groups.to_vec(),
                    include_authorized_operations: operations && version >= 3,
                };
                pair.ask(what, |_| request(version, &asked));
            }
        }
    }
}

fn delete(pair: &mut Pair) {
    for version in pair.versions(ApiKey::DeleteGroups) {
        let groups = ["a", "b"].map(|letter| format!("ga-{version}-{letter}"));
        for group in &groups {
            new_member(pair, 9, group, "leaver");
            pair.ask("it leaves", |side| {
                super::group_membership::leave(5, group, &[(side.text("leaver"), None)])
            });
        }
        let [a, b] = groups.each_ref().map(String::as_str);
        let cases: &[(&str, &[&str])] = &[
            ("a group with members", &["ga-stable"]),
            ("an unknown group", &["ga-unknown"]),
            ("no name", &[""]),
            ("nothing", &[]),
            ("an empty group", &[a]),
            ("a deleted group", &[a]),
            ("all kinds", &["ga-stable", b, "ga-unknown"]),
        ];
        for (what, groups) in cases {
            pair.ask(what, |_| delete_request(version, groups));
        }
        pair.ask("what they are now", |_| {
            let asked = DescribeGroupsRequest {
                groups: vec![a, b],
                ..Default::default()
            };
            request(6, &asked)
        });
    }
}

fn delete_request(version: i16, groups: &[&str]) -> Request {
    request(
        version,
        &DeleteGroupsRequest {
            groups_names: groups.to_vec(),
        },
    )
}
