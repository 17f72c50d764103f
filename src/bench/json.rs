//! What a run measured, as one JSON object for programs. Names tell their units; names are added, never changed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::{GB, PERCENTILES, max_ms, percentile_ms, rates};
use super::outcome::{Flow, Interval, Latency, Outcome, Usage};

/// The object, in one line.
pub fn json(outcome: &Outcome) -> String {
    serde_json::to_string(&Document::of(outcome))
        .expect("strings, numbers and maps with string keys")
}

#[derive(Serialize)]
struct Document<'a> {
    ringlog: &'static str,
    mode: &'static str,
    /// Milliseconds since the Unix epoch.
    started_ms: i64,
    measured_s: f64,
    interrupted: bool,
    load: BTreeMap<&'static str, &'a str>,
    /// By kind.
    totals: BTreeMap<&'static str, Figures>,
    intervals: Vec<Second>,
    errors: &'a BTreeMap<String, u64>,
    findings: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<Broker>,
}

impl Document<'_> {
    fn of(outcome: &Outcome) -> Document<'_> {
        Document {
            ringlog: env!("CARGO_PKG_VERSION"),
            mode: outcome.mode,
            started_ms: outcome.started.0,
            measured_s: outcome.measured_ms as f64 / 1e3,
            interrupted: outcome.interrupted,
            load: named(&outcome.what),
            totals: by_kind(&outcome.totals, outcome.measured_ms),
            intervals: outcome.intervals.iter().map(Second::of).collect(),
            errors: &outcome.errors,
            findings: named(&outcome.findings),
            broker: outcome.usage.map(|usage| Broker::of(outcome, usage)),
        }
    }
}

fn named<'a>(pairs: &'a [(&'static str, String)]) -> BTreeMap<&'static str, &'a str> {
    let borrowed = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    borrowed.collect()
}

#[derive(Serialize)]
struct Second {
    at_s: f64,
    length_s: f64,
    flows: BTreeMap<&'static str, Figures>,
}

impl Second {
    fn of(interval: &Interval) -> Second {
        Second {
            at_s: interval.at_ms as f64 / 1e3,
            length_s: interval.length_ms as f64 / 1e3,
            flows: by_kind(&interval.flows, interval.length_ms),
        }
    }
}

#[derive(Serialize)]
struct Figures {
    requests: u64,
    records: u64,
    bytes: u64,
    errors: u64,
    /// Rates of what goes on through the whole of what is measured; none of what is done once.
    #[serde(skip_serializing_if = "Option::is_none")]
    mb_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_s: Option<f64>,
    /// `p50`, `p90`, ... and `max`, `mean`; none of them without latencies.
    latency_ms: BTreeMap<&'static str, f64>,
}

fn by_kind(flows: &[Flow], length_ms: u64) -> BTreeMap<&'static str, Figures> {
    flows
        .iter()
        .map(|flow| (flow.kind.name(), Figures::of(flow, length_ms)))
        .collect()
}

impl Figures {
    fn of(flow: &Flow, length_ms: u64) -> Figures {
        let rates = rates(flow, length_ms);
        let of = |rate: f64| flow.kind.goes_on().then_some(rate);
        Figures {
            requests: flow.requests,
            records: flow.records,
            bytes: flow.bytes,
            errors: flow.errors,
            mb_per_s: of(rates.mb),
            records_per_s: of(rates.records),
            requests_per_s: of(rates.requests),
            latency_ms: latency_ms(&flow.latency),
        }
    }
}

fn latency_ms(latency: &Latency) -> BTreeMap<&'static str, f64> {
    let percentiles = PERCENTILES.map(|(name, at)| (name, percentile_ms(latency, at)));
    let mean = (!latency.is_empty()).then(|| latency.mean() / 1e3);
    let others = [("max", max_ms(latency)), ("mean", mean)];
    let told = percentiles.into_iter().chain(others);
    told.filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

