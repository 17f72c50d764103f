//! The life of a broker process, seen from outside: start, ready line, signals, restarts, and starts
//! that cannot work.
#![cfg(feature = "broker")]

mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::broker::{Kind, Log, field, ringlog_binary, ringlog_command, spawn_logged};
use common::refusal::{REFUSAL_LIMIT, assert_nothing_created, refused, start};
use common::wire::{Connection, Heard, LATEST, batch, decode_answer, produce_request};
use common::{Broker, Options, announce, proc, wait_for};
use kafka_protocol::messages::ProduceRequest;

#[test]
fn port_zero_picks_free_ports_and_the_ready_line_tells_them() {
    if !ringlog() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let log = Log::default();
    let started = Instant::now();
    let mut child = spawn_logged(
        &mut ringlog_command(home.path(), any, &Options::default()),
        &log,
    );
    let ready = || log.line_since_start("ringlog ready ");
    let line = wait_for("the ready line", REFUSAL_LIMIT, ready);
    let elapsed = started.elapsed();
    let address = |name: &str| field::<SocketAddr>(&line, name).expect("an address");
    let connected = ["kafka=", "admin="].map(|name| TcpStream::connect(address(name)).is_ok());
    let shards: Option<usize> = field(&line, "shards=");
    child.kill().expect("a process of ours");
    child.wait().expect("a child of ours");
    assert_eq!((connected, shards), ([true, true], Some(2)), "{line}");
    announce(&format!("ready {elapsed:.0?} after an empty start"));
}

#[test]
fn no_subcommand_means_serve() {
    if !ringlog() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    let log = Log::default();
    let mut command = Command::new(ringlog_binary());
    command.current_dir(home.path());
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--cores",
        "1",
    ]);
    let mut child = spawn_logged(&mut command, &log);
    wait_for("the ready line", REFUSAL_LIMIT, || {
        log.line_since_start("ringlog ready ")
    });
    let in_default_place = home.path().join("ringlog-data").is_dir();
    child.kill().expect("a process of ours");
    child.wait().expect("a child of ours");
    assert!(in_default_place, "the data is in ./ringlog-data");
}

#[test]
fn a_kill_loses_nothing_acknowledged() {
    let mut broker = Broker::start(Options::default());
    Connection::open(broker.address()).create_topic("kept", 3, &[("retention.ms", "86400000")]);
    for round in 0..3 {
        let mut connection = Connection::open(broker.address());
        for partition in 0..3 {
            let answer = connection.produce("kept", partition, batch(&[b"a", b"b"]));
            assert_eq!(answer, (0, 2 * round), "partition {partition}");
        }
        broker.kill();
        broker.restart();
    }
    let mut connection = Connection::open(broker.address());
    for partition in 0..3 {
        let (error, records) = connection.fetch("kept", partition, 0);
        assert_eq!((error, records.len()), (0, 6), "partition {partition}");
        assert_eq!(connection.list_offset("kept", partition, LATEST), 6);
    }
}

#[test]
fn a_signal_ends_in_order_and_keeps_everything() {
    for signal in ["TERM", "INT"] {
        let mut broker = Broker::start(Options::default());
        let mut connection = Connection::open(broker.address());
        connection.create_topic("kept", 1, &[]);
        assert_eq!(connection.produce("kept", 0, batch(&[b"before"])), (0, 0));
        let request = produce_request("kept", 0, -1, batch(&[b"in flight"]));
        for _ in 0..50 {
            connection.send_raw(&connection.frame(7, &request));
        }
        let status = broker.terminate(signal);
        let answered = answered(&mut connection);
        // Java ends a process that got a signal with 128 and the signal's number.
        let expected = match broker.kind() {
            Kind::Ringlog => 0,
            Kind::Kafka if signal == "TERM" => 143,
            Kind::Kafka => 130,
        };
        assert_eq!(status.code(), Some(expected), "{signal}\n{}", broker.log());
        broker.restart();
        let mut connection = Connection::open(broker.address());
        let end = connection.list_offset("kept", 0, LATEST);
        assert!(
            end > answered,
            "{signal}: {answered} more were acknowledged, the log ends at {end}"
        );
    }
}

/// Counts the produce requests that were acknowledged before the connection ended.
fn answered(connection: &mut Connection) -> i64 {
    let mut count = 0;
    while let Heard::Frame(frame) = connection.hear(REFUSAL_LIMIT) {
        let answer = decode_answer::<ProduceRequest>(7, &frame);
        count += i64::from(answer.responses[0].partition_responses[0].error_code == 0);
    }
    count
}

#[test]
fn at_rest_it_is_small() {
    if !ringlog() {
        return;
    }
    let broker = Broker::start(Options::default());
    let before = proc::cpu_ms(broker.pid());
    let watched = Instant::now();
    std::thread::sleep(Duration::from_secs(3));
    let cpu_ms = proc::cpu_ms(broker.pid()) - before;
    let percent = cpu_ms as f64 / watched.elapsed().as_millis() as f64 * 100.0;
    announce(&format!(
        "at rest: {} KiB resident, {percent:.2}% of a core",
        broker.rss_kib()
    ));
    assert!(
        broker.rss_kib() < 40 * 1024,
        "{} KiB resident at rest",
        broker.rss_kib()
    );
}

