//! `ringlog bench`, each mode by count: what it says it did, another client finds in the broker. And what it says when it
//! cannot.
#![cfg(feature = "broker")]

mod common;

use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStderr, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use common::broker::{free_address, ringlog_binary, send_signal};
use common::wire::{Connection, LATEST};
use common::{Broker, Options, wait_for};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// A bench with these arguments, given as one line, against `address`.
fn bench(address: SocketAddr, line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(ringlog_binary());
    command
        .arg("bench")
        .args(words.next())
        .args(["--bootstrap-server", &address.to_string()])
        .args(words)
        .arg("--json")
        .stdin(Stdio::null());
    command
}

/// Runs a bench that must succeed; what it says.
fn run(broker: &Broker, line: &str) -> Value {
    let output = bench(broker.address(), line).output().expect("a binary");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {}\n{said}", output.status);
    result(&output)
}

fn result(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Runs a bench that must fail without a result; its last line.
fn fail(address: SocketAddr, line: &str) -> String {
    let output = bench(address, line).output().expect("a binary");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{line}\n{said}");
    assert!(output.stdout.is_empty(), "{line}: a result all the same");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("ringlog: "), "{line}\n{said}");
    last.to_owned()
}

fn records(result: &Value, kind: &str) -> u64 {
    result["totals"][kind]["records"].as_u64().unwrap_or(0)
}

fn requests(result: &Value, kind: &str) -> u64 {
    result["totals"][kind]["requests"].as_u64().unwrap_or(0)
}

fn has_latency(result: &Value, kind: &str) -> bool {
    let percentile = |name| result["totals"][kind]["latency_ms"][name].as_f64();
    percentile("p50")
        .zip(percentile("p99"))
        .is_some_and(|(p50, p99)| p50 > 0.0 && p50 <= p99)
}

/// The records of a topic, by another client: how many by their offsets, and the first batches of each partition as they
/// are decoded.
fn count(connection: &mut Connection, topic: &str, partitions: i32, check: (bool, usize)) -> u64 {
    let (keyed, value_bytes) = check;
    let mut count = 0;
    for index in 0..partitions {
        let end = connection.list_offset(topic, index, LATEST);
        if end > 0 {
            let (error, records) = connection.fetch(topic, index, 0);
            assert_eq!((error, records[0].offset), (0, 0));
            for record in records {
                assert_eq!(record.key.is_some(), keyed);
                assert_eq!(record.value.map(|value| value.len()), Some(value_bytes));
            }
        }
        count += end as u64;
    }
    count
}

#[test]
fn what_was_acknowledged_is_in_the_broker() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    for (topic, partitions, keyed, options) in [
        ("plain", 1, false, ""),
        ("leader", 3, false, "--acks 1 --producers 4 --in-flight 1"),
        (
            "keyed",
            5,
            true,
            "--keyed --batches-per-request 3 --batch-size 700",
        ),
        ("packed", 2, false, "--compression lz4 --batch-size 3000"),
        (
            "numbered",
            3,
            true,
            "--idempotence --producers 2 --keyed --compression zstd",
        ),
        ("steady", 2, false, "--rate 20000 --linger-ms 2"),
        (
            "steady-packed",
            4,
            true,
            "--rate 20000 --linger-ms 1 --keyed --compression gzip",
        ),
    ] {
        let line = format!(
            "produce --topic {topic} --partitions {partitions} --records 5003 --record-size 111 {options}"
        );
        let result = run(&broker, &line);
        assert_eq!(records(&result, "produce"), 5003, "{line}\n{result}");
        assert_eq!(result["totals"]["produce"]["errors"], 0);
        assert!(has_latency(&result, "produce"), "{line}\n{result}");
        let found = count(&mut connection, topic, partitions, (keyed, 111));
        assert_eq!(found, 5003, "{line}");
    }
}

#[test]
fn consumers_read_all_there_is() {
    let broker = Broker::start(Options::default());
    run(
        &broker,
        "produce --topic t --topics 2 --partitions 3 --records 20000 --record-size 50 --keyed --compression snappy",
    );
    for (options, expected) in [
        ("", 20_000),
        ("--consumers 3 --verify", 60_000),
        ("--consumers 4 --share --fetch-max-bytes 1000", 20_000),
    ] {
        let line = format!("consume --topic t --topics 2 {options}");
        let result = run(&broker, &line);
        assert_eq!(records(&result, "consume"), expected, "{line}\n{result}");
        assert_eq!(result["totals"]["consume"]["bytes"], expected * 58);
        assert!(has_latency(&result, "consume"));
    }
}

#[test]
fn from_end_to_end_nothing_is_lost() {
    let broker = Broker::start(Options::default());
    for (at, options) in [
        "--consumers 2 --partitions 3",
        "--rate 20000 --linger-ms 1 --keyed --partitions 4",
        "--compression lz4 --verify --share --consumers 2 --partitions 2",
    ]
    .iter()
    .enumerate()
    {
        let line = format!("e2e --topic t{at} --records 4000 --record-size 100 {options}");
        let result = run(&broker, &line);
        let readers = if at == 0 { 2 } else { 1 };
        assert_eq!(records(&result, "produce"), 4000, "{line}\n{result}");
        assert_eq!(
            records(&result, "end-to-end"),
            4000 * readers,
            "{line}\n{result}"
        );
        assert!(has_latency(&result, "end-to-end"), "{line}\n{result}");
    }
}

