//! Curves over numbers of things, as SVG: both axes in powers of ten.
//!
//! It never asks for a font or a script that a browser may not have.

use std::fmt::Write as _;

/// A picture with one panel above the other, over the same axis.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What it is of.
    pub(crate) title: String,
    /// What is counted to the right.
    pub(crate) across: &'static str,
    /// The panels from above.
    pub(crate) panels: Vec<Panel>,
}

/// One curve.
#[derive(Debug)]
pub(crate) struct Panel {
    /// What it shows, with the unit.
    pub(crate) name: &'static str,
    /// Its points, both positive, in order.
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const GAP: f64 = 60.0;
const INK: &str = "#1f2937";
const FAINT: &str = "#d1d5db";
const CURVE: &str = "#2563eb";

impl Picture {
    /// As a file's text.
    pub(crate) fn svg(&self) -> String {
        let panels: f64 = self.panels.iter().map(|_| HEIGHT + GAP).sum();
        let (width, height) = (LEFT + WIDTH + 40.0, TOP + panels + 20.0);
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"13\" fill=\"{INK}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"16\">{}</text>\n",
            self.title
        );
        let mut top = TOP;
        for panel in &self.panels {
            panel.draw(top, self.across, &mut text);
            top += HEIGHT + GAP;
        }
        text.push_str("</svg>\n");
        text
    }
}

impl Panel {
    fn draw(&self, top: f64, across: &str, out: &mut String) {
        let (left, right) = decades(self.points.iter().map(|(x, _)| *x));
        let (low, high) = decades(self.points.iter().map(|(_, y)| *y));
        let x = |value: f64| LEFT + (value.log10() - left) / (right - left) * WIDTH;
        let y = |value: f64| top + HEIGHT - (value.log10() - low) / (high - low) * HEIGHT;
        // Writing into a String cannot fail.
        for power in powers(left, right) {
            let at = x(power);
            let _ = writeln!(out, "<path d=\"M{at:.1} {top}v{HEIGHT}\" stroke=\"{FAINT}\"/>");
            let below = top + HEIGHT + 18.0;
            let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", label(power));
        }
        for power in powers(low, high) {
            let at = y(power);
            let _ = writeln!(out, "<path d=\"M{LEFT} {at:.1}h{WIDTH}\" stroke=\"{FAINT}\"/>");
            let (beside, base) = (LEFT - 8.0, at + 4.0);
            let _ = writeln!(out, "<text x=\"{beside}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>", label(power));
        }
        let mut path = String::new();
        for (number, point) in self.points.iter().enumerate() {
            let letter = if number == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{:.1} {:.1}", x(point.0), y(point.1));
        }
        let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{CURVE}\" stroke-width=\"2\"/>");
        for point in &self.points {
            let (x, y) = (x(point.0), y(point.1));
            let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{CURVE}\"/>");
            let above = y - 9.0;
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{above:.1}\" text-anchor=\"end\">{}</text>", label(point.1));
        }
        let (corner, name, below) = (LEFT + WIDTH, top - 6.0, top + HEIGHT + 36.0);
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{name}\" font-weight=\"bold\">{}</text>", self.name);
        let _ = writeln!(out, "<text x=\"{corner}\" y=\"{below}\" text-anchor=\"end\">{across}</text>");
    }
}

/// The powers of ten around all values; at least one decade.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let logarithms = values.map(f64::log10);
    let (low, high) = logarithms.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = (low.floor(), high.ceil());
    (low, high.max(low + 1.0))
}

fn powers(low: f64, high: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(low), |power| Some(power + 1.0))
        .take_while(move |power| *power <= high)
        .map(|p| 10f64.powf(p))
}

/// `0.02`, `35`, `1.2k`, `3M`
fn label(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 999_500.0 => (value / 1e6, "M"),
        value if value >= 999.5 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let digits = if value >= 9.95 { 0 } else { 1 };
    let digits = if value < 0.095 {
        4
    } else if value < 0.95 {
        2
    } else {
        digits
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short() {
        for (value, expected) in
            [(0.001, "0.001"), (0.02, "0.02"), (0.5, "0.5"), (1.0, "1"), (35.2, "35"), (1200.0, "1.2k"), (1e6, "1M")]
        {
            assert_eq!(label(value), expected);
        }
    }

    #[test]
    fn every_point_of_every_panel_is_drawn_inside_of_the_picture() {
        let panel = |name| Panel { name, points: vec![(1e3, 0.01), (1e4, 0.2), (1e6, 30.0)] };
        let picture =
            Picture { title: "Growth".into(), across: "routes", panels: vec![panel("time"), panel("memory")] };
        let svg = picture.svg();
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(!svg.contains("NaN") && !svg.contains("\"-"), "{svg}");
    }
}
