//! What a run measured, as a table for a terminal.

use std::fmt::Write;

use super::figures::{
    GB, MB, PERCENTILES, count, max_ms, mib, or_dash, percentile_ms, rates, significant,
};
use super::outcome::{Flow, Outcome, Usage};

/// The whole of what is told at the end, some lines.
pub fn table(outcome: &Outcome) -> String {
    let mut text = load(outcome);
    text += "\n";
    text += &aligned(&flow_rows(outcome));
    for flow in outcome
        .totals
        .iter()
        .filter(|flow| !flow.latency.is_empty())
    {
        let _ = writeln!(
            text,
            "{}: latency {}",
            flow.kind.name(),
            flow.kind.latency_is()
        );
    }
    if let Some(usage) = &outcome.usage {
        text += "\n";
        text += &aligned(&usage_rows(outcome, usage));
    }
    if !outcome.findings.is_empty() {
        let rows = outcome.findings.iter();
        let rows = rows.map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
        text += "\n";
        text += &aligned(&rows.collect::<Vec<_>>());
    }
    text + &errors(outcome)
}

fn load(outcome: &Outcome) -> String {
    let options = outcome.what.iter();
    let options: Vec<String> = options
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let seconds = significant(outcome.measured_ms as f64 / 1e3);
    let how = if outcome.interrupted {
        ", then interrupted"
    } else {
        ""
    };
    format!(
        "{} {}\nmeasured {seconds} s{how}\n",
        outcome.mode,
        options.join(" ")
    )
}

/// A header, and a row for each kind of work; a report shows the same.
pub fn flow_rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let mut header = vec![
        String::new(),
        "MB/s".to_owned(),
        "records/s".to_owned(),
        "requests/s".to_owned(),
    ];
    header.extend(PERCENTILES.map(|(name, _)| format!("{name} ms")));
    header.extend(["max ms".to_owned(), "errors".to_owned()]);
    let mut rows = vec![header];
    rows.extend(
        outcome
            .totals
            .iter()
            .map(|flow| flow_row(flow, outcome.measured_ms)),
    );
    rows
}

fn flow_row(flow: &Flow, measured_ms: u64) -> Vec<String> {
    let rates = rates(flow, measured_ms);
    let whole = |rate: f64| count(rate.round() as u64);
    let mut row = vec![flow.kind.name().to_owned()];
    row.extend(match flow.kind.goes_on() {
        true => [
            significant(rates.mb),
            whole(rates.records),
            whole(rates.requests),
        ],
        false => ["-", "-", "-"].map(str::to_owned),
    });
    row.extend(PERCENTILES.map(|(_, at)| or_dash(percentile_ms(&flow.latency, at))));
    row.extend([or_dash(max_ms(&flow.latency)), count(flow.errors)]);
    row
}

/// What the broker spent, as names and values; a report shows the same.
pub fn usage_rows(outcome: &Outcome, usage: &Usage) -> Vec<Vec<String>> {
    let cpu_s = usage.cpu_s();
    let of_core = cpu_s / (outcome.measured_ms as f64 / 1e3);
    let disk = |bytes: u64| format!("{} MB", significant(bytes as f64 / MB));
    let rows = [
        (
            "broker CPU",
            format!(
                "{} s (user {}, system {}), {} of a core",
                significant(cpu_s),
                significant(usage.user_s),
                significant(usage.system_s),
                significant(of_core),
            ),
        ),
        (
            "broker CPU per GB",
            format!("{} s", or_dash(usage.cpu_s_per(GB, outcome.bytes()))),
        ),
        (
            "broker CPU per million records",
            format!("{} s", or_dash(usage.cpu_s_per(1e6, outcome.records()))),
        ),
        (
            "broker memory",
            format!(
                "at most {}, since its start {}",
                mib(usage.rss_bytes_max),
                mib(usage.rss_bytes_peak)
            ),
        ),
        (
            "broker context switches",
            format!(
                "{} voluntary, {} involuntary",
                count(usage.switches_voluntary),
                count(usage.switches_involuntary),
            ),
        ),
        (
            "broker disk",
            format!(
                "{} read, {} written",
                disk(usage.disk_read_bytes),
                disk(usage.disk_written_bytes)
            ),
        ),
        (
            "machine CPU",
            format!(
                "{} s busy, of all processes and the kernel, {} s stolen",
                significant(usage.machine_busy_s),
                significant(usage.machine_stolen_s),
            ),
        ),
    ];
    rows.map(|(name, value)| vec![name.to_owned(), value])
        .to_vec()
}

fn errors(outcome: &Outcome) -> String {
    let lines = outcome.errors.iter();
    let lines = lines.map(|(name, times)| format!("error {name}: {} times\n", count(*times)));
    match outcome.errors.is_empty() {
        true => String::new(),
        false => format!("\n{}", lines.collect::<String>()),
    }
}

/// Rows in columns, two spaces apart: names to the left, figures to the right, and a text that is last as it is.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(at, (cell, &width))| match (at, columns) {
            (0, _) => format!("{cell:<width$}"),
            (1, 2) => cell.clone(),
            _ => format!("{cell:>width$}"),
        });
        text += &cells.collect::<Vec<_>>().join("  ");
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;

    #[test]
    fn a_run_is_told_whole() {
        let expected = "\
e2e partitions=6 acks=all
measured 2.00 s

             MB/s  records/s  requests/s  p50 ms  p90 ms  p99 ms  p99.9 ms  p99.99 ms  max ms  errors
produce      1.50      1,500          15    1.00    1.00    1.00      20.0       20.0    20.0       2
end-to-end  0.000          0           0       -       -       -         -          -       -       0
produce: latency of each record, from when it was due (open loop) or sent (saturation) to its acknowledgement

broker CPU                      0.750 s (user 0.250, system 0.500), 0.375 of a core
broker CPU per GB               250 s
broker CPU per million records  250 s
broker memory                   at most 12.0 MiB, since its start 16.0 MiB
broker context switches         1,234 voluntary, 5 involuntary
broker disk                     0.000 MB read, 3.10 MB written
machine CPU                     1.50 s busy, of all processes and the kernel, 0.010 s stolen

connections  7

error NOT_LEADER_OR_FOLLOWER: 2 times
";
        assert_eq!(table(&sample::outcome()), expected);
    }

    #[test]
    fn a_run_without_records_divides_by_nothing() {
        let mut outcome = sample::outcome();
        outcome.totals.clear();
        outcome.measured_ms = 0;
        assert!(table(&outcome).contains("broker CPU per GB               - s\n"));
    }
}