#[test]
fn cold_consumers_read_the_backlog_beside_the_others() {
    let broker = Broker::start(Options::default());
    let result = run(
        &broker,
        "catchup --topic t --partitions 2 --records 3000 --record-size 100 --backlog 1000000 --cold-consumers 2",
    );
    assert_eq!(records(&result, "produce"), 3000);
    let tail = records(&result, "end-to-end") + records(&result, "end-to-end-beside");
    assert_eq!(tail, 3000, "{result}");
    // They may come to read some of what is sent meanwhile, too.
    assert!(records(&result, "cold-read") >= 20_000, "{result}");
    let mut connection = Connection::open(broker.address());
    assert_eq!(count(&mut connection, "t", 2, (false, 100)), 13_000);
}

#[test]
fn connections_are_held_and_answered() {
    let broker = Broker::start(Options::default());
    let line = "connections --connections 60 --requests 250 --rate 5000";
    let result = run(&broker, line);
    assert_eq!(requests(&result, "connect"), 60, "{result}");
    assert_eq!(requests(&result, "request"), 250, "{result}");
    assert!(has_latency(&result, "connect") && has_latency(&result, "request"));
}

#[test]
fn what_was_due_and_not_sent_has_failed() {
    let broker = Broker::start(Options::default());
    // More than any one connection can do, of which each waits for its answer.
    let line = "connections --connections 1 --rate 1e9 --warm-up 0 --duration 1 --timeout 1";
    let output = bench(broker.address(), line).output().expect("a binary");
    assert_eq!(output.status.code(), Some(1));
    let result = result(&output);
    assert!(requests(&result, "request") > 0, "{result}");
    let unsent = result["errors"]["REQUESTS_NOT_SENT"].as_u64();
    assert!(unsent > Some(0), "{result}");
}

#[test]
fn every_partition_gets_its_share_and_goes_at_the_end() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    let line = "partitions --topic p --partitions 30 --partitions-per-topic 12 --records 600 --record-size 10 --batch-size 1";
    let result = run(&broker, &format!("{line} --keep"));
    assert_eq!(records(&result, "produce"), 600, "{result}");
    assert_eq!(requests(&result, "create"), 3);
    assert!(has_latency(&result, "metadata"));
    for (topic, partitions) in [("p-0", 12), ("p-1", 12), ("p-2", 6)] {
        for index in 0..partitions {
            assert_eq!(
                connection.list_offset(topic, index, LATEST),
                20,
                "{topic}-{index}"
            );
        }
    }
    let there = fail(broker.address(), line);
    assert!(there.contains("TOPIC_ALREADY_EXISTS"), "{there}");
    run(&broker, &line.replace("--topic p", "--topic q"));
    assert_eq!(connection.metadata("q-0").topics[0].error_code, 3);
}

#[test]
fn topics_are_made_only_where_records_are_sent() {
    let broker = Broker::start(Options::default().set("auto.create.topics.enable", false));
    let mut connection = Connection::open(broker.address());
    let told = fail(broker.address(), "consume --topic nowhere");
    assert!(told.ends_with("there is no topic nowhere"), "{told}");
    assert_eq!(connection.metadata("nowhere").topics[0].error_code, 3);

    run(
        &broker,
        "produce --topic made --partitions 2 --records 10 --delete",
    );
    wait_for("the topic to go", LIMIT, || {
        (connection.metadata("made").topics[0].error_code == 3).then_some(())
    });
    connection.create_topic("there", 2, &[]);
    let told = fail(
        broker.address(),
        "produce --topic there --partitions 3 --records 10",
    );
    assert!(told.contains("has 2"), "{told}");
    run(&broker, "produce --topic there --records 10");
}

#[test]
fn refused_records_do_not_count() {
    let broker = Broker::start(Options::default());
    let line = "produce --topic t --records 2 --record-size 2000000";
    let output = bench(broker.address(), line).output().expect("a binary");
    assert_eq!(output.status.code(), Some(1));
    let result = result(&output);
    assert_eq!(records(&result, "produce"), 0, "{result}");
    assert_eq!(result["errors"]["MESSAGE_TOO_LARGE"], 2, "{result}");
    assert!(!has_latency(&result, "produce"));
    let mut connection = Connection::open(broker.address());
    assert_eq!(connection.list_offset("t", 0, LATEST), 0);
}

/// A stall of a second is seen by everything that was due in it, and not only by what was on its way.
#[test]
fn a_stall_is_in_the_latency_of_all_that_it_delays() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("t", 1, &[]);
    let line = "produce --topic t --rate 2000 --records 8000 --linger-ms 1";
    let mut command = bench(broker.address(), line);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let child = child.expect("a binary");
    wait_for("records", LIMIT, || {
        (connection.list_offset("t", 0, LATEST) > 0).then_some(())
    });
    send_signal(broker.pid(), "STOP");
    thread::sleep(Duration::from_secs(1));
    send_signal(broker.pid(), "CONT");
    let output = child.wait_with_output().expect("a child of ours");
    let result = result(&output);
    assert_eq!(records(&result, "produce"), 8000, "{result}");
    // Two thousand records were due meanwhile; of the slowest 800 each waited for more than half of it.
    let latency = &result["totals"]["produce"]["latency_ms"];
    assert!(latency["p90"].as_f64() > Some(400.0), "{latency}");
    assert!(latency["max"].as_f64() > Some(900.0), "{latency}");
}

