//! What the host gives a process: too little to start, too little for everyone, and just enough.
#![cfg(feature = "broker")]

mod common;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use common::broker::{Kind, ringlog_command};
use common::refusal::{REFUSAL_LIMIT, assert_nothing_created, finish, one_line_and_exit_one};
use common::wire::{Connection, Heard, LATEST, batch, produce_request};
use common::{Broker, Options, announce, proc, wait_for};
use kafka_protocol::messages::ApiVersionsRequest;

/// A Python program that becomes the one behind it, for which io_uring_setup(2) fails with the error that comes first.
/// It is prctl(PR_SET_NO_NEW_PRIVS), then prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER) with a filter of four steps: load the
/// number of the system call, compare it with io_uring_setup's, fail with the error, allow.
const WITHOUT_IO_URING: &str = "\
import ctypes, os, struct, sys
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (6, 0, 0, 0x50000 | int(sys.argv[1])), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
class Filter(ctypes.Structure): _fields_ = [('len', ctypes.c_ushort), ('code', ctypes.c_void_p)]
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(code)))) == 0
os.execv(sys.argv[2], sys.argv[2:])
";

#[test]
fn what_the_host_refuses_is_said_with_what_to_do() {
    if !ringlog() {
        return;
    }
    let (enosys, eperm) = (libc::ENOSYS.to_string(), libc::EPERM.to_string());
    let table: [(&[&str], &[&str]); 5] = [
        (
            &["prlimit", "--nofile=16"],
            &["open files is 16", "ulimit -n"],
        ),
        (
            &["prlimit", "--nofile=150"],
            &["open files is 150", "--cores"],
        ),
        (
            &["prlimit", "--memlock=65536"],
            &["locked memory is 65536", "ulimit -l"],
        ),
        (
            &["python3", "-c", WITHOUT_IO_URING, &enosys],
            &["io_uring", "newer"],
        ),
        (
            &["python3", "-c", WITHOUT_IO_URING, &eperm],
            &["io_uring", "seccomp", "docker"],
        ),
    ];
    for (starter, expected) in table {
        let home = tempfile::tempdir().expect("a temporary directory");
        let options = Options::default().started_by(starter);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let output = finish(&mut ringlog_command(home.path(), any, &options));
        let said = one_line_and_exit_one(&output);
        for part in expected {
            assert!(said.contains(part), "no {part:?} in: {said}");
        }
        assert_nothing_created(home.path());
    }
}

#[test]
fn soft_limits_are_raised_to_the_hard_ones() {
    if !ringlog() {
        return;
    }
    for limit in ["--nofile=32:512", "--memlock=4096:524288"] {
        let broker = Broker::start(Options::default().started_by(&["prlimit", limit]));
        Connection::open(broker.address()).create_topic("served", 2, &[]);
    }
}

#[test]
fn out_of_descriptors_those_that_are_there_are_served_and_others_wait() {
    if !ringlog() {
        return;
    }
    let mut broker = Broker::start(Options::default());
    let mut inside = Connection::open(broker.address());
    inside.create_topic("served", 1, &[]);
    assert_eq!(inside.produce("served", 0, batch(&[b"before"])), (0, 0));
    limit_open_files(&broker, proc::open_files(broker.pid()));

    let mut outside: Vec<Connection> = (0..20)
        .map(|_| Connection::open(broker.address()))
        .collect();
    wait_for("the broker to say it", REFUSAL_LIMIT, || {
        broker.log().contains("cannot accept").then_some(())
    });
    let (cpu_ms, watched) = (proc::cpu_ms(broker.pid()), Instant::now());
    for offset in 1..21 {
        let answer = inside.produce("served", 0, batch(&[b"meanwhile"]));
        assert_eq!(answer, (0, offset));
        std::thread::sleep(Duration::from_millis(100));
    }
    let cpu_ms = proc::cpu_ms(broker.pid()) - cpu_ms;
    let percent = u128::from(cpu_ms) * 100 / watched.elapsed().as_millis();
    announce(&format!("out of descriptors: {percent}% of a core"));
    assert!(
        percent < 50,
        "{percent}% of a core while nobody can be let in"
    );
    // Each of the two shards may say it once in a while.
    let complaints = broker.log().matches("cannot accept").count();
    assert!(complaints <= 4, "{complaints} lines\n{}", broker.log());

    limit_open_files(&broker, 1024);
    for connection in &mut outside {
        assert_eq!(connection.metadata("served").topics[0].error_code, 0);
    }
    broker.assert_alive();
}

/// Sets the soft limit of a running broker.
fn limit_open_files(broker: &Broker, limit: usize) {
    let (pid, limit) = (broker.pid().to_string(), format!("--nofile={limit}:"));
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(set.is_ok_and(|status| status.success()), "prlimit failed");
}

/// An open segment takes two descriptors, and all partitions want theirs at once.
#[test]
fn more_partitions_than_descriptors_are_served_and_recovered() {
    if !ringlog() {
        return;
    }
    const PARTITIONS: i32 = 800;
    let mut broker = Broker::start(Options::default().started_by(&["prlimit", "--nofile=1024"]));
    let mut connection = Connection::open(broker.address());
    connection.create_topic("wide", PARTITIONS, &[]);
    let mut request = produce_request("wide", 0, -1, batch(&[b"one"]));
    for partition in 1..PARTITIONS {
        let mut one = produce_request("wide", partition, -1, batch(&[b"one"]));
        let data = one.topic_data.remove(0).partition_data;
        request.topic_data[0].partition_data.extend(data);
    }
    for round in 0..2 {
        let answer = connection.call(7, &request);
        let answers = &answer.responses[0].partition_responses;
        assert_eq!(answers.len(), PARTITIONS as usize);
        for answer in answers {
            let stored = (answer.error_code, answer.base_offset);
            assert_eq!(stored, (0, round), "partition {}", answer.index);
        }
        let open = proc::open_files(broker.pid());
        announce(&format!(
            "{PARTITIONS} partitions take {open} of 1024 descriptors"
        ));
        assert!(open < 1024);
        broker.kill();
        broker.restart();
        connection = Connection::open(broker.address());
        for partition in 0..PARTITIONS {
            let end = connection.list_offset("wide", partition, LATEST);
            assert_eq!(end, round + 1, "partition {partition}");
        }
    }
    assert!(!broker.log().contains("ERROR"), "{}", broker.log());
}

#[test]
fn connections_leave_the_partitions_their_descriptors() {
    if !ringlog() {
        return;
    }
    let mut broker = Broker::start(Options::default().started_by(&["prlimit", "--nofile=300"]));
    let mut inside = Connection::open(broker.address());
    inside.create_topic("served", 16, &[]);
    let crowd: Vec<Connection> = (0..300)
        .map(|_| Connection::open(broker.address()))
        .collect();
    for partition in 0..16 {
        let answer = inside.produce("served", partition, batch(&[b"meanwhile"]));
        assert_eq!(answer, (0, 0), "partition {partition}\n{}", broker.log());
    }
    drop(crowd);
    wait_for("a place for another connection", REFUSAL_LIMIT, || {
        let mut connection = Connection::open(broker.address());
        let request = ApiVersionsRequest::default();
        connection.send_raw(&connection.frame(0, &request));
        matches!(connection.hear(REFUSAL_LIMIT), Heard::Frame(_)).then_some(())
    });
    broker.assert_alive();
}

/// Whether Ringlog is the broker under test: limits and refusals are its own.
fn ringlog() -> bool {
    Kind::under_test() == Kind::Ringlog
}
