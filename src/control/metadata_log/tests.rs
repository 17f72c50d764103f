use super::*;
use crate::base::{NodeId, PartitionIndex, ProducerId, ShardId, TopicId};
use crate::metadata::PartitionInfo;

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

fn open(directory: &Path) -> Result<(MetadataLog, ClusterImage), MetadataLogError> {
    MetadataLog::open(directory, &Arc::default())
}

fn topic(n: u8) -> Vec<Record> {
    let info = PartitionInfo {
        leader: NodeId(1),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
        replicas: vec![NodeId(1)],
        isr: vec![NodeId(1)],
        shard: ShardId(0),
    };
    let id = TopicId([n; 16]);
    let name = format!("topic-{n}");
    let partition = Record::Partition {
        topic: id,
        index: PartitionIndex(0),
        info,
    };
    vec![Record::Topic { id, name }, partition]
}

fn append(log: &mut MetadataLog, changes: &[Vec<Record>]) {
    log.append(changes.iter().map(Vec::as_slice), NOW).unwrap();
}

fn names(image: &ClusterImage) -> Vec<String> {
    image.topics().map(|topic| topic.name.to_string()).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

const FIRST: &str = "00000000000000000000.log";

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("metadata");
    let (mut log, image) = open(&directory).unwrap();
    assert_eq!(names(&image), Vec::<String>::new());
    append(&mut log, &[topic(1), topic(2)]);
    append(
        &mut log,
        &[vec![Record::TopicRemoved {
            topic: TopicId([1; 16]),
        }]],
    );
    append(&mut log, &[]);
    drop(log);
    let (mut log, image) = open(&directory).unwrap();
    assert_eq!(names(&image), ["topic-2"]);
    assert_eq!(log.next_offset(), Offset(5));
    append(&mut log, &[topic(3)]);
    drop(log);
    let (_, image) = open(&directory).unwrap();
    assert_eq!(names(&image), ["topic-2", "topic-3"]);
}

#[test]
fn a_change_is_there_as_a_whole_or_not_at_all() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path()).unwrap();
    append(&mut log, &[topic(1)]);
    let before = log.position;
    append(&mut log, &[topic(2)]);
    drop(log);
    let path = root.path().join(FIRST);
    let whole = fs::read(&path).unwrap();
    for end in before as usize..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let (mut log, image) = open(root.path()).unwrap();
        assert_eq!(names(&image), ["topic-1"], "cut at {end}");
        assert_eq!(fs::metadata(&path).unwrap().len(), before);
        append(&mut log, &[topic(3)]);
        drop(log);
        assert_eq!(names(&open(root.path()).unwrap().1), ["topic-1", "topic-3"]);
    }
}

#[test]
fn damage_that_is_no_torn_end_stops_the_start() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path()).unwrap();
    append(&mut log, &[topic(1), topic(2), topic(3)]);
    drop(log);
    let path = root.path().join(FIRST);
    let mut bytes = fs::read(&path).unwrap();
    bytes[80] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = open(root.path()).unwrap_err().to_string();
    assert!(
        error.contains("is damaged at byte 0") && !error.contains('\n'),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_snapshot_takes_the_place_of_what_it_tells() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, image) = open(root.path()).unwrap();
    append(&mut log, &[topic(1), topic(2)]);
    let image = image.apply(&[topic(1), topic(2)].concat()).unwrap();
    log.snapshot(&image, NOW).unwrap();
    assert!(!log.wants_snapshot());
    append(&mut log, &[topic(3)]);
    drop(log);
    let expected = [
        "00000000000000000004.checkpoint",
        "00000000000000000004.log",
    ];
    assert_eq!(files(root.path()), expected);
    let (log, image) = open(root.path()).unwrap();
    assert_eq!(names(&image), ["topic-1", "topic-2", "topic-3"]);
    assert_eq!(log.next_offset(), Offset(6));
    assert_eq!(image.version(), 6);
}

