//! The commands of configuration mode.
//!
//! Their paths stay as typed: what they mean depends on the edit level, which is not known here.

mod read;

use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};
use crate::value::ValueKind;

pub(crate) use read::resolve;

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
    /// `commit-confirm [N] [comment "text"]`
    CommitConfirm {
        /// After how many minutes the commit is taken back unless it is confirmed.
        minutes: u32,
        /// What the revision is remembered by.
        comment: Option<String>,
    },
    /// `compare […]`
    Compare(Compare),
    /// `confirm`
    Confirm,
    /// `copy TAG NAME to TAG NAME`
    Copy {
        /// The words before `to`.
        from: Vec<Word>,
        /// The words behind it.
        to: Vec<Word>,
    },
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
    /// `rename TAG NAME to TAG NAME`
    Rename {
        /// The words before `to`.
        from: Vec<Word>,
        /// The words behind it.
        to: Vec<Word>,
    },
    /// `rollback N`
    Rollback {
        /// Which revision, as typed; 0 is the newest.
        revision: Option<String>,
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
    /// With a revision; 0 is the newest.
    Revision(u32),
    /// Two revisions with each other; 0 is the newest.
    Revisions(u32, u32),
}

/// How long a commit waits for `confirm` unless told otherwise, in minutes.
pub const CONFIRM_MINUTES: u32 = 10;

/// The number of a revision, counted from the newest.
pub(crate) const REVISION: ValueKind = ValueKind::U32 { min: 0, max: 65535 };

/// Minutes until a commit is taken back.
pub(crate) const MINUTES: ValueKind = ValueKind::U32 { min: 1, max: 65535 };

/// What a revision is remembered by.
pub(crate) const COMMENT: ValueKind = ValueKind::Text { max: 255 };

/// What follows a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// A path that can be set.
    Set,
    /// A path that stands in the working configuration.
    Existing,
    /// A path to a level.
    Level,
    /// An instance that stands in the working configuration, `to`, and a new one.
    Copy,
    /// An operational command.
    Run,
    /// A file.
    File,
    /// Words and values of a fixed form, each optional, in this order.
    Form(&'static [Part]),
}

/// A part of a command of fixed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// One of these words, behind which nothing may follow.
    Words(&'static [(&'static str, &'static str)]),
    /// `comment "text"`
    Comment,
    /// Minutes.
    Minutes,
    /// A revision, with its help.
    Revision(&'static str),
}

/// The verbs in the order in which they are listed.
pub(crate) const VERBS: &[(&str, &str, Tail)] = &[
    ("comment", "Write a comment above a node", Tail::Existing),
    (
        "commit",
        "Make the changes active",
        Tail::Form(&[Part::Words(&[("check", "Only tell what would happen")]), Part::Comment]),
    ),
    ("commit-confirm", "Make the changes active until they are confirmed", Tail::Form(&[Part::Minutes, Part::Comment])),
    (
        "compare",
        "Show the changes",
        Tail::Form(&[
            Part::Words(&[("commands", "As set and delete commands"), ("saved", "Against the saved configuration")]),
            Part::Revision("Against a revision"),
            Part::Revision("A revision against another one"),
        ]),
    ),
    ("confirm", "Keep what commit-confirm made active", Tail::Form(&[])),
    ("copy", "Copy an instance with all that is below it", Tail::Copy),
    ("delete", "Remove a part of the configuration", Tail::Existing),
    ("discard", "Throw the changes away", Tail::Form(&[])),
    ("edit", "Move into a part of the configuration", Tail::Level),
    (
        "exit",
        "Go to the top, or leave configuration mode",
        Tail::Form(&[Part::Words(&[("discard", "Throw the changes away")])]),
    ),
    ("help", "How to use the shell", Tail::Form(&[])),
    ("load", "Replace the configuration with that of a file", Tail::File),
    ("merge", "Add the configuration of a file", Tail::File),
    ("rename", "Give an instance another name", Tail::Copy),
    ("rollback", "Load a revision; nothing changes until commit", Tail::Form(&[Part::Revision("Which revision")])),
    ("run", "Run an operational command", Tail::Run),
    ("save", "Write the active configuration to the file for boot", Tail::File),
    ("set", "Add or change a part of the configuration", Tail::Set),
    ("show", "Show the configuration with its changes", Tail::Existing),
    ("top", "Go to the top of the configuration", Tail::Form(&[])),
    ("up", "Go one level up", Tail::Form(&[])),
];

/// Words of relatives that mean the same as ours; understood, never offered.
const ALIASES: &[(&str, &str)] = &[("rollback-soft", "rollback")];

/// The verb that a word may be short for.
pub(crate) fn verb(word: &Word) -> Result<&'static (&'static str, &'static str, Tail), ResolveError> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == word.text);
    let typed = alias.map_or(word.text.as_str(), |(_, name)| name);
    if let Some(exact) = VERBS.iter().find(|(name, ..)| *name == typed) {
        return Ok(exact);
    }
    let fitting: Vec<_> = VERBS.iter().filter(|(name, ..)| !typed.is_empty() && name.starts_with(typed)).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        // `commi` is short for `commit`, with which the other one only begins.
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|(name, ..)| name.starts_with(first.0)) => Ok(first),
        [] => Err(invalid(&[], word, hint(&word.text, VERBS.iter().map(|(name, ..)| *name)))),
        several => Err(ResolveError::Ambiguous {
            place: Place::Command,
            path: Vec::new(),
            bad: word.text.clone(),
            candidates: several.iter().map(|(name, help, _)| ((*name).to_owned(), (*help).to_owned())).collect(),
        }),
    }
}

fn invalid(path: &[&str], bad: &Word, hint: String) -> ResolveError {
    let path = path.iter().map(|word| (*word).to_owned()).collect();
    ResolveError::NotValid { place: Place::Command, path, bad: bad.text.clone(), hint }
}
