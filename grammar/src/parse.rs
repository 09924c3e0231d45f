//! Shape: from text to words, commands and statements, with the place of everything that is wrong.
//!
//! No vocabulary is known here. Every text can be read; broken ones yield errors, never a panic,
//! in time that grows with their length only.

mod command;
mod config;
mod plain;
#[cfg(test)]
mod tests;

pub(crate) use command::{Token, tokens};

/// A word with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it means, quotes and escapes removed.
    pub text: String,
    /// Some of it was quoted or escaped, so it stands for itself.
    pub quoted: bool,
    /// Where it begins, in octets.
    pub start: usize,
    /// Where it ends, in octets.
    pub end: usize,
}

impl Word {
    /// A word that nobody typed: its place is unknown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: false, start: 0, end: 0 }
    }
}

/// What has to be true before the next command of a line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joiner {
    /// `;` or the end of the line.
    Always,
    /// `&&`: only after success.
    OnSuccess,
}

/// One command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its words, at least one.
    pub words: Vec<Word>,
    /// The words behind each `|`, at least one each.
    pub pipes: Vec<Vec<Word>>,
    /// What joins the next command to this one.
    pub after: Joiner,
}

/// One statement of a configuration in curly braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its words, at least one.
    pub words: Vec<Word>,
    /// What stands in its braces, if it has any.
    pub children: Option<Vec<Statement>>,
    /// The comment that stands above it.
    pub comment: Option<String>,
    /// The line of its first word, counted from 1.
    pub line: usize,
    /// The line that it ends on: that of its last word, or of its closing brace.
    pub last_line: usize,
}

/// What is wrong with the shape of a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// Where it begins, in octets.
    pub start: usize,
    /// Where it ends, in octets.
    pub end: usize,
}

/// What is wrong with the shape of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// A quote without its partner on the same line.
    #[error("a {0} quote is not closed on its line; close it, or write \\{0} for the character itself")]
    UnclosedQuote(char),
    /// A backslash with nothing behind it.
    #[error("a backslash at the end of a line escapes nothing; write \\\\ for the character itself")]
    StrayBackslash,
    /// `|` or `&&` without a command on one side.
    #[error("a command is missing before or after '{0}'")]
    MissingCommand(&'static str),
    /// `/*` without `*/`.
    #[error("a comment is not closed; everything behind it was left out")]
    UnclosedComment,
    /// `}` without `{`.
    #[error("a '}}' closes nothing; it was left out")]
    UnexpectedClose,
    /// `{` without `}`.
    #[error("a '{{' is not closed before the end of the text")]
    UnclosedBlock,
    /// `{` without a word before it.
    #[error("a '{{' has no word before it; its block was left out")]
    NamelessBlock,
    /// Blocks within blocks beyond measure.
    #[error("blocks are nested more than 64 deep; the innermost were left out")]
    TooDeep,
    /// So many errors that the rest is not told.
    #[error("too many errors; the rest is not listed")]
    TooManyErrors,
    /// The text does not fit the grammar, which fits every text.
    #[error("the text cannot be read")]
    Unreadable,
}

/// The machine's own remark at the end of a configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileVersion {
    /// Who wrote the file: `towpath`, `vyatta`, `vyos`.
    pub flavor: String,
    /// The versions of its parts, such as `bgp@1:system@20`.
    pub components: String,
    /// The release that wrote it, if it says so.
    pub release: Option<String>,
}

/// Reads a typed line: commands joined by `;` and `&&`, each with its pipes.
///
/// Quotes are `'…'` (nothing special within) and `"…"` (where `\` escapes `"`, `\`, `$` and `` ` ``);
/// outside of quotes `\` escapes any character. `#` at the beginning of a word starts a remark.
///
/// # Errors
/// The first thing that is wrong with its shape.
pub fn line(text: &str) -> Result<Vec<Command>, ParseError> {
    command::line(text)
}

/// Reads a configuration in curly braces; what is understood is returned beside what is wrong.
///
/// A statement ends at its line's end, at `;` or at the end of its block.
#[must_use]
pub fn config(text: &str) -> (Vec<Statement>, Vec<ParseError>) {
    config::config(text)
}

/// The machine's remark about versions, if the text has one.
#[must_use]
pub fn version(text: &str) -> Option<FileVersion> {
    config::version(text)
}

/// From here on a column is told in octets.
const LONG_LINE: usize = 65536;

/// Where lines begin, so that a place is found without reading the text again.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let behind = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { text, starts: std::iter::once(0).chain(behind).collect() }
    }

    /// The line of an octet, counted from 1.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    fn error(&self, kind: ParseErrorKind, start: usize, end: usize) -> ParseError {
        let line = self.line(start);
        let line_start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(line_start..start).unwrap_or_default();
        // Nobody counts columns in a line of megabytes; counting them for each error would take hours.
        let counted = if before.len() < LONG_LINE { before.chars().count() } else { before.len() };
        let column = counted.saturating_add(1);
        ParseError { kind, line, column, start, end }
    }
}