#[test]
fn a_broker_that_goes_ends_the_run() {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("t", 1, &[]);
    let mut command = bench(
        broker.address(),
        "produce --topic t --duration 3600 --warm-up 0",
    );
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("a binary");
    wait_for("records", LIMIT, || {
        (connection.list_offset("t", 0, LATEST) > 0).then_some(())
    });
    broker.kill();
    let output = child.wait_with_output().expect("a child of ours");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains("lost the connection to "), "{said}");
}

/// What a bench says, line by line.
type Told = Lines<BufReader<ChildStderr>>;

/// Interrupts a bench once `wait` is over; its result, and the last line that it said.
fn interrupt(address: SocketAddr, line: &str, wait: impl FnOnce(&mut Told)) -> (Output, String) {
    let mut command = bench(address, line);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("a binary");
    let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
    wait(&mut told);
    send_signal(child.id(), "INT");
    // Read on: whoever writes to a full pipe does not end.
    let last = told.last().and_then(Result::ok).unwrap_or_default();
    let output = child.wait_with_output().expect("a child of ours");
    assert_eq!(output.status.code(), Some(130), "{line}: {last}");
    (output, last)
}

/// Waits for a line with `part`.
fn wait_until_said(told: &mut Told, part: &str) {
    let has_part = |line: io::Result<String>| line.expect("text").contains(part);
    assert!(told.any(has_part), "{part} is said");
}

/// Interrupts a bench that may delete its topic `t` before it has measured anything.
fn interrupt_early(broker: &Broker, line: &str, wait: impl FnOnce(&mut Told)) {
    let (output, last) = interrupt(broker.address(), line, wait);
    assert!(last.starts_with("ringlog: interrupted before "), "{last}");
    assert!(output.stdout.is_empty(), "{line}");
    let left = fail(broker.address(), "consume --topic t");
    assert!(left.contains("there is no topic t"), "{left}");
}

#[test]
fn an_interrupted_run_tells_what_it_measured_until_then() {
    let broker = Broker::start(Options::default());
    let line = "produce --topic t --duration 3600 --warm-up 0 --acks 0";
    let wait = |told: &mut Told| wait_until_said(told, "records/s");
    let (output, _) = interrupt(broker.address(), line, wait);
    let result = result(&output);
    assert_eq!(result["interrupted"], true);
    assert!(result["measured_s"].as_f64() >= Some(1.0), "{result}");
    assert!(records(&result, "produce") > 0, "{result}");
    assert!(requests(&result, "produce") > 0, "{result}");
}

#[test]
fn a_run_that_is_interrupted_before_it_measures_leaves_no_topic() {
    let broker = Broker::start(Options::default());
    let line = "produce --topic t --delete --warm-up 3600 --rate 100";
    interrupt_early(&broker, line, |told| wait_until_said(told, "(warm-up)"));
    // A backlog that no disk takes before the interrupt.
    let line = "catchup --topic t --delete --backlog 100000000000 --duration 3";
    interrupt_early(&broker, line, |told| {
        wait_until_said(told, "sending the backlog");
        let mut connection = Connection::open(broker.address());
        wait_for("records", LIMIT, || {
            (connection.list_offset("t", 0, LATEST) > 0).then_some(())
        });
    });
}

#[test]
fn what_is_no_broker_is_said_in_one_line() {
    let nobody = fail(free_address(), "produce --records 1");
    assert!(nobody.contains("cannot connect to 127.0.0.1:"), "{nobody}");

    let silent = pretend(|mut stream| {
        // Until the other end gives up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let told = fail(silent, "consume --timeout 1");
    assert!(
        told.contains("has not answered ApiVersions within 1 s"),
        "{told}"
    );

    let told = fail(pretend(drop), "connections --connections 2 --requests 2");
    assert!(told.contains("lost the connection to "), "{told}");

    let web = pretend(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let told = fail(web, "e2e --records 1");
    assert!(told.contains("is it a Kafka broker?"), "{told}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let address = free_address();
    for (line, part) in [
        (
            "produce --records 1 --idempotence --acks 1",
            "--idempotence",
        ),
        (
            "produce --records 1 --idempotence --in-flight 6",
            "--idempotence",
        ),
        ("produce --records 1 --rate 0", "--rate"),
        ("e2e --records 1 --record-size 10", "--record-size"),
        ("connections --requests 1 --rate 0", "--rate"),
    ] {
        let told = fail(address, line);
        assert!(told.contains(part), "{line}: {told}");
    }
}

/// Listens, and treats whoever connects like this.
fn pretend(treat: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || treat(stream));
        }
    });
    address
}
