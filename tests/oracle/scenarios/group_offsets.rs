//! OffsetCommit, OffsetFetch and OffsetDelete.

use ringlog::base::TopicId;
use ringlog::protocol::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ringlog::protocol::messages::offset_delete::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use ringlog::protocol::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use ringlog::protocol::messages::{
    ConsumerProtocolSubscription, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};
use ringlog::protocol::{ApiKey, Message};

use super::find_coordinator::settle_coordinators;
use super::group_membership::{Join, leave, member_id, new_member, sync};
use crate::client::{Request, request};
use crate::pair::{Pair, Side};

pub fn run(pair: &mut Pair) {
    settle_coordinators(pair);
    pair.create_topic("go", 3, &[]);
    pair.create_topic("go-other", 1, &[]);
    let newest = *pair.versions(ApiKey::OffsetFetch).end();
    for version in pair.versions(ApiKey::OffsetCommit) {
        without_members(pair, version, newest);
        with_a_member(pair, version, newest);
    }
    for version in pair.versions(ApiKey::OffsetFetch) {
        fetches(pair, version);
    }
    for version in pair.versions(ApiKey::OffsetDelete) {
        deletes(pair, version, newest);
    }
}

/// Who commits: group, generation, member.
type Who<'a> = (&'a str, i32, &'a str);

/// What is committed: topic, partition, offset, leader epoch, metadata.
type Commit<'a> = (&'a str, i32, i64, i32, Option<&'a str>);

/// A topic, and partitions of it.
type Fetched<'a> = (&'a str, &'a [i32]);

