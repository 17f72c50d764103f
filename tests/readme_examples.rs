//! The examples that the README shows, run as a reader would run them: on a broker with defaults,
//! topics that create themselves, and groups that wait their three seconds for more members.
#![cfg(feature = "broker")]

mod common;

use std::process::Command;

use common::{Broker, Options, client, deps, kafka};

#[test]
fn kafka_python() {
    let interpreter = deps::dir().join("python/bin/python");
    if !interpreter.exists() {
        return deps::skip("readme_examples::kafka_python", "Python with kafka-python");
    }
    let mut command = Command::new(interpreter);
    command.arg(example("kafka_python.py"));
    greets(command);
}

#[test]
fn java_client() {
    if deps::kafka_class_path().is_none() {
        return deps::skip("readme_examples::java_client", "Java and Kafka's jars");
    }
    let mut command = kafka::java();
    command.arg(example("KafkaQuickstart.java"));
    greets(command);
}

#[test]
fn kcat() {
    if !deps::on_path("kcat") {
        return deps::skip("readme_examples::kcat", "kcat");
    }
    greets(Command::new(example("kcat.sh")));
}

/// The example prints the three records that it wrote, with partition and offset.
fn greets(mut command: Command) {
    let broker = Broker::start(Options::default());
    command.env("BOOTSTRAP", broker.bootstrap());
    let printed = client::tool(command, "");
    assert_eq!(printed, "0 0 hello 0\n0 1 hello 1\n0 2 hello 2\n");
}

fn example(name: &str) -> std::path::PathBuf {
    deps::root().join("examples").join(name)
}
