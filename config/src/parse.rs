//! Reading a configuration: curly braces or `set` lines.
//!
//! What is understood comes up, the rest is listed with its line. Reading never fails as a whole, and never
//! repeats a secret in a message.

mod migrate;

use std::collections::BTreeMap;

use grammar::parse::{ParseError, Statement};
use grammar::resolve::{self, ResolveError};
use grammar::schema;

use crate::print::MASK;
use crate::tree::{DeleteOutcome, Tree, TreeError};

/// What came out of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What was understood.
    pub tree: Tree,
    /// What was not, in the order of the lines.
    pub problems: Vec<Problem>,
    /// Paths of leaves whose values were refused: what they belong to is not what somebody wrote.
    pub maimed: Vec<Vec<String>>,
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}: {text}")]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The text of the line, secrets masked.
    pub text: String,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl Tree {
    /// Reads either form: `set` lines when the first line is one, else curly braces.
    #[must_use]
    pub fn load(text: &str) -> Parsed {
        let lines = text.lines().map(str::trim);
        let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(['#', '/', '*']));
        let deed = first.and_then(|line| line.split_whitespace().next());
        if deed.is_some_and(|word| matches!(word, "set" | "delete" | "comment")) {
            Self::parse_set_commands(text)
        } else {
            Self::parse(text)
        }
    }

    /// Reads curly braces, as `config.boot` is written by this router and its relatives.
    #[must_use]
    pub fn parse(text: &str) -> Parsed {
        let (statements, errors) = grammar::parse::config(text);
        let mut entries = Vec::new();
        flatten(statements, &mut Vec::new(), &mut entries);
        let mut reading = Reading::new(text);
        errors.iter().for_each(|error| reading.shape(error, error.line));
        reading.enter(entries)
    }

    /// Reads lines of `set …`, `delete …` and `comment …`, their words in full.
    #[must_use]
    pub fn parse_set_commands(text: &str) -> Parsed {
        let mut reading = Reading::new(text);
        let mut entries = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            match grammar::parse::line(text) {
                Ok(commands) => {
                    for command in commands {
                        let words = command.words.into_iter().map(|word| Spoken { text: word.text, line });
                        match entry(words.collect()) {
                            Some(entry) => entries.push(entry),
                            None => {
                                reading.problem(line, "only 'set', 'delete' and 'comment' lines are read".to_owned())
                            }
                        }
                    }
                }
                Err(error) => reading.shape(&error, line),
            }
        }
        reading.enter(entries)
    }
}

/// A word and the line that it stands on.
#[derive(Clone, Debug)]
struct Spoken {
    text: String,
    line: usize,
}

/// What a statement or a line wants done.
enum Deed {
    Set,
    Delete,
    Comment(String),
}

/// A path with what is to be done there.
struct Entry {
    words: Vec<Spoken>,
    deed: Deed,
}

/// One entry for each leaf and each empty block, then one for each comment: its node has to be there first.
fn flatten(statements: Vec<Statement>, above: &mut Vec<Spoken>, entries: &mut Vec<Entry>) {
    for statement in statements {
        let depth = above.len();
        let line = statement.line;
        above.extend(statement.words.into_iter().map(|word| Spoken { text: word.text, line }));
        match statement.children {
            Some(children) if !children.is_empty() => flatten(children, above, entries),
            _ => entries.push(Entry { words: above.clone(), deed: Deed::Set }),
        }
        if let Some(comment) = statement.comment {
            entries.push(Entry { words: above.clone(), deed: Deed::Comment(comment) });
        }
        above.truncate(depth);
    }
}

/// A `set`, `delete` or `comment` line.
fn entry(mut words: Vec<Spoken>) -> Option<Entry> {
    let mut rest = words.split_off(words.len().min(1));
    let deed = match words.first()?.text.as_str() {
        "set" => Deed::Set,
        "delete" => Deed::Delete,
        "comment" => Deed::Comment(rest.pop()?.text),
        _ => return None,
    };
    Some(Entry { words: rest, deed })
}

