//! Static members (KIP-345): replaced, fenced, removed.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ringlog::protocol::messages::{DescribeGroupsRequest, OffsetCommitRequest, SyncGroupRequest};

use super::find_coordinator::settle_coordinators;
use super::group_membership::{Join, heartbeat, leave, member_id};
use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    settle_coordinators(pair);
    pair.create_topic("gs", 1, &[]);
    for version in pair.versions(ApiKey::JoinGroup) {
        if version >= 5 {
            let group = format!("static-{version}");
            replaced(pair, version, &group);
            fenced(pair, &group);
            removed(pair, version, &group);
        }
    }
}

fn replaced(pair: &mut Pair, version: i16, group: &str) {
    let join = Join {
        instance: Some("one"),
        ..Join::new(group)
    };
    pair.ask("an unknown member with an instance", |_| {
        Join {
            member: "nobody",
            ..join
        }
        .request(version)
    });
    pair.send_on("main", "a static member", |_| join.request(version));
    pair.hear_and_remember("main", "old", member_id);
    pair.ask("the static member syncs", |side| {
        let old = side.text("old");
        static_sync(group, 1, old, "one", &[(old, b"all")])
    });
    pair.send_on("main", "the static member starts again", |_| {
        join.request(version)
    });
    pair.hear_and_remember("main", "new", member_id);
    pair.ask("it syncs again", |side| {
        let new = side.text("new");
        static_sync(group, 1, new, "one", &[(new, b"all")])
    });
    let changed = Join {
        protocols: &[("range", b"changed")],
        ..join
    };
    pair.send_on("main", "it starts again with another subscription", |_| {
        changed.request(version)
    });
    pair.hear_and_remember("main", "third", member_id);
    pair.ask("it syncs once more", |side| {
        let third = side.text("third");
        static_sync(group, 2, third, "one", &[(third, b"all")])
    });
    pair.ask("the group", |_| describe(group));
}

fn fenced(pair: &mut Pair, group: &str) {
    for version in 3..=4 {
        pair.ask("a heartbeat of the old one", |side| {
            heartbeat(version, group, 2, side.text("old"), Some("one"))
        });
        pair.ask("a heartbeat of the new one", |side| {
            heartbeat(version, group, 2, side.text("third"), Some("one"))
        });
        pair.ask("a heartbeat of an unknown instance", |side| {
            heartbeat(version, group, 2, side.text("third"), Some("two"))
        });
        pair.ask("a heartbeat without the instance", |side| {
            heartbeat(version, group, 2, side.text("third"), None)
        });
        pair.ask("a heartbeat of an instance without a member", |_| {
            heartbeat(version, group, 2, "", Some("one"))
        });
    }
    pair.ask("the old one syncs", |side| {
        static_sync(group, 2, side.text("old"), "one", &[])
    });
    pair.ask("the old one joins", |side| {
        Join {
            member: side.text("old"),
            instance: Some("one"),
            ..Join::new(group)
        }
        .request(9)
    });
    pair.ask("the new one joins as another instance", |side| {
        Join {
            member: side.text("third"),
            instance: Some("two"),
            ..Join::new(group)
        }
        .request(9)
    });
    for version in pair.versions(ApiKey::OffsetCommit) {
        if version >= 7 {
            for (note, instance) in [("old", "one"), ("third", "one"), ("third", "two")] {
                pair.ask("a commit", |side| {
                    let id = if version >= 10 {
                        side.topic_id("gs")
                    } else {
                        Default::default()
                    };
                    let topic = OffsetCommitRequestTopic {
                        name: if version >= 10 { "" } else { "gs" },
                        topic_id: id,
                        partitions: vec![OffsetCommitRequestPartition {
                            committed_metadata: Some(""),
                            ..Default::default()
                        }],
                    };
                    let asked = OffsetCommitRequest {
                        group_id: group,
                        generation_id_or_member_epoch: 2,
                        member_id: side.text(note),
                        group_instance_id: Some(instance),
                        topics: vec![topic],
                        ..OffsetCommitRequest::default()
                    };
                    request(version, &asked)
                });
            }
        }
    }
}

fn removed(pair: &mut Pair, version: i16, group: &str) {
    // Leave's versions 3 to 5 take turns, since a member can leave once.
    let version = 3 + version % 3;
    pair.ask("an unknown instance leaves", |_| {
        leave(version, group, &[("", Some("two"))])
    });
    pair.ask("the old one leaves", |side| {
        leave(version, group, &[(side.text("old"), Some("one"))])
    });
    pair.ask("the group as it was", |_| describe(group));
    pair.ask("the instance is removed", |_| {
        leave(version, group, &[("", Some("one"))])
    });
    pair.ask("the group without it", |_| describe(group));
    pair.ask("a heartbeat of the removed one", |side| {
        heartbeat(4, group, 2, side.text("third"), Some("one"))
    });
}

fn static_sync(
    group: &str,
    generation: i32,
    member: &str,
    instance: &str,
    shares: &[(&str, &[u8])],
) -> Request {
    let assignments = shares.iter().map(|(member_id, assignment)| {
        ringlog::protocol::messages::sync_group::SyncGroupRequestAssignment {
            member_id,
            assignment,
        }
    });
    request(
        5,
        &SyncGroupRequest {
            group_id: group,
            generation_id: generation,
            member_id: member,
            group_instance_id: Some(instance),
            protocol_type: Some("consumer"),
            protocol_name: Some("range"),
            assignments: assignments.collect(),
        },
    )
}

fn describe(group: &str) -> Request {
    let asked = DescribeGroupsRequest {
        groups: vec![group],
        ..DescribeGroupsRequest::default()
    };
    request(5, &asked)
}
