//! Real files through the broker and back: every file of the cargo registry, a record a line, keyed by
//! path, goes in through librdkafka's idempotent producer and comes out through franz-go, while the
//! broker is killed and restarted again and again.
#![cfg(feature = "broker")]

mod common;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::wire::Connection;
use common::{Broker, Options, announce, client, deps};

const KILLS: u64 = 20;
const RECORDS_MIN: u64 = 2_000_000;
const BYTES_MIN: u64 = 200_000_000;
const PARTITIONS: i32 = 12;
const LIMIT: Duration = Duration::from_secs(900);

#[test]
fn files_come_out_as_they_went_in() {
    let (producer, consumer) = (bin("rdkafka-client"), bin("franz-go"));
    if !(producer.exists() && consumer.exists()) {
        return deps::skip(
            "real_input",
            "the rdkafka crate's client and the franz-go program",
        );
    }
    let corpus = Corpus::of_the_cargo_registry();
    let home = tempfile::tempdir().expect("a temporary directory");
    let list = home.path().join("files");
    fs::write(&list, corpus.listing()).expect("writable");
    let mut broker = Broker::start(Options::default());
    Connection::open(broker.address()).create_topic("files", PARTITIONS, &[]);

    let started = Instant::now();
    let mut command = Command::new(producer);
    command.arg("produce-files").arg(&list).arg("files");
    let kills = produce_under_kills(&mut broker, command, corpus.records);
    let produced = started.elapsed();
    assert!(
        kills >= KILLS,
        "only {kills} kills: the producer was done too soon"
    );

    let read = home.path().join("read");
    let mut command = Command::new(consumer);
    command.args(["read-files", "files"]).arg(&read);
    client::run(&mut broker, command, LIMIT);
    corpus.compare(&fs::read_to_string(read).expect("the consumer's findings"));
    let rate = corpus.bytes as f64 / 1e6 / produced.as_secs_f64();
    announce(&format!(
        "real input: {} records, {} MB, {kills} kills, produced in {produced:.1?} ({rate:.1} MB/s with the \
         restarts), read and compared in {:.1?}",
        corpus.records,
        corpus.bytes / 1_000_000,
        started.elapsed() - produced,
    ));
}

/// Runs the producer, and kills and restarts the broker each time another share of the records has
/// been acknowledged. Gives the number of kills.
fn produce_under_kills(broker: &mut Broker, mut command: Command, records: u64) -> u64 {
    let mut program = client::Program::start(&mut command, broker);
    let lines = client::merged_output(&mut program.0);
    let (mut kills, mut said) = (0, Vec::new());
    while let Ok(line) = lines.recv_timeout(LIMIT) {
        let Some(acked) = line.strip_prefix("@acked ") else {
            said.push(line);
            continue;
        };
        let acked: u64 = acked.parse().expect("a number");
        if acked > (kills + 1) * records / (KILLS + 2) {
            broker.kill();
            broker.restart();
            kills += 1;
        }
    }
    let status = program.0.wait().expect("a child of ours");
    assert!(
        status.success(),
        "the producer ended with {status}\n{}",
        said.join("\n")
    );
    kills
}

fn bin(name: &str) -> PathBuf {
    deps::dir().join("bin").join(name)
}

/// What one key has to come out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    records: u64,
    /// CRC-32C over all records in their order, each followed by a line feed.
    checksum: u32,
}

/// The files that go in. A key is the path, after the first round with a suffix.
struct Corpus {
    files: Vec<(String, PathBuf, Expected)>,
    records: u64,
    bytes: u64,
}

impl Corpus {
    fn of_the_cargo_registry() -> Corpus {
        let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo = cargo.unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cargo")
        });
        let mut paths = Vec::new();
        collect(&cargo.join("registry/src"), &mut paths);
        paths.sort();
        let found: Vec<(PathBuf, Expected, u64)> = paths.into_iter().filter_map(measure).collect();
        assert!(!found.is_empty(), "no sources in {}", cargo.display());
        let mut corpus = Corpus {
            files: Vec::new(),
            records: 0,
            bytes: 0,
        };
        for (round, (path, expected, bytes)) in
            (0..).flat_map(|round| found.iter().map(move |file| (round, file)))
        {
            if corpus.records >= RECORDS_MIN && corpus.bytes >= BYTES_MIN && round > 0 {
                break;
            }
            corpus.files.push((
                format!("{}#{round}", path.display()),
                path.clone(),
                *expected,
            ));
            corpus.records += expected.records;
            corpus.bytes += bytes;
        }
        corpus
    }

    /// Lines of key, tab, path: what the producer reads.
    fn listing(&self) -> String {
        self.files
            .iter()
            .fold(String::new(), |mut text, (key, path, _)| {
                let _ = writeln!(text, "{key}\t{}", path.display());
                text
            })
    }

    /// `found` has lines of key, tab, records, tab, checksum.
    fn compare(&self, found: &str) {
        let mut found: HashMap<&str, Expected> = found.lines().map(parse_finding).collect();
        for (key, _, expected) in &self.files {
            assert_eq!(found.remove(key.as_str()), Some(*expected), "{key}");
        }
        assert!(
            found.is_empty(),
            "keys that nobody produced: {:?}",
            found.keys().take(5)
        );
    }
}

fn parse_finding(line: &str) -> (&str, Expected) {
    let mut fields = line.split('\t');
    let key = fields.next().expect("a key");
    let mut number = || {
        fields
            .next()
            .and_then(|field| field.parse::<u64>().ok())
            .expect("a number")
    };
    (
        key,
        Expected {
            records: number(),
            checksum: number() as u32,
        },
    )
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir)
        .expect("the registry is readable")
        .flatten()
    {
        let kind = entry.file_type().expect("the registry is readable");
        match kind.is_dir() {
            true => collect(&entry.path(), paths),
            false if kind.is_file() => paths.push(entry.path()),
            false => {}
        }
    }
}

/// The records of a file; none if a line is too long for one record or its name for the list.
fn measure(path: PathBuf) -> Option<(PathBuf, Expected, u64)> {
    const LINE_MAX: usize = 800_000;
    let text = fs::read(&path).ok()?;
    path.to_str().filter(|name| !name.contains(['\t', '\n']))?;
    let (mut records, mut checksum) = (0, 0);
    for line in text.split(|byte| *byte == b'\n') {
        if line.len() > LINE_MAX {
            return None;
        }
        records += 1;
        checksum = crc32c::crc32c_append(crc32c::crc32c_append(checksum, line), b"\n");
    }
    let bytes = text.len() as u64;
    Some((path, Expected { records, checksum }, bytes))
}
