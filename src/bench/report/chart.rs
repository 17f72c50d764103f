//! A line chart as SVG, drawn by hand: no script, no font and nothing else has to be fetched.

use std::fmt::Write;

use super::axis::Axis;
use super::escaped;
use crate::bench::figures::significant;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 32.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 44.0;
/// How far a line of the key is from the next.
const KEY_STEP: f64 = 150.0;
/// Of lines with more points, the dots that tell values would hide one another.
const DOTS_MAX: usize = 700;
/// As many as the style sheet has.
const COLOURS: usize = 4;

/// Lines over two axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// What the horizontal axis tells, with its unit.
    pub x_name: &'static str,
    /// What the vertical axis tells, with its unit.
    pub y_name: &'static str,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines, in the order of the key.
    pub lines: Vec<Line>,
}

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the key.
    pub name: String,
    /// Its points from left to right. Where there is no value the line has a gap.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Chart {
    /// The chart as an `svg` element.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>{}</title>\n",
            escaped(&self.title)
        );
        svg += &self.grid();
        for (at, line) in self.lines.iter().enumerate() {
            let colour = at % COLOURS;
            let path = self.path(line);
            let _ = writeln!(svg, "<path class=\"line line-{colour}\" d=\"{path}\"/>");
            svg += &key(at, &line.name);
        }
        svg += &self.dots();
        svg + "</svg>\n"
    }

    fn grid(&self) -> String {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut svg = String::new();
        for mark in self.y.marks() {
            let y = y_of(mark.at);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                mark.label,
            );
        }
        for mark in self.x.marks() {
            let x = x_of(mark.at);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                mark.label,
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"14\" text-anchor=\"end\">{}</text>\
             <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            escaped(self.y_name),
            HEIGHT - 6.0,
            escaped(self.x_name),
        );
        svg
    }

    /// The path of a line: `M` begins it and begins it anew after a gap, `L` goes on.
    fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        let mut pen_is_down = false;
        for (x, value) in &line.points {
            if let Some(y) = value {
                let command = if pen_is_down { 'L' } else { 'M' };
                let (x, y) = self.spot(*x, *y);
                let _ = write!(path, "{command}{x:.1} {y:.1}");
            }
            pen_is_down = value.is_some();
        }
        path
    }

    /// Spots that tell their values to whoever points at them; a lone value between gaps is seen by its spot only.
    fn dots(&self) -> String {
        let mut svg = String::new();
        for line in self
            .lines
            .iter()
            .filter(|line| line.points.len() <= DOTS_MAX)
        {
            for (x, value) in &line.points {
                let Some(y) = value else { continue };
                let (left, top) = self.spot(*x, *y);
                let _ = writeln!(
                    svg,
                    "<circle class=\"dot\" cx=\"{left:.1}\" cy=\"{top:.1}\" r=\"4\"><title>{}: {} at {x:.5}</title></circle>",
                    escaped(&line.name),
                    significant(*y),
                );
            }
        }
        svg
    }

    fn spot(&self, x: f64, y: f64) -> (f64, f64) {
        (x_of(self.x.place(x)), y_of(self.y.place(y)))
    }
}

fn x_of(place: f64) -> f64 {
    LEFT + place * (WIDTH - LEFT - RIGHT)
}

fn y_of(place: f64) -> f64 {
    HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
}

fn key(at: usize, name: &str) -> String {
    let left = LEFT + 16.0 + at as f64 * KEY_STEP;
    format!(
        "<rect class=\"key-{}\" x=\"{left}\" y=\"5\" width=\"10\" height=\"10\"/>\
         <text x=\"{}\" y=\"14\">{}</text>\n",
        at % COLOURS,
        left + 16.0,
        escaped(name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, Option<f64>)>) -> Chart {
        Chart {
            title: "a <b> & c".to_owned(),
            x_name: "s",
            y_name: "MB/s",
            x: Axis::Linear { end: 10.0 },
            y: Axis::Linear { end: 100.0 },
            lines: vec![Line {
                name: "produce".to_owned(),
                points,
            }],
        }
    }

    #[test]
    fn a_path_stays_within_its_axes() {
        let chart = chart(vec![
            (0.0, Some(0.0)),
            (5.0, Some(50.0)),
            (10.0, Some(100.0)),
            (99.0, Some(-5.0)),
        ]);
        let path = chart.path(&chart.lines[0]);
        assert_eq!(path, "M64.0 276.0L466.0 152.0L868.0 28.0L868.0 276.0");
    }

    #[test]
    fn where_nothing_was_measured_is_a_gap() {
        let points = vec![
            (0.0, None),
            (1.0, Some(0.0)),
            (2.0, Some(0.0)),
            (3.0, None),
            (4.0, Some(0.0)),
        ];
        let chart = chart(points);
        let path = chart.path(&chart.lines[0]);
        assert_eq!(path, "M144.4 276.0L224.8 276.0M385.6 276.0");
        assert_eq!(chart.svg().matches("<circle").count(), 3);
    }

    #[test]
    fn texts_do_not_become_elements() {
        let svg = chart(Vec::new()).svg();
        assert!(svg.contains("<title>a &lt;b&gt; &amp; c</title>"), "{svg}");
        assert!(!svg.contains("<b>"));
    }
}
