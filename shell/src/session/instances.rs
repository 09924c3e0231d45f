//! `copy` and `rename`: an instance of a tag node gets a twin, or another name.
//!
//! The texts are those of Vyatta 6.6. Never reaches outside the edit level but by whole paths typed there.

use std::fmt::Display;

use config::tree::TreeError;
use grammar::parse::Word;
use grammar::resolve::{self, End, Resolved};
use grammar::schema::ROOT;

use super::{Outcome, Working};
use crate::output::Output;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Copy,
    Rename,
}

impl Verb {
    fn word(self) -> &'static str {
        if self == Self::Copy { "copy" } else { "rename" }
    }

    fn failed(self, reason: impl Display) -> String {
        format!("{reason}\n{} failed", if self == Self::Copy { "Copy" } else { "Rename" })
    }
}

impl Working {
    /// Puts a copy beside an instance, or gives it another name.
    pub(super) fn instance(&mut self, verb: Verb, from: &[Word], to: &[Word]) -> Outcome {
        let ([.., tag_word, _], [.., new_tag, new]) = (from, to) else {
            return Err(verb.failed(format!("Invalid {} command", verb.word())));
        };
        let from = resolve::partial(&ROOT, &self.level, from).map_err(|error| verb.failed(error))?;
        let (End::Instance, [tag @ .., name]) = (from.end, from.words.as_slice()) else {
            let place = from.words.last().map_or(tag_word.text.as_str(), String::as_str);
            return Err(verb.failed(format!("Cannot {} under \"{place}\"", verb.word())));
        };
        let word = from.node.name;
        if !self.is_of(&from, tag, to) {
            let other = &new_tag.text;
            return Err(verb.failed(format!("Cannot {} from \"{word}\" to \"{other}\"", verb.word())));
        }
        let kind = from.node.kind();
        let new = kind.map_or(Ok(new.text.clone()), |kind| kind.parse(&new.text));
        let new = new.map_err(|error| verb.failed(resolve::ResolveError::BadValue(error)))?;
        let done = match verb {
            Verb::Copy => self.tree.copy(tag, name, &new),
            Verb::Rename => self.tree.rename(tag, name, &new),
        };
        match done {
            Ok(()) => Ok(Output::default()),
            Err(TreeError::Absent { .. }) => {
                Err(verb.failed(format!("Configuration \"{word} {name}\" does not exist")))
            }
            Err(TreeError::Present { .. }) => {
                Err(verb.failed(format!("Configuration \"{word} {new}\" already exists")))
            }
            Err(other) => Err(verb.failed(other)),
        }
    }

    /// Whether the words behind `to` name the same tag node: by its word alone, or by a whole path.
    fn is_of(&self, from: &Resolved, tag: &[String], to: &[Word]) -> bool {
        let [path @ .., _] = to else { return false };
        let at_level = resolve::partial(&ROOT, &self.level, path).is_ok_and(|place| place.words == tag);
        let beside = tag.split_last().is_some_and(|(_, above)| {
            path.len() == 1
                && resolve::partial(&ROOT, above, path).is_ok_and(|place| std::ptr::eq(place.node, from.node))
        });
        at_level || beside
    }
}
