use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn offset(leader_epoch: i32, expire: Option<i64>, topic_id: TopicId) -> CommittedOffset {
    CommittedOffset {
        offset: Offset(42),
        leader_epoch: LeaderEpoch(leader_epoch),
        metadata: Arc::from("mé"),
        commit_timestamp: TimestampMs(1000),
        expire_timestamp: expire.map(TimestampMs),
        topic_id,
    }
}

fn group(instance: Option<&str>, rebalance_ms: i32, state_timestamp: Option<i64>) -> GroupValue {
    GroupValue {
        protocol_type: Arc::from("consumer"),
        generation_id: GenerationId(5),
        protocol_name: Some(Arc::from("range")),
        leader: Some(Arc::from("m1")),
        state_timestamp: state_timestamp.map(TimestampMs),
        members: vec![MemberValue {
            member_id: Arc::from("m1"),
            group_instance_id: instance.map(Arc::from),
            client_id: Arc::from("c"),
            client_host: Arc::from("/127.0.0.1"),
            rebalance_timeout_ms: rebalance_ms,
            session_timeout_ms: 100,
            subscription: Bytes::from_static(&[1, 2]),
            assignment: Bytes::from_static(&[3]),
        }],
    }
}

/// The bytes that Kafka 4.3.1's own classes write.
const OFFSET_VALUES: [(&str, i32, Option<i64>); 5] = [
    ("0000000000000000002a00036dc3a900000000000003e8", -1, None),
    (
        "0001000000000000002a00036dc3a900000000000003e800000000000007d0",
        -1,
        Some(2000),
    ),
    ("0002000000000000002a00036dc3a900000000000003e8", -1, None),
    (
        "0003000000000000002a0000000300036dc3a900000000000003e8",
        3,
        None,
    ),
    (
        "0004000000000000002a00000003046dc3a900000000000003e800",
        3,
        None,
    ),
];

#[test]
fn offsets_are_read_in_every_version_and_written_as_kafka_does() {
    for (hex, leader_epoch, expire) in OFFSET_VALUES {
        let expected = offset(leader_epoch, expire, TopicId::ZERO);
        assert_eq!(CommittedOffset::decode(&bytes(hex)), Ok(expected));
    }
    let mut id = [0; 16];
    (id[7], id[15]) = (1, 2);
    let written = [
        (offset(3, None, TopicId::ZERO), OFFSET_VALUES[4].0),
        (offset(-1, Some(2000), TopicId::ZERO), OFFSET_VALUES[1].0),
        (
            offset(3, None, TopicId(id)),
            "0004000000000000002a00000003046dc3a900000000000003e801001000000000000000010000000000000002",
        ),
    ];
    for (value, hex) in written {
        assert_eq!(value.encode(), bytes(hex));
        assert_eq!(CommittedOffset::decode(&bytes(hex)), Ok(value));
    }
}

#[test]
fn groups_are_read_in_every_version_and_written_as_kafka_does() {
    let versions = [
        (
            "00000008636f6e73756d657200000005000572616e676500026d310000000100026d31000163000a2f3132372e302e302e31000000640000000201020000000103",
            group(None, 100, None),
        ),
        (
            "00010008636f6e73756d657200000005000572616e676500026d310000000100026d31000163000a2f3132372e302e302e310000012c000000640000000201020000000103",
            group(None, 300, None),
        ),
        (
            "00020008636f6e73756d657200000005000572616e676500026d3100000000000004d20000000100026d31000163000a2f3132372e302e302e310000012c000000640000000201020000000103",
            group(None, 300, Some(1234)),
        ),
        (
            "00030008636f6e73756d657200000005000572616e676500026d3100000000000004d20000000100026d3100026931000163000a2f3132372e302e302e310000012c000000640000000201020000000103",
            group(Some("i1"), 300, Some(1234)),
        ),
        (
            "000409636f6e73756d6572000000050672616e6765036d3100000000000004d202036d3103693102630b2f3132372e302e302e310000012c0000006403010202030000",
            group(Some("i1"), 300, Some(1234)),
        ),
    ];
    for (hex, expected) in versions {
        assert_eq!(GroupValue::decode(&bytes(hex)), Ok(expected));
    }
    assert_eq!(
        group(Some("i1"), 300, Some(1234)).encode(),
        bytes(
            "00030008636f6e73756d657200000005000572616e676500026d3100000000000004d20000000100026d3100026931000163000a2f3132372e302e302e310000012c000000640000000201020000000103",
        )
    );
    let empty = GroupValue {
        protocol_type: Arc::from(""),
        generation_id: GenerationId(0),
        protocol_name: None,
        leader: None,
        state_timestamp: Some(TimestampMs(9)),
        members: Vec::new(),
    };
    let hex = "0003000000000000ffffffff000000000000000900000000";
    assert_eq!(empty.encode(), bytes(hex));
}

#[test]
fn keys_are_written_as_kafka_does() {
    let partition = PartitionIndex(7);
    let key = offset_tombstone("g", "topic", partition).key;
    assert_eq!(key, bytes("00010001670005746f70696300000007"));
    let expected = RecordKey::OffsetCommit {
        group: "g",
        topic: "topic",
        partition,
    };
    assert_eq!(RecordKey::decode(&key), Ok(expected.clone()));
    let legacy = bytes("00000001670005746f70696300000007");
    assert_eq!(RecordKey::decode(&legacy), Ok(expected));
    let key = group_tombstone("g").key;
    assert_eq!(key, bytes("0002000167"));
    assert_eq!(
        RecordKey::decode(&key),
        Ok(RecordKey::GroupMetadata { group: "g" })
    );
    assert_eq!(
        RecordKey::decode(&bytes("0003000167")),
        Ok(RecordKey::Other(3))
    );
}

