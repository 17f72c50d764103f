use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use super::*;
use crate::base::{MonoMs, NodeId, ProducerEpoch, ProducerId, TimestampMs, TopicId};
use crate::log::Producers;
use crate::log::files::{CLEAN_SHUTDOWN, FileKind, FileName, LEADER_EPOCHS, PARTITION_METADATA};
use crate::metadata::{PartitionInfo, Record};
use crate::protocol::records::BatchBuilder;

const TOPIC: TopicId = TopicId([7; 16]);
const NOW: Now = Now {
    wall: TimestampMs(1_700_000_000_000),
    mono: MonoMs(5),
};

/// A partition's directory under test.
struct Bench {
    root: tempfile::TempDir,
    config: LogConfig,
}

impl Bench {
    fn new() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let config = LogConfig {
            index_interval_bytes: 256,
            ..LogConfig::default()
        };
        Bench { root, config }
    }

    fn path(&self, base: i64, kind: FileKind) -> PathBuf {
        self.root
            .path()
            .join(FileName::new(Offset(base), kind).to_string())
    }

    fn write(&self, base: i64, kind: FileKind, bytes: &[u8]) {
        fs::write(self.path(base, kind), bytes).unwrap();
    }

    fn len(&self, base: i64) -> u64 {
        fs::metadata(self.path(base, FileKind::Log)).unwrap().len()
    }

    fn patch(&self, base: i64, at: u64, bytes: &[u8]) {
        let path = self.path(base, FileKind::Log);
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    fn job(&self, clean_end: Option<i64>) -> Job {
        Job {
            id: TopicPartition {
                topic: TOPIC,
                partition: PartitionIndex(0),
            },
            shard: ShardId(0),
            leader_epoch: LeaderEpoch(3),
            directory: self.root.path().to_owned(),
            config: self.config.clone(),
            clean_end: clean_end.map(Offset),
            log_start: Offset::ZERO,
        }
    }

    fn recover(&self, clean_end: Option<i64>) -> Result<(Log, partition::Tail), Refusal> {
        match partition::recover(&self.job(clean_end), NOW)? {
            Found::Partition(log, tail) => {
                log.invariants();
                Ok((*log, tail))
            }
            _ => panic!("no log"),
        }
    }

    fn check_end(&self, clean_end: Option<i64>, end: i64) -> Log {
        let (log, tail) = self.recover(clean_end).unwrap();
        assert_eq!(log.log_end_offset(), Offset(end));
        let size = log.active().segment.size_bytes as usize;
        let base = log.active().segment.base_offset.get();
        let bytes = fs::read(self.path(base, FileKind::Log)).unwrap();
        assert_eq!(tail.reserved, bytes.len() as u64);
        assert_eq!(tail.page, bytes[size - size % 4096..size]);
        log
    }

    /// What a seal leaves beside a segment; the log is at its size.
    fn seal(&self, base: i64, end: i64) {
        let job = self.job(None);
        let directory = directory::Directory::read(&job.directory).unwrap();
        let opened = segment::Opened::open(&directory, Offset(base)).unwrap();
        let mut producers = Producers::default();
        let found = opened.scan(Offset(base), &self.config, |_, batch| {
            let info = crate::log::BatchInfo::from(batch.header());
            producers.replay(&info, batch.header().base_offset);
        });
        segment::write_indexes(&directory, &found.unwrap().segment).unwrap();
        self.write(end, FileKind::Snapshot, &producers.encode_snapshot());
    }
}

/// A batch of ten records of one producer, whose sequence numbers are the offsets.
fn batch(base: i64, payload: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new()
        .base_offset(Offset(base))
        .leader_epoch(LeaderEpoch(base as i32 / 100))
        .producer(ProducerId(9), ProducerEpoch(0), base as i32);
    for i in 0..10 {
        builder.push(TimestampMs(1000 + base + i), None, Some(payload), &[]);
    }
    builder.build().unwrap()
}

/// Batches of ten records from one offset up to another.
fn batches(from: i64, to: i64) -> Vec<u8> {
    (from..to)
        .step_by(10)
        .flat_map(|base| batch(base, b"value"))
        .collect()
}

fn with_zeros(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.resize(len, 0);
    bytes
}

#[test]
fn preallocated_zeros_are_not_a_loss() {
    let bench = Bench::new();
    bench.write(0, FileKind::Log, &with_zeros(batches(0, 200), 65536));
    let log = bench.check_end(None, 200);
    assert_eq!(bench.len(0), 65536);
    assert_eq!(log.active().first_timestamp, Some(TimestampMs(1009)));
    assert!(!log.active().index.offset_entries().is_empty());
    assert_eq!(log.epochs().latest(), Some(LeaderEpoch(1)));
    let producer = log.producers().get(ProducerId(9)).unwrap();
    assert_eq!(producer.last_batch().unwrap().last_sequence, 199);
    assert_eq!(producer.batches().count(), 5);
}