/// The records of a snapshot are fewer than those that made it: the state's version counts those.
#[test]
fn a_version_never_goes_back() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, image) = open(root.path()).unwrap();
    let gone = Record::TopicRemoved {
        topic: TopicId([1; 16]),
    };
    let changes = [topic(1), vec![gone], topic(2)];
    append(&mut log, &changes);
    let image = image.apply(&changes.concat()).unwrap();
    log.snapshot(&image, NOW).unwrap();
    drop(log);
    assert_eq!(open(root.path()).unwrap().1.version(), image.version());
}

/// Every state of the directory that a crash in the middle of a snapshot can leave.
#[test]
fn a_crash_at_any_step_of_a_snapshot_costs_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, image) = open(root.path()).unwrap();
    append(&mut log, &[topic(1), topic(2)]);
    let image = image.apply(&[topic(1), topic(2)].concat()).unwrap();
    let old_log = fs::read(root.path().join(FIRST)).unwrap();
    log.snapshot(&image, NOW).unwrap();
    drop(log);
    let snapshot = fs::read(root.path().join("00000000000000000004.checkpoint")).unwrap();
    let steps: [&[(&str, &[u8])]; 5] = [
        &[
            (FIRST, &old_log),
            ("00000000000000000004.checkpoint.tmp", &snapshot[..20]),
        ],
        &[
            (FIRST, &old_log),
            ("00000000000000000004.checkpoint", &snapshot),
        ],
        &[
            (FIRST, &old_log),
            ("00000000000000000004.checkpoint", &snapshot),
            ("00000000000000000004.log", &[]),
        ],
        &[
            ("00000000000000000004.checkpoint", &snapshot),
            ("00000000000000000004.log", &[]),
        ],
        &[
            ("00000000000000000002.checkpoint", &[]),
            ("00000000000000000004.checkpoint", &snapshot),
            ("00000000000000000004.log", &[]),
        ],
    ];
    for (step, present) in steps.into_iter().enumerate() {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in present {
            fs::write(root.path().join(name), bytes).unwrap();
        }
        let (mut log, image) = open(root.path()).unwrap();
        assert_eq!(names(&image), ["topic-1", "topic-2"], "step {step}");
        assert_eq!(log.next_offset(), Offset(4), "step {step}");
        append(&mut log, &[topic(3)]);
        drop(log);
        let (log, image) = open(root.path()).unwrap();
        assert_eq!(
            names(&image),
            ["topic-1", "topic-2", "topic-3"],
            "step {step}"
        );
        assert_eq!(log.next_offset(), Offset(6));
        assert!(
            !files(root.path()).iter().any(|name| name.ends_with(".tmp")),
            "step {step}"
        );
    }
}

#[test]
fn a_missing_file_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, image) = open(root.path()).unwrap();
    append(&mut log, &[topic(1)]);
    let image = image.apply(&topic(1)).unwrap();
    log.snapshot(&image, NOW).unwrap();
    append(&mut log, &[topic(2)]);
    drop(log);
    fs::remove_file(root.path().join("00000000000000000002.checkpoint")).unwrap();
    assert!(matches!(
        open(root.path()),
        Err(MetadataLogError::Gap { .. })
    ));
}

#[test]
fn a_snapshot_is_due_when_the_log_has_grown() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, mut image) = open(root.path()).unwrap();
    let mut next = 0;
    while !log.wants_snapshot() {
        let changes: Vec<Vec<Record>> = (0..10_000)
            .map(|_| {
                next += 1;
                vec![Record::ProducerIds {
                    next: ProducerId(next),
                }]
            })
            .collect();
        append(&mut log, &changes);
        image = image.apply(&changes.concat()).unwrap();
    }
    log.snapshot(&image, NOW).unwrap();
    assert!(!log.wants_snapshot());
    drop(log);
    let (_, image) = open(root.path()).unwrap();
    assert_eq!(image.next_producer_id(), ProducerId(next));
}
