//! The figures, as a table for people and as JSON for programs.
//!
//! It says whether a figure reaches its target, and never why not.

mod contest;
mod goal;

use std::fmt::Write as _;

use serde_json::{Value, json};

pub(crate) use contest::{Column, Contest, Entrant};

/// All that was measured, in the order in which it was.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    contests: Vec<Contest>,
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

impl Row {
    fn met(&self) -> Option<bool> {
        goal::met(self.target, median(&self.values))
    }
}

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

    /// Adds a work that several daemons did.
    pub(crate) fn compare(&mut self, contest: Contest) {
        self.contests.push(contest);
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        if !self.rows.is_empty() {
            let _ = writeln!(text, "| what | target | met | median | least … most | runs | repeat with |");
            let _ = writeln!(text, "| --- | --- | --- | ---: | ---: | ---: | --- |");
        }
        for row in &self.rows {
            let spread = format!("{} … {}", figure(least(&row.values)), figure(most(&row.values)));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {spread} | {} | `{}` |",
                row.what,
                row.target,
                match row.met() {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "–",
                },
                format!("{} {}", figure(median(&row.values)), row.unit).trim(),
                row.values.len(),
                repeat(row.chapter),
            );
        }
        text.extend(self.contests.iter().map(Contest::table));
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
                    "met": row.met(), "median": median(&row.values), "least": least(&row.values), "most": most(&row.values),
                    "values": row.values, "repeat": repeat(row.chapter),
                })
            })
            .collect();
        let contests: Vec<Value> = self.contests.iter().map(Contest::json).collect();
        format!("{:#}\n", json!({"rows": rows, "contests": contests}))
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
        value if value.abs() < 0.1 => format!("{value:.4}"),
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
}
