//! Finding what could stand at the cursor.

use super::cursor::{self, Cursor};
use super::{Candidate, Completion, Names};
use crate::commands::configuration::{self, Tail, VERBS, verb};
use crate::commands::{self, OPERATIONAL, Step, Token, pipe};
use crate::order::natural;
use crate::parse::Word;
use crate::quote::quote;
use crate::resolve::{End, Walk};
use crate::schema::{Node, Shape};
use crate::value::{NameKind, ValueKind};

const BLANK: &str = "  ";

pub(super) fn config(root: &'static Node, base: &[String], line: &str, at: usize, names: &dyn Names) -> Completion {
    let Some(cursor) = cursor::find(line, at) else { return Completion::default() };
    if cursor.pipe {
        return pipes(&cursor);
    }
    let mut offer = Offer::new(&cursor);
    let Some((first, rest)) = cursor.before.split_first() else {
        for (name, help, _) in VERBS {
            offer.word(name, help, BLANK);
        }
        let complete = commands::configuration(std::slice::from_ref(&cursor.partial)).is_ok();
        return offer.finish(complete);
    };
    let Ok(&(name, _, tail)) = verb(first) else { return Completion::default() };
    match tail {
        Tail::Run => commands_at(&cursor, rest, names),
        Tail::Set | Tail::Existing | Tail::Level => {
            let path = PathCursor { root, base, verb: name, tail, words: rest, names };
            path.complete(offer, &cursor.partial)
        }
        Tail::File => {
            if rest.is_empty() {
                offer.value(ValueKind::FileName, "File of a configuration");
                offer.names(names.names(NameKind::File, &[]));
            }
            offer.finish(is_config_command(&cursor))
        }
        Tail::Words(options) => {
            match rest {
                [] => options.iter().for_each(|(word, help)| offer.word(word, help, BLANK)),
                [only] if name == "commit" && only.text.starts_with("com") => {
                    offer.value(ValueKind::Text { max: 255 }, "What the revision is remembered by");
                }
                _ => {}
            }
            offer.finish(is_config_command(&cursor))
        }
    }
}

pub(super) fn operational(line: &str, at: usize, names: &dyn Names) -> Completion {
    match cursor::find(line, at) {
        Some(cursor) if cursor.pipe => pipes(&cursor),
        Some(cursor) => commands_at(&cursor, &cursor.before, names),
        None => Completion::default(),
    }
}

/// Whether the words up to the cursor are a command of configuration mode.
fn is_config_command(cursor: &Cursor) -> bool {
    let mut words = cursor.before.clone();
    if cursor.partial.start < cursor.partial.end {
        words.push(cursor.partial.clone());
    }
    configuration::resolve(&words).is_ok()
}

/// Operational commands, at the top or behind `run`.
fn commands_at(cursor: &Cursor, before: &[Word], names: &dyn Names) -> Completion {
    let mut walk = commands::Walk::new(OPERATIONAL);
    for word in before {
        if walk.typed(word).is_err() {
            return Completion::default();
        }
    }
    let mut offer = Offer::new(cursor);
    for step in walk.next {
        if let Some(name) = step.name() {
            offer.word(name, step.help, BLANK);
        }
    }
    // Somebody who types the beginning of a word does not want to read about values.
    let words_only = !cursor.partial.text.is_empty() && !offer.candidates.is_empty();
    for step in walk.next {
        offer_value(step, &mut offer, words_only, names, &walk.words);
    }
    if cursor.partial.start < cursor.partial.end && walk.typed(&cursor.partial).is_err() {
        return offer.finish(false);
    }
    offer.finish(walk.is_command())
}

fn offer_value(step: &Step, offer: &mut Offer, words_only: bool, names: &dyn Names, context: &[String]) {
    let Token::Value(kind, _) = step.token else { return };
    if !words_only {
        offer.value(kind, step.help);
    }
    if let Some(wanted) = kind.names() {
        offer.names(names.names(wanted, context));
    }
}

fn pipes(cursor: &Cursor) -> Completion {
    let mut offer = Offer::new(cursor);
    match cursor.before.as_slice() {
        [] => pipe::PIPES.iter().for_each(|(name, help, _)| offer.word(name, help, BLANK)),
        [name] if pipe::wants_pattern(name) => offer.value(ValueKind::Text { max: 255 }, "Pattern"),
        _ => {}
    }
    let mut words = cursor.before.clone();
    if cursor.partial.start < cursor.partial.end {
        words.push(cursor.partial.clone());
    }
    offer.finish(pipe::resolve(&words).is_ok())
}

