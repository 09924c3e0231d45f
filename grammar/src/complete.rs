//! What TAB and `?` offer, for lines that are still being typed.
//!
//! Pure: live names and what stands in the configuration come from the caller through [`Names`].

mod candidates;
mod cursor;
#[cfg(test)]
mod tests;

use crate::columns;
use crate::schema::Node;
use crate::value::NameKind;

/// As many live names as are fetched at once; where there are more, what was typed does not grow by itself.
pub const MOST_NAMES: usize = 500;

/// How many candidates a list shows: more than any schema has at one place, fewer than a table has prefixes.
const LISTED: usize = 100;

/// Answers which names there are; everything that completion cannot know by itself.
pub trait Names {
    /// Live names of a kind that begin as typed, at most [`MOST_NAMES`]; `context` are the canonical words before.
    fn names(&self, kind: NameKind, typed: &str, context: &[String]) -> Vec<Name>;

    /// What stands directly below a canonical path of the working configuration: words below an inner
    /// node or an instance, instances below a tag, values below a leaf.
    fn children(&self, path: &[String]) -> Vec<String>;
}

/// A live name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// What is typed.
    pub text: String,
    /// What it is; mostly nothing.
    pub help: String,
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self { text, help: String::new() }
    }
}

/// Knows no names.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn names(&self, _kind: NameKind, _typed: &str, _context: &[String]) -> Vec<Name> {
        Vec::new()
    }

    fn children(&self, _path: &[String]) -> Vec<String> {
        Vec::new()
    }
}

/// What could stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word at the cursor begins, in octets: a candidate replaces the line from here to the cursor.
    pub start: usize,
    /// What could stand there, in the order in which it is listed.
    pub candidates: Vec<Candidate>,
    /// The line up to the cursor is a command as it is.
    pub complete: bool,
    /// The cursor stands within a quote that is still open, where `?` is a character like others.
    pub quoted: bool,
    /// There are more names than were fetched.
    pub more: bool,
}

/// One thing that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The word to insert, quoted if it has to be, or the placeholder to show.
    pub text: String,
    /// One line of help.
    pub help: String,
    /// Two characters: `+>` tag, ` >` inner node, `+ ` repeatable leaf, blanks otherwise.
    pub sign: &'static str,
    /// It cannot be inserted, only shown.
    pub placeholder: bool,
}

impl Completion {
    /// The words that can be inserted.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.candidates.iter().filter(|candidate| !candidate.placeholder).map(|candidate| candidate.text.as_str())
    }

    /// What `?` prints: the heading and a line for each candidate; of very many only the first ones.
    #[must_use]
    pub fn listing(&self) -> String {
        let width = columns::width(self.candidates.iter().map(|one| (one.text.as_str(), one.help.as_str())));
        let mut text = "Possible completions:\n".to_owned();
        for Candidate { text: word, help, sign, .. } in self.candidates.iter().take(LISTED) {
            text.push_str(&columns::row(&format!("  {sign} "), word, help, width));
        }
        let more = self.candidates.len().saturating_sub(LISTED);
        if self.more {
            text.push_str("     ... and many more; type some of the word to see fewer\n");
        } else if more > 0 {
            text.push_str(&format!("     ... and {more} more; type some of the word to see fewer\n"));
        }
        text
    }
}

/// Completes a line of configuration mode, its verb included, at an edit level.
#[must_use]
pub fn config(root: &'static Node, base: &[String], line: &str, cursor: usize, names: &dyn Names) -> Completion {
    candidates::config(root, base, line, cursor, names)
}

/// Completes a line of operational mode.
#[must_use]
pub fn operational(line: &str, cursor: usize, names: &dyn Names) -> Completion {
    candidates::operational(line, cursor, names)
}
