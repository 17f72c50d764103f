//! What the black-box tests share: a broker to talk to, a raw connection, client programs to run.
//!
//! The same tests judge two brokers. By default they start the `ringlog` binary of this build;
//! with `RINGLOG_TEST_BROKER=kafka` they start Apache Kafka from `.test-deps/kafka`, which is how a
//! test proves that it asks for Kafka's behaviour and not for our own.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]

pub mod broker;
pub mod client;
pub mod deps;
pub mod history;
pub mod kafka;
pub mod metrics;
pub mod mount;
pub mod proc;
pub mod refusal;
pub mod topics;
pub mod wire;

use std::time::{Duration, Instant};

pub use broker::{Broker, Options};

/// Polls `ready` until it gives a value; the test fails with `what` when `limit` is over.
pub fn wait_for<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A line on the real standard error: libtest hides what a passing test prints through macros,
/// and a skipped test or a measurement has to be seen.
pub fn announce(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
