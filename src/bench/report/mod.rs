//! What a run measured, as one HTML page that needs nothing but itself.
//!
//! | to see | look at |
//! | --- | --- |
//! | lines over two axes, as SVG | [`chart`] |
//! | where a value stands on an axis | [`axis`] |

pub mod axis;
pub mod chart;

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axis::Axis;
use chart::{Chart, Line};

use super::figures::{max_ms, micros_to_ms, percentile_ms, rates};
use super::outcome::{Flow, Interval, Outcome};
use super::table::{flow_rows, usage_rows};

const STYLE: &str = include_str!("style.css");

/// How far apart, in nines, percentiles are looked up for their line.
const NINES_STEP: f64 = 0.02;

/// What is left of a second at the end, if it is shorter, tells no rate worth drawing.
const DRAWN_MS_MIN: u64 = 500;

/// The percentiles that are drawn over time.
const OVER_TIME: [(&str, f64); 3] = [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)];

/// Writes the page into a directory, which is made if need be, as `MODE.html`. Tells where it is.
pub fn write(outcome: &Outcome, directory: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("{}.html", outcome.mode));
    fs::write(&path, page(outcome))?;
    Ok(path)
}

/// The page.
pub fn page(outcome: &Outcome) -> String {
    let title = format!("ringlog bench {}", outcome.mode);
    let mut body = format!("<h1>{title}</h1>\n{}", load(outcome));
    body += &section("Result", &rows(&flow_rows(outcome), true));
    body += &meanings(outcome);
    for chart in charts(outcome) {
        body += &section(&chart.title, &chart.svg());
    }
    if let Some(usage) = &outcome.usage {
        body += &section(
            "Broker and machine",
            &rows(&usage_rows(outcome, usage), false),
        );
    }
    body += &pairs(
        "Findings",
        outcome
            .findings
            .iter()
            .map(|(name, value)| (*name, value.clone())),
    );
    let errors = outcome.errors.iter();
    body += &pairs(
        "Errors",
        errors.map(|(name, times)| (name.as_str(), times.to_string())),
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// Text as it may stand between tags and in quotes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn load(outcome: &Outcome) -> String {
    let mut html = String::from("<p>");
    for (name, value) in &outcome.what {
        let _ = write!(html, "<code>{}={}</code> ", escaped(name), escaped(value));
    }
    let seconds = outcome.measured_ms as f64 / 1e3;
    let _ = writeln!(
        html,
        "</p>\n<p>measured {seconds} s, ringlog {}</p>",
        env!("CARGO_PKG_VERSION")
    );
    html
}

fn meanings(outcome: &Outcome) -> String {
    let measured = outcome
        .totals
        .iter()
        .filter(|flow| !flow.latency.is_empty());
    let told = measured.map(|flow| {
        format!(
            "<p>{}: latency {}</p>\n",
            flow.kind.name(),
            flow.kind.latency_is()
        )
    });
    told.collect()
}

fn charts(outcome: &Outcome) -> Vec<Chart> {
    let mut charts = Vec::new();
    let measured = || {
        outcome
            .totals
            .iter()
            .filter(|flow| !flow.latency.is_empty())
    };
    if measured().next().is_some() {
        charts.push(latency_by_percentile(measured()));
    }
    if outcome.totals.iter().any(|flow| flow.bytes > 0) {
        charts.push(throughput_over_time(outcome));
    }
    charts.extend(measured().map(|flow| latency_over_time(flow, outcome)));
    charts
}

fn latency_by_percentile<'a>(flows: impl Iterator<Item = &'a Flow> + Clone) -> Chart {
    let count = flows
        .clone()
        .map(|flow| flow.latency.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<Line> = flows.map(percentiles).collect();
    Chart {
        title: "Latency by percentile".to_owned(),
        x_name: "percentile",
        y_name: "ms",
        x: Axis::percentiles(count),
        y: Axis::log(values(&lines)),
        lines,
    }
}

/// A flow's latency from 0% to the greatest that its count of values can tell.
fn percentiles(flow: &Flow) -> Line {
    let nines = (flow.latency.len().max(1) as f64).log10();
    let steps = (nines / NINES_STEP) as u32;
    let mut points: Vec<(f64, Option<f64>)> = (0..=steps)
        .map(|step| 1.0 - 10_f64.powf(-f64::from(step) * NINES_STEP))
        .map(|quantile| {
            let micros = flow.latency.value_at_quantile(quantile);
            (quantile * 100.0, Some(micros_to_ms(micros)))
        })
        .collect();
    let last = 100.0 * (1.0 - 10_f64.powf(-nines));
    points.push((last, max_ms(&flow.latency)));
    Line {
        name: flow.kind.name().to_owned(),
        points,
    }
}

fn throughput_over_time(outcome: &Outcome) -> Chart {
    let line = |flow: &Flow| Line {
        name: flow.kind.name().to_owned(),
        points: over_time(outcome, flow, |interval, flow| {
            Some(rates(flow, interval.length_ms).mb)
        }),
    };
    let moving = outcome.totals.iter().filter(|flow| flow.bytes > 0);
    let lines: Vec<Line> = moving.map(line).collect();
    Chart {
        title: "Throughput over time".to_owned(),
        x_name: "s",
        y_name: "MB/s",
        x: time_axis(outcome),
        y: Axis::linear(values(&lines)),
        lines,
    }
}

fn latency_over_time(flow: &Flow, outcome: &Outcome) -> Chart {
    let line = |(name, at): (&str, f64)| Line {
        name: name.to_owned(),
        points: over_time(outcome, flow, |_, flow| percentile_ms(&flow.latency, at)),
    };
    let lines: Vec<Line> = OVER_TIME.map(line).to_vec();
    Chart {
        title: format!("Latency over time: {}", flow.kind.name()),
        x_name: "s",
        y_name: "ms",
        x: time_axis(outcome),
        y: Axis::log(values(&lines)),
        lines,
    }
}

/// A figure of one kind of work, by the second at which its interval ends.
fn over_time(
    outcome: &Outcome,
    of: &Flow,
    figure: impl Fn(&Interval, &Flow) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let point = |interval: &Interval| {
        let flow = interval.flows.iter().find(|flow| flow.kind == of.kind);
        (
            end_s(interval),
            flow.and_then(|flow| figure(interval, flow)),
        )
    };
    drawn(outcome).map(point).collect()
}

fn drawn(outcome: &Outcome) -> impl Iterator<Item = &Interval> {
    let intervals = outcome.intervals.iter();
    intervals.filter(|interval| interval.length_ms >= DRAWN_MS_MIN)
}

fn time_axis(outcome: &Outcome) -> Axis {
    Axis::linear(drawn(outcome).map(end_s))
}

fn end_s(interval: &Interval) -> f64 {
    (interval.at_ms + interval.length_ms) as f64 / 1e3
}

fn values(lines: &[Line]) -> impl Iterator<Item = f64> {
    let points = lines.iter().flat_map(|line| &line.points);
    points.filter_map(|(_, value)| *value)
}

fn section(title: &str, content: &str) -> String {
    format!(
        "<h2>{}</h2>\n<div class=\"scroll\">{content}</div>\n",
        escaped(title)
    )
}

/// A section of names and values; none of none.
fn pairs<'a>(title: &str, pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    let told: Vec<Vec<String>> = pairs
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => section(title, &rows(&told, false)),
    }
}