/// A text being read.
struct Reading<'a> {
    lines: Vec<&'a str>,
    tree: Tree,
    problems: Vec<Problem>,
    maimed: Vec<Vec<String>>,
    /// The words that were not understood, each with the line that was listed and how many came with it.
    refused: BTreeMap<Vec<String>, (usize, usize)>,
}

impl<'a> Reading<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().collect(),
            tree: Tree::default(),
            problems: Vec::new(),
            maimed: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    fn enter(mut self, mut entries: Vec<Entry>) -> Parsed {
        migrate::rewrite(&mut entries);
        for entry in entries {
            let path: Vec<String> = entry.words.iter().map(|word| word.text.clone()).collect();
            match entry.deed {
                Deed::Set => {
                    if let Err(error) = self.tree.set(&path) {
                        self.refuse(&entry.words, &path, &error);
                    }
                }
                Deed::Delete => {
                    if self.tree.delete(&path) == DeleteOutcome::NothingToDelete {
                        let line = entry.words.first().map_or(0, |word| word.line);
                        self.problem(line, "Nothing to delete (the specified node does not exist)".to_owned());
                    }
                }
                Deed::Comment(text) => self.comment(&entry.words, &path, &text),
            }
        }
        self.finish()
    }

    fn comment(&mut self, words: &[Spoken], path: &[String], text: &str) {
        let leaf = path.split_last().map_or(path, |(_, leaf)| leaf);
        let done = match self.tree.set_comment(path, text) {
            Err(TreeError::CommentOnValue) => self.tree.set_comment(leaf, text),
            done => done,
        };
        // What a comment on a node that was refused says is told with the node.
        if let Err(error) = done
            && !matches!(error, TreeError::Absent { .. })
        {
            let line = words.last().map_or(0, |word| word.line);
            self.problem(line, error.brief());
        }
    }

    /// Lists a path that was refused; what stands below the same wrong words is only counted.
    fn refuse(&mut self, words: &[Spoken], path: &[String], error: &TreeError) {
        if matches!(error, TreeError::Refused(ResolveError::BadValue(_))) {
            self.maimed.push(path.to_vec());
        }
        let wrong = match error {
            TreeError::Refused(_) => first_wrong(path),
            // The second instance of a node that may stand once: what is below goes with it.
            TreeError::TooMany { path, .. } => path.len().saturating_add(1),
            _ => path.len(),
        };
        let head: Vec<String> = path.iter().take(wrong).cloned().collect();
        if let Some((_, more)) = self.refused.get_mut(&head) {
            *more = more.saturating_add(1);
            return;
        }
        let line = words.get(wrong.saturating_sub(1)).or(words.last()).map_or(0, |word| word.line);
        self.refused.insert(head, (self.problems.len(), 0));
        self.problem(line, error.brief());
    }

    fn shape(&mut self, error: &ParseError, line: usize) {
        self.problem(line, error.to_string());
    }

    fn problem(&mut self, line: usize, message: String) {
        let text = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        self.problems.push(Problem { line, text: without_secret(text.trim()), message });
    }

    fn finish(mut self) -> Parsed {
        for (at, more) in self.refused.into_values().filter(|(_, more)| *more > 0) {
            if let Some(problem) = self.problems.get_mut(at) {
                let statements = if more == 1 { "statement" } else { "statements" };
                problem.message.push_str(&format!(" (left out with {more} more {statements})"));
            }
        }
        self.problems.sort_by_key(|problem| problem.line);
        Parsed { tree: self.tree, problems: self.problems, maimed: self.maimed }
    }
}

/// How many words it takes until a path is wrong.
fn first_wrong(path: &[String]) -> usize {
    let words: Vec<_> = path.iter().map(|word| grammar::parse::Word::new(word.as_str())).collect();
    let is_wrong = |length: &usize| {
        let head = words.get(..*length).unwrap_or_default();
        match resolve::exact(&schema::ROOT, &[], head) {
            Ok(_) | Err(ResolveError::ValueRequired { .. } | ResolveError::Incomplete { .. }) => false,
            Err(_) => true,
        }
    };
    (1..=path.len()).find(is_wrong).unwrap_or(path.len())
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
mod tests;