#[test]
fn a_torn_end_is_cut_off() {
    let whole = batches(0, 200);
    for torn in [8, 11, 60, 61, 100] {
        for tail in [0, 5000] {
            let bench = Bench::new();
            let bytes = [&whole[..], &batch(200, b"value")[..torn], &vec![0; tail]].concat();
            bench.write(0, FileKind::Log, &bytes);
            bench.check_end(None, 200);
            assert_eq!(
                bench.len(0),
                whole.len() as u64,
                "{torn} bytes and {tail} zeros"
            );
            bench.check_end(None, 200);
        }
    }
}

#[test]
fn garbage_behind_the_end_is_cut_off() {
    let bench = Bench::new();
    let whole = batches(0, 50);
    bench.write(0, FileKind::Log, &[&whole[..], &[0xa5; 300]].concat());
    bench.check_end(None, 50);
    assert_eq!(bench.len(0), whole.len() as u64);
}

#[test]
fn a_write_that_the_disk_kept_in_parts_is_cut_off() {
    let bench = Bench::new();
    let whole = batches(0, 100);
    let large = batch(100, &[1; 3000]);
    let bytes = [&whole[..], &large[..], &batch(110, b"behind")[..]].concat();
    bench.write(0, FileKind::Log, &bytes);
    let lost_sector = (whole.len() as u64 + 4096).next_multiple_of(512);
    bench.patch(0, lost_sector, &[0; 512]);
    bench.check_end(None, 100);
    assert_eq!(bench.len(0), whole.len() as u64);
}

#[test]
fn damage_with_records_behind_it_takes_the_partition_out_of_service() {
    let bench = Bench::new();
    let bytes = batches(0, 200);
    bench.write(0, FileKind::Log, &bytes);
    bench.patch(0, bytes.len() as u64 / 2, b"x");
    let refusal = bench.recover(None).unwrap_err().to_string();
    assert!(
        refusal.contains("sound records behind") && !refusal.contains('\n'),
        "{refusal}"
    );
    assert_eq!(bench.len(0), bytes.len() as u64, "nothing was cut");
}

#[test]
fn a_log_that_is_shorter_than_what_was_synced_is_not_served() {
    let bench = Bench::new();
    bench.write(0, FileKind::Log, &batches(0, 100));
    bench.write(
        120,
        FileKind::Snapshot,
        &Producers::default().encode_snapshot(),
    );
    for clean_end in [None, Some(120)] {
        let refusal = bench.recover(clean_end).unwrap_err().to_string();
        assert!(
            refusal.contains("up to 120 had been made durable"),
            "{refusal}"
        );
    }
}

#[test]
fn sealed_segments_are_trusted_and_the_others_scanned() {
    let bench = Bench::new();
    bench.write(0, FileKind::Log, &batches(0, 300));
    bench.seal(0, 300);
    bench.write(300, FileKind::Log, &with_zeros(batches(300, 400), 9000));
    // Damage in the sealed segment shows that it is not read.
    bench.patch(0, 500, b"damage");
    let log = bench.check_end(None, 400);
    assert_eq!(log.segments().count(), 2);
    let first = log.segments().next().unwrap();
    assert_eq!(first.max_timestamp, TimestampMs(1299));
    assert_eq!(first.max_timestamp_offset, Offset(299));
    let producer = log.producers().get(ProducerId(9)).unwrap();
    assert_eq!(producer.last_batch().unwrap().last_sequence, 399);
}

#[test]
fn a_segment_whose_seal_was_not_finished_is_sealed_now() {
    for half_done in ["nothing", "indexes", "garbage", "partial"] {
        let bench = Bench::new();
        bench.write(0, FileKind::Log, &with_zeros(batches(0, 300), 40_000));
        bench.write(300, FileKind::Log, &batches(300, 310));
        match half_done {
            "indexes" => {
                bench.seal(0, 300);
                fs::remove_file(bench.path(300, FileKind::Snapshot)).unwrap();
            }
            "garbage" => {
                bench.seal(0, 300);
                bench.write(0, FileKind::Index, &[0xff; 801]);
            }
            "partial" => bench.write(0, FileKind::TimeIndex, &[1; 12]),
            _ => {}
        }
        let log = bench.check_end(None, 310);
        assert_eq!(log.segments().count(), 2, "{half_done}");
        assert_eq!(bench.len(0), batches(0, 300).len() as u64);
        let times = fs::read(bench.path(0, FileKind::TimeIndex)).unwrap();
        assert_eq!(
            times[times.len() - 12..],
            [&1299i64.to_be_bytes()[..], &299u32.to_be_bytes()].concat()
        );
    }
}