/// A table; the first row may be its header.
fn rows(rows: &[Vec<String>], has_header: bool) -> String {
    let class = if has_header { "" } else { " class=\"pairs\"" };
    let mut html = format!("<table{class}>\n");
    for (at, row) in rows.iter().enumerate() {
        let tag = if has_header && at == 0 { "th" } else { "td" };
        let cells = row
            .iter()
            .map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
        let _ = writeln!(html, "<tr>{}</tr>", cells.collect::<String>());
    }
    html + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;

    #[test]
    fn the_page_needs_nothing_but_itself() {
        let page = page(&sample::outcome());
        for fetched in [
            "http://", "https://", "<script", "<link", "src=", "@import", "url(",
        ] {
            assert!(!page.contains(fetched), "{fetched}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn what_was_measured_is_drawn() {
        let titles: Vec<String> = charts(&sample::outcome())
            .into_iter()
            .map(|chart| chart.title)
            .collect();
        // Nothing was received, so its latency has no chart.
        let expected = [
            "Latency by percentile",
            "Throughput over time",
            "Latency over time: produce",
        ];
        assert_eq!(titles, expected);
        let mut outcome = sample::outcome();
        outcome.totals.clear();
        assert!(charts(&outcome).is_empty());
        assert!(!page(&outcome).contains("<svg"));
    }

    #[test]
    fn a_second_without_latencies_is_a_gap() {
        let outcome = sample::outcome();
        let chart = latency_over_time(&outcome.totals[0], &outcome);
        let p50 = &chart.lines[0];
        assert_eq!(p50.points, [(1.0, Some(1.0)), (2.0, None)]);
    }

    #[test]
    fn the_rest_of_a_second_is_not_drawn() {
        let mut outcome = sample::outcome();
        let drawn = throughput_over_time(&outcome).lines[0].points.len();
        let mut rest = outcome.intervals[0].clone();
        (rest.at_ms, rest.length_ms) = (2_000, 13);
        outcome.intervals.push(rest);
        assert_eq!(throughput_over_time(&outcome).lines[0].points.len(), drawn);
    }

    #[test]
    fn percentiles_rise_up_to_the_greatest() {
        let line = percentiles(&sample::outcome().totals[0]);
        assert_eq!(line.points[0], (0.0, Some(1.0)));
        assert!(
            line.points
                .is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1)
        );
        let (at, greatest) = *line.points.last().unwrap();
        assert!((at - 100.0 * (1.0 - 1.0 / 3_000.0)).abs() < 1e-6, "{at}");
        assert!(greatest.unwrap() >= 20.0);
    }

    #[test]
    fn elements_that_are_opened_are_closed() {
        let page = page(&sample::outcome());
        for tag in [
            "html", "head", "body", "svg", "table", "tr", "td", "th", "div", "h2", "text",
            "circle", "title",
        ] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            let closed = page.matches(&format!("</{tag}>")).count();
            assert_eq!(opened, closed, "{tag}");
            assert!(opened > 0, "{tag}");
        }
    }

    #[test]
    fn it_is_written_where_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&sample::outcome(), &folder.path().join("new")).unwrap();
        assert_eq!(path.file_name().unwrap(), "e2e.html");
        assert_eq!(fs::read_to_string(path).unwrap(), page(&sample::outcome()));
    }
}