/// A path of the configuration that is being typed.
struct PathCursor<'a> {
    root: &'static Node,
    base: &'a [String],
    verb: &'static str,
    tail: Tail,
    words: &'a [Word],
    names: &'a dyn Names,
}

impl PathCursor<'_> {
    fn complete(&self, mut offer: Offer, partial: &Word) -> Completion {
        let Ok(mut walk) = Walk::at(self.root, self.base) else { return Completion::default() };
        let path = self.words.iter().filter(|word| self.verb != "show" || word.text != "-all");
        for word in path {
            if walk.typed(word).is_err() {
                return Completion::default();
            }
        }
        match (walk.end, walk.node.kind()) {
            (End::Tag | End::Leaf, Some(kind)) => self.values(&walk, kind, &mut offer),
            (End::Value | End::Flag, _) => {}
            _ => self.nodes(&walk, &mut offer),
        }
        let typed = partial.start < partial.end;
        if typed && walk.typed(partial).is_err() {
            return offer.finish(false);
        }
        let any = typed || !self.words.is_empty();
        offer.finish(self.can_end(walk.end, any))
    }

    fn nodes(&self, walk: &Walk, offer: &mut Offer) {
        let standing = if self.tail == Tail::Existing { self.names.children(&walk.words) } else { Vec::new() };
        let mut children: Vec<_> =
            walk.node.children.iter().copied().filter(|node| self.fits(node, &standing)).collect();
        children.sort_by(|a, b| natural(a.name, b.name));
        for child in children {
            offer.word(child.name, child.help, child.sign());
        }
    }

    fn fits(&self, node: &Node, standing: &[String]) -> bool {
        match self.tail {
            Tail::Existing => standing.iter().any(|word| word == node.name),
            Tail::Level => matches!(node.shape, Shape::Inner | Shape::Tag(_)),
            _ => true,
        }
    }

    fn values(&self, walk: &Walk, kind: ValueKind, offer: &mut Offer) {
        let mut known = Vec::new();
        if self.tail == Tail::Existing || walk.end == End::Tag {
            known = self.names.children(&walk.words);
        }
        if self.tail != Tail::Existing {
            offer.value(kind, walk.node.help);
            // What a leaf may name is offered; so is what could become an instance, such as an interface.
            if let Some(wanted) = kind.names() {
                known.extend(self.names.names(wanted, &walk.words));
            }
        }
        offer.names(known);
    }

    fn can_end(&self, end: End, any: bool) -> bool {
        match self.tail {
            Tail::Set => any && !matches!(end, End::Root | End::Tag | End::Leaf),
            Tail::Level => any && matches!(end, End::Inner | End::Instance),
            _ => self.verb == "show" || (self.verb == "delete" && any),
        }
    }
}

/// Candidates that begin as the word at the cursor does.
struct Offer {
    start: usize,
    partial: String,
    quoted: bool,
    candidates: Vec<Candidate>,
}

impl Offer {
    fn new(cursor: &Cursor) -> Self {
        let partial = cursor.partial.text.clone();
        Self { start: cursor.partial.start, partial, quoted: cursor.quoted, candidates: Vec::new() }
    }

    fn word(&mut self, text: &str, help: &str, sign: &'static str) {
        if text.starts_with(&self.partial) {
            self.candidates.push(Candidate {
                text: quoted_word(text),
                help: help.to_owned(),
                sign,
                placeholder: false,
            });
        }
    }

    /// The forms of a value and the fixed words among its values.
    fn value(&mut self, kind: ValueKind, help: &str) {
        for text in kind.placeholders() {
            self.candidates.push(Candidate { text, help: help.to_owned(), sign: BLANK, placeholder: true });
        }
        for (word, help) in kind.choices() {
            self.word(word, help, BLANK);
        }
    }

    fn names(&mut self, mut names: Vec<String>) {
        names.sort_by(|a, b| natural(a, b));
        names.dedup();
        for name in names {
            self.word(&name, "", BLANK);
        }
    }

    fn finish(mut self, complete: bool) -> Completion {
        if complete && self.partial.is_empty() && !self.quoted {
            let enter = Candidate {
                text: "<Enter>".to_owned(),
                help: "Execute the current command".to_owned(),
                sign: BLANK,
                placeholder: true,
            };
            self.candidates.insert(0, enter);
        }
        Completion { start: self.start, candidates: self.candidates, complete, quoted: self.quoted }
    }
}

/// `*` needs no quotes on a typed line, where it stands for all sessions.
fn quoted_word(text: &str) -> String {
    if text == "*" { text.to_owned() } else { quote(text) }
}
