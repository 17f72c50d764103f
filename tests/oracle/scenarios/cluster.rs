//! DescribeCluster and DescribeTopicPartitions.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::describe_topic_partitions::{Cursor, TopicRequest};
use ringlog::protocol::messages::{DescribeClusterRequest, DescribeTopicPartitionsRequest};

use crate::client::{Request, request};
use crate::pair::Pair;

pub fn run(pair: &mut Pair) {
    describe_cluster(pair);
    describe_topic_partitions(pair);
}

fn describe_cluster(pair: &mut Pair) {
    for version in pair.versions(ApiKey::DescribeCluster) {
        let kinds: &[i8] = if version >= 1 { &[1, 3, 0] } else { &[1] };
        for endpoint_type in kinds {
            for operations in [false, true] {
                let asked = DescribeClusterRequest {
                    include_cluster_authorized_operations: operations,
                    endpoint_type: *endpoint_type,
                    include_fenced_brokers: version >= 2 && operations,
                };
                pair.ask("cluster", |_| request(version, &asked));
            }
        }
    }
}

fn describe_topic_partitions(pair: &mut Pair) {
    pair.create_topic("dtp-a", 3, &[]);
    pair.create_topic("dtp-b", 2, &[]);
    pair.create_topic("dtp-c", 1, &[]);
    type Page = (&'static [&'static str], i32, Option<(&'static str, i32)>);
    const ABC: &[&str] = &["dtp-c", "dtp-a", "dtp-b"];
    let cases: &[(&str, Page)] = &[
        ("several", (ABC, 2000, None)),
        ("the same twice", (&["dtp-a", "dtp-a"], 2000, None)),
        ("an unknown topic", (&["dtp-x", "dtp-a"], 2000, None)),
        ("a bad name", (&["dtp/x"], 2000, None)),
        ("an empty name", (&[""], 2000, None)),
        ("a page of one", (ABC, 1, None)),
        ("a page of three", (ABC, 3, None)),
        ("a page of four", (ABC, 4, None)),
        ("a page of six", (ABC, 6, None)),
        ("a page of none", (ABC, 0, None)),
        ("a page of less than none", (ABC, -1, None)),
        ("from the middle of a topic", (ABC, 2, Some(("dtp-a", 1)))),
        ("from a topic's end", (ABC, 2, Some(("dtp-a", 3)))),
        ("from beyond a topic's end", (ABC, 2, Some(("dtp-a", 30)))),
        ("from the second topic", (ABC, 2, Some(("dtp-b", 0)))),
        ("from between topics", (ABC, 2, Some(("dtp-aa", 0)))),
        ("from the last topic", (ABC, 2, Some(("dtp-c", 0)))),
        ("from behind all topics", (ABC, 2, Some(("dtp-d", 0)))),
        ("from a negative partition", (ABC, 2, Some(("dtp-a", -1)))),
    ];
    for version in pair.versions(ApiKey::DescribeTopicPartitions) {
        for (what, page) in cases {
            pair.ask(what, |_| ask_page(version, page));
        }
    }
}

fn ask_page(version: i16, page: &(&[&str], i32, Option<(&str, i32)>)) -> Request {
    let (topics, limit, cursor) = page;
    request(
        version,
        &DescribeTopicPartitionsRequest {
            topics: topics.iter().map(|name| TopicRequest { name }).collect(),
            response_partition_limit: *limit,
            cursor: cursor.map(|(topic_name, partition_index)| Cursor {
                topic_name,
                partition_index,
            }),
        },
    )
}
