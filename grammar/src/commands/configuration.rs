//! The commands of configuration mode.
//!
//! Their paths stay as typed: what they mean depends on the edit level, which is not known here.

use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};

/// A command of configuration mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigCommand {
    /// `comment PATH "text"`
    Comment {
        /// The path.
        path: Vec<Word>,
        /// The text; empty to remove the comment.
        text: String,
    },
    /// `commit [comment "text"]`
    Commit {
        /// What the revision is remembered by.
        comment: Option<String>,
    },
    /// `commit check`: tells what a commit would do.
    CommitCheck,
    /// `compare […]`
    Compare(Compare),
    /// `delete PATH`
    Delete(Vec<Word>),
    /// `discard`
    Discard,
    /// `edit PATH`
    Edit(Vec<Word>),
    /// `exit [discard]`
    Exit {
        /// Throw the changes away.
        discard: bool,
    },
    /// `help`
    Help,
    /// `load [FILE]`
    Load {
        /// The file, else the saved configuration.
        file: Option<String>,
    },
    /// `merge FILE`
    Merge {
        /// The file.
        file: String,
    },
    /// `run COMMAND`
    Run(Vec<Word>),
    /// `save [FILE]`
    Save {
        /// The file, else the saved configuration.
        file: Option<String>,
    },
    /// `set PATH [VALUE]`
    Set(Vec<Word>),
    /// `show [PATH] [-all]`
    Show {
        /// The path.
        path: Vec<Word>,
        /// Print the defaults too.
        all: bool,
    },
    /// `top`
    Top,
    /// `up`
    Up,
}

/// What the working configuration is compared with, and how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// With the active configuration.
    Active,
    /// With the active configuration, as `set` and `delete` commands.
    Commands,
    /// With the saved configuration.
    Saved,
}

/// What follows a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// A path that can be set.
    Set,
    /// A path that stands in the working configuration.
    Existing,
    /// A path to a level.
    Level,
    /// An operational command.
    Run,
    /// A file.
    File,
    /// One of these words, or nothing.
    Words(&'static [(&'static str, &'static str)]),
}

/// The verbs in the order in which they are listed.
pub(crate) const VERBS: &[(&str, &str, Tail)] = &[
    ("comment", "Write a comment above a node", Tail::Existing),
    (
        "commit",
        "Make the changes active",
        Tail::Words(&[("check", "Only tell what would happen"), ("comment", "Remember the revision by a text")]),
    ),
    (
        "compare",
        "Show the changes",
        Tail::Words(&[("commands", "As set and delete commands"), ("saved", "Against the saved configuration")]),
    ),
    ("delete", "Remove a part of the configuration", Tail::Existing),
    ("discard", "Throw the changes away", Tail::Words(&[])),
    ("edit", "Move into a part of the configuration", Tail::Level),
    ("exit", "Go to the top, or leave configuration mode", Tail::Words(&[("discard", "Throw the changes away")])),
    ("help", "How to use the shell", Tail::Words(&[])),
    ("load", "Replace the configuration with that of a file", Tail::File),
    ("merge", "Add the configuration of a file", Tail::File),
    ("run", "Run an operational command", Tail::Run),
    ("save", "Write the active configuration to the file for boot", Tail::File),
    ("set", "Add or change a part of the configuration", Tail::Set),
    ("show", "Show the configuration with its changes", Tail::Existing),
    ("top", "Go to the top of the configuration", Tail::Words(&[])),
    ("up", "Go one level up", Tail::Words(&[])),
];

/// The verb that a word may be short for.
pub(crate) fn verb(word: &Word) -> Result<&'static (&'static str, &'static str, Tail), ResolveError> {
    if let Some(exact) = VERBS.iter().find(|(name, ..)| *name == word.text) {
        return Ok(exact);
    }
    let starts = |name: &str| !word.text.is_empty() && name.starts_with(&word.text);
    let fitting: Vec<_> = VERBS.iter().filter(|(name, ..)| starts(name)).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(invalid(&[], word, hint(&word.text, VERBS.iter().map(|(name, ..)| *name)))),
        several => Err(ResolveError::Ambiguous {
            place: Place::Command,
            path: Vec::new(),
            bad: word.text.clone(),
            candidates: several.iter().map(|(name, help, _)| ((*name).to_owned(), (*help).to_owned())).collect(),
        }),
    }
}

pub(crate) fn resolve(words: &[Word]) -> Result<ConfigCommand, ResolveError> {
    let Some((first, rest)) = words.split_first() else {
        return Err(incomplete(""));
    };
    let (name, _, tail) = verb(first)?;
    match *tail {
        Tail::Set | Tail::Existing | Tail::Level | Tail::Run => with_path(name, rest),
        Tail::File => with_file(name, rest),
        Tail::Words(options) => with_options(name, options, rest),
    }
}

