//! Every standard client against the broker: what `tests/clients/README.md` says, one test a client.
#![cfg(feature = "broker")]

mod common;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::wire::Connection;
use common::{Broker, Options, client, deps, kafka};

/// A client's whole walk takes 10 to 40 s on two busy cores; a hang must not eat the run.
const LIMIT: Duration = Duration::from_secs(240);

/// The topics of the four phases, with their partitions.
const TOPICS: [(&str, i32); 5] = [
    ("one", 1),
    ("twelve", 12),
    ("positions", 1),
    ("group-one", 1),
    ("group-twelve", 12),
];

#[test]
fn kcat() {
    kcat_on(Options::quick_groups());
}

#[test]
fn kcat_with_cores_as_nodes() {
    kcat_on(Options::quick_groups().per_core());
}

fn kcat_on(options: Options) {
    if !deps::on_path("kcat") {
        return deps::skip("client_matrix::kcat", "kcat");
    }
    let mut command = Command::new("bash");
    command.arg(client_dir("kcat").join("matrix.sh"));
    walk(command, options);
}

#[test]
fn confluent_kafka() {
    python("confluent_kafka", "confluent.py", Options::quick_groups());
}

#[test]
fn kafka_python() {
    python("kafka", "kafka_python.py", Options::quick_groups());
}

#[test]
fn kafka_python_with_cores_as_nodes() {
    let options = Options::quick_groups().per_core();
    python("kafka", "kafka_python.py", options);
}

#[test]
fn aiokafka() {
    python("aiokafka", "aiokafka_client.py", Options::quick_groups());
}

#[test]
fn java_client() {
    java_client_on(Options::quick_groups());
}

#[test]
fn java_client_with_cores_as_nodes() {
    java_client_on(Options::quick_groups().per_core());
}

fn java_client_on(options: Options) {
    if deps::kafka_class_path().is_none() {
        return deps::skip("client_matrix::java_client", "Java and Kafka's jars");
    }
    let mut command = kafka::java();
    command.arg(client_dir("java").join("Matrix.java"));
    walk(command, options);
}

#[test]
fn franz_go() {
    built("franz-go", "the Go toolchain", Options::quick_groups());
}

#[test]
fn franz_go_with_cores_as_nodes() {
    let options = Options::quick_groups().per_core();
    built("franz-go", "the Go toolchain", options);
}

#[test]
fn rdkafka_crate() {
    let needs = "cmake and a C compiler";
    built("rdkafka-client", needs, Options::quick_groups());
}

#[test]
fn kafkajs() {
    let modules = deps::dir().join("node/node_modules");
    if !(deps::on_path("node") && modules.join("kafkajs").exists()) {
        return deps::skip("client_matrix::kafkajs", "Node and kafkajs");
    }
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", modules)
        .env("KAFKAJS_NO_PARTITIONER_WARNING", "1");
    command.arg(client_dir("node").join("matrix.js"));
    walk(command, Options::quick_groups());
}

/// A program that `scripts/test.sh` has compiled into `.test-deps/bin`.
fn built(program: &str, needs: &str, options: Options) {
    let path = deps::dir().join("bin").join(program);
    match path.exists() {
        true => walk(Command::new(path), options),
        false => deps::skip(&format!("client_matrix::{program}"), needs),
    }
}

fn python(module: &str, program: &str, options: Options) {
    let interpreter = deps::dir().join("python/bin/python");
    let found = Command::new(&interpreter)
        .args(["-c", &format!("import {module}")])
        .output();
    if !found.is_ok_and(|output| output.status.success()) {
        return deps::skip(
            &format!("client_matrix::{module}"),
            &format!("Python with {module}"),
        );
    }
    let mut command = Command::new(interpreter);
    command.arg(client_dir("python").join(program));
    walk(command, options);
}

/// Runs a client program through all its phases on a broker of its own.
fn walk(command: Command, options: Options) {
    let mut broker = Broker::start(options);
    create_topics(&broker);
    let verdict = client::run(&mut broker, command, LIMIT);
    common::announce(&verdict);
}

fn create_topics(broker: &Broker) {
    let mut connection = Connection::open(broker.address());
    for (name, partitions) in TOPICS {
        connection.create_topic(name, partitions, &[]);
    }
}

fn client_dir(language: &str) -> PathBuf {
    deps::root().join("tests/clients").join(language)
}
