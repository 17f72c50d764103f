//! FindCoordinator, and the wait for coordinators that other scenarios begin with.

use ringlog::protocol::messages::{
    FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatResponse,
};
use ringlog::protocol::{ApiKey, ErrorCode};

use super::group_membership::heartbeat;
use crate::client::request;
use crate::pair::Pair;

/// Kinds of coordinator.
const GROUP: i8 = 0;
const SHARE: i8 = 2;

pub fn run(pair: &mut Pair) {
    settle_coordinators(pair);
    let cases: &[(&str, i8, &[&str])] = &[
        ("a group", GROUP, &["some-group"]),
        ("no name", GROUP, &[""]),
        ("no such kind", 9, &["x"]),
        ("a negative kind", -1, &["x"]),
        ("a share partition", SHARE, &["g:AAAAAAAAAAAAAAAAAAAAAQ:0"]),
        ("a bad share partition", SHARE, &["nonsense"]),
        ("several groups", GROUP, &["a", "b", "c"]),
        ("a group twice", GROUP, &["a", "a"]),
        ("no groups", GROUP, &[]),
    ];
    for version in pair.versions(ApiKey::FindCoordinator) {
        for (what, kind, keys) in cases {
            let batched = version >= 4;
            // Share coordinators are of no interest here; version 6 would create their topic.
            let skipped = (!batched && keys.len() != 1)
                || (version == 0 && *kind != GROUP)
                || (*kind == SHARE && version >= 6);
            let asked = FindCoordinatorRequest {
                key: if batched {
                    ""
                } else {
                    keys.first().unwrap_or(&"")
                },
                key_type: *kind,
                coordinator_keys: if batched { keys.to_vec() } else { Vec::new() },
            };
            if !skipped {
                pair.ask(what, |_| request(version, &asked));
            }
        }
    }
}

/// Makes the coordinators work: their topic is created when the first is looked for.
pub fn settle_coordinators(pair: &mut Pair) {
    let groups: Vec<String> = (0..16).map(|n| format!("settle-{n}")).collect();
    for group in &groups {
        let find = FindCoordinatorRequest {
            key: group,
            ..FindCoordinatorRequest::default()
        };
        pair.until(
            "find the coordinator",
            |_| request(3, &find),
            |answer| {
                let answer: FindCoordinatorResponse<'_> = answer.decode();
                answer.error_code == 0
            },
        );
        pair.until(
            "reach the coordinator",
            |_| heartbeat(3, group, 1, "nobody", None),
            |answer| {
                let answer: HeartbeatResponse = answer.decode();
                answer.error_code == ErrorCode::UnknownMemberId.code()
            },
        );
    }
}
