//! Random sequences of decisions, applied, replayed and snapshotted.

use std::sync::Arc;

use proptest::prelude::*;

use super::config::{BrokerConfig, TopicConfig};
use super::controller::*;
use super::*;
use crate::base::{NodeId, PartitionIndex, TopicId};

#[derive(Clone, Debug)]
enum Op {
    Create {
        name: u8,
        partitions: i32,
        retention: Option<i64>,
    },
    Delete {
        name: u8,
        by_id: bool,
    },
    Grow {
        name: u8,
        count: i32,
    },
    AutoCreate {
        name: u8,
    },
    ProducerIds,
    Reshard {
        shards: u16,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..6_u8;
    prop_oneof![
        (name(), -2..6_i32, prop::option::of(-3..100_i64)).prop_map(
            |(name, partitions, retention)| Op::Create {
                name,
                partitions,
                retention
            }
        ),
        (name(), any::<bool>()).prop_map(|(name, by_id)| Op::Delete { name, by_id }),
        (name(), -1..12_i32).prop_map(|(name, count)| Op::Grow { name, count }),
        name().prop_map(|name| Op::AutoCreate { name }),
        Just(Op::ProducerIds),
        (1..5_u16).prop_map(|shards| Op::Reshard { shards }),
    ]
}

fn topic_name(n: u8) -> String {
    ["a.b", "a_b", "c", "d", "__consumer_offsets", "bad name"][usize::from(n)].to_owned()
}

/// A node whose shards may change, and every record that it ever wrote.
struct Node {
    image: ClusterImage,
    shards: u16,
    written: Vec<Vec<u8>>,
    ids: u128,
}

impl Node {
    fn new() -> Node {
        let image = ClusterImage::empty(Arc::new(BrokerConfig::default()));
        let mut node = Node {
            image,
            shards: 2,
            written: Vec::new(),
            ids: 0,
        };
        let broker = Broker {
            id: NodeId(1),
            host: "h".to_owned(),
            port: 1,
            rack: Some("r".to_owned()),
            core_ports: Vec::new(),
        };
        node.write(&bootstrap(&node.image, "cluster", broker));
        node
    }

    fn write(&mut self, records: &[Record]) {
        self.image = self
            .image
            .apply(records)
            .expect("records made from this image");
        self.written.extend(records.iter().map(Record::encode));
    }

    fn fresh_id(&mut self) -> TopicId {
        self.ids += 1;
        TopicId(self.ids.to_be_bytes())
    }

    fn run(&mut self, op: Op) {
        let id = self.fresh_id();
        let records = match op {
            Op::Create {
                name,
                partitions,
                retention,
            } => {
                let retention =
                    retention.map(|ms| ("retention.ms".to_owned(), Some(ms.to_string())));
                let topic = CreateTopic {
                    name: topic_name(name),
                    num_partitions: partitions,
                    replication_factor: -1,
                    assignments: Vec::new(),
                    configs: retention.into_iter().collect(),
                };
                create_topics(&self.image, &[topic], false, self.shards, &[id]).records
            }
            Op::Delete { name, by_id } => {
                let name = topic_name(name);
                let id = self
                    .image
                    .topic(&name)
                    .map(|topic| topic.id)
                    .filter(|_| by_id);
                let topic = match id {
                    Some(id) => DeleteTopic { name: None, id },
                    None => DeleteTopic {
                        name: Some(name),
                        id: TopicId::ZERO,
                    },
                };
                delete_topics(&self.image, &[topic], 6).records
            }
            Op::Grow { name, count } => {
                let topic = CreatePartitions {
                    topic: topic_name(name),
                    count,
                    assignments: None,
                };
                create_partitions(&self.image, &[topic], false, self.shards).records
            }
            Op::AutoCreate { name } => {
                auto_create(&self.image, &[&topic_name(name)], self.shards, &[id]).records
            }
            Op::ProducerIds => {
                allocate_producer_ids(&self.image)
                    .expect("ids are left")
                    .records
            }
            Op::Reshard { shards } => {
                self.shards = shards;
                reassign_shards(&self.image, shards)
            }
        };
        self.write(&records);
    }

