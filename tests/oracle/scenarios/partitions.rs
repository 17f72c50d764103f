//! CreatePartitions.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::CreatePartitionsRequest;
use ringlog::protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};

use crate::client::{Request, request};
use crate::pair::Pair;

type Assigned<'a> = Option<&'a [&'a [i32]]>;

pub fn run(pair: &mut Pair) {
    for version in pair.versions(ApiKey::CreatePartitions) {
        let topic = format!("p-{version}");
        let topic = topic.as_str();
        pair.create_topic(topic, 2, &[]);
        let cases: &[(&str, &str, i32, Assigned<'_>)] = &[
            ("as many as there are", topic, 2, None),
            ("fewer", topic, 1, None),
            ("none", topic, 0, None),
            ("fewer than none", topic, -1, None),
            ("an unknown topic", "p-unknown", 5, None),
            ("a bad name", "p/bad", 5, None),
            ("an empty name", "", 5, None),
            ("assigned to an unknown broker", topic, 3, Some(&[&[9]])),
            ("assigned to nobody", topic, 3, Some(&[&[]])),
            ("assigned twice to a broker", topic, 3, Some(&[&[1, 1]])),
            ("too few assignments", topic, 4, Some(&[&[1]])),
            ("too many assignments", topic, 3, Some(&[&[1], &[1]])),
            ("an empty list of assignments", topic, 3, Some(&[])),
            ("one more", topic, 3, None),
            ("one more, assigned", topic, 4, Some(&[&[1]])),
        ];
        for (what, name, count, assigned) in cases {
            for validate_only in [true, false] {
                pair.ask(what, |_| {
                    ask(version, &[(name, *count, *assigned)], validate_only)
                });
            }
        }
        pair.ask("nothing", |_| ask(version, &[], false));
        pair.ask("twice", |_| {
            ask(version, &[(topic, 6, None), (topic, 7, None)], false)
        });
        pair.ask("known and unknown", |_| {
            ask(version, &[(topic, 6, None), ("p-unknown", 7, None)], false)
        });
    }
}

fn ask(version: i16, topics: &[(&str, i32, Assigned<'_>)], validate_only: bool) -> Request {
    let topics = topics
        .iter()
        .map(|(name, count, assigned)| CreatePartitionsTopic {
            name,
            count: *count,
            assignments: assigned
                .map(|all| all.iter().map(|brokers| assignment(brokers)).collect()),
        });
    request(
        version,
        &CreatePartitionsRequest {
            topics: topics.collect(),
            timeout_ms: 10_000,
            validate_only,
        },
    )
}

fn assignment(brokers: &[i32]) -> CreatePartitionsAssignment {
    CreatePartitionsAssignment {
        broker_ids: brokers.to_vec(),
    }
}