#[test]
fn a_torn_segment_with_an_empty_successor_is_the_newest_again() {
    let bench = Bench::new();
    let torn = [&batches(0, 100)[..], &batch(100, b"value")[..70]].concat();
    bench.write(0, FileKind::Log, &torn);
    bench.write(110, FileKind::Log, &[0; 4096]);
    let log = bench.check_end(None, 100);
    assert_eq!(log.segments().count(), 1);
    assert!(!bench.path(110, FileKind::Log).exists());

    bench.write(0, FileKind::Log, &torn);
    bench.write(110, FileKind::Log, &batches(110, 120));
    assert!(matches!(bench.recover(None), Err(Refusal::Damaged { .. })));
    assert_eq!(bench.len(0), torn.len() as u64);
}

#[test]
fn an_orderly_stop_is_taken_at_its_word_if_its_files_agree() {
    let bench = Bench::new();
    let bytes = batches(0, 300);
    bench.write(0, FileKind::Log, &bytes);
    bench.seal(0, 300);
    // Damage before the last index entry shows that the batches were not read.
    bench.patch(0, 500, b"damage");
    let log = bench.check_end(Some(300), 300);
    assert_eq!(log.active().segment.max_timestamp, TimestampMs(1299));
    assert_eq!(log.active().first_timestamp, Some(TimestampMs(1009)));
    bench.patch(0, 500, &bytes[500..506]);

    for file in [FileKind::Index, FileKind::TimeIndex] {
        bench.write(0, file, b"garbage of no length");
        bench.check_end(Some(300), 300);
        fs::remove_file(bench.path(0, file)).unwrap();
        bench.check_end(Some(300), 300);
        bench.seal(0, 300);
    }
    bench.write(300, FileKind::Snapshot, b"garbage");
    let log = bench.check_end(Some(300), 300);
    let producer = log.producers().get(ProducerId(9)).unwrap();
    assert_eq!(producer.last_batch().unwrap().last_sequence, 299);
}

#[test]
fn epochs_come_from_their_file_or_else_from_the_batches() {
    let bench = Bench::new();
    bench.write(0, FileKind::Log, &batches(0, 300));
    bench.seal(0, 300);
    let expected = [(0, 0), (1, 100), (2, 200)];
    let found = |log: &Log| -> Vec<(i32, i64)> {
        let entries = log.epochs().entries().iter();
        entries
            .map(|e| (e.epoch.get(), e.start_offset.get()))
            .collect()
    };
    assert_eq!(found(&bench.check_end(Some(300), 300)), expected);
    let file = bench.root.path().join(LEADER_EPOCHS);
    fs::write(&file, "0\n2\n0 0\n5 50\n").unwrap();
    assert_eq!(found(&bench.check_end(Some(300), 300)), [(0, 0), (5, 50)]);
    fs::write(&file, "nonsense").unwrap();
    assert_eq!(found(&bench.check_end(Some(300), 300)), expected);
}

#[test]
fn what_a_crash_left_lying_is_swept_up() {
    let bench = Bench::new();
    bench.write(0, FileKind::Log, &batches(0, 10));
    let leftovers = [
        "00000000000000000000.index.tmp",
        "00000000000000000005.log.deleted",
    ];
    for name in leftovers {
        fs::write(bench.root.path().join(name), "x").unwrap();
    }
    fs::write(bench.root.path().join("notes.txt"), "mine").unwrap();
    bench.check_end(None, 10);
    for name in leftovers {
        assert!(!bench.root.path().join(name).exists());
    }
    assert!(bench.root.path().join("notes.txt").exists());
    assert!(bench.root.path().join(PARTITION_METADATA).exists());
}

#[test]
fn any_single_change_of_a_byte_is_found_or_harmless() {
    let bytes = batches(0, 60);
    for at in (0..bytes.len()).step_by(7) {
        let bench = Bench::new();
        bench.write(0, FileKind::Log, &bytes);
        bench.patch(0, at as u64, &[bytes[at] ^ 0x40]);
        if let Ok((log, _)) = bench.recover(None) {
            assert!(
                log.log_end_offset() >= Offset(50),
                "byte {at}: sound records were cut off"
            );
            let end = log.active().segment.size_bytes as usize;
            let kept = fs::read(bench.path(0, FileKind::Log)).unwrap();
            let same = kept[..end] == bytes[..end];
            // The offset of the last batch and all epochs lie outside the checksum.
            let (batch, within) = (at / (bytes.len() / 6), at % (bytes.len() / 6));
            let unchecked = (12..16).contains(&within) || (batch == 5 && within < 8);
            assert!(same || unchecked, "byte {at}");
        }
    }
}