    fn invariants(&self) {
        let image = &self.image;
        for topic in image.topics() {
            assert!(topic_name::validate(&topic.name).is_ok());
            assert!(!topic.partitions.is_empty());
            let found = image
                .topic_by_id(topic.id)
                .expect("both maps hold the same topics");
            assert!(Arc::ptr_eq(found, topic));
            let config = TopicConfig::resolve(&topic.overrides, image.settings());
            assert_eq!(config.as_ref(), Ok(&topic.config));
            for partition in &topic.partitions {
                assert!(partition.shard.get() < self.shards);
                assert!(partition.isr.contains(&partition.leader));
                assert!(image.broker(partition.leader).is_some());
            }
        }
        assert_eq!(image.version(), self.written.len() as i64);
    }

    fn replayed(&self, batch: usize) -> ClusterImage {
        let records: Vec<Record> = self
            .written
            .iter()
            .map(|bytes| Record::decode(bytes).expect("bytes of a record"))
            .collect();
        let empty = ClusterImage::empty(Arc::clone(self.image.settings()));
        records.chunks(batch).fold(empty, |image, batch| {
            image.apply(batch).expect("records that were applied")
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn replay_and_snapshot_make_the_same_image(
        ops in prop::collection::vec(op(), 1..40),
        batch in 1..20_usize,
    ) {
        let mut node = Node::new();
        for op in ops {
            node.run(op);
            node.invariants();
        }
        let expected = format!("{:?}", node.image);
        prop_assert_eq!(format!("{:?}", node.replayed(batch)), expected.clone());
        let empty = ClusterImage::empty(Arc::clone(node.image.settings()));
        let mut restored = empty.apply(&node.image.snapshot()).expect("a snapshot");
        restored.version = node.image.version;
        prop_assert_eq!(format!("{restored:?}"), expected);
    }
}

#[test]
fn records_that_do_not_fit_are_refused_and_change_nothing() {
    let mut node = Node::new();
    node.run(Op::Create {
        name: 2,
        partitions: 2,
        retention: None,
    });
    let image = &node.image;
    let topic = image.topic("c").expect("it is there");
    let (id, unknown) = (topic.id, TopicId([9; 16]));
    let check = |records: &[Record], expected: ApplyError| {
        assert_eq!(image.apply(records).err(), Some(expected));
    };
    let info = topic.partitions[0].clone();
    let gap = PartitionIndex(3);
    check(
        &[Record::TopicRemoved { topic: unknown }],
        ApplyError::NoTopic(unknown),
    );
    check(
        &[Record::Partition {
            topic: id,
            index: gap,
            info,
        }],
        ApplyError::NoPartition(id, gap),
    );
    check(
        &[Record::PartitionMoved {
            topic: id,
            index: gap,
            shard: crate::base::ShardId(0),
        }],
        ApplyError::NoPartition(id, gap),
    );
    for (made, name) in [(unknown, "c"), (id, "other")] {
        let name = name.to_owned();
        check(
            &[Record::Topic {
                id: made,
                name: name.clone(),
            }],
            ApplyError::TopicExists { id: made, name },
        );
    }
    let wrong = Record::TopicConfig {
        topic: id,
        name: "retention.ms".to_owned(),
        value: Some("x".to_owned()),
    };
    assert!(matches!(
        image.apply(&[wrong]),
        Err(ApplyError::Config { .. })
    ));
}

#[test]
fn settings_of_later_releases_are_kept_and_change_nothing() {
    let mut node = Node::new();
    node.run(Op::Create {
        name: 2,
        partitions: 1,
        retention: None,
    });
    let topic = node.image.topic("c").expect("it is there").id;
    let (name, value) = ("from.the.future".to_owned(), Some("1".to_owned()));
    node.write(&[Record::TopicConfig { topic, name, value }]);
    let kept = &node.image.topic("c").expect("it is there").overrides;
    assert_eq!(kept.get("from.the.future").map(String::as_str), Some("1"));
}

#[test]
fn topics_come_by_name_from_anywhere() {
    let mut node = Node::new();
    for name in [3, 2, 0] {
        node.run(Op::Create {
            name,
            partitions: 1,
            retention: None,
        });
    }
    let from = |name: &str| -> Vec<String> {
        node.image
            .topics_from(name)
            .map(|topic| topic.name.to_string())
            .collect()
    };
    assert_eq!(from(""), ["a.b", "c", "d"]);
    assert_eq!(from("c"), ["c", "d"]);
    assert_eq!(from("ca"), ["d"]);
}
