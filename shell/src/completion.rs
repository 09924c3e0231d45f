//! What TAB and `?` offer: the schema's words with live names.
//!
//! Pure: the grammar completes, the session tells where, the world tells names.

use std::cell::RefCell;

use config::Tree;
use grammar::commands::{self, ConfigCommand};
use grammar::complete::{self, Completion, Name, Names};
use grammar::parse;
use grammar::resolve::{self, ResolveError};
use grammar::schema::ROOT;
use grammar::value::NameKind;

use crate::session::Session;
use crate::world::World;

/// Names of the working configuration and of the world.
struct Live<'a> {
    tree: Option<&'a Tree>,
    world: RefCell<&'a mut dyn World>,
}

impl Names for Live<'_> {
    fn names(&self, kind: NameKind, typed: &str, _context: &[String]) -> Vec<Name> {
        match self.tree.and_then(|tree| configured(tree, kind)) {
            Some(names) => names.into_iter().map(|name| Name::from(name.to_owned())).collect(),
            None => self.world.borrow_mut().names(kind, typed),
        }
    }

    fn children(&self, path: &[String]) -> Vec<String> {
        let children = self.tree.map(|tree| tree.children(path)).unwrap_or_default();
        children.into_iter().map(str::to_owned).collect()
    }
}

/// Names that the configuration itself gives, so that they can be used before the commit that makes them; none for
/// other kinds.
fn configured(tree: &Tree, kind: NameKind) -> Option<Vec<&str>> {
    let below = |path: &[&str]| tree.children(&path.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    match kind {
        NameKind::PeerGroup => {
            let speakers = below(&["protocols", "bgp"]).into_iter();
            Some(speakers.flat_map(|speaker| below(&["protocols", "bgp", speaker, "peer-group"])).collect())
        }
        NameKind::Profile => Some(below(&["protocols", "bfd", "profile"])),
        NameKind::Policy(list) => Some(below(&["policy", list.word()])),
        _ => None,
    }
}

/// What could stand at the cursor.
#[must_use]
pub(crate) fn at(line: &str, cursor: usize, session: &Session, world: &mut dyn World) -> Completion {
    let editing = session.editing();
    let live = Live { tree: editing.map(|(_, tree)| tree), world: RefCell::new(world) };
    match editing {
        Some((level, _)) => complete::config(&ROOT, level, line, cursor, &live),
        None => complete::operational(line, cursor, &live),
    }
}

/// What `?` prints at the end of a line: what could follow, or why nothing can.
#[must_use]
pub(crate) fn answer(line: &str, session: &Session, world: &mut dyn World) -> String {
    let completion = at(line, line.len(), session, world);
    if completion.candidates.is_empty() {
        return refusal(line, session).unwrap_or_else(|| "Nothing that is known can stand here".to_owned()) + "\n";
    }
    completion.listing()
}

/// The complaint about the first word that is not known.
fn refusal(line: &str, session: &Session) -> Option<String> {
    let words = parse::line(line).ok()?.pop()?.words;
    let error = match (session.editing(), commands::configuration(&words)) {
        (None, _) => commands::resolve(&words).err(),
        (Some(_), Err(error)) => Some(error),
        (Some(_), Ok(ConfigCommand::Run(words))) => commands::resolve(&words).err(),
        (Some((level, _)), Ok(_)) => resolve::partial(&ROOT, level, words.get(1..)?).err(),
    };
    error.filter(|error| matches!(error, ResolveError::NotValid { .. })).map(|error| error.to_string())
}

/// Whether the line ends within a quoted text, where `?` is a character like others. Directly behind the quote it
/// still asks: no text begins with it.
#[must_use]
pub(crate) fn is_text(line: &str) -> bool {
    let mut quote = None;
    let mut begun = false;
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        begun = quote.is_some();
        match (quote, sign) {
            (None | Some('"'), '\\') => {
                signs.next();
            }
            (None, '\'' | '"') => quote = Some(sign),
            (Some(open), sign) if open == sign => quote = None,
            _ => {}
        }
    }
    quote.is_some() && begun
}

