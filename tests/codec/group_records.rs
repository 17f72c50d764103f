//! The records of the group log, which the kafka-protocol crate does not know, against bytes written by
//! hand from Kafka's definitions.

use ringlog::base::TopicId;
use ringlog::protocol::Message;
use ringlog::protocol::messages::{
    GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, group_records,
};

fn check<'a, M: Message<'a> + PartialEq + std::fmt::Debug>(
    message: M,
    version: i16,
    parts: &[&[u8]],
) {
    let bytes = parts.concat();
    assert_eq!(
        message.to_bytes(version).as_deref(),
        Ok(&*bytes),
        "{} v{version}",
        M::NAME
    );
    // The bytes outlive the message's borrow only if they are leaked; a test may.
    let read = M::from_bytes(bytes.leak(), version);
    assert_eq!(read, Ok(message), "{} v{version}", M::NAME);
}

#[test]
fn keys() {
    let key = OffsetCommitKey {
        group: "g",
        topic: "to",
        partition: 7,
    };
    check(key, 0, &[&[0, 1], b"g", &[0, 2], b"to", &[0, 0, 0, 7]]);
    check(GroupMetadataKey { group: "g" }, 0, &[&[0, 1], b"g"]);
}

#[test]
fn committed_offsets() {
    let value = |leader_epoch, expire_timestamp, topic_id| OffsetCommitValue {
        offset: 5,
        leader_epoch,
        metadata: "m",
        commit_timestamp: 9,
        expire_timestamp,
        topic_id,
    };
    let offset = [0, 0, 0, 0, 0, 0, 0, 5];
    let commit = [0, 0, 0, 0, 0, 0, 0, 9];
    let expire = [0, 0, 0, 0, 0, 0, 0, 3];
    let epoch = [0, 0, 0, 4];
    let old = [0, 1, b'm'];
    check(value(-1, -1, TopicId::ZERO), 0, &[&offset, &old, &commit]);
    check(
        value(-1, 3, TopicId::ZERO),
        1,
        &[&offset, &old, &commit, &expire],
    );
    check(value(-1, -1, TopicId::ZERO), 2, &[&offset, &old, &commit]);
    check(
        value(4, -1, TopicId::ZERO),
        3,
        &[&offset, &epoch, &old, &commit],
    );
    let compact = [2, b'm'];
    check(
        value(4, -1, TopicId::ZERO),
        4,
        &[&offset, &epoch, &compact, &commit, &[0]],
    );
    let tagged = [1, 0, 16];
    let id = [3; 16];
    check(
        value(4, -1, TopicId(id)),
        4,
        &[&offset, &epoch, &compact, &commit, &tagged, &id],
    );
}

#[test]
fn a_classic_group() {
    let member = group_records::MemberMetadata {
        member_id: "m",
        group_instance_id: Some("i"),
        client_id: "c",
        client_host: "/h",
        rebalance_timeout: 1,
        session_timeout: 2,
        subscription: b"S",
        assignment: b"AA",
    };
    let group = GroupMetadataValue {
        protocol_type: "consumer",
        generation: 6,
        protocol: Some("range"),
        leader: None,
        current_state_timestamp: 8,
        members: vec![member],
    };
    check(
        group,
        3,
        &[
            &[0, 8],
            b"consumer",
            &[0, 0, 0, 6, 0, 5],
            b"range",
            &[0xff, 0xff],
            &[0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1],
            &[0, 1, b'm', 0, 1, b'i', 0, 1, b'c', 0, 2, b'/', b'h'],
            &[
                0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, b'S', 0, 0, 0, 2, b'A', b'A',
            ],
        ],
    );
}