fn without_members(pair: &mut Pair, version: i16, newest: i16) {
    let group = format!("go-simple-{version}");
    let group = group.as_str();
    let alone: Who<'_> = (group, -1, "");
    let (longest, too_long) = ("m".repeat(4096), "m".repeat(4097));
    let epoch = if version >= 6 { 0 } else { -1 };
    #[rustfmt::skip]
    let cases: &[(&str, &[Commit<'_>])] = &[
        ("a commit", &[("go", 0, 5, -1, Some("note"))]),
        ("a commit with an epoch", &[("go", 1, 7, epoch, Some(""))]),
        ("a commit without metadata", &[("go", 2, 9, -1, None)]),
        ("a commit that goes back", &[("go", 0, 3, -1, Some(""))]),
        ("a commit of zero", &[("go", 0, 0, -1, Some(""))]),
        ("a negative commit", &[("go", 0, -1, -1, Some(""))]),
        ("a very negative commit", &[("go", 0, -5, -1, Some(""))]),
        ("longest metadata", &[("go", 0, 4, -1, Some(&longest))]),
        ("metadata too long", &[("go", 0, 4, -1, Some(&too_long))]),
        ("one of two too long", &[("go", 0, 4, -1, Some(&too_long)), ("go", 1, 8, -1, None)]),
        ("an unknown topic", &[("go-unknown", 0, 1, -1, None)]),
        ("an unknown partition", &[("go", 9, 1, -1, None)]),
        ("a negative partition", &[("go", -1, 1, -1, None)]),
        ("known and unknown", &[("go", 0, 6, -1, None), ("go-unknown", 0, 1, -1, None), ("go-other", 0, 2, -1, None)]),
        ("a partition twice", &[("go", 0, 1, -1, None), ("go", 0, 2, -1, None)]),
        ("nothing", &[]),
    ];
    for (what, commits) in cases {
        pair.ask(what, |side| commit(side, version, alone, commits));
    }
    for (what, who) in [
        ("no group", ("", -1, "")),
        ("a generation without a group", ("go-none", 3, "")),
        ("a member without a group", ("go-none", 1, "nobody")),
        ("a member without a generation", (group, -1, "nobody")),
        ("a generation in a group without members", (group, 1, "")),
    ] {
        pair.ask(what, |side| {
            commit(side, version, who, &[("go", 0, 1, -1, None)])
        });
    }
    pair.ask("what is committed", |side| fetch(side, newest, group, None));
}

fn with_a_member(pair: &mut Pair, version: i16, newest: i16) {
    let group = format!("go-member-{version}");
    let group = group.as_str();
    new_member(pair, 9, group, "member");
    let one: &[Commit<'_>] = &[("go", 0, 1, -1, Some("x"))];
    pair.ask("a commit before the sync", |side| {
        commit(side, version, (group, 1, side.text("member")), one)
    });
    pair.ask("the sync", |side| {
        let member = side.text("member");
        sync(5, group, 1, member, &[(member, b"all")])
    });
    for (what, generation, member) in [
        ("a member's commit", 1, None),
        ("a commit of an old generation", 0, None),
        ("a commit of a later generation", 2, None),
        ("a commit without a generation", -1, None),
        ("a commit of nobody", 1, Some("nobody")),
        ("a commit of no member", 1, Some("")),
        ("a commit from outside", -1, Some("")),
    ] {
        pair.ask(what, |side| {
            let member = member.unwrap_or(side.text("member"));
            commit(side, version, (group, generation, member), one)
        });
    }
    pair.ask("the member leaves", |side| {
        leave(5, group, &[(side.text("member"), None)])
    });
    pair.ask("a commit after leaving", |side| {
        commit(side, version, (group, 1, side.text("member")), one)
    });
    pair.ask("a commit from outside, afterwards", |side| {
        commit(side, version, (group, -1, ""), one)
    });
    pair.ask("what the member committed", |side| {
        fetch(side, newest, group, None)
    });
}

fn fetches(pair: &mut Pair, version: i16) {
    let group = "go-fetched";
    let commits: &[Commit<'_>] = &[
        ("go", 0, 11, 0, Some("first")),
        ("go", 2, 13, -1, None),
        ("go-other", 0, 17, -1, Some("")),
    ];
    pair.ask("commits to fetch", |side| {
        commit(side, 9, (group, -1, ""), commits)
    });
    let cases: &[(&str, &str, Option<&[Fetched<'_>]>)] = &[
        ("one partition", group, Some(&[("go", &[0])])),
        (
            "several partitions",
            group,
            Some(&[("go", &[2, 0, 1]), ("go-other", &[0])]),
        ),
        ("nothing committed there", group, Some(&[("go", &[1])])),
        ("an unknown topic", group, Some(&[("go-unknown", &[0])])),
        ("an unknown partition", group, Some(&[("go", &[9])])),
        ("a negative partition", group, Some(&[("go", &[-1])])),
        ("a partition twice", group, Some(&[("go", &[0, 0])])),
        ("no partitions", group, Some(&[("go", &[])])),
        ("no topics", group, Some(&[])),
        ("an unknown group", "go-no-such", Some(&[("go", &[0])])),
        ("no group", "", Some(&[("go", &[0])])),
    ];
    for (what, group, topics) in cases {
        pair.ask(what, |side| fetch(side, version, group, *topics));
    }
    if version >= 2 {
        pair.ask("all topics", |side| fetch(side, version, group, None));
        pair.ask("all topics of an unknown group", |side| {
            fetch(side, version, "go-no-such", None)
        });
    }
    if version >= 7 {
        pair.ask("stable offsets", |side| stable_fetch(side, version, group));
    }
    if version >= 8 {
        batched_fetches(pair, version, group);
    }
}

fn stable_fetch(side: &Side, version: i16, group: &str) -> Request {
    let mut asked = fetch_message(side, version, group, Some(&[("go", &[0])]));
    asked.require_stable = true;
    request(version, &asked)
}

fn batched_fetches(pair: &mut Pair, version: i16, group: &'static str) {
    let of_group = |group_id, member_id, member_epoch| OffsetFetchRequestGroup {
        group_id,
        member_id,
        member_epoch,
        topics: None,
    };
    let ask = |pair: &mut Pair, what: &str, groups: &[OffsetFetchRequestGroup<'_>]| {
        let asked = OffsetFetchRequest {
            groups: groups.to_vec(),
            ..OffsetFetchRequest::default()
        };
        pair.ask(what, |_| request(version, &asked));
    };
    let known = of_group(group, None, -1);
    ask(
        pair,
        "two groups",
        &[known.clone(), of_group("go-no-such", None, -1)],
    );
    ask(pair, "a group twice", &[known.clone(), known.clone()]);
    ask(pair, "no groups", &[]);
    if version >= 9 {
        ask(
            pair,
            "a member of a classic group",
            &[of_group(group, Some("nobody"), 1)],
        );
        ask(
            pair,
            "an epoch without a member",
            &[of_group(group, None, 1)],
        );
        ask(
            pair,
            "a member of an unknown group",
            &[of_group("go-no-such", Some("nobody"), 1)],
        );
    }
    if version >= 10 {
        let unknown = OffsetFetchRequestTopics {
            topic_id: TopicId([5; 16]),
            partition_indexes: vec![0],
            ..OffsetFetchRequestTopics::default()
        };
        ask(
            pair,
            "an unknown id",
            &[OffsetFetchRequestGroup {
                topics: Some(vec![unknown]),
                ..known
            }],
        );
    }
}

fn deletes(pair: &mut Pair, version: i16, newest: i16) {
    let group = "go-deleted";
    let commits: &[Commit<'_>] = &[
        ("go", 0, 1, -1, None),
        ("go", 1, 2, -1, None),
        ("go-other", 0, 3, -1, None),
    ];
    pair.ask("commits to delete", |side| {
        commit(side, 9, (group, -1, ""), commits)
    });
    let cases: &[(&str, &str, &[Fetched<'_>])] = &[
        ("an unknown group", "go-no-such", &[("go", &[0])]),
        ("no group", "", &[("go", &[0])]),
        ("an unknown topic", group, &[("go-unknown", &[0])]),
        ("an unknown partition", group, &[("go", &[9])]),
        ("nothing committed there", group, &[("go", &[2])]),
        ("one", group, &[("go", &[0])]),
        (
            "known and unknown",
            group,
            &[("go", &[1]), ("go-unknown", &[0])],
        ),
        ("nothing", group, &[]),
    ];
    for (what, group, topics) in cases {
        pair.ask(what, |_| delete(version, group, topics));
    }
    pair.ask("what is left", |side| fetch(side, newest, group, None));
    while_subscribed(pair, version, newest);
}

/// A topic that a consumer has subscribed to keeps its offsets.
fn while_subscribed(pair: &mut Pair, version: i16, newest: i16) {
    let group = "go-subscribed";
    let commits: &[Commit<'_>] = &[("go", 0, 1, -1, None), ("go-other", 0, 3, -1, None)];
    pair.ask("commits to delete", |side| {
        commit(side, 9, (group, -1, ""), commits)
    });
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["go"],
        ..Default::default()
    };
    let mut metadata = vec![0, 0];
    metadata.extend(subscription.to_bytes(0).expect("a subscription"));
    let protocols: &[(&str, &[u8])] = &[("range", &metadata)];
    let join = Join {
        protocols,
        ..Join::new(group)
    };
    pair.send_on("main", "a consumer", |_| join.request(3));
    pair.hear_and_remember("main", "subscriber", member_id);
    pair.ask("delete before the sync", |_| {
        delete(version, group, &[("go", &[0]), ("go-other", &[0])])
    });
    pair.ask("the sync", |side| {
        let member = side.text("subscriber");
        sync(3, group, 1, member, &[(member, b"all")])
    });
    pair.ask("delete while subscribed", |_| {
        delete(version, group, &[("go", &[0]), ("go-other", &[0])])
    });
    pair.ask("what is left of it", |side| {
        fetch(side, newest, group, None)
    });
}

fn commit(side: &Side, version: i16, who: Who<'_>, commits: &[Commit<'_>]) -> Request {
    let by_id = version >= 10;
    let mut topics: Vec<OffsetCommitRequestTopic<'_>> = Vec::new();
    let mut last = None;
    for (name, index, offset, epoch, metadata) in commits {
        if last != Some(name) {
            topics.push(OffsetCommitRequestTopic {
                name: if by_id { "" } else { name },
                topic_id: if by_id {
                    side.topic_id(name)
                } else {
                    TopicId::ZERO
                },
                partitions: Vec::new(),
            });
            last = Some(name);
        }
        topics
            .last_mut()
            .expect("just pushed")
            .partitions
            .push(OffsetCommitRequestPartition {
                partition_index: *index,
                committed_offset: *offset,
                committed_leader_epoch: if version >= 6 { *epoch } else { -1 },
                committed_metadata: *metadata,
            });
    }
    request(
        version,
        &OffsetCommitRequest {
            group_id: who.0,
            generation_id_or_member_epoch: who.1,
            member_id: who.2,
            topics,
            ..OffsetCommitRequest::default()
        },
    )
}

fn fetch(side: &Side, version: i16, group: &str, topics: Option<&[(&str, &[i32])]>) -> Request {
    request(version, &fetch_message(side, version, group, topics))
}

fn fetch_message<'a>(
    side: &Side,
    version: i16,
    group_id: &'a str,
    topics: Option<&[(&'a str, &[i32])]>,
) -> OffsetFetchRequest<'a> {
    if version < 8 {
        let topic = |(name, indexes): &(&'a str, &[i32])| OffsetFetchRequestTopic {
            name,
            partition_indexes: indexes.to_vec(),
        };
        return OffsetFetchRequest {
            group_id,
            topics: topics.map(|topics| topics.iter().map(topic).collect()),
            ..OffsetFetchRequest::default()
        };
    }
    let topic = |(name, indexes): &(&'a str, &[i32])| OffsetFetchRequestTopics {
        name: if version >= 10 { "" } else { name },
        topic_id: if version >= 10 {
            side.topic_id(name)
        } else {
            TopicId::ZERO
        },
        partition_indexes: indexes.to_vec(),
    };
    OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id,
            topics: topics.map(|topics| topics.iter().map(topic).collect()),
            ..OffsetFetchRequestGroup::default()
        }],
        ..OffsetFetchRequest::default()
    }
}

fn delete(version: i16, group_id: &str, topics: &[(&str, &[i32])]) -> Request {
    let topics = topics
        .iter()
        .map(|(name, indexes)| OffsetDeleteRequestTopic {
            name,
            partitions: indexes
                .iter()
                .map(|index| OffsetDeleteRequestPartition {
                    partition_index: *index,
                })
                .collect(),
        });
    request(
        version,
        &OffsetDeleteRequest {
            group_id,
            topics: topics.collect(),
        },
    )
}
