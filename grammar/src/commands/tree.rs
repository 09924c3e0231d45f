//! Steps of commands, and the walk along them.
//!
//! Fixed words are tried before values, so no value can hide a word.

use std::str::FromStr;

use nouns::Family;

use super::Op;
use crate::parse::Word;
use crate::resolve::{Place, ResolveError, hint};
use crate::value::ValueKind;

/// One word of a command and what may follow it.
#[derive(Debug)]
pub struct Step {
    /// What is typed.
    pub token: Token,
    /// One line of help, at most 60 columns.
    pub help: &'static str,
    /// What may follow.
    pub then: &'static [&'static Step],
    /// The command that ends here, if one does.
    make: Option<Make>,
    /// The family that the word chooses.
    family: Option<Family>,
    /// It gives way where a short form may mean another word, too.
    yields: bool,
}

/// What is typed at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A fixed word.
    Word(&'static str),
    /// A value, with an example.
    Value(ValueKind, &'static str),
}

/// Makes the command of what was typed; `None` if something is missing.
pub(super) type Make = fn(&Arguments) -> Option<Op>;

impl Step {
    pub(super) const fn word(name: &'static str, help: &'static str, then: &'static [&'static Self]) -> Self {
        Self { token: Token::Word(name), help, then, make: None, family: None, yields: false }
    }

    pub(super) const fn value(
        kind: ValueKind,
        help: &'static str,
        example: &'static str,
        then: &'static [&'static Self],
    ) -> Self {
        Self { token: Token::Value(kind, example), help, then, make: None, family: None, yields: false }
    }

    pub(super) const fn op(mut self, make: Make) -> Self {
        self.make = Some(make);
        self
    }

    pub(super) const fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }

    pub(super) const fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Whether a command may end here.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.make.is_some()
    }

    /// The fixed word, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self.token {
            Token::Word(name) => Some(name),
            Token::Value(..) => None,
        }
    }

    /// The word or the placeholder, as lists show it.
    #[must_use]
    pub fn label(&self) -> String {
        match self.token {
            Token::Word(name) => name.to_owned(),
            Token::Value(kind, _) => kind.placeholder(),
        }
    }
}

/// What was typed on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    /// The family that the words chose.
    pub(super) family: Option<Family>,
    words: Vec<&'static str>,
    /// Values, each with the word before it.
    values: Vec<(&'static str, String)>,
}

impl Arguments {
    /// Whether a fixed word was typed.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    /// The fixed word that was typed last behind another one, read as what it stands for.
    pub(super) fn chosen<T: FromStr>(&self, word: &str) -> Option<T> {
        let at = self.words.iter().rposition(|typed| *typed == word)?;
        self.words.get(at.checked_add(1)?)?.parse().ok()
    }

    /// The value behind a word.
    pub(super) fn after<T: FromStr>(&self, word: &str) -> Option<T> {
        let (_, text) = self.values.iter().rev().find(|(before, _)| *before == word)?;
        text.parse().ok()
    }

    /// All values behind a word.
    pub(super) fn all_after(&self, word: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(before, _)| *before == word).map(|(_, text)| text.as_str())
    }

    /// The value behind the first one.
    pub(super) fn second<T: FromStr>(&self) -> Option<T> {
        self.values.get(1).and_then(|(_, text)| text.parse().ok())
    }

    /// The first value.
    pub(super) fn first<T: FromStr>(&self) -> Option<T> {
        self.values.first().and_then(|(_, text)| text.parse().ok())
    }
}

/// A walk along the steps, word by word.
pub(crate) struct Walk {
    pub(crate) next: &'static [&'static Step],
    pub(crate) words: Vec<String>,
    step: Option<&'static Step>,
    arguments: Arguments,
}

impl Walk {
    pub(crate) fn new(first: &'static [&'static Step]) -> Self {
        Self { next: first, words: Vec::new(), step: None, arguments: Arguments::default() }
    }

    /// Whether a command may end here.
    pub(crate) fn is_command(&self) -> bool {
        self.step.is_some_and(Step::is_command)
    }

    /// One word further, which may be abbreviated.
    pub(crate) fn typed(&mut self, word: &Word) -> Result<(), ResolveError> {
        let fitting: Vec<_> = fitting(self.next, &word.text).collect();
        match fitting.as_slice() {
            [only] => self.go(only, None),
            [] => {
                let (step, value) = self.value(word)?;
                self.go(step, Some(value));
            }
            several => {
                return Err(ResolveError::Ambiguous {
                    place: Place::Command,
                    path: self.words.clone(),
                    bad: word.text.clone(),
                    candidates: several.iter().map(|step| (step.label(), step.help.to_owned())).collect(),
                });
            }
        }
        Ok(())
    }

    /// The command that the words make.
    pub(crate) fn op(&self) -> Result<Op, ResolveError> {
        let made = self.step.and_then(|step| step.make).and_then(|make| make(&self.arguments));
        made.ok_or_else(|| ResolveError::Incomplete {
            path: self.words.clone(),
            candidates: self.next.iter().map(|step| (step.label(), step.help.to_owned())).collect(),
        })
    }

    fn go(&mut self, step: &'static Step, value: Option<String>) {
        self.arguments.family = step.family.or(self.arguments.family);
        match (value, step.name()) {
            (Some(value), _) => {
                let before = self.arguments.words.last().copied().unwrap_or_default();
                self.words.push(value.clone());
                self.arguments.values.push((before, value));
            }
            (None, name) => {
                self.words.extend(name.map(str::to_owned));
                self.arguments.words.extend(name);
            }
        }
        self.step = Some(step);
        self.next = step.then;
    }

    /// The first value that fits; otherwise the complaint of the kind that was most likely meant.
    fn value(&self, word: &Word) -> Result<(&'static Step, String), ResolveError> {
        let mut complaint = None;
        for step in self.next {
            let Token::Value(kind, _) = step.token else { continue };
            match kind.parse(&word.text) {
                Ok(value) => return Ok((step, value)),
                // What has a slash was meant to be a prefix, and these stand last.
                Err(error) if complaint.is_none() || word.text.contains('/') => complaint = Some(error),
                Err(_) => {}
            }
        }
        let looks_like_value = word.text.starts_with(|c: char| c.is_ascii_digit()) || word.text.contains([':', '/']);
        let only_values = self.next.iter().all(|step| step.name().is_none());
        match complaint {
            Some(error) if only_values || looks_like_value => Err(ResolveError::BadValue(error)),
            _ => Err(ResolveError::NotValid {
                place: Place::Command,
                path: self.words.clone(),
                bad: word.text.clone(),
                hint: hint(&word.text, self.next.iter().filter_map(|step| step.name())),
            }),
        }
    }
}

/// The fixed words that a text may be short for: the word itself if it is one, else all that begin with it, but those
/// that give way to others.
fn fitting<'a>(steps: &'a [&'static Step], text: &'a str) -> impl Iterator<Item = &'static Step> + 'a {
    let exact = steps.iter().any(|step| step.name() == Some(text));
    let fits = move |step: &Step| step.name().is_some_and(|name| if exact { name == text } else { begins(step, text) });
    steps.iter().copied().filter(move |step| fits(step) && (exact || !gives_way(step, steps, text)))
}

fn begins(step: &Step, text: &str) -> bool {
    step.name().is_some_and(|name| !text.is_empty() && name.starts_with(text))
}

/// Whether a short form of a word means another one of these.
pub(crate) fn gives_way(step: &Step, steps: &[&'static Step], text: &str) -> bool {
    step.yields && steps.iter().any(|other| !other.yields && begins(other, text))
}