#[test]
fn what_is_not_a_record_is_refused() {
    let check = |hex: &str, expected| {
        assert_eq!(CommittedOffset::decode(&bytes(hex)), Err(expected), "{hex}");
    };
    check("", ReplayError::Truncated);
    check("0005", ReplayError::UnknownVersion(5));
    check("ffff", ReplayError::UnknownVersion(-1));
    check("0003000000000000002a00000003ffff", ReplayError::Null);
    check("0003000000000000002a00000003fffe", ReplayError::BadLength);
    check("0003000000000000002a000000037fff", ReplayError::Truncated);
    check("0003000000000000002a000000030001ff", ReplayError::NotUtf8);
    check(
        "0004000000000000002a00000003ffffffffff",
        ReplayError::BadLength,
    );
    // Kafka's strings have 16 bits of length in flexible versions too.
    check("0004000000000000002a00000003818002", ReplayError::BadLength);
    // A claimed count of members reserves nothing.
    let hex = "0003000000000000ffffffff00000000000000097fffffff";
    assert_eq!(GroupValue::decode(&bytes(hex)), Err(ReplayError::Truncated));
}

#[test]
fn impossible_groups_are_refused() {
    let mut coordinator = crate::group::Coordinator::new(crate::group::GroupConfig::default());
    let mut replay = |value: GroupValue| {
        let record = group_record("g", &value);
        coordinator.replay(&record.key, record.value.as_deref())
    };
    let fine = || group(Some("i1"), 300, Some(1234));
    assert_eq!(replay(fine()), Ok(()));
    let mut twice = fine();
    twice.members.push(twice.members[0].clone());
    assert_eq!(
        replay(twice.clone()),
        Err(ReplayError::Impossible("a member twice"))
    );
    twice.members[1].member_id = Arc::from("m2");
    assert_eq!(
        replay(twice),
        Err(ReplayError::Impossible("a member twice"))
    );
    let mut mute = fine();
    mute.protocol_name = None;
    assert_eq!(
        replay(mute),
        Err(ReplayError::Impossible("members without a protocol"))
    );
    let mut headless = fine();
    headless.leader = Some(Arc::from("nobody"));
    assert_eq!(replay(headless), Ok(()));
    coordinator.invariants();
}

#[test]
fn subscriptions_are_read_as_their_first_version() {
    let check = |hex: &str, expected: Option<Vec<&str>>| {
        assert_eq!(subscribed_topics(&bytes(hex)), expected, "{hex}");
    };
    check("000000000002000161000162ffffffff", Some(vec!["a", "b"]));
    // Version 3 goes on after the user data.
    check(
        "00030000000100016100000002beef00000000ffffffffffff",
        Some(vec!["a"]),
    );
    check("0000000000020001610001", None);
    check("00000000000100016100000003beef", None);
    check("0000ffffffff", None);
    check("", None);
}

#[test]
fn arbitrary_bytes_upset_nothing() {
    let seeds = OFFSET_VALUES.map(|(hex, _, _)| bytes(hex));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..4_000usize {
        let key = match round % 2 {
            0 => offset_tombstone("g", "t", PartitionIndex(0)).key,
            _ => group_tombstone("g").key,
        };
        let mut value = match round % 3 {
            0 => seeds[round % seeds.len()].clone(),
            1 => group(Some("i"), 300, None).encode().to_vec(),
            _ => (0..random() % 64).map(|_| random() as u8).collect(),
        };
        for _ in 0..random() % 4 {
            if !value.is_empty() {
                let at = random() as usize % value.len();
                value[at] = random() as u8;
            }
        }
        let input = [&[key.len() as u8], &*key, &*value].concat();
        fuzz_group_record(&input);
    }
}

fn text() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,12}".prop_map(Arc::from)
}

fn some_member() -> impl Strategy<Value = MemberValue> {
    let ids = (text(), proptest::option::of(text()), text(), text());
    let rest = (0..i32::MAX, 0..i32::MAX, any::<Vec<u8>>(), any::<Vec<u8>>());
    (ids, rest).prop_map(|(ids, rest)| MemberValue {
        member_id: ids.0,
        group_instance_id: ids.1,
        client_id: ids.2,
        client_host: ids.3,
        rebalance_timeout_ms: rest.0,
        session_timeout_ms: rest.1,
        subscription: rest.2.into(),
        assignment: rest.3.into(),
    })
}

proptest! {
    #[test]
    fn groups_survive_the_log(
        names in (text(), proptest::option::of(text()), proptest::option::of(text())),
        generation in 0..i32::MAX,
        state_timestamp in proptest::option::of(0..i64::MAX),
        members in proptest::collection::vec(some_member(), 0..4),
    ) {
        let value = GroupValue {
            protocol_type: names.0,
            generation_id: GenerationId(generation),
            protocol_name: names.1,
            leader: names.2,
            state_timestamp: state_timestamp.map(TimestampMs),
            members,
        };
        prop_assert_eq!(GroupValue::decode(&value.encode()), Ok(value));
    }

    #[test]
    fn offsets_survive_the_log(
        numbers in (any::<i64>(), any::<i32>(), any::<i64>()),
        metadata in text(),
        topic_id in any::<[u8; 16]>(),
    ) {
        let value = CommittedOffset {
            offset: Offset(numbers.0),
            leader_epoch: LeaderEpoch(numbers.1),
            metadata,
            commit_timestamp: TimestampMs(numbers.2),
            expire_timestamp: None,
            topic_id: TopicId(topic_id),
        };
        prop_assert_eq!(CommittedOffset::decode(&value.encode()), Ok(value));
    }
}
