//! Classic groups of dynamic members: joining, syncing, heartbeats, leaving.

use ringlog::protocol::messages::join_group::JoinGroupRequestProtocol;
use ringlog::protocol::messages::leave_group::MemberIdentity;
use ringlog::protocol::messages::sync_group::SyncGroupRequestAssignment;
use ringlog::protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    SyncGroupRequest,
};
use ringlog::protocol::{ApiKey, ErrorCode};

use super::find_coordinator::settle_coordinators;
use crate::client::{Answer, Request, request};
use crate::pair::{Answers, Pair, Side};

/// A request to join a group, to be written in any version.
#[derive(Clone, Copy, Debug)]
pub struct Join<'a> {
    /// The group.
    pub group: &'a str,
    /// The member's id, empty at first.
    pub member: &'a str,
    /// The instance id of a static member.
    pub instance: Option<&'a str>,
    /// How long the member may be silent.
    pub session_ms: i32,
    /// Such as `consumer`.
    pub protocol_type: &'a str,
    /// Assignors, with what the member has to say to each.
    pub protocols: &'a [(&'a str, &'a [u8])],
}

impl<'a> Join<'a> {
    /// A new consumer with two assignors.
    pub fn new(group: &'a str) -> Join<'a> {
        Join {
            group,
            member: "",
            instance: None,
            session_ms: 30_000,
            protocol_type: "consumer",
            protocols: &[("range", b"r"), ("roundrobin", b"rr")],
        }
    }

    /// The request.
    pub fn request(self, version: i16) -> Request {
        let protocols = self
            .protocols
            .iter()
            .map(|(name, metadata)| JoinGroupRequestProtocol { name, metadata });
        request(
            version,
            &JoinGroupRequest {
                group_id: self.group,
                session_timeout_ms: self.session_ms,
                rebalance_timeout_ms: if version >= 1 { 60_000 } else { -1 },
                member_id: self.member,
                group_instance_id: self.instance,
                protocol_type: self.protocol_type,
                protocols: protocols.collect(),
                reason: None,
            },
        )
    }
}

/// The member id in an answer to JoinGroup.
pub fn member_id(answer: &Answer) -> String {
    let answer: JoinGroupResponse<'_> = answer.decode();
    answer.member_id.to_owned()
}

/// Joins as a new member: from version 4 on a broker first says which id to join with. Leaves the
/// last answer to be heard on `link`.
pub fn send_new_member(pair: &mut Pair, link: &'static str, version: i16, group: &str, note: &str) {
    if version >= 4 {
        let answers = pair.ask_on(link, "a new member", |_| Join::new(group).request(version));
        pair.remember(note, &answers, member_id);
    }
    pair.send_on(link, "a new member joins", |side| {
        let member = if version >= 4 { side.text(note) } else { "" };
        Join {
            member,
            ..Join::new(group)
        }
        .request(version)
    });
}

/// Joins as a new member that nobody has to be waited for.
pub fn new_member(pair: &mut Pair, version: i16, group: &str, note: &str) -> Answers {
    send_new_member(pair, "main", version, group, note);
    pair.hear_and_remember("main", note, member_id)
}

/// A request to sync.
pub fn sync(
    version: i16,
    group: &str,
    generation: i32,
    member: &str,
    shares: &[(&str, &[u8])],
) -> Request {
    let assignments = shares
        .iter()
        .map(|(member_id, assignment)| SyncGroupRequestAssignment {
            member_id,
            assignment,
        });
    request(
        version,
        &SyncGroupRequest {
            group_id: group,
            generation_id: generation,
            member_id: member,
            protocol_type: (version >= 5).then_some("consumer"),
            protocol_name: (version >= 5).then_some("range"),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        },
    )
}

/// A heartbeat.
pub fn heartbeat(
    version: i16,
    group: &str,
    generation: i32,
    member: &str,
    instance: Option<&str>,
) -> Request {
    request(
        version,
        &HeartbeatRequest {
            group_id: group,
            generation_id: generation,
            member_id: member,
            group_instance_id: instance,
        },
    )
}

pub fn run(pair: &mut Pair) {
    settle_coordinators(pair);
    // The four APIs go through their versions together.
    for version in pair.versions(ApiKey::JoinGroup) {
        let steps = Steps {
            join: version,
            sync: version.min(5),
            heartbeat: version.min(4),
            leave: version.min(5),
        };
        refused(pair, version);
        life(pair, steps);
    }
}

#[derive(Clone, Copy)]
struct Steps {
    join: i16,
    sync: i16,
    heartbeat: i16,
    leave: i16,
}

fn refused(pair: &mut Pair, version: i16) {
    let group = format!("refused-{version}");
    let good = Join::new(&group);
    let many: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let cases = [
        (
            "an unknown member",
            Join {
                member: "nobody",
                ..good
            },
        ),
        ("no group", Join { group: "", ..good }),
        (
            "a session too short",
            Join {
                session_ms: 5_999,
                ..good
            },
        ),
        (
            "a session too long",
            Join {
                session_ms: 1_800_001,
                ..good
            },
        ),
        (
            "a negative session",
            Join {
                session_ms: -1,
                ..good
            },
        ),
        (
            "no protocols",
            Join {
                protocols: &[],
                ..good
            },
        ),
        (
            "no protocol type",
            Join {
                protocol_type: "",
                ..good
            },
        ),
        (
            "an unknown member, no protocols",
            Join {
                member: "nobody",
                protocols: &[],
                ..good
            },
        ),
    ];
    for (what, join) in cases {
        pair.ask(what, |_| join.request(version));
    }
    let odd = format!("odd-{version}");
    let join = Join {
        group: &odd,
        protocol_type: "any thing",
        protocols: &many,
        ..good
    };
    pair.ask("any protocol type", |_| join.request(version));
}

fn life(pair: &mut Pair, v: Steps) {
    let group = format!("life-{}", v.join);
    let group = group.as_str();
    new_member(pair, v.join, group, "first");
    before_the_sync(pair, v, group);
    pair.ask("the leader syncs", |side| {
        let first = side.text("first");
        sync(v.sync, group, 1, first, &[(first, b"all")])
    });
    stable(pair, v, group);
    second_member(pair, v, group);
    departures(pair, v, group);
}

fn before_the_sync(pair: &mut Pair, v: Steps, group: &str) {
    pair.ask("a heartbeat before the sync", |side| {
        heartbeat(v.heartbeat, group, 1, side.text("first"), None)
    });
    wrong_syncs(pair, v.sync, group);
    if v.sync >= 5 {
        for (what, kind, name) in [
            ("another protocol type", Some("connect"), Some("range")),
            ("another protocol", Some("consumer"), Some("roundrobin")),
        ] {
            pair.ask(what, |side| {
                let asked = SyncGroupRequest {
                    group_id: group,
                    generation_id: 1,
                    member_id: side.text("first"),
                    protocol_type: kind,
                    protocol_name: name,
                    ..SyncGroupRequest::default()
                };
                request(v.sync, &asked)
            });
        }
    }
}

fn wrong_syncs(pair: &mut Pair, version: i16, group: &str) {
    pair.ask("a sync of another generation", |side| {
        sync(version, group, 9, side.text("first"), &[])
    });
    pair.ask("a sync of nobody", |_| {
        sync(version, group, 1, "nobody", &[])
    });
    pair.ask("a sync without a member", |_| {
        sync(version, group, 1, "", &[])
    });
    pair.ask("a sync in no group", |_| {
        sync(version, "", 1, "nobody", &[])
    });
    pair.ask("a sync in an unknown group", |_| {
        sync(version, "no-such", 1, "nobody", &[])
    });
}

fn stable(pair: &mut Pair, v: Steps, group: &str) {
    let beat = |pair: &mut Pair, what: &str, group: &str, generation: i32, member: Option<&str>| {
        pair.ask(what, |side| {
            let member = member.unwrap_or(side.text("first"));
            heartbeat(v.heartbeat, group, generation, member, None)
        });
    };
    beat(pair, "a heartbeat", group, 1, None);
    beat(pair, "a heartbeat of an old generation", group, 0, None);
    beat(pair, "a heartbeat of a later generation", group, 2, None);
    beat(pair, "a heartbeat of nobody", group, 1, Some("nobody"));
    beat(pair, "a heartbeat without a member", group, 1, Some(""));
    beat(pair, "a heartbeat in no group", "", 1, None);
    beat(pair, "a heartbeat in an unknown group", "no-such", 1, None);
    wrong_syncs(pair, v.sync, group);
    pair.ask("a sync again", |side| {
        sync(v.sync, group, 1, side.text("first"), &[])
    });
    let join = Join::new(group);
    let cases = [
        (
            "other protocols only",
            Join {
                protocols: &[("sticky", b"s")],
                ..join
            },
        ),
        (
            "another protocol type",
            Join {
                protocol_type: "connect",
                ..join
            },
        ),
        (
            "nobody joins",
            Join {
                member: "nobody",
                ..join
            },
        ),
    ];
    for (what, join) in cases {
        pair.ask(what, |_| join.request(v.join));
    }
}

fn second_member(pair: &mut Pair, v: Steps, group: &str) {
    send_new_member(pair, "second", v.join, group, "second");
    await_rebalance(pair, group, 1, "first");
    pair.ask("a heartbeat in a rebalance", |side| {
        heartbeat(v.heartbeat, group, 1, side.text("first"), None)
    });
    pair.ask("a sync in a rebalance", |side| {
        sync(v.sync, group, 1, side.text("first"), &[])
    });
    pair.send_on("main", "the leader joins again", |side| {
        Join {
            member: side.text("first"),
            ..Join::new(group)
        }
        .request(v.join)
    });
    // Before version 4 only this answer tells the second member's id, which the leader's has too.
    pair.hear_and_remember("second", "second", member_id);
    pair.hear_on("main");
    pair.send_on("second", "the follower syncs", |side| {
        sync(v.sync, group, 2, side.text("second"), &[])
    });
    pair.send_on("main", "the leader syncs for two", |side| {
        let (first, second) = (side.text("first"), side.text("second"));
        sync(
            v.sync,
            group,
            2,
            first,
            &[(first, b"half"), (second, b"other half")],
        )
    });
    pair.hear_on("second");
    pair.hear_on("main");
    pair.ask("a follower joins as it was", |side| {
        Join {
            member: side.text("second"),
            ..Join::new(group)
        }
        .request(v.join)
    });
}

fn departures(pair: &mut Pair, v: Steps, group: &str) {
    pair.ask("nobody leaves", |_| {
        leave(v.leave, group, &[("nobody", None)])
    });
    pair.ask("someone leaves no group", |side| {
        leave(v.leave, "", &[(side.text("second"), None)])
    });
    pair.ask("someone leaves an unknown group", |_| {
        leave(v.leave, "no-such", &[("nobody", None)])
    });
    pair.ask("the second leaves", |side| {
        leave(v.leave, group, &[(side.text("second"), None)])
    });
    pair.ask("the second beats on", |side| {
        heartbeat(v.heartbeat, group, 2, side.text("second"), None)
    });
    pair.ask("the first hears of it", |side| {
        heartbeat(v.heartbeat, group, 2, side.text("first"), None)
    });
    pair.ask("the first joins again", |side| {
        Join {
            member: side.text("first"),
            ..Join::new(group)
        }
        .request(v.join)
    });
    pair.ask("the first syncs again", |side| {
        let first = side.text("first");
        sync(v.sync, group, 3, first, &[(first, b"all again")])
    });
    if v.leave >= 3 {
        pair.ask("known and unknown leave", |side| {
            leave(
                v.leave,
                group,
                &[
                    ("nobody", None),
                    (side.text("first"), None),
                    ("", Some("static")),
                ],
            )
        });
        pair.ask("nobody in particular leaves", |_| {
            leave(v.leave, group, &[])
        });
    }
    pair.ask("the first leaves", |side| {
        leave(v.leave, group, &[(side.text("first"), None)])
    });
    pair.ask("the first leaves again", |side| {
        leave(v.leave, group, &[(side.text("first"), None)])
    });
}

/// Waits until each side has noticed that a member joins.
pub fn await_rebalance(pair: &mut Pair, group: &str, generation: i32, note: &str) {
    let beat = |side: &Side| heartbeat(0, group, generation, side.text(note), None);
    pair.until("a rebalance", beat, |answer| {
        let answer: HeartbeatResponse = answer.decode();
        answer.error_code == ErrorCode::RebalanceInProgress.code()
    });
}

/// A request to leave; before version 3 only one member can.
pub fn leave(version: i16, group: &str, members: &[(&str, Option<&str>)]) -> Request {
    let mut asked = LeaveGroupRequest {
        group_id: group,
        ..LeaveGroupRequest::default()
    };
    if version >= 3 {
        let members = members.iter().map(|(member_id, instance)| MemberIdentity {
            member_id,
            group_instance_id: *instance,
            reason: None,
        });
        asked.members = members.collect();
    } else {
        asked.member_id = members.first().map_or("", |(member, _)| member);
    }
    request(version, &asked)
}