#[derive(Serialize)]
struct Broker {
    cpu_s: f64,
    cpu_user_s: f64,
    cpu_system_s: f64,
    /// By what the run moved, in and out together.
    cpu_s_per_gb: Option<f64>,
    cpu_s_per_million_records: Option<f64>,
    rss_bytes_max: u64,
    rss_bytes_peak: u64,
    switches_voluntary: u64,
    switches_involuntary: u64,
    disk_read_bytes: u64,
    disk_written_bytes: u64,
    machine_busy_s: f64,
    machine_stolen_s: f64,
}

impl Broker {
    fn of(outcome: &Outcome, usage: Usage) -> Broker {
        Broker {
            cpu_s: usage.cpu_s(),
            cpu_user_s: usage.user_s,
            cpu_system_s: usage.system_s,
            cpu_s_per_gb: usage.cpu_s_per(GB, outcome.bytes()),
            cpu_s_per_million_records: usage.cpu_s_per(1e6, outcome.records()),
            rss_bytes_max: usage.rss_bytes_max,
            rss_bytes_peak: usage.rss_bytes_peak,
            switches_voluntary: usage.switches_voluntary,
            switches_involuntary: usage.switches_involuntary,
            disk_read_bytes: usage.disk_read_bytes,
            disk_written_bytes: usage.disk_written_bytes,
            machine_busy_s: usage.machine_busy_s,
            machine_stolen_s: usage.machine_stolen_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;
    use serde_json::{Value, json as value};

    fn parsed(outcome: &Outcome) -> Value {
        serde_json::from_str(&json(outcome)).unwrap()
    }

    #[test]
    fn a_run_is_told_whole() {
        let document = parsed(&sample::outcome());
        let expected = [
            ("/mode", value!("e2e")),
            ("/started_ms", value!(1_700_000_000_000_u64)),
            ("/measured_s", value!(2.0)),
            ("/load", value!({"partitions": "6", "acks": "all"})),
            ("/totals/produce/records", value!(3_000)),
            ("/totals/produce/mb_per_s", value!(1.5)),
            ("/totals/produce/errors", value!(2)),
            ("/totals/end-to-end/latency_ms", value!({})),
            ("/intervals/1/at_s", value!(1.0)),
            ("/intervals/0/flows/produce/records_per_s", value!(3_000.0)),
            ("/errors", value!({"NOT_LEADER_OR_FOLLOWER": 2})),
            ("/findings", value!({"connections": "7"})),
            ("/broker/cpu_s", value!(0.75)),
            ("/broker/cpu_s_per_gb", value!(250.0)),
            ("/broker/cpu_s_per_million_records", value!(250.0)),
            ("/broker/disk_written_bytes", value!(3_100_000)),
        ];
        for (path, value) in expected {
            assert_eq!(document.pointer(path), Some(&value), "{path}");
        }
        let latency = &document["totals"]["produce"]["latency_ms"];
        assert_eq!(latency["p99"], value!(1.0), "{latency}");
        assert!(latency["max"].as_f64().unwrap() >= 20.0, "{latency}");
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        let mut outcome = sample::outcome();
        outcome.usage = None;
        outcome.measured_ms = 0;
        let document = parsed(&outcome);
        assert_eq!(document.get("broker"), None);
        assert_eq!(document["totals"]["produce"]["mb_per_s"], value!(0.0));
        let nothing = Usage {
            user_s: 1.0,
            ..Usage::default()
        };
        outcome.usage = Some(nothing);
        outcome.totals.clear();
        assert_eq!(parsed(&outcome)["broker"]["cpu_s_per_gb"], Value::Null);
    }

    #[test]
    fn any_text_stays_one() {
        let mut outcome = sample::outcome();
        outcome.what = vec![("topic", "a\"b\\\n\u{1}".to_owned())];
        let text = json(&outcome);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(parsed(&outcome)["load"]["topic"], value!("a\"b\\\n\u{1}"));
    }
}
