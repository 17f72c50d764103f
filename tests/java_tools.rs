//! Apache Kafka's own command line tools against the broker: topics, console, offsets, groups, perf.
#![cfg(feature = "broker")]

mod common;

use std::process::Command;

use common::{Broker, Options, client, deps, kafka};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[test]
fn console_tools() {
    if deps::kafka_class_path().is_none() {
        return deps::skip("java_tools::console_tools", "Java and Kafka's jars");
    }
    let broker = Broker::start(Options::quick_groups());
    for (topic, partitions) in [("one", "1"), ("twelve", "12")] {
        let create = ["--create", "--topic", topic, "--partitions", partitions];
        tool(&broker, "TopicCommand", &create, "");
    }
    let described = tool(
        &broker,
        "TopicCommand",
        &["--describe", "--topic", "twelve"],
        "",
    );
    assert_eq!(described.matches("Leader:").count(), 12, "{described}");
    let lines = console_producers(&broker);
    console_consumers(&broker, &lines);
    offsets_and_groups(&broker, &lines);
    tool(&broker, "TopicCommand", &["--delete", "--topic", "one"], "");
    let left = tool(
        &broker,
        "TopicCommand",
        &["--list", "--exclude-internal"],
        "",
    );
    assert_eq!(left.trim(), "twelve");
}

/// Every codec into `twelve`, every kind of acks into `one`; gives the lines of each topic.
fn console_producers(broker: &Broker) -> [Vec<String>; 2] {
    let lines = |tag: &str| -> Vec<String> {
        (0..200)
            .map(|n| format!("{tag} {n} {}", "payload ".repeat(n % 50)))
            .collect()
    };
    let produce = |topic: &str, codec: &str, acks: &str, lines: &[String]| {
        let properties = format!("acks={acks}");
        let arguments = [
            "--topic",
            topic,
            "--compression-codec",
            codec,
            "--command-property",
            &properties,
        ];
        tool(
            broker,
            "ConsoleProducer",
            &arguments,
            &(lines.join("\n") + "\n"),
        );
    };
    let (mut one, mut twelve) = (Vec::new(), Vec::new());
    for acks in ["0", "1", "all"] {
        one.extend(lines(acks));
        produce("one", "none", acks, &lines(acks));
    }
    for codec in CODECS {
        twelve.extend(lines(codec));
        produce("twelve", codec, "all", &lines(codec));
    }
    [one, twelve]
}

fn console_consumers(broker: &Broker, [one, twelve]: &[Vec<String>; 2]) {
    let consume = |topic: &str, more: &[&str], count: usize| -> Vec<String> {
        let count = count.to_string();
        let base = [
            "--topic",
            topic,
            "--max-messages",
            &count,
            "--timeout-ms",
            "30000",
        ];
        let output = tool(
            broker,
            "consumer.ConsoleConsumer",
            &[&base, more].concat(),
            "",
        );
        output.lines().map(str::to_owned).collect()
    };
    assert_eq!(
        &consume(
            "one",
            &["--from-beginning", "--group", "console"],
            one.len()
        ),
        one
    );
    let from_offset = consume(
        "one",
        &["--partition", "0", "--offset", "150"],
        one.len() - 150,
    );
    assert_eq!(from_offset, one[150..]);
    let mut all = consume(
        "twelve",
        &["--from-beginning", "--group", "console"],
        twelve.len(),
    );
    let mut expected = twelve.clone();
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

fn offsets_and_groups(broker: &Broker, [one, twelve]: &[Vec<String>; 2]) {
    let latest = tool(
        broker,
        "GetOffsetShell",
        &["--topic", "one|twelve", "--time", "latest"],
        "",
    );
    let ends: usize = latest.lines().map(|line| last_number(line, ':')).sum();
    assert_eq!(ends, one.len() + twelve.len(), "{latest}");
    let earliest = tool(
        broker,
        "GetOffsetShell",
        &["--topic", "one", "--time", "earliest"],
        "",
    );
    assert_eq!(earliest.trim(), "one:0:0");
    let future = tool(
        broker,
        "GetOffsetShell",
        &["--topic", "one", "--time", "4102444800000"],
        "",
    );
    assert!(
        !future.contains("one:0:0"),
        "a time to come has no record: {future}"
    );
    let groups = tool(
        broker,
        "consumer.group.ConsumerGroupCommand",
        &["--list"],
        "",
    );
    assert!(groups.lines().any(|group| group == "console"), "{groups}");
    let described = tool(
        broker,
        "consumer.group.ConsumerGroupCommand",
        &["--describe", "--group", "console"],
        "",
    );
    let rows = described
        .lines()
        .filter(|line| line.starts_with("console "));
    let lags: Vec<&str> = rows
        .filter_map(|row| row.split_whitespace().nth(5))
        .collect();
    assert_eq!(lags, ["0"; 13], "{described}");
}

#[test]
fn perf_tools() {
    if deps::kafka_class_path().is_none() {
        return deps::skip("java_tools::perf_tools", "Java and Kafka's jars");
    }
    let broker = Broker::start(Options::quick_groups());
    tool(
        &broker,
        "TopicCommand",
        &["--create", "--topic", "perf", "--partitions", "12"],
        "",
    );
    let mut produced = 0;
    for (acks, size, count) in [
        ("0", 100, 20_000),
        ("1", 100, 50_000),
        ("all", 1024, 30_000),
    ] {
        let (size, records) = (size.to_string(), count.to_string());
        let arguments = [
            "--topic",
            "perf",
            "--num-records",
            &records,
            "--record-size",
            &size,
            "--throughput",
            "-1",
        ];
        let properties = ["--command-property", &format!("acks={acks}"), "linger.ms=5"];
        let said = tool(
            &broker,
            "ProducerPerformance",
            &[&arguments[..], &properties].concat(),
            "",
        );
        assert!(said.contains(&format!("{count} records sent")), "{said}");
        produced += count;
    }
    let count = produced.to_string();
    let arguments = [
        "--topic",
        "perf",
        "--num-records",
        &count,
        "--timeout",
        "30000",
        "--hide-header",
    ];
    let said = tool(&broker, "ConsumerPerformance", &arguments, "");
    let consumed = said
        .lines()
        .find_map(|line| line.split(", ").nth(4)?.parse::<usize>().ok());
    assert_eq!(consumed, Some(produced), "{said}");
}

/// Runs one of Kafka's tools with this broker as its bootstrap server.
fn tool(broker: &Broker, class: &str, arguments: &[&str], input: &str) -> String {
    let mut command: Command = kafka::java();
    // A tool lives for a second: the quick compiler and a plain collector suit it.
    command.args([
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
    ]);
    command.arg(format!("org.apache.kafka.tools.{class}"));
    command
        .args(["--bootstrap-server", &broker.bootstrap()])
        .args(arguments);
    client::tool(command, input)
}

fn last_number(line: &str, separator: char) -> usize {
    line.rsplit(separator)
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
