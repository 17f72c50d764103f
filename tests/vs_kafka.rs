//! The comparison with Apache Kafka (`scripts/vs_kafka`): its arithmetic, by its own tests.
#![cfg(feature = "broker")]

mod common;

use std::process::Command;

use common::deps;

#[test]
fn the_comparison_adds_up() {
    if !deps::on_path("python3") {
        return deps::skip("vs_kafka::the_comparison_adds_up", "Python");
    }
    let tested = Command::new("python3")
        .args("-B -m unittest discover -s vs_kafka/tests -t .".split(' '))
        .current_dir(deps::root().join("scripts"))
        .output()
        .expect("python3 runs");
    let told = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success(), "{told}");
    // A discovery that finds nothing is a success to unittest.
    assert!(
        told.contains("\nRan ") && !told.contains("\nRan 0 "),
        "{told}"
    );
}
