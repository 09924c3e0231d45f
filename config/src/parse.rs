//! Reading a configuration: curly braces or `set` lines, of this router or of its relatives.
//!
//! What is understood comes up, the rest is listed with its lines. Reading never fails as a whole, but for a
//! file of a newer release, and never repeats a secret in a message.

mod entries;
mod origin;
mod problem;
mod reading;
mod relatives;

use grammar::parse::FileVersion;

use crate::tree::Tree;

pub use problem::Problem;

use reading::Reading;

/// What came out of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What was understood.
    pub tree: Tree,
    /// What was not, in the order of the lines.
    pub problems: Vec<Problem>,
    /// Paths of leaves whose values were refused, and of words of policy that were not understood: what they belong
    /// to is not what somebody wrote.
    pub maimed: Vec<Vec<String>>,
    /// Who wrote the text, if it says so.
    pub version: Option<FileVersion>,
    /// What was added, because the writer means it without saying it.
    pub added: Option<String>,
}

impl Tree {
    /// Reads either form: `set` lines when the first line is one, else curly braces.
    ///
    /// Nothing is taken from a text that a newer release wrote: [`Parsed::refusal`] says why.
    #[must_use]
    pub fn load(text: &str) -> Parsed {
        Self::default().merged(text)
    }

    /// As [`Tree::load`], on top of what this tree holds: `delete` lines take away from it.
    #[must_use]
    pub fn merged(self, text: &str) -> Parsed {
        let version = grammar::parse::version(text);
        if version.as_ref().and_then(origin::newer).is_some() {
            return Parsed { tree: self, version, ..Parsed::default() };
        }
        let mut reading = Reading::new(text, self);
        let entries = if entries::is_lines(text) {
            entries::lines(text, &mut reading)
        } else {
            entries::braces(text, &mut reading)
        };
        let mut parsed = Parsed { version, ..reading.enter(entries) };
        if parsed.origin().is_some() {
            parsed.added = relatives::unsaid(&mut parsed.tree);
        }
        parsed
    }

    /// Reads curly braces, as `config.boot` is written by this router and its relatives.
    #[must_use]
    pub fn parse(text: &str) -> Parsed {
        let mut reading = Reading::new(text, Self::default());
        let entries = entries::braces(text, &mut reading);
        reading.enter(entries)
    }

    /// Reads lines of `set …`, `delete …` and `comment …`, their words in full.
    #[must_use]
    pub fn parse_set_commands(text: &str) -> Parsed {
        let mut reading = Reading::new(text, Self::default());
        let entries = entries::lines(text, &mut reading);
        reading.enter(entries)
    }
}

/// Why nothing is taken from a text, if a newer release wrote it.
#[must_use]
pub fn refusal(text: &str) -> Option<String> {
    grammar::parse::version(text).as_ref().and_then(origin::newer)
}

impl Parsed {
    /// Why nothing was taken from the text, if a newer release wrote it.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.version.as_ref().and_then(origin::newer)
    }

    /// Who wrote the text, if it was a relative of this router: `EdgeOS v1.10.7`.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        self.version.as_ref().and_then(origin::relative)
    }

    /// What a person should read after the text was loaded: who wrote it, and what of it was left out.
    #[must_use]
    pub fn report(&self) -> String {
        let origin =
            self.origin().map(|origin| format!("The file was written by {origin}; its words are translated.\n"));
        let mut text = origin.unwrap_or_default();
        text.extend(self.added.iter().map(|added| format!("{added}\n")));
        for problem in &self.problems {
            text.push_str(&format!("Warning: {problem}\n"));
        }
        let lines: usize = self.problems.iter().map(Problem::lines).sum();
        if lines > 1 {
            text.push_str(&format!("{lines} lines were not understood and are left out.\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests;
