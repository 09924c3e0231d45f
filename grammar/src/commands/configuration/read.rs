//! From the words of a command of configuration mode to its parts.
//!
//! Never resolves a path: that depends on the edit level.

use super::{COMMENT, CONFIRM_MINUTES, Compare, ConfigCommand, MINUTES, Part, REVISION, Tail, invalid, verb};
use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};
use crate::value::ValueKind;

pub(crate) fn resolve(words: &[Word]) -> Result<ConfigCommand, ResolveError> {
    let Some((first, rest)) = words.split_first() else {
        return Err(incomplete(""));
    };
    let &(name, _, tail) = verb(first)?;
    match tail {
        Tail::Set | Tail::Existing | Tail::Level | Tail::Run => with_path(name, rest),
        Tail::Copy => with_two_paths(name, rest),
        Tail::File => with_file(name, rest),
        Tail::Form(_) if name == "rollback" => rollback(rest),
        Tail::Form(parts) => with_form(name, parts, rest),
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

/// `PATH to PATH`; what lacks a part keeps its form, so that the session can say which.
fn with_two_paths(name: &str, rest: &[Word]) -> Result<ConfigCommand, ResolveError> {
    let to = rest.iter().position(|word| !word.quoted && word.text == "to").unwrap_or(rest.len());
    let (from, to) = rest.split_at_checked(to).unwrap_or((rest, &[]));
    let (from, to) = (from.to_vec(), to.iter().skip(1).cloned().collect());
    if name == "copy" { Ok(ConfigCommand::Copy { from, to }) } else { Ok(ConfigCommand::Rename { from, to }) }
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

/// The number stays as typed: which numbers are good depends on how many revisions there are.
fn rollback(rest: &[Word]) -> Result<ConfigCommand, ResolveError> {
    match rest {
        [_, surplus, ..] => Err(invalid(&["rollback"], surplus, "one revision is wanted".to_owned())),
        rest => Ok(ConfigCommand::Rollback { revision: rest.first().map(|word| word.text.clone()) }),
    }
}

/// What was given of a command of fixed form.
#[derive(Default)]
struct Given {
    word: Option<&'static str>,
    comment: Option<String>,
    minutes: Option<u32>,
    revisions: Vec<u32>,
}

fn with_form(name: &'static str, parts: &'static [Part], rest: &[Word]) -> Result<ConfigCommand, ResolveError> {
    let given = read_form(name, parts, rest)?;
    Ok(match (name, given.word, given.revisions.as_slice()) {
        ("commit", Some("check"), _) => ConfigCommand::CommitCheck,
        ("commit", ..) => ConfigCommand::Commit { comment: given.comment },
        ("commit-confirm", ..) => {
            ConfigCommand::CommitConfirm { minutes: given.minutes.unwrap_or(CONFIRM_MINUTES), comment: given.comment }
        }
        ("compare", Some("commands"), _) => ConfigCommand::Compare(Compare::Commands),
        ("compare", Some("saved"), _) => ConfigCommand::Compare(Compare::Saved),
        ("compare", _, [one]) => ConfigCommand::Compare(Compare::Revision(*one)),
        ("compare", _, [one, other]) => ConfigCommand::Compare(Compare::Revisions(*one, *other)),
        ("compare", ..) => ConfigCommand::Compare(Compare::Active),
        ("confirm", ..) => ConfigCommand::Confirm,
        ("discard", ..) => ConfigCommand::Discard,
        ("exit", discard, _) => ConfigCommand::Exit { discard: discard.is_some() },
        ("help", ..) => ConfigCommand::Help,
        ("top", ..) => ConfigCommand::Top,
        ("up", ..) => ConfigCommand::Up,
        _ => return Err(incomplete(name)),
    })
}

fn read_form(name: &'static str, parts: &'static [Part], rest: &[Word]) -> Result<Given, ResolveError> {
    let mut given = Given::default();
    let mut parts_left = parts;
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        // Parts are optional: the first one that the word fits, and those behind it are left.
        let (at, part) = parts_left
            .iter()
            .enumerate()
            .find(|(_, part)| begins(part, word))
            .ok_or_else(|| unfitting(name, parts, parts_left, word))?;
        parts_left = parts_left.get(at.saturating_add(1)..).unwrap_or_default();
        match part {
            Part::Words(options) => {
                given.word = Some(option(name, options, word)?);
                parts_left = &[];
            }
            Part::Comment => {
                let text = words.next().ok_or_else(|| incomplete(&format!("{name} comment")))?;
                given.comment = Some(value(COMMENT, text)?);
            }
            Part::Minutes => given.minutes = value(MINUTES, word)?.parse().ok(),
            Part::Revision(_) => given.revisions.extend(value(REVISION, word)?.parse::<u32>()),
        }
    }
    Ok(given)
}

/// Whether a word can be the beginning of a part.
fn begins(part: &Part, word: &Word) -> bool {
    let starts = |option: &str| !word.text.is_empty() && option.starts_with(&word.text);
    match part {
        Part::Words(options) => options.iter().any(|(option, _)| starts(option)),
        Part::Comment => starts("comment"),
        Part::Minutes | Part::Revision(_) => word.text.starts_with(|sign: char| sign.is_ascii_digit()),
    }
}

fn value(kind: ValueKind, word: &Word) -> Result<String, ResolveError> {
    kind.parse(&word.text).map_err(ResolveError::BadValue)
}

/// The complaint about a word that fits no part that is left.
fn unfitting(name: &str, parts: &[Part], left: &[Part], word: &Word) -> ResolveError {
    if name == "commit" && word.text.len() > 3 && "confirm".starts_with(&word.text) {
        return invalid(&[name], word, "use 'commit-confirm' for a commit that is taken back unless confirmed".into());
    }
    let advice = if parts.contains(&Part::Comment) && !left.contains(&Part::Comment) {
        "quote a text that holds blanks: 'two words'".to_owned()
    } else {
        let mut possible: Vec<&str> = left.iter().flat_map(words_of).collect();
        possible.dedup();
        hint(&word.text, possible.into_iter())
    };
    invalid(&[name], word, advice)
}

fn words_of(part: &Part) -> Vec<&'static str> {
    match part {
        Part::Words(options) => options.iter().map(|(option, _)| *option).collect(),
        Part::Comment => vec!["comment"],
        Part::Minutes => vec!["<minutes>"],
        Part::Revision(_) => vec!["<revision>"],
    }
}

fn option(
    name: &'static str,
    options: &'static [(&'static str, &'static str)],
    word: &Word,
) -> Result<&'static str, ResolveError> {
    let starts = |option: &str| !word.text.is_empty() && option.starts_with(&word.text);
    if let Some((exact, _)) = options.iter().find(|(option, _)| *option == word.text) {
        return Ok(exact);
    }
    let fitting: Vec<_> = options.iter().filter(|(option, _)| starts(option)).collect();
    match fitting.as_slice() {
        [(only, _)] => Ok(only),
        [] => Err(invalid(&[name], word, hint(&word.text, options.iter().map(|(option, _)| *option)))),
        several => Err(ResolveError::Ambiguous {
            place: Place::Command,
            path: vec![name.to_owned()],
            bad: word.text.clone(),
            candidates: several.iter().map(|(name, help)| ((*name).to_owned(), (*help).to_owned())).collect(),
        }),
    }
}

fn incomplete(name: &str) -> ResolveError {
    ResolveError::Incomplete { path: vec![name.to_owned()], candidates: Vec::new() }
}