fn with_path(name: &str, rest: &[Word]) -> Result<ConfigCommand, ResolveError> {
    match (name, rest) {
        ("show", rest) => {
            let dash = |word: &&Word| !word.quoted && word.text == "-all";
            let path = rest.iter().filter(|word| !dash(word)).cloned().collect();
            Ok(ConfigCommand::Show { path, all: rest.iter().any(|word| dash(&word)) })
        }
        (_, []) => Err(incomplete(name)),
        ("comment", [path @ .., text]) if !path.is_empty() => {
            Ok(ConfigCommand::Comment { path: path.to_vec(), text: text.text.clone() })
        }
        ("delete", path) => Ok(ConfigCommand::Delete(path.to_vec())),
        ("edit", path) => Ok(ConfigCommand::Edit(path.to_vec())),
        ("run", command) => Ok(ConfigCommand::Run(command.to_vec())),
        ("set", path) => Ok(ConfigCommand::Set(path.to_vec())),
        _ => Err(incomplete(name)),
    }
}

fn with_file(name: &str, rest: &[Word]) -> Result<ConfigCommand, ResolveError> {
    let file = match rest {
        [] => None,
        [file] => Some(file.text.clone()),
        [_, surplus, ..] => return Err(invalid(&[name], surplus, "one file is wanted".to_owned())),
    };
    match (name, file) {
        ("load", file) => Ok(ConfigCommand::Load { file }),
        ("save", file) => Ok(ConfigCommand::Save { file }),
        ("merge", Some(file)) => Ok(ConfigCommand::Merge { file }),
        _ => Err(incomplete(name)),
    }
}

fn with_options(
    name: &'static str,
    options: &'static [(&str, &str)],
    rest: &[Word],
) -> Result<ConfigCommand, ResolveError> {
    let option = rest.first().map(|word| option(name, options, word)).transpose()?;
    let argument = rest.get(1);
    let surplus = if option == Some("comment") { rest.get(2) } else { argument };
    if let Some(surplus) = surplus {
        return Err(invalid(&[name], surplus, "quote a text that holds blanks: 'two words'".to_owned()));
    }
    match (name, option, argument) {
        ("commit", None, _) => Ok(ConfigCommand::Commit { comment: None }),
        ("commit", Some("check"), _) => Ok(ConfigCommand::CommitCheck),
        ("commit", Some("comment"), Some(text)) => Ok(ConfigCommand::Commit { comment: Some(text.text.clone()) }),
        ("compare", None, _) => Ok(ConfigCommand::Compare(Compare::Active)),
        ("compare", Some("commands"), _) => Ok(ConfigCommand::Compare(Compare::Commands)),
        ("compare", Some("saved"), _) => Ok(ConfigCommand::Compare(Compare::Saved)),
        ("discard", ..) => Ok(ConfigCommand::Discard),
        ("exit", discard, _) => Ok(ConfigCommand::Exit { discard: discard.is_some() }),
        ("help", ..) => Ok(ConfigCommand::Help),
        ("top", ..) => Ok(ConfigCommand::Top),
        ("up", ..) => Ok(ConfigCommand::Up),
        _ => Err(incomplete(&format!("{name} {}", option.unwrap_or_default()))),
    }
}

fn option(
    name: &'static str,
    options: &'static [(&'static str, &'static str)],
    word: &Word,
) -> Result<&'static str, ResolveError> {
    let starts = |option: &str| !word.text.is_empty() && option.starts_with(&word.text);
    let exact = options.iter().filter(|(option, _)| *option == word.text);
    let fitting: Vec<_> = exact.chain(options.iter().filter(|(option, _)| starts(option))).collect();
    match fitting.as_slice() {
        [(only, _)] => Ok(only),
        [(first, _), ..] if *first == word.text => Ok(first),
        [] => Err(invalid(&[name], word, hint(&word.text, options.iter().map(|(option, _)| *option)))),
        several => Err(ResolveError::Ambiguous {
            place: Place::Command,
            path: vec![name.to_owned()],
            bad: word.text.clone(),
            candidates: several.iter().map(|(name, help)| ((*name).to_owned(), (*help).to_owned())).collect(),
        }),
    }
}

fn invalid(path: &[&str], bad: &Word, hint: String) -> ResolveError {
    let path = path.iter().map(|word| (*word).to_owned()).collect();
    ResolveError::NotValid { place: Place::Command, path, bad: bad.text.clone(), hint }
}

fn incomplete(name: &str) -> ResolveError {
    ResolveError::Incomplete { path: vec![name.to_owned()], candidates: Vec::new() }
}
