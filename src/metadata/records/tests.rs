use proptest::prelude::*;

use super::*;
use crate::base::{LeaderEpoch, NodeId};

fn nodes() -> impl Strategy<Value = Vec<NodeId>> {
    prop::collection::vec(any::<i32>().prop_map(NodeId), 0..4)
}

fn topic_id() -> impl Strategy<Value = TopicId> {
    any::<[u8; 16]>().prop_map(TopicId)
}

fn index() -> impl Strategy<Value = PartitionIndex> {
    (0..=i32::MAX).prop_map(PartitionIndex)
}

fn info() -> impl Strategy<Value = PartitionInfo> {
    let numbers = (any::<i32>(), any::<i32>(), any::<i32>(), any::<u16>());
    (numbers, nodes(), nodes()).prop_map(|((leader, epoch, change, shard), replicas, isr)| {
        PartitionInfo {
            leader: NodeId(leader),
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: change,
            replicas,
            isr,
            shard: ShardId(shard),
        }
    })
}

fn record() -> impl Strategy<Value = Record> {
    let text = || ".{0,20}";
    prop_oneof![
        text().prop_map(|id| Record::ClusterId { id }),
        (
            any::<i32>(),
            text(),
            any::<u16>(),
            prop::option::of(text()),
            prop::collection::vec(any::<u16>(), 0..4)
        )
            .prop_map(|(id, host, port, rack, core_ports)| Record::Broker(Broker {
                id: NodeId(id),
                host,
                port,
                rack,
                core_ports,
            })),
        (text(), any::<i16>()).prop_map(|(name, level)| Record::Feature { name, level }),
        (topic_id(), text()).prop_map(|(id, name)| Record::Topic { id, name }),
        (topic_id(), text(), prop::option::of(text()))
            .prop_map(|(topic, name, value)| Record::TopicConfig { topic, name, value }),
        (topic_id(), index(), info()).prop_map(|(topic, index, info)| Record::Partition {
            topic,
            index,
            info
        }),
        (topic_id(), index(), any::<u16>()).prop_map(|(topic, index, shard)| {
            Record::PartitionMoved {
                topic,
                index,
                shard: ShardId(shard),
            }
        }),
        topic_id().prop_map(|topic| Record::TopicRemoved { topic }),
        any::<i64>().prop_map(|next| Record::ProducerIds {
            next: ProducerId(next)
        }),
    ]
}

proptest! {
    #[test]
    fn a_record_comes_back_from_its_bytes(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn a_record_cut_short_is_refused(record in record(), cut in 1..8_usize) {
        let bytes = record.encode();
        let kept = bytes.len().saturating_sub(cut);
        prop_assert!(Record::decode(&bytes[..kept]).is_err());
    }
}

#[test]
fn the_bytes_stay_what_they_are() {
    let moved = Record::PartitionMoved {
        topic: TopicId([7; 16]),
        index: PartitionIndex(3),
        shard: ShardId(300),
    };
    let mut expected = vec![7, 0];
    expected.extend([7; 16]);
    expected.extend([6, 0xac, 2, 0]);
    assert_eq!(moved.encode(), expected);
    let feature = Record::Feature {
        name: "f".to_owned(),
        level: -2,
    };
    assert_eq!(feature.encode(), [3, 0, 1, b'f', 3, 0]);
}

#[test]
fn tagged_fields_of_later_releases_are_skipped() {
    let record = Record::ProducerIds {
        next: ProducerId(1000),
    };
    let mut bytes = record.encode();
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend([2, 0, 3, 1, 2, 3, 9, 0]);
    assert_eq!(Record::decode(&bytes), Ok(record));
}

#[test]
fn wrong_bytes_are_told() {
    let check = |bytes: &[u8], expected: RecordError| {
        assert_eq!(Record::decode(bytes), Err(expected));
    };
    check(&[], RecordError::CutShort { at: 0 });
    check(
        &[99, 0],
        RecordError::TooNew {
            kind: 99,
            version: 0,
        },
    );
    check(
        &[1, 1, 0, 0],
        RecordError::TooNew {
            kind: 1,
            version: 1,
        },
    );
    check(&[1, 0, 9, b'x'], RecordError::CutShort { at: 3 });
    check(
        &[1, 0, 1, 0xff, 0],
        RecordError::Wrong {
            field: "cluster id",
        },
    );
    check(&[1, 0, 0, 0, 5], RecordError::Trailing { bytes: 1 });
    check(
        &[3, 0, 0, 0xff, 0xff, 0x0f, 0],
        RecordError::Wrong {
            field: "feature level",
        },
    );
    let endless = [0xff; 12];
    check(&endless, RecordError::Wrong { field: "number" });
}

#[test]
fn no_bytes_make_decoding_panic() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..5000 {
        let len = (next() % 64) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        if let [kind, version, ..] = bytes.as_mut_slice() {
            (*kind, *version) = (*kind % 10, 0);
        }
        fuzz_metadata_record(&bytes);
    }
}
