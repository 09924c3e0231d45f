//! What was not understood of a text, as it is told to a person.
//!
//! Never repeats a secret, a control character, or more of a line than fits on a screen.

use std::fmt;

use crate::print::MASK;

/// Lines that were not understood.
///
/// Displayed on one line: `line 7: …` or, for a subtree, `lines 7-12, 20-25: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The first line, from 1.
    pub line: usize,
    /// All the lines that are concerned, from and to, in the order of the text.
    pub ranges: Vec<(usize, usize)>,
    /// The text of the first line, secrets masked.
    pub text: String,
    /// What is wrong with it and what to do.
    pub message: String,
}

/// So many places are named; of the others the number is told.
const NAMED: usize = 4;

/// More of a line than this says nothing more.
const LONGEST: usize = 100;

impl Problem {
    pub(super) fn new(range: (usize, usize), text: &str, message: String) -> Self {
        Self { line: range.0, ranges: vec![range], text: shown(text), message }
    }

    /// How many lines are concerned.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.ranges.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1)).sum()
    }

    /// Lines further down that are not understood for the same reason.
    pub(super) fn also_at(&mut self, range: (usize, usize)) {
        match self.ranges.last_mut() {
            Some(last) if range.0 <= last.1.saturating_add(1) => last.1 = last.1.max(range.1),
            _ => self.ranges.push(range),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.lines() > 1 { "lines " } else { "line " })?;
        for (index, (first, last)) in self.ranges.iter().take(NAMED).enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        match self.ranges.len().saturating_sub(NAMED) {
            0 => {}
            1 => f.write_str(" and 1 more place")?,
            more => write!(f, " and {more} more places")?,
        }
        write!(f, ": {}", self.message)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

impl std::error::Error for Problem {}

/// A line as it may be shown.
fn shown(line: &str) -> String {
    let mut chars = line.trim().chars();
    let mut text: String = chars.by_ref().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    text = without_secret(&text);
    if chars.next().is_some() {
        text.push_str("...");
    }
    text
}

/// The text of a line up to a secret: the words are those of the relatives' trees too.
fn without_secret(line: &str) -> String {
    let is_secret = |word: &&str| {
        let word = word.trim_matches(['"', '\'']);
        ["password", "passphrase", "pre-shared-secret", "key", "secret"].iter().any(|end| word.ends_with(end))
    };
    match line.split_whitespace().find(is_secret) {
        Some(word) => match line.split_once(word) {
            Some((before, after)) if !after.trim().is_empty() => format!("{before}{word} {MASK}"),
            _ => line.to_owned(),
        },
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_as_ranges_and_beyond_a_few_as_a_number() {
        let mut problem = Problem::new((3, 3), "a b", "no".to_owned());
        assert_eq!(problem.to_string(), "line 3: no: a b");
        problem.also_at((4, 6));
        assert_eq!(problem.to_string(), "lines 3-6: no: a b");
        problem.also_at((5, 5));
        problem.also_at((9, 9));
        assert_eq!((problem.to_string().as_str(), problem.lines()), ("lines 3-6, 9: no: a b", 5));
        for line in [20, 30, 40, 50] {
            problem.also_at((line, line));
        }
        assert_eq!(problem.to_string(), "lines 3-6, 9, 20, 30 and 2 more places: no: a b");
    }

    #[test]
    fn a_line_is_shown_without_what_would_spoil_the_screen() {
        assert_eq!(shown("  a\u{1b}[2Jb\0 "), "a?[2Jb?");
        assert_eq!(shown(&"x".repeat(10_000_000)).len(), LONGEST + 3);
        assert_eq!(shown("plaintext-password hunter2"), format!("plaintext-password {MASK}"));
    }
}
