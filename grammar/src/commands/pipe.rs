//! `| match …` and the other pipes: what happens to an output on its way to the screen.

use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};

/// What happens to an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// `commands`: the configuration as set commands.
    Commands,
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
    /// `save FILE`: into a file.
    Save(String),
    /// `strip-private`: without what should not leave the house.
    StripPrivate,
}

/// What follows the word of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// A regular expression.
    Pattern,
    /// The name of a file.
    File,
}

impl Argument {
    /// What stands for it in help: ` PATTERN`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Pattern => " PATTERN",
            Self::File => " FILE",
        }
    }
}

/// The words of pipes with their help, and what follows.
pub const PIPES: &[(&str, &str, Argument)] = &[
    ("commands", "Print a configuration as set commands", Argument::None),
    ("count", "Count the lines", Argument::None),
    ("json", "Print the value as JSON", Argument::None),
    ("match", "Print lines that match a pattern", Argument::Pattern),
    ("more", "Print page by page", Argument::None),
    ("no-match", "Print lines that do not match a pattern", Argument::Pattern),
    ("no-more", "Print without pages", Argument::None),
    ("save", "Write it to a file", Argument::File),
    ("strip-private", "Hide secrets, names, addresses and AS numbers", Argument::None),
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
        ("commands", []) => Some(Pipe::Commands),
        ("count", []) => Some(Pipe::Count),
        ("json", []) => Some(Pipe::Json),
        ("more", []) => Some(Pipe::More),
        ("no-more", []) => Some(Pipe::NoMore),
        ("match", [pattern]) => Some(Pipe::Match(pattern.text.clone())),
        ("no-match", [pattern]) => Some(Pipe::NoMatch(pattern.text.clone())),
        ("save", [file]) if !file.text.is_empty() => Some(Pipe::Save(file.text.clone())),
        ("strip-private", []) => Some(Pipe::StripPrivate),
        _ => None,
    };
    match (made, rest.get(usize::from(argument(verb) != Argument::None))) {
        (Some(pipe), _) => Ok(pipe),
        (None, None) => Err(incomplete(name)),
        (None, Some(surplus)) => Err(not_valid(&[name.to_owned()], surplus, String::new())),
    }
}

/// What follows the word.
pub(crate) fn argument(verb: &Word) -> Argument {
    let name = find(verb).unwrap_or_default();
    PIPES.iter().find(|(pipe, ..)| *pipe == name).map_or(Argument::None, |(_, _, argument)| *argument)
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
