//! Axes: where a value stands on one, and where its marks are.

use crate::bench::figures::significant;

/// How many marks a linear axis has, about.
const MARKS: f64 = 5.0;

/// A scale over a range of values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Axis {
    /// From nothing to a bit above the greatest value.
    Linear {
        /// The value at its end.
        end: f64,
    },
    /// Each step of the same length multiplies by ten.
    Log {
        /// The power of ten at its beginning.
        from: i32,
        /// The power of ten at its end.
        to: i32,
    },
    /// Percentiles by how rare what lies beyond is: 0, 90, 99, 99.9 at equal distances, as HdrHistogram draws them.
    Percentile {
        /// How many nines its end has.
        nines: f64,
    },
}

/// A line across the chart and what stands beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// Where, from 0 at the beginning to 1 at the end.
    pub at: f64,
    /// What stands there.
    pub label: String,
}

impl Axis {
    /// A linear axis for these values, with a round end.
    pub fn linear(values: impl Iterator<Item = f64>) -> Axis {
        let greatest = values.fold(0.0, f64::max);
        let step = round_step(greatest);
        let end = (greatest / step).ceil().max(1.0) * step;
        Axis::Linear { end }
    }

    /// A logarithmic axis for these values; those that are not above zero have no place on it.
    pub fn log(values: impl Iterator<Item = f64>) -> Axis {
        let (least, greatest) = values
            .filter(|value| *value > 0.0)
            .fold((f64::MAX, 0.0), |(least, greatest): (f64, f64), value| {
                (least.min(value), greatest.max(value))
            });
        if greatest == 0.0 {
            return Axis::Log { from: 0, to: 1 };
        }
        let from = least.log10().floor() as i32;
        let to = greatest.log10().ceil() as i32;
        Axis::Log {
            from,
            to: to.max(from + 1),
        }
    }

    /// An axis of percentiles that so many values can tell.
    pub fn percentiles(values: u64) -> Axis {
        let nines = (values.max(10) as f64).log10();
        Axis::Percentile { nines }
    }

    /// Where a value stands: 0 at the beginning, 1 at the end, never outside.
    pub fn place(&self, value: f64) -> f64 {
        let place = match *self {
            Axis::Linear { end } => value / end,
            Axis::Log { from, to } => {
                (value.max(f64::MIN_POSITIVE).log10() - f64::from(from)) / f64::from(to - from)
            }
            Axis::Percentile { nines } => nines_of(value) / nines,
        };
        place.clamp(0.0, 1.0)
    }

    /// Its marks, from its beginning to its end.
    pub fn marks(&self) -> Vec<Mark> {
        let mark = |value: f64, label: String| Mark {
            at: self.place(value),
            label,
        };
        match *self {
            Axis::Linear { end } => {
                let step = round_step(end);
                let steps = (end / step).round() as u32;
                let values = (0..=steps).map(|number| f64::from(number) * step);
                values.map(|value| mark(value, plain(value))).collect()
            }
            Axis::Log { from, to } => {
                let values = (from..=to).map(|power| 10_f64.powi(power));
                values.map(|value| mark(value, plain(value))).collect()
            }
            Axis::Percentile { nines } => {
                let values = (0..=nines as i32).map(|nines| 100.0 - 10_f64.powi(2 - nines));
                values
                    .map(|value| mark(value, format!("{}%", plain(value))))
                    .collect()
            }
        }
    }
}

/// How many nines a percentile has: 1 for 90, 3 for 99.9; between them by the logarithm of what lies beyond.
fn nines_of(percentile: f64) -> f64 {
    2.0 - (100.0 - percentile).max(f64::MIN_POSITIVE).log10()
}

/// A step of 1, 2 or 5 times a power of ten, of which about [`MARKS`] make up the value.
fn round_step(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let rough = value / MARKS;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// A mark's value without zeros at its end.
fn plain(value: f64) -> String {
    if value >= 1_000.0 {
        return significant(value);
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(axis: Axis, expected: &[(f64, &str)]) {
        let marks = axis.marks();
        let labels: Vec<&str> = marks.iter().map(|mark| mark.label.as_str()).collect();
        let told: Vec<&str> = expected.iter().map(|(_, label)| *label).collect();
        assert_eq!(labels, told, "{axis:?}");
        for (mark, (at, label)) in marks.iter().zip(expected) {
            assert!((mark.at - at).abs() < 1e-9, "{label} at {}", mark.at);
        }
    }

    #[test]
    fn linear_axes_end_at_a_round_value() {
        let marks = [
            (0.0, "0"),
            (0.25, "200"),
            (0.5, "400"),
            (0.75, "600"),
            (1.0, "800"),
        ];
        check(Axis::linear([3.0, 790.0].into_iter()), &marks);
        let marks = [
            (0.0, "0"),
            (0.2, "0.2"),
            (0.4, "0.4"),
            (0.6, "0.6"),
            (0.8, "0.8"),
            (1.0, "1"),
        ];
        check(Axis::linear([].into_iter()), &marks);
        let marks = [
            (0.0, "0"),
            (1.0 / 3.0, "0.001"),
            (2.0 / 3.0, "0.002"),
            (1.0, "0.003"),
        ];
        check(Axis::linear([0.003].into_iter()), &marks);
    }

    #[test]
    fn logarithmic_axes_begin_and_end_at_powers_of_ten() {
        let marks = [
            (0.0, "0.1"),
            (0.25, "1"),
            (0.5, "10"),
            (0.75, "100"),
            (1.0, "1,000"),
        ];
        check(Axis::log([0.15, 0.0, 999.0].into_iter()), &marks);
        check(Axis::log([10.0].into_iter()), &[(0.0, "10"), (1.0, "100")]);
        check(Axis::log([0.0].into_iter()), &[(0.0, "1"), (1.0, "10")]);
        assert_eq!(Axis::Log { from: 0, to: 2 }.place(0.0), 0.0);
        assert_eq!(Axis::Log { from: 0, to: 2 }.place(10.0), 0.5);
    }

    #[test]
    fn every_nine_of_a_percentile_is_as_wide() {
        let marks = [
            (0.0, "0%"),
            (0.25, "90%"),
            (0.5, "99%"),
            (0.75, "99.9%"),
            (1.0, "99.99%"),
        ];
        check(Axis::percentiles(10_000), &marks);
        assert_eq!(Axis::percentiles(0), Axis::Percentile { nines: 1.0 });
        let axis = Axis::percentiles(100);
        assert_eq!(axis.place(100.0), 1.0);
        assert!((axis.place(50.0) - 0.150_5).abs() < 1e-4);
    }
}
