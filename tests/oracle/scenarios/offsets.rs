//! ListOffsets and OffsetForLeaderEpoch.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use ringlog::protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use ringlog::protocol::messages::{ListOffsetsRequest, OffsetForLeaderEpochRequest};
use ringlog::protocol::records::Codec;

use super::produce::append;
use crate::batches::{base_time, compressed, timed};
use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    pair.create_topic("o", 2, &[]);
    let batches = [
        timed(&[("a", 0), ("b", 1000)]),
        timed(&[("c", 5000), ("d", 3000), ("e", 5000)]),
        compressed(Codec::Lz4, &["f", "g", "h"]),
        timed(&[("i", 4000)]),
    ];
    for batch in &batches {
        pair.ask("fill", |side| append(side, 9, "o", batch));
    }
    pair.create_topic(
        "o-append",
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    pair.ask("fill", |side| append(side, 9, "o-append", &batches[0]));
    list_offsets(pair);
    offset_for_leader_epoch(pair);
}

/// A partition to be listed: topic, index, leader epoch, timestamp.
type Listed<'a> = (&'a str, i32, i32, i64);

fn list_offsets(pair: &mut Pair) {
    let at = |after| base_time() + after;
    let times: &[(&str, i64)] = &[
        ("latest", -1),
        ("earliest", -2),
        ("the largest time", -3),
        ("earliest local", -4),
        ("latest tiered", -5),
        ("earliest to upload", -6),
        ("special and unknown", -7),
        ("far below zero", i64::MIN),
        ("at zero", 0),
        ("before all", at(-1)),
        ("the first time", at(0)),
        ("between", at(1)),
        ("at the second record", at(1000)),
        ("in the second batch", at(2500)),
        ("out of order", at(3500)),
        ("the last time", at(5000)),
        ("after all", at(5001)),
        ("the end of time", i64::MAX),
    ];
    for version in pair.versions(ApiKey::ListOffsets) {
        for (what, time) in times {
            pair.ask(what, |_| list(version, &[("o", 0, -1, *time)], 0, -1));
            pair.ask(&format!("{what}, empty"), |_| {
                list(version, &[("o", 1, -1, *time)], 0, -1)
            });
        }
        for time in [-1, -2, -3, 0, i64::MAX] {
            if time != -3 || version >= 7 {
                pair.ask("append time", |_| {
                    list(version, &[("o-append", 0, -1, time)], 0, -1)
                });
            }
        }
        let cases: &[(&str, &[Listed<'_>])] = &[
            ("nothing", &[]),
            ("an unknown partition", &[("o", 9, -1, -1)]),
            ("a negative partition", &[("o", -1, -1, -1)]),
            ("an unknown topic", &[("o-unknown", 0, -1, -1)]),
            ("a bad name", &[("o/bad", 0, -1, -1)]),
            ("a partition twice", &[("o", 0, -1, -1), ("o", 0, -1, -2)]),
            (
                "a partition twice and another",
                &[("o", 0, -1, -1), ("o", 0, -1, -1), ("o", 1, -1, -1)],
            ),
            ("two partitions", &[("o", 0, -1, -1), ("o", 1, -1, -1)]),
            (
                "a topic twice",
                &[("o", 0, -1, -1), ("o-append", 0, -1, -1), ("o", 1, -1, -1)],
            ),
            (
                "a partition twice, apart",
                &[("o", 0, -1, -1), ("o-append", 0, -1, -1), ("o", 0, -1, -1)],
            ),
            ("the leader's epoch", &[("o", 0, 0, -1)]),
            ("an epoch to come", &[("o", 0, 5, -1)]),
            ("a negative epoch", &[("o", 0, -2, -1)]),
        ];
        for (what, listed) in cases {
            pair.ask(what, |_| list(version, listed, 0, -1));
        }
        let without_partitions = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: "o",
                partitions: Vec::new(),
            }],
            ..ListOffsetsRequest::default()
        };
        pair.ask("a topic without partitions", |_| {
            request(version, &without_partitions)
        });
        for isolation in [1, 7] {
            if version >= 2 {
                pair.ask("isolated", |_| {
                    list(version, &[("o", 0, -1, -1)], isolation, -1)
                });
            }
        }
        for replica in [-2, 1, 9] {
            pair.ask("a replica", |_| {
                list(version, &[("o", 0, -1, -1)], 0, replica)
            });
        }
    }
}

fn list(version: i16, listed: &[Listed<'_>], isolation: i8, replica: i32) -> Request {
    let mut topics: Vec<ListOffsetsTopic<'_>> = Vec::new();
    for (name, index, epoch, timestamp) in listed {
        if topics.last().is_none_or(|topic| topic.name != *name) {
            topics.push(ListOffsetsTopic {
                name,
                partitions: Vec::new(),
            });
        }
        topics
            .last_mut()
            .expect("just pushed")
            .partitions
            .push(ListOffsetsPartition {
                partition_index: *index,
                current_leader_epoch: if version >= 4 { *epoch } else { -1 },
                timestamp: *timestamp,
            });
    }
    request(
        version,
        &ListOffsetsRequest {
            replica_id: replica,
            isolation_level: isolation,
            topics,
            ..ListOffsetsRequest::default()
        },
    )
}

fn offset_for_leader_epoch(pair: &mut Pair) {
    /// Topic, partition, the client's leader epoch, the epoch whose end is asked for.
    type Case<'a> = (&'a str, &'a str, i32, i32, i32);
    let cases: &[Case<'_>] = &[
        ("the only epoch", "o", 0, -1, 0),
        ("an epoch to come", "o", 0, -1, 5),
        ("no epoch", "o", 0, -1, -1),
        ("a negative epoch", "o", 0, -1, -2),
        ("an empty partition", "o", 1, -1, 0),
        ("the leader's epoch known", "o", 0, 0, 0),
        ("a leader's epoch to come", "o", 0, 5, 0),
        ("an unknown partition", "o", 9, -1, 0),
        ("a negative partition", "o", -1, -1, 0),
        ("an unknown topic", "o-unknown", 0, -1, 0),
        ("a bad name", "o/bad", 0, -1, 0),
    ];
    for version in pair.versions(ApiKey::OffsetForLeaderEpoch) {
        for (what, topic, partition, current, epoch) in cases {
            for replica_id in [-2, -1, 1] {
                let asked = OffsetForLeaderEpochRequest {
                    replica_id,
                    topics: vec![OffsetForLeaderTopic {
                        topic,
                        partitions: vec![OffsetForLeaderPartition {
                            partition: *partition,
                            current_leader_epoch: *current,
                            leader_epoch: *epoch,
                        }],
                    }],
                };
                if version >= 3 || replica_id == -2 {
                    pair.ask(what, |_| request(version, &asked));
                }
            }
        }
        let nothing = OffsetForLeaderEpochRequest {
            replica_id: -2,
            topics: Vec::new(),
        };
        pair.ask("nothing", |_| request(version, &nothing));
    }
}
