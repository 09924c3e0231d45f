//! Finding what could stand at the cursor.

use super::cursor::{self, Cursor};
use super::{Candidate, Completion, MOST_NAMES, Name, Names};
use crate::commands::configuration::{self, COMMENT, MINUTES, Part, REVISION, Tail, VERBS, verb};
use crate::commands::pipe::{self, Argument};
use crate::commands::{self, OPERATIONAL, Step, Token};
use crate::order::natural;
use crate::parse::Word;
use crate::quote::quote;
use crate::resolve::{End, Walk};
use crate::schema::{Node, Shape};
use crate::value::{NameKind, ValueKind};

mod instances;

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
                offer.live(names, NameKind::File, &[]);
            }
            offer.finish(is_config_command(&cursor))
        }
        Tail::Copy => instances::complete(root, base, rest, &cursor.partial, offer, names),
        Tail::Form(parts) => {
            form(parts, rest, &mut offer, names);
            offer.finish(is_config_command(&cursor))
        }
    }
}

/// What may follow of a command of fixed form.
fn form(parts: &'static [Part], rest: &[Word], offer: &mut Offer, names: &dyn Names) {
    let digits = |word: &Word| word.text.starts_with(|sign: char| sign.is_ascii_digit());
    let begins_comment = |word: &Word| !word.text.is_empty() && "comment".starts_with(&word.text);
    if let Some(last) = rest.last()
        && parts.contains(&Part::Comment)
        && begins_comment(last)
    {
        return offer.value(COMMENT, "What the revision is remembered by");
    }
    // What was given before is not offered again: numbers fill their parts one after the other.
    let numbers = rest.iter().filter(|word| digits(word)).count();
    if rest.len() > numbers {
        return;
    }
    let mut to_skip = numbers;
    let mut a_number_is_next = true;
    for part in parts {
        match part {
            Part::Words(words) if rest.is_empty() => {
                words.iter().for_each(|(word, help)| offer.word(word, help, BLANK))
            }
            Part::Words(_) => {}
            Part::Comment => offer.word("comment", "Remember the revision by a text", BLANK),
            Part::Minutes | Part::Revision(_) if to_skip > 0 => to_skip = to_skip.saturating_sub(1),
            Part::Minutes => offer.value(MINUTES, "Minutes until it is taken back"),
            Part::Revision(help) if std::mem::take(&mut a_number_is_next) => {
                offer.value(REVISION, help);
                offer.live(names, NameKind::Revision, &[]);
            }
            Part::Revision(_) => {}
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
        if let Some(name) = step.name()
            && !commands::gives_way(step, walk.next, &cursor.partial.text)
        {
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
        offer.live(names, wanted, context);
    }
}

fn pipes(cursor: &Cursor) -> Completion {
    let mut offer = Offer::new(cursor);
    match cursor.before.as_slice() {
        [] => pipe::PIPES.iter().for_each(|(name, help, _)| offer.word(name, help, BLANK)),
        [name] => match pipe::argument(name) {
            Argument::Pattern => offer.value(ValueKind::Text { max: 255 }, "Pattern"),
            Argument::File => offer.value(ValueKind::FileName, "File to write"),
            Argument::None => {}
        },
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
        if self.verb == "show" && partial.text.starts_with('-') {
            offer.word("-all", "With the defaults", BLANK);
            return offer.finish(true);
        }
        let path = self.words.iter().filter(|word| self.verb != "show" || word.text != "-all");
        for word in path {
            if walk.typed(word).is_err() {
                return Completion::default();
            }
        }
        if self.verb == "comment" && !matches!(walk.end, End::Root | End::Tag) {
            offer.value(COMMENT, "Comment above it; \"\" takes it away");
        }
        match (walk.end, walk.node.kind()) {
            (End::Leaf, Some(_)) if self.verb == "comment" => {}
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
        if self.tail == Tail::Existing || walk.end == End::Tag {
            offer.names(self.names.children(&walk.words).into_iter().map(Name::from));
        }
        if self.tail != Tail::Existing {
            offer.value(kind, walk.node.help);
            // What a leaf may name is offered; so is what could become an instance, such as an interface. What neighbors
            // announce is nothing that a configuration would name.
            let learned = matches!(kind, ValueKind::Prefix4 | ValueKind::Prefix6);
            if let Some(wanted) = kind.names().filter(|_| !learned) {
                offer.live(self.names, wanted, &walk.words);
            }
        }
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
    names: Vec<Name>,
    more: bool,
}

impl Offer {
    fn new(cursor: &Cursor) -> Self {
        let partial = cursor.partial.text.clone();
        let (candidates, names) = (Vec::new(), Vec::new());
        Self { start: cursor.partial.start, partial, quoted: cursor.quoted, candidates, names, more: false }
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

    fn names(&mut self, names: impl Iterator<Item = Name>) {
        self.names.extend(names.filter(|name| name.text.starts_with(&self.partial)));
    }

    /// Live names; where there are more than are fetched, this is remembered.
    fn live(&mut self, names: &dyn Names, kind: NameKind, context: &[String]) {
        let found = names.names(kind, &self.partial, context);
        self.more |= found.len() >= MOST_NAMES;
        self.names(found.into_iter());
    }

    fn finish(mut self, complete: bool) -> Completion {
        // Names stand behind the words, each once; the one that is explained wins.
        let mut names = std::mem::take(&mut self.names);
        names.sort_by(|a, b| natural(&a.text, &b.text).then_with(|| b.help.cmp(&a.help)));
        names.dedup_by(|later, first| later.text == first.text);
        self.candidates.extend(names.into_iter().map(|Name { text, help }| Candidate {
            text: if is_plain(&text) { text } else { quoted_word(&text) },
            help,
            sign: BLANK,
            placeholder: false,
        }));
        if complete && self.partial.is_empty() && !self.quoted {
            let enter = Candidate {
                text: "<Enter>".to_owned(),
                help: "Execute the current command".to_owned(),
                sign: BLANK,
                placeholder: true,
            };
            self.candidates.insert(0, enter);
        }
        let Self { start, candidates, quoted, more, .. } = self;
        Completion { start, candidates, complete, quoted, more }
    }
}

/// Whether a name, as most are, needs no closer look: there may be thousands of them.
fn is_plain(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b':' | b'-' | b'_');
    !text.is_empty() && text.bytes().all(plain)
}

/// `*` needs no quotes on a typed line, where it stands for all sessions.
fn quoted_word(text: &str) -> String {
    if text == "*" { text.to_owned() } else { quote(text) }
}
