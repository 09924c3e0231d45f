//! One work that several daemons did in turn, as a table of medians with ratios to one of them.
//!
//! It never says which daemon is good.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{figure, least, median, most, repeat};

/// The daemon that the others are compared with, unless told otherwise.
const MEASURE: &str = "BIRD";

/// What one work showed.
#[derive(Debug)]
pub(crate) struct Contest {
    /// The chapter, which repeats it.
    pub(crate) chapter: &'static str,
    /// What was done.
    pub(crate) work: String,
    /// What was measured of it.
    pub(crate) columns: &'static [Column],
    /// Who did it.
    pub(crate) entrants: Vec<Entrant>,
    /// The name of the entrant that the ratios are to.
    pub(crate) measure: &'static str,
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// What it is.
    pub(crate) name: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Whether the ratio to others says something.
    pub(crate) compared: bool,
}

/// One daemon and its runs.
#[derive(Debug)]
pub(crate) struct Entrant {
    /// The daemon.
    pub(crate) name: String,
    /// For each run the figures in the order of the columns; one that was not taken is no number.
    pub(crate) runs: Vec<Vec<f64>>,
    /// Why there are no more runs.
    pub(crate) failure: Option<String>,
}

impl Entrant {
    /// Takes in a run, or why there was none, and tells it to who waits.
    pub(crate) fn note(&mut self, run: anyhow::Result<Vec<f64>>) {
        match run {
            Ok(figures) => {
                eprintln!("  {}: {figures:.2?}", self.name);
                self.runs.push(figures);
            }
            Err(error) => {
                eprintln!("  {}: {error:#}", self.name);
                self.failure = Some(format!("{error:#}"));
            }
        }
    }

    fn values(&self, column: usize) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.get(column).copied()).filter(|value| value.is_finite()).collect()
    }
}

impl Contest {
    /// With ratios to BIRD.
    pub(crate) fn new(chapter: &'static str, work: impl Into<String>, columns: &'static [Column]) -> Self {
        Self { chapter, work: work.into(), columns, entrants: Vec::new(), measure: MEASURE }
    }

    /// As Markdown.
    pub(super) fn table(&self) -> String {
        let mut text = format!("\n{} (`{}`):\n\n| |", self.work, repeat(self.chapter));
        // Writing into a String cannot fail.
        for column in self.columns {
            let _ = write!(text, " {} |{}", column.name, if column.compared { " ratio |" } else { "" });
        }
        let compared = self.columns.iter().filter(|column| column.compared).count();
        let _ = writeln!(text, " runs |\n| --- |{} ---: |", " ---: |".repeat(self.columns.len() + compared));
        for entrant in &self.entrants {
            let _ = write!(text, "| {} |", entrant.name);
            for (place, column) in self.columns.iter().enumerate() {
                let values = entrant.values(place);
                let value = match values.is_empty() {
                    true => "–".to_owned(),
                    false => format!("{} {}", figure(median(&values)), column.unit),
                };
                let _ = write!(text, " {} |", value.trim());
                if column.compared {
                    let ratio = self.ratio(entrant, place).map_or("–".into(), |ratio| format!("{ratio:.2}"));
                    let _ = write!(text, " {ratio} |");
                }
            }
            let failure = entrant.failure.as_deref().map(|failure| format!(", then: {failure}")).unwrap_or_default();
            let _ = writeln!(text, " {}{failure} |", entrant.runs.len());
        }
        text
    }

    /// As data.
    pub(super) fn json(&self) -> Value {
        let entrants = self.entrants.iter().map(|entrant| {
            let figures = self.columns.iter().enumerate().map(|(place, column)| {
                let values = entrant.values(place);
                json!({
                    "name": column.name, "unit": column.unit, "median": median(&values), "least": least(&values),
                    "most": most(&values), "values": values, "ratio": self.ratio(entrant, place),
                })
            });
            let figures: Vec<Value> = figures.collect();
            let runs = entrant.runs.len();
            json!({"daemon": entrant.name, "runs": runs, "failure": entrant.failure, "figures": figures})
        });
        let entrants: Vec<Value> = entrants.collect();
        json!({
            "chapter": self.chapter, "work": self.work, "measure": self.measure, "entrants": entrants,
            "repeat": repeat(self.chapter),
        })
    }

    fn ratio(&self, entrant: &Entrant, column: usize) -> Option<f64> {
        let measure = self.entrants.iter().find(|other| other.name == self.measure)?;
        let ratio = median(&entrant.values(column)) / median(&measure.values(column));
        ratio.is_finite().then_some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { name: "time", unit: "s", compared: true },
        Column { name: "memory", unit: "MiB", compared: true },
        Column { name: "UPDATEs", unit: "", compared: false },
    ];

    #[test]
    fn daemons_are_compared_by_their_medians_and_one_that_did_not_finish_is_named() {
        let entrant = |name: &str, runs: &[[f64; 3]], failure: Option<&str>| Entrant {
            name: name.to_owned(),
            runs: runs.iter().map(|run| run.to_vec()).collect(),
            failure: failure.map(str::to_owned),
        };
        let mut contest = Contest::new("convergence", "A work", COLUMNS);
        contest.entrants.push(entrant("Towpath", &[[4.0, 30.0, 7.0], [1.0, 10.0, 7.0], [9.0, 20.0, 7.0]], None));
        contest.entrants.push(entrant(MEASURE, &[[5.0, f64::NAN, f64::NAN]], None));
        contest.entrants.push(entrant("FRR", &[], Some("did not finish")));
        let table = contest.table();
        assert!(table.contains("| Towpath | 4 s | 0.80 | 20 MiB | – | 7 | 3 |"), "{table}");
        assert!(table.contains("| BIRD | 5 s | 1.00 | – | – | – | 1 |"), "{table}");
        assert!(table.contains("| FRR | – | – | – | – | – | 0, then: did not finish |"), "{table}");
        let json = contest.json();
        assert_eq!(json.pointer("/entrants/0/figures/0/ratio").and_then(Value::as_f64), Some(0.8), "{json}");
    }
}
