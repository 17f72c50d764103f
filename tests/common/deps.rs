//! What the tests need from outside, as `scripts/test.sh` laid it out in `.test-deps`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The package's root directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The ignored folder where `scripts/test.sh` keeps what it installs.
pub fn dir() -> PathBuf {
    root().join(".test-deps")
}

/// Whether `program` can be started at all.
pub fn on_path(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The Java class path of Apache Kafka's own jars, when they are there.
pub fn kafka_class_path() -> Option<String> {
    let jars = dir().join("kafka");
    let complete = jars.join("kafka-clients-4.3.1.jar").exists() && on_path("java");
    complete.then(|| format!("{}/*", jars.display()))
}

/// Says that `test` is skipped and why. With `CI=true` a missing dependency is a failure.
pub fn skip(test: &str, missing: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{test} needs {missing}, and CI skips nothing");
    super::announce(&format!(
        "SKIPPED {test}: needs {missing} (./scripts/test.sh installs it)"
    ));
}
