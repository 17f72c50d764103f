#![cfg(feature = "broker")]
//! Side by side with Apache Kafka 4.3.1: the same requests to both, the answers compared field by
//! field. What may differ is named, with its reason, in `differences.rs`.
//!
//! With `RINGLOG_TEST_BROKER=kafka` two Kafkas stand side by side, which shows what the comparison
//! itself fails to set equal. `ORACLE_ONLY=fetch` runs the scenarios whose name contains that.

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod client;
mod differences;
mod normalise;
mod pair;
mod report;
mod scenarios;

use std::time::Instant;

use common::broker::Kind;
use common::{Broker, Options, announce, deps};
use pair::Pair;

#[test]
fn ringlog_answers_as_apache_kafka_does() {
    if deps::kafka_class_path().is_none() {
        deps::skip("oracle", "Java and Apache Kafka's jars");
        return;
    }
    let subject = Kind::under_test();
    let mut pair = Pair::new(start_both(subject));
    let only = std::env::var("ORACLE_ONLY").unwrap_or_default();
    for (name, run) in scenarios::ALL {
        if name.contains(&only) {
            let (before, started) = (pair.compared.0, Instant::now());
            pair.begin(name);
            run(&mut pair);
            let (answers, time) = (pair.compared.0 - before, started.elapsed());
            announce(&format!("oracle: {name}: {answers} answers in {time:.1?}"));
        }
    }
    let (answers, fields) = pair.compared;
    announce(&format!(
        "oracle: {answers} answers, {fields} fields compared"
    ));
    report::judge(&pair.differences, subject, only.is_empty());
}

/// Both at once, since Java takes its time.
fn start_both(subject: Kind) -> [Broker; 2] {
    let options = Options::quick_groups()
        .set("node.id", 1)
        .set("num.partitions", 3)
        .set("offsets.topic.num.partitions", 4)
        .set("offsets.topic.replication.factor", 1);
    let for_oracle = options.clone();
    let oracle = std::thread::spawn(|| Broker::start_kind(Kind::Kafka, for_oracle));
    let subject = Broker::start_kind(subject, options);
    [subject, oracle.join().expect("Kafka starts")]
}