/// What the word at the cursor can be replaced with: the only candidate and a blank, or as far as all agree.
///
/// A name that was not begun gets no blank where another value is as good.
#[must_use]
pub(crate) fn extension(completion: &Completion, line: &str, cursor: usize) -> Option<String> {
    let typed = line.get(completion.start..cursor).unwrap_or_default();
    let only_words = completion.candidates.iter().all(|candidate| !candidate.placeholder);
    let words: Vec<&str> = completion.words().collect();
    match words.as_slice() {
        // A folder is on the way to a file.
        [only] if only.ends_with('/') => (only.len() > typed.len()).then(|| (*only).to_owned()),
        [only] if only_words || !typed.is_empty() => Some(format!("{only} ")),
        // Among names that were not fetched may be some that agree less.
        _ if completion.more => None,
        words => {
            let common = common_start(words);
            (common.len() > typed.len() && common.starts_with(typed)).then(|| common.to_owned())
        }
    }
}

/// How much of the line behind the cursor the completed word says again: the rest of the word, and its blank.
#[must_use]
pub(crate) fn overlap(elected: &str, typed: &str, behind: &str) -> usize {
    let Some(added) = elected.strip_prefix(typed).filter(|added| !added.is_empty()) else { return 0 };
    let word = behind.split(' ').next().unwrap_or_default();
    let rest = if added.trim_end().starts_with(word) { word.len() } else { return 0 };
    let blank = behind.get(rest..).is_some_and(|after| after.starts_with(' ')) && added.ends_with(' ');
    rest.saturating_add(usize::from(blank))
}

fn common_start<'a>(words: &[&'a str]) -> &'a str {
    let Some((first, rest)) = words.split_first() else { return "" };
    let shared = |one: &str, other: &str| {
        let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        (0..=same).rev().find(|length| one.is_char_boundary(*length)).unwrap_or(0)
    };
    let length = rest.iter().fold(first.len(), |length, word| {
        if length == 0 { 0 } else { shared(first.get(..length).unwrap_or_default(), word) }
    });
    first.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use grammar::complete::Candidate;

    use super::*;

    fn candidate(text: &str, placeholder: bool) -> Candidate {
        Candidate { text: text.to_owned(), help: String::new(), sign: "  ", placeholder }
    }

    #[test]
    fn the_line_grows_as_far_as_all_candidates_agree() {
        for (line, start, words, placeholder, expect) in [
            ("sh", 0, &["show"][..], false, Some("show ")),
            ("con", 0, &["configure"], false, Some("configure ")),
            ("set i", 4, &["interfaces", "interface-x"], false, Some("interface")),
            ("set interface", 4, &["interfaces", "interface-x"], false, None),
            ("set p", 4, &["protocols", "system"], false, None),
            ("set x ", 6, &["eth0"], true, Some("eth0")),
            ("set x 192", 6, &["192.0.2.1"], true, Some("192.0.2.1 ")),
            ("set x 192.0.2.1", 6, &["192.0.2.1"], true, Some("192.0.2.1 ")),
            ("set x 192", 6, &["192.0.2.1", "192.0.2.2"], true, Some("192.0.2.")),
            ("set x ", 6, &[], true, None),
            ("load /co", 5, &["/config/"], true, Some("/config/")),
            ("load /config/", 5, &["/config/"], true, None),
        ] {
            let mut candidates: Vec<Candidate> = words.iter().map(|word| candidate(word, false)).collect();
            candidates.extend(placeholder.then(|| candidate("<text>", true)));
            let completion = Completion { start, candidates, complete: false, quoted: false, more: false };
            assert_eq!(extension(&completion, line, line.len()).as_deref(), expect, "{line}");
        }
    }

    #[test]
    fn a_word_completed_in_its_middle_is_not_doubled() {
        for (elected, typed, behind, overlap_expected) in [
            ("protocols ", "prot", "ocols bgp", 6),
            ("protocols ", "prot", "o bgp", 2),
            ("protocols ", "prot", " bgp", 1),
            ("protocols ", "prot", "", 0),
            ("protocols ", "prot", "bgp", 0),
            ("interface", "int", "erfaces", 0),
            ("prot", "prot", "ocols", 0),
        ] {
            assert_eq!(overlap(elected, typed, behind), overlap_expected, "{typed}|{behind}");
        }
    }

    #[test]
    fn a_question_mark_in_quotes_is_a_character() {
        for (line, inside) in [
            ("set x ", false),
            ("set x '", false),
            ("set x 'why", true),
            ("set x 'why' ", false),
            ("set x \"it's", true),
            ("set x it\\'s ", false),
            ("set x \"a\\\" ", true),
            ("set x 'a\\' ", false),
        ] {
            assert_eq!(is_text(line), inside, "{line}");
        }
    }
}
