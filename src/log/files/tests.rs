use super::*;
use crate::base::{LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};
use crate::log::EpochEntry;

#[test]
fn file_names_come_back() {
    let check = |name: FileName, text: &str| {
        assert_eq!(name.to_string(), text);
        assert_eq!(FileName::parse(text), Some(name));
    };
    check(
        FileName::new(Offset(0), FileKind::Log),
        "00000000000000000000.log",
    );
    check(
        FileName::new(Offset(42), FileKind::Index),
        "00000000000000000042.index",
    );
    check(
        FileName::new(Offset(42), FileKind::TimeIndex),
        "00000000000000000042.timeindex",
    );
    check(
        FileName::new(Offset(7), FileKind::TxnIndex),
        "00000000000000000007.txnindex",
    );
    check(
        FileName::new(Offset(7), FileKind::Snapshot),
        "00000000000000000007.snapshot",
    );
    check(
        FileName::new(Offset(i64::MAX), FileKind::Log).deleted(),
        "09223372036854775807.log.deleted",
    );
}

#[test]
fn other_files_are_left_alone() {
    for name in [
        "",
        ".",
        ".log",
        ".deleted",
        "0.log",
        "000000000000000000000.log",
        "-0000000000000000001.log",
        "+0000000000000000001.log",
        "0000000000000000000x.log",
        "09223372036854775808.log",
        "00000000000000000000",
        "00000000000000000000.logs",
        "00000000000000000000.log.",
        "00000000000000000000.log.swap",
        "00000000000000000000.log.deleted.deleted",
        "leader-epoch-checkpoint",
    ] {
        assert_eq!(FileName::parse(name), None, "{name}");
    }
}

#[test]
fn directories_are_named_after_their_partition() {
    let check = |name: &str, expected: Option<(&str, i32)>| {
        let parsed = parse_partition_directory(name);
        assert_eq!(
            parsed,
            expected.map(|(topic, partition)| (topic, PartitionIndex(partition)))
        );
        if let Some((topic, partition)) = parsed {
            assert_eq!(partition_directory(topic, partition), name);
        }
    };
    check("events-0", Some(("events", 0)));
    check("a-b-c-12", Some(("a-b-c", 12)));
    check("__consumer_offsets-49", Some(("__consumer_offsets", 49)));
    check("a--1", Some(("a-", 1)));
    check("-1", None);
    check("events", None);
    check("events-", None);
    check("events-x", None);
    check("events-2147483648", None);
    check("..-0", None);
    check("a/b-0", None);
    check("events-0.0123456789abcdef0123456789abcdef-delete", None);
    check(&format!("{}-0", "t".repeat(250)), None);
}

#[test]
fn removed_directories_have_names_of_their_own() {
    let check = |topic: &str, expected: &str| {
        let name = deleted_directory(topic, PartitionIndex(3), 0xabc);
        assert_eq!(name, expected);
        assert!(is_deleted_directory(&name) && name.len() <= 255);
    };
    let tail = "-3.00000000000000000000000000000abc-delete";
    check("events", &format!("events{tail}"));
    check(
        &"t".repeat(249),
        &format!("{}{tail}", "t".repeat(255 - tail.len())),
    );
    for name in [
        "events-3",
        "events-3-delete",
        "events-delete",
        "-delete",
        "events-3.abc-delete",
    ] {
        assert!(!is_deleted_directory(name), "{name}");
    }
}

#[test]
fn offset_checkpoints_come_back() {
    let entry = |topic: &str, partition, offset| OffsetCheckpoint {
        topic: topic.into(),
        partition: PartitionIndex(partition),
        offset: Offset(offset),
    };
    let entries = [entry("a.b", 0, 17), entry("events", 3, i64::MAX)];
    let text = "0\n2\na.b 0 17\nevents 3 9223372036854775807\n";
    assert_eq!(format_offset_checkpoints(&entries), text);
    assert_eq!(parse_offset_checkpoints(text), Ok(entries.to_vec()));
    assert_eq!(parse_offset_checkpoints("0\n0\n"), Ok(vec![]));

    let check = |text: &str, expected| {
        assert_eq!(parse_offset_checkpoints(text), Err(expected), "{text:?}")
    };
    check("", TextError::Line(1));
    check("\0\0\0\0", TextError::Line(1));
    check("1\n0\n", TextError::Version(1));
    check("0\n", TextError::Line(2));
    check("0\nx\n", TextError::Line(2));
    check("0\n-1\n", TextError::Line(2));
    check(
        "0\n2\na 0 1\n",
        TextError::Count {
            announced: 2,
            found: 1,
        },
    );
    check(
        "0\n0\na 0 1\n",
        TextError::Count {
            announced: 0,
            found: 1,
        },
    );
    check("0\n1\na 0\n", TextError::Line(3));
    check("0\n1\na 0 1 2\n", TextError::Line(3));
    check("0\n1\na 0 -1\n", TextError::Line(3));
    check("0\n1\n../a 0 1\n", TextError::Line(3));
    check("0\n1\na 0 99999999999999999999\n", TextError::Line(3));
}