fn image(partitions: i32) -> ClusterImage {
    let mut records = vec![Record::Topic {
        id: TOPIC,
        name: "topic".to_owned(),
    }];
    records.extend((0..partitions).map(|index| Record::Partition {
        topic: TOPIC,
        index: PartitionIndex(index),
        info: PartitionInfo {
            leader: NodeId(1),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: 0,
            replicas: vec![NodeId(1)],
            isr: vec![NodeId(1)],
            shard: ShardId((index % 2) as u16),
        },
    }));
    let empty = ClusterImage::empty(Default::default());
    empty.apply(&records).unwrap()
}

fn recover_all(data_dir: &Path, image: &ClusterImage, clean: bool) -> Vec<Vec<RecoveredPartition>> {
    let recovery = Recovery {
        data_dir,
        clean,
        image,
        shards: 2,
        now: NOW,
    };
    recovery.run().unwrap()
}

fn make_partition(data_dir: &Path, name: &str, topic: TopicId, log: &[u8]) {
    let directory = data_dir.join(name);
    fs::create_dir(&directory).unwrap();
    let metadata = crate::log::files::format_partition_metadata(topic);
    fs::write(directory.join(PARTITION_METADATA), metadata).unwrap();
    fs::write(directory.join("00000000000000000000.log"), log).unwrap();
}

#[test]
fn partitions_go_to_their_shards_and_the_rest_is_sorted_out() {
    let root = tempfile::tempdir().unwrap();
    let data_dir = root.path();
    make_partition(data_dir, "topic-0", TOPIC, &batches(0, 20));
    make_partition(data_dir, "topic-1", TOPIC, &batches(0, 30));
    make_partition(
        data_dir,
        "topic-2",
        TOPIC,
        &[b"damaged", &batches(0, 30)[7..], &batches(30, 60)].concat(),
    );
    make_partition(data_dir, "topic-3", TopicId([8; 16]), &batches(0, 30));
    make_partition(data_dir, "topic-9", TOPIC, &batches(0, 30));
    make_partition(data_dir, "other-0", TopicId([8; 16]), &batches(0, 30));
    make_partition(data_dir, &format!("gone-0.{:032x}-delete", 5), TOPIC, b"");
    fs::create_dir(data_dir.join(METADATA_DIRECTORY)).unwrap();
    fs::write(data_dir.join(RECOVERY_POINTS), "nonsense").unwrap();

    let shards = recover_all(data_dir, &image(5), false);
    let ends = |shard: usize| -> Vec<(i32, i64, bool)> {
        let mut ends: Vec<_> = shards[shard]
            .iter()
            .map(|p| {
                let end = p.state.log().log_end_offset().get();
                (p.id.partition.get(), end, p.state.unavailable().is_some())
            })
            .collect();
        ends.sort_unstable();
        ends
    };
    assert_eq!(ends(0), [(0, 20, false), (2, 0, true)]);
    assert_eq!(ends(1), [(1, 30, false)]);
    let mut names: Vec<String> = fs::read_dir(data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let names: Vec<&str> = names
        .iter()
        .map(|name| name.split('.').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            METADATA_DIRECTORY,
            "other-0",
            RECOVERY_POINTS,
            "topic-0",
            "topic-1",
            "topic-2",
            "topic-3",
            "topic-9"
        ]
    );
    assert!(!data_dir.join("topic-3").exists() && data_dir.join("topic-2").exists());
}

#[test]
fn checkpoints_hold_for_a_clean_start_only() {
    let root = tempfile::tempdir().unwrap();
    let data_dir = root.path();
    make_partition(data_dir, "topic-0", TOPIC, &batches(0, 20));
    fs::write(data_dir.join(RECOVERY_POINTS), "0\n1\ntopic 0 90\n").unwrap();
    fs::write(data_dir.join(LOG_START_OFFSETS), "0\n1\ntopic 0 10\n").unwrap();
    fs::write(data_dir.join(CLEAN_SHUTDOWN), "").unwrap();
    let clean = recover_all(data_dir, &image(1), true);
    assert!(clean[0][0].state.unavailable().is_some());
    let unclean = recover_all(data_dir, &image(1), false);
    assert_eq!(unclean[0][0].state.log().log_end_offset(), Offset(20));
    assert_eq!(unclean[0][0].state.log().log_start_offset(), Offset(10));
    forget_checkpoints(data_dir).unwrap();
    assert!(!data_dir.join(RECOVERY_POINTS).exists());
    forget_checkpoints(data_dir).unwrap();
}
