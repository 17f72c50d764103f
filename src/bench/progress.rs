//! The line a second that a run tells while it goes on.

use std::io::{self, Write};

use super::figures::{count, max_ms, or_dash, percentile_ms, rates, significant};
use super::outcome::{Flow, Interval, Kind, Progress};

/// Tells progress as lines, to stderr for a user, so that stdout is free for the result.
#[derive(Debug)]
pub struct ProgressLines<W> {
    out: W,
}

impl<W: Write> ProgressLines<W> {
    /// Lines go to `out`.
    pub fn new(out: W) -> ProgressLines<W> {
        ProgressLines { out }
    }

    /// Tells what there is to tell. Whoever reads may stop reading; the run goes on without.
    pub fn hear(&mut self, progress: &Progress<'_>) {
        let _ = self.tell(progress);
    }

    fn tell(&mut self, progress: &Progress<'_>) -> io::Result<()> {
        match progress {
            Progress::Phase(phase) => writeln!(self.out, "{phase}"),
            Progress::MeasureBegins => writeln!(self.out, "measuring"),
            Progress::MeasureEnds => writeln!(self.out, "measured"),
            Progress::Interval(interval) => self.out.write_all(lines(interval).as_bytes()),
        }
    }
}

/// A line for each kind of work.
fn lines(interval: &Interval) -> String {
    let until_s = (interval.at_ms + interval.length_ms) as f64 / 1e3;
    let when = match interval.warm_up {
        true => format!("{until_s:7.1} s (warm-up)"),
        false => format!("{until_s:7.1} s"),
    };
    let line = |flow: &Flow| format!("{when}  {}\n", figures(flow, interval.length_ms));
    interval.flows.iter().map(line).collect()
}

fn figures(flow: &Flow, length_ms: u64) -> String {
    let rates = rates(flow, length_ms);
    let latency = |percentile| or_dash(percentile_ms(&flow.latency, percentile));
    let (done, what) = match flow.kind {
        Kind::Request => (rates.requests, "requests/s"),
        _ => (rates.records, "records/s"),
    };
    format!(
        "{:<10} {:>8} MB/s {:>10} {what}  p50 {:>7} p99 {:>7} p99.9 {:>7} max {:>7} ms  errors {}",
        flow.kind.name(),
        significant(rates.mb),
        count(done.round() as u64),
        latency(50.0),
        latency(99.0),
        latency(99.9),
        or_dash(max_ms(&flow.latency)),
        count(flow.errors),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(progress: &[Progress<'_>]) -> String {
        let mut out = Vec::new();
        let mut lines = ProgressLines::new(&mut out);
        progress.iter().for_each(|step| lines.hear(step));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_second_is_a_line_for_each_kind() {
        let mut produce = Flow::new(Kind::Produce);
        (produce.records, produce.bytes, produce.errors) = (1_234_567, 126_419_661, 3);
        produce.latency.record_n(1_500, 99).unwrap();
        produce.latency.record(40_000).unwrap();
        let interval = Interval {
            at_ms: 4_000,
            length_ms: 1_000,
            warm_up: false,
            flows: vec![produce, Flow::new(Kind::EndToEnd)],
        };
        let text = heard(&[
            Progress::MeasureBegins,
            Progress::Interval(&interval),
            Progress::MeasureEnds,
        ]);
        let expected = [
            "measuring",
            "    5.0 s  produce         126 MB/s  1,234,567 records/s  p50    1.50 p99    1.50 p99.9    40.0 max    40.0 ms  errors 3",
            "    5.0 s  end-to-end    0.000 MB/s          0 records/s  p50       - p99       - p99.9       - max       - ms  errors 0",
            "measured",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn the_warm_up_is_told_apart() {
        let interval = Interval {
            at_ms: 0,
            length_ms: 1_000,
            warm_up: true,
            flows: vec![Flow::new(Kind::Produce)],
        };
        let text = heard(&[Progress::Phase("warming up"), Progress::Interval(&interval)]);
        assert!(
            text.starts_with("warming up\n    1.0 s (warm-up)  produce"),
            "{text}"
        );
    }
}