#[test]
fn leader_epochs_come_back() {
    let entry = |epoch, offset| EpochEntry {
        epoch: LeaderEpoch(epoch),
        start_offset: Offset(offset),
    };
    let entries = [entry(0, 0), entry(7, 1234)];
    assert_eq!(format_leader_epochs(&entries), "0\n2\n0 0\n7 1234\n");
    assert_eq!(
        parse_leader_epochs("0\n2\n0  0\n7 1234\n"),
        Ok(entries.to_vec())
    );
    assert_eq!(
        parse_leader_epochs("0\n1\n0 0 0\n"),
        Err(TextError::Line(3))
    );
}

#[test]
fn topic_ids_come_back() {
    let id = TopicId(std::array::from_fn(|i| (i * 37 + 201) as u8));
    let text = format_partition_metadata(id);
    assert_eq!(text, format!("version: 0\ntopic_id: {id}"));
    assert_eq!(parse_partition_metadata(&text), Ok(id));
    assert_eq!(parse_partition_metadata(&format!("{text}\n")), Ok(id));
    let check = |text: &str, expected| {
        assert_eq!(parse_partition_metadata(text), Err(expected), "{text:?}")
    };
    check("", TextError::Line(1));
    check("version: 1\ntopic_id: x", TextError::Version(1));
    check("version: 0\n", TextError::Line(2));
    check(
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
        TextError::Line(2),
    );
    check(&format!("{text}\nmore"), TextError::Line(3));
}

#[test]
fn uuids_are_read_only_as_they_are_written() {
    for id in [
        TopicId::ZERO,
        TopicId([0xff; 16]),
        TopicId(std::array::from_fn(|i| i as u8)),
    ] {
        assert_eq!(parse_uuid(&id.to_string()), Some(id));
    }
    for text in [
        "",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAA+AAAAAAAAAAA",
        "ÄÄÄÄÄÄÄÄÄÄÄ",
    ] {
        assert_eq!(parse_uuid(text), None, "{text}");
    }
}

#[test]
fn meta_properties_come_back() {
    let properties = MetaProperties {
        node_id: NodeId(4),
        cluster_id: "MkU3OEVBNTcwNTJENDM2Qk".into(),
        directory_id: Some(TopicId([3; 16])),
    };
    let text = "#\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\ndirectory.id=AwMDAwMDAwMDAwMDAwMDAw\nnode.id=4\nversion=1\n";
    assert_eq!(properties.format(), text);
    assert_eq!(MetaProperties::parse(text), Ok(properties));
    let spaced = "! a comment\n\n version = 1\nnode.id= 4\ncluster.id =c\nother=x\n";
    let expected = MetaProperties {
        node_id: NodeId(4),
        cluster_id: "c".into(),
        directory_id: None,
    };
    assert_eq!(MetaProperties::parse(spaced), Ok(expected));

    let check =
        |text: &str, expected| assert_eq!(MetaProperties::parse(text), Err(expected), "{text:?}");
    check("", TextError::Missing("version"));
    check("version=0\nbroker.id=1\n", TextError::Version(0));
    check("version=x\n", TextError::Value("version"));
    check("version=1\ncluster.id=c\n", TextError::Missing("node.id"));
    check("version=1\nnode.id=1\n", TextError::Missing("cluster.id"));
    check(
        "version=1\nnode.id=1\ncluster.id=\n",
        TextError::Value("cluster.id"),
    );
    check(
        "version=1\nnode.id=-1\ncluster.id=c\n",
        TextError::Value("node.id"),
    );
    check("version=1\nversion=1\n", TextError::Line(2));
    check("version\n", TextError::Line(1));
    check(
        "version=1\nnode.id=1\ncluster.id=c\ndirectory.id=zz\n",
        TextError::Value("directory.id"),
    );
}
