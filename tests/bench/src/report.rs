//! The figures, as a table for people and as JSON for programs.
//!
//! It never says whether a figure is good.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// All that was measured, in the order in which it was.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    comparisons: Vec<Comparison>,
}

/// One promise and what was measured.
#[derive(Debug)]
struct Row {
    chapter: &'static str,
    what: String,
    target: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

/// One daemon's median figures for so many routes.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// How many routes came from the peer.
    pub(crate) routes: u32,
    /// The daemon.
    pub(crate) daemon: &'static str,
    /// Runs that the medians are of.
    pub(crate) runs: usize,
    /// Seconds from the first octet of the first UPDATE until the kernel has all routes.
    pub(crate) announce: f64,
    /// Seconds until the kernel has none of them again.
    pub(crate) withdraw: f64,
    /// Resident memory of all of its processes at the highest, MiB.
    pub(crate) memory: f64,
    /// CPU seconds of all of its processes, for both.
    pub(crate) cpu: f64,
}

/// The daemon that the others are compared with.
const MEASURE: &str = "BIRD";

impl Report {
    /// Adds the values of several runs.
    pub(crate) fn add(
        &mut self,
        chapter: &'static str,
        what: impl Into<String>,
        target: &'static str,
        unit: &'static str,
        values: Vec<f64>,
    ) {
        self.rows.push(Row { chapter, what: what.into(), target, unit, values });
    }

    /// Adds a daemon's figures.
    pub(crate) fn compare(&mut self, comparison: Comparison) {
        self.comparisons.push(comparison);
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        if !self.rows.is_empty() {
            let _ = writeln!(text, "| what | target | median | least … most | runs | repeat with |");
            let _ = writeln!(text, "| --- | --- | ---: | ---: | ---: | --- |");
        }
        for row in &self.rows {
            let spread = format!("{} … {}", figure(least(&row.values)), figure(most(&row.values)));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {spread} | {} | `{}` |",
                row.what,
                row.target,
                format!("{} {}", figure(median(&row.values)), row.unit).trim(),
                row.values.len(),
                repeat(row.chapter),
            );
        }
        if !self.comparisons.is_empty() {
            let _ = writeln!(text, "\nOne peer's routes into the kernel (`{}`):\n", repeat("scale"));
            let _ = writeln!(
                text,
                "| routes | daemon | into the kernel | ratio | out again | ratio | peak memory | ratio | CPU | runs |"
            );
            let _ = writeln!(text, "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        }
        for one in &self.comparisons {
            let ratio =
                |of: fn(&Comparison) -> f64| self.ratio(one, of).map_or("–".into(), |ratio| format!("{ratio:.2}"));
            let _ = writeln!(
                text,
                "| {} | {} | {:.2} s | {} | {:.2} s | {} | {:.0} MiB | {} | {:.2} s | {} |",
                one.routes,
                one.daemon,
                one.announce,
                ratio(|one| one.announce),
                one.withdraw,
                ratio(|one| one.withdraw),
                one.memory,
                ratio(|one| one.memory),
                one.cpu,
                one.runs,
            );
        }
        text
    }

    /// As JSON with a newline at its end.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "chapter": row.chapter, "what": row.what, "target": row.target, "unit": row.unit,
                    "median": median(&row.values), "least": least(&row.values), "most": most(&row.values),
                    "values": row.values, "repeat": repeat(row.chapter),
                })
            })
            .collect();
        let comparisons: Vec<Value> = self
            .comparisons
            .iter()
            .map(|one| {
                json!({
                    "routes": one.routes, "daemon": one.daemon, "runs": one.runs,
                    "announceSeconds": one.announce, "announceRatio": self.ratio(one, |one| one.announce),
                    "withdrawSeconds": one.withdraw, "withdrawRatio": self.ratio(one, |one| one.withdraw),
                    "peakMebibytes": one.memory, "memoryRatio": self.ratio(one, |one| one.memory),
                    "cpuSeconds": one.cpu, "repeat": repeat("scale"),
                })
            })
            .collect();
        format!("{:#}\n", json!({"rows": rows, "comparisons": comparisons}))
    }

    fn ratio(&self, one: &Comparison, of: fn(&Comparison) -> f64) -> Option<f64> {
        let measure = self.comparisons.iter().find(|other| other.daemon == MEASURE && other.routes == one.routes)?;
        Some(of(one) / of(measure))
    }
}

/// The middle value; the mean of the two middle ones of an even number.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (Some(value), 1) => *value,
        (Some(value), _) => sorted.get(middle - 1).map_or(*value, |below| f64::midpoint(*below, *value)),
        (None, _) => f64::NAN,
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

/// Three significant digits are more than a virtual machine's clock deserves.
fn figure(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 && value.abs() < 1e6 => format!("{value:.0}"),
        value if value.abs() < 10.0 => format!("{value:.2}"),
        value => format!("{value:.1}"),
    }
}

fn repeat(chapter: &str) -> String {
    format!("make bench ONLY={chapter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_an_odd_number_and_between_the_two_of_an_even_one() {
        assert!((median(&[9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn daemons_are_compared_at_the_same_number_of_routes() {
        let one = |routes, daemon, announce| Comparison {
            routes,
            daemon,
            runs: 1,
            announce,
            withdraw: 1.0,
            memory: 1.0,
            cpu: 1.0,
        };
        let mut report = Report::default();
        report.compare(one(10, MEASURE, 2.0));
        report.compare(one(20, MEASURE, 5.0));
        report.compare(one(20, "Towpath", 4.0));
        assert!(report.table().contains("| 20 | Towpath | 4.00 s | 0.80 |"), "{}", report.table());
        assert!(report.json().contains("\"announceRatio\": 0.8"), "{}", report.json());
    }
}
