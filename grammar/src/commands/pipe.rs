//! `| match …` and the other pipes: what happens to an output on its way to the screen.

use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};

/// What happens to an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// `count`: only the number of lines.
    Count,
    /// `json`: the value behind the text.
    Json,
    /// `match PATTERN`: only lines that match.
    Match(String),
    /// `more`: page by page.
    More,
    /// `no-match PATTERN`: only lines that do not match.
    NoMatch(String),
    /// `no-more`: never page.
    NoMore,
}

/// The words of pipes with their help, and whether a pattern follows.
pub const PIPES: &[(&str, &str, bool)] = &[
    ("count", "Count the lines", false),
    ("json", "Print the value as JSON", false),
    ("match", "Print lines that match a pattern", true),
    ("more", "Print page by page", false),
    ("no-match", "Print lines that do not match a pattern", true),
    ("no-more", "Print without pages", false),
];

/// Resolves the words behind one `|`.
///
/// # Errors
/// When the word is unknown or ambiguous, or its pattern is missing.
pub fn resolve(words: &[Word]) -> Result<Pipe, ResolveError> {
    let Some((verb, rest)) = words.split_first() else {
        return Err(incomplete("|"));
    };
    let name = find(verb)?;
    let made = match (name, rest) {
        ("count", []) => Some(Pipe::Count),
        ("json", []) => Some(Pipe::Json),
        ("more", []) => Some(Pipe::More),
        ("no-more", []) => Some(Pipe::NoMore),
        ("match", [pattern]) => Some(Pipe::Match(pattern.text.clone())),
        ("no-match", [pattern]) => Some(Pipe::NoMatch(pattern.text.clone())),
        _ => None,
    };
    match (made, rest.get(usize::from(wants_pattern(verb)))) {
        (Some(pipe), _) => Ok(pipe),
        (None, None) => Err(incomplete(name)),
        (None, Some(surplus)) => Err(not_valid(&[name.to_owned()], surplus, String::new())),
    }
}

/// Whether a pattern follows the word.
pub(crate) fn wants_pattern(verb: &Word) -> bool {
    find(verb).is_ok_and(|name| PIPES.iter().any(|(pipe, _, pattern)| *pipe == name && *pattern))
}

fn find(verb: &Word) -> Result<&'static str, ResolveError> {
    let exact = |name: &str| name == verb.text;
    let starts = |name: &str| !verb.text.is_empty() && name.starts_with(&verb.text);
    if let Some((name, ..)) = PIPES.iter().find(|(name, ..)| exact(name)) {
        return Ok(name);
    }
    let fitting: Vec<_> = PIPES.iter().filter(|(name, ..)| starts(name)).collect();
    match fitting.as_slice() {
        [(name, ..)] => Ok(name),
        [] => Err(not_valid(&[], verb, hint(&verb.text, PIPES.iter().map(|(name, ..)| *name)))),
        several => Err(ResolveError::Ambiguous {
            place: Place::Command,
            path: vec!["|".to_owned()],
            bad: verb.text.clone(),
            candidates: several.iter().map(|(name, help, _)| ((*name).to_owned(), (*help).to_owned())).collect(),
        }),
    }
}

fn not_valid(path: &[String], bad: &Word, hint: String) -> ResolveError {
    let path = std::iter::once("|".to_owned()).chain(path.iter().cloned()).collect();
    ResolveError::NotValid { place: Place::Command, path, bad: bad.text.clone(), hint }
}

fn incomplete(name: &str) -> ResolveError {
    ResolveError::Incomplete { path: vec![name.to_owned()], candidates: Vec::new() }
}
