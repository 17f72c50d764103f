//! A run for the tests of whoever shows one.

use std::collections::BTreeMap;

use super::outcome::{Flow, Interval, Kind, Outcome, Usage};
use crate::base::TimestampMs;

/// Two seconds of an end-to-end run: all was produced in the first, with one slow record of a thousand a second, and nothing received.
pub fn outcome() -> Outcome {
    let mut produce = Flow::new(Kind::Produce);
    (produce.requests, produce.records) = (30, 3_000);
    (produce.bytes, produce.errors) = (3_000_000, 2);
    produce.latency.record_n(1_000, 2_990).expect("in range");
    produce.latency.record_n(20_000, 10).expect("in range");
    let nothing = Flow::new(Kind::EndToEnd);
    let second = |at_ms, flow: &Flow| Interval {
        at_ms,
        length_ms: 1_000,
        warm_up: false,
        flows: vec![flow.clone(), nothing.clone()],
    };
    let idle = Flow::new(Kind::Produce);
    Outcome {
        interrupted: false,
        mode: "e2e",
        what: vec![("partitions", "6".to_owned()), ("acks", "all".to_owned())],
        started: TimestampMs(1_700_000_000_000),
        measured_ms: 2_000,
        intervals: vec![second(0, &produce), second(1_000, &idle)],
        totals: vec![produce, nothing],
        errors: BTreeMap::from([("NOT_LEADER_OR_FOLLOWER".to_owned(), 2)]),
        findings: vec![("connections", "7".to_owned())],
        usage: Some(Usage {
            user_s: 0.25,
            system_s: 0.5,
            rss_bytes_max: 12 << 20,
            rss_bytes_peak: 16 << 20,
            switches_voluntary: 1_234,
            switches_involuntary: 5,
            disk_read_bytes: 0,
            disk_written_bytes: 3_100_000,
            machine_busy_s: 1.5,
            machine_stolen_s: 0.01,
        }),
    }
}