#[test]
fn an_occupied_port_is_said() {
    if !ringlog() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for flag in ["--listen", "--admin"] {
        let home = tempfile::tempdir().expect("a temporary directory");
        let output = refused(home.path(), &[flag, &address]);
        assert!(output.contains(&address), "{flag}: {output}");
        assert_nothing_created(home.path());
    }
}

#[test]
fn a_data_directory_in_use_is_said() {
    if !ringlog() {
        return;
    }
    let mut broker = Broker::start(Options::default());
    let home = tempfile::tempdir().expect("a temporary directory");
    let directory = broker.data_dir();
    let directory = directory.to_str().expect("a plain path");
    let output = refused(home.path(), &["--data-dir", directory]);
    assert!(output.contains(directory), "{output}");
    broker.assert_alive();
    Connection::open(broker.address()).create_topic("undisturbed", 1, &[]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_said() {
    if !ringlog() {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = home.path().join("file");
    fs::write(&file, "not a directory").expect("writable");
    let below = file.join("data");
    for directory in [below.to_str().expect("a plain path"), "/proc/ringlog-data"] {
        let output = refused(home.path(), &["--data-dir", directory]);
        assert!(output.contains(directory), "{output}");
    }
}

#[test]
fn mistakes_in_the_configuration_are_said_with_line_and_nearest_name() {
    if !ringlog() {
        return;
    }
    let table: [(&str, &[&str]); 6] = [
        (
            "num.partitions=3\nnum.partition=3\n",
            &["server.properties", "2", "num.partitions"],
        ),
        (
            "\n# a comment\nlog.retention.hour=1\n",
            &["server.properties", "3", "log.retention.hours"],
        ),
        (
            "num.partitions=many\n",
            &["server.properties", "1", "num.partitions", "many"],
        ),
        (
            "num.partitions=-4\n",
            &["server.properties", "1", "num.partitions", "-4"],
        ),
        (
            "auto.create.topics.enable=perhaps\n",
            &["1", "auto.create.topics.enable", "perhaps"],
        ),
        (
            "message.max.bytes=1000000000000\n",
            &["1", "message.max.bytes"],
        ),
    ];
    for (text, expected) in table {
        let home = tempfile::tempdir().expect("a temporary directory");
        let config = home.path().join("server.properties");
        fs::write(&config, text).expect("writable");
        let output = refused(
            home.path(),
            &["--config", config.to_str().expect("a plain path")],
        );
        for word in expected {
            assert!(output.contains(word), "{text:?}: no {word:?} in: {output}");
        }
        assert_nothing_created(home.path());
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    let output = refused(home.path(), &["--config", "no-such-file"]);
    assert!(output.contains("no-such-file"), "{output}");
}

#[test]
fn a_setting_of_kafka_without_effect_is_one_warning() {
    if !ringlog() {
        return;
    }
    let broker = Broker::start(
        Options::default()
            .set("num.io.threads", 8)
            .set("num.partitions", 3),
    );
    let log = broker.log();
    let said = log
        .lines()
        .filter(|line| line.contains("num.io.threads"))
        .count();
    assert_eq!(said, 1, "{log}");
    assert!(
        !log.contains("num.partitions"),
        "a setting with effect is no warning: {log}"
    );
}

#[test]
fn wrong_flags_are_refused() {
    if !ringlog() {
        return;
    }
    for flags in [
        ["--cores", "0"],
        ["--cores", "many"],
        ["--listen", "nowhere"],
        ["--liste", "127.0.0.1:0"],
        ["--log-level", "loud"],
    ] {
        let home = tempfile::tempdir().expect("a temporary directory");
        let output = start(home.path(), &flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && !said.contains("panicked"),
            "{flags:?}: {said}"
        );
        assert!(
            flags.iter().any(|word| said.contains(word)),
            "{flags:?}: {said}"
        );
        assert_nothing_created(home.path());
    }
}

#[test]
fn partitions_without_the_metadata_log_are_left_alone() {
    if !ringlog() {
        return;
    }
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("orphan", 1, &[]);
    assert_eq!(connection.produce("orphan", 0, batch(&[b"kept"])), (0, 0));
    broker.kill();
    let data = broker.data_dir();
    let metadata = data.join("__cluster_metadata-0");
    let aside = data.parent().expect("a home").join("aside");
    fs::rename(&metadata, &aside).expect("a directory of ours");
    let before = names(&data);
    let home = tempfile::tempdir().expect("a temporary directory");
    let said = refused(
        home.path(),
        &["--data-dir", data.to_str().expect("a plain path")],
    );
    assert!(
        said.contains("orphan-0") && said.contains("__cluster_metadata-0"),
        "{said}"
    );
    assert_eq!(names(&data), before);
    fs::rename(&aside, &metadata).expect("a directory of ours");
    broker.restart();
    let (error, records) = Connection::open(broker.address()).fetch("orphan", 0, 0);
    assert_eq!((error, records.len()), (0, 1));
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).expect("a directory of ours");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("a directory of ours").file_name())
        .collect();
    names.sort_unstable();
    names
}

/// Whether Ringlog is the broker under test: flags and refusals are its own.
fn ringlog() -> bool {
    Kind::under_test() == Kind::Ringlog
}
