//! Figures as people read them: rates, latencies in milliseconds, digits in groups.

use std::time::Duration;

use super::outcome::{Flow, Latency};

/// A million bytes; throughput is told in these, as network and disk vendors do.
pub const MB: f64 = 1e6;

/// A thousand million bytes.
pub const GB: f64 = 1e9;

/// Bytes of memory are told in these.
const MIB: f64 = (1 << 20) as f64;

/// The percentiles that tables show, with their names.
pub const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
];

/// A flow's work by second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rates {
    /// Millions of bytes.
    pub mb: f64,
    /// Records.
    pub records: f64,
    /// Requests.
    pub requests: f64,
}

/// What a flow did in a second, of the milliseconds that it took; none in no time.
pub fn rates(flow: &Flow, length_ms: u64) -> Rates {
    let seconds = Duration::from_millis(length_ms).as_secs_f64();
    let by_second = |count: u64| match seconds > 0.0 {
        true => count as f64 / seconds,
        false => 0.0,
    };
    Rates {
        mb: by_second(flow.bytes) / MB,
        records: by_second(flow.records),
        requests: by_second(flow.requests),
    }
}

/// A percentile in milliseconds; none of no latencies.
pub fn percentile_ms(latency: &Latency, percentile: f64) -> Option<f64> {
    let micros = latency.value_at_percentile(percentile);
    (!latency.is_empty()).then(|| micros_to_ms(micros))
}

/// The greatest latency in milliseconds; none of no latencies.
pub fn max_ms(latency: &Latency) -> Option<f64> {
    (!latency.is_empty()).then(|| micros_to_ms(latency.max()))
}

/// Latencies are counted in microseconds and told in milliseconds.
pub fn micros_to_ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// Three digits that matter, and no more than three behind the point: `0.085`, `1.23`, `45.6`, `1,230`.
pub fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        below if below < 0.9995 => 3,
        below if below < 9.995 => 2,
        below if below < 99.95 => 1,
        _ => 0,
    };
    grouped(&format!("{value:.decimals$}"))
}

/// A figure, or a dash where there is none.
pub fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), significant)
}

/// A whole number with its digits in groups of three.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Memory in MiB.
pub fn mib(bytes: u64) -> String {
    format!("{} MiB", significant(bytes as f64 / MIB))
}

/// Puts commas between groups of three digits before the point.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.split_at(whole.len() - whole.trim_start_matches('-').len());
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::outcome::{Kind, no_latency};

    #[test]
    fn figures_have_three_digits_that_matter() {
        let cases = [
            (0.0, "0.000"),
            (0.085_4, "0.085"),
            (0.999_9, "1.00"),
            (1.234, "1.23"),
            (9.999, "10.0"),
            (45.64, "45.6"),
            (99.99, "100"),
            (1_234_567.8, "1,234,568"),
            (-1_234.5, "-1,234"),
        ];
        for (value, expected) in cases {
            assert_eq!(significant(value), expected, "{value}");
        }
    }

    #[test]
    fn digits_stand_in_groups() {
        for (value, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (123_456, "123,456"),
        ] {
            assert_eq!(count(value), expected);
        }
        assert_eq!(mib(3 << 19), "1.50 MiB");
        assert_eq!(or_dash(None), "-");
    }

    #[test]
    fn rates_are_by_second() {
        let mut flow = Flow::new(Kind::Produce);
        (flow.bytes, flow.records, flow.requests) = (3_000_000, 3_000, 30);
        let expected = Rates {
            mb: 2.0,
            records: 2_000.0,
            requests: 20.0,
        };
        assert_eq!(rates(&flow, 1_500), expected);
        assert_eq!(rates(&flow, 0).mb, 0.0);
    }

    #[test]
    fn no_latency_has_no_percentiles() {
        let mut latency = no_latency();
        assert_eq!(percentile_ms(&latency, 99.0), None);
        assert_eq!(max_ms(&latency), None);
        latency.record(250).unwrap();
        assert_eq!(percentile_ms(&latency, 99.0), Some(0.25));
        assert_eq!(max_ms(&latency), Some(0.25));
    }
}
