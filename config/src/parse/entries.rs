//! From a text to paths, each with what is to be done there and the lines that it stands on.
//!
//! No word is looked up here.

use grammar::parse::Statement;

use super::reading::Reading;

/// A word and the lines of what it stands for: from its own to the end of its block.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) lines: (usize, usize),
}

/// What a statement or a line wants done.
#[derive(Debug)]
pub(super) enum Deed {
    Set,
    Delete,
    Comment(String),
}

/// A path with what is to be done there.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) words: Vec<Spoken>,
    pub(super) deed: Deed,
}

/// No path is longer; without a bound, a block behind a million words would repeat them for each of its lines.
const MOST_WORDS: usize = 64;

/// Commands that files of commands hold besides, and that loading does by itself or leaves to the person.
const IDLE: &[&str] =
    &["begin", "commit", "commit-confirm", "compare", "configure", "confirm", "end", "exit", "save", "show", "source"];

/// Whether a text is lines of commands: the first word tells.
pub(super) fn is_lines(text: &str) -> bool {
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(['#', '/', '*']));
    let deed = first.and_then(|line| line.split([' ', '\t', ';']).next());
    deed.is_some_and(|word| matches!(word, "set" | "delete" | "comment" | "configure" | "begin" | "source"))
}

/// The entries of curly braces.
pub(super) fn braces(text: &str, reading: &mut Reading<'_>) -> Vec<Entry> {
    let (statements, errors) = grammar::parse::config(text);
    let mut entries = Vec::new();
    flatten(statements, &mut Vec::new(), &mut entries, reading);
    errors.iter().for_each(|error| reading.shape(error, error.line));
    entries
}

/// The entries of lines of `set …`, `delete …` and `comment …`.
pub(super) fn lines(text: &str, reading: &mut Reading<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        match grammar::parse::line(text.trim_start_matches('\u{feff}')) {
            Ok(commands) => {
                for command in commands {
                    let words = command.words.into_iter().map(|word| Spoken { text: word.text, lines: (line, line) });
                    command_entry(words.collect(), line, &mut entries, reading);
                }
            }
            Err(error) => reading.shape(&error, line),
        }
    }
    entries
}

/// One entry for each leaf and each empty block, then one for each comment: its node has to be there first.
fn flatten(statements: Vec<Statement>, above: &mut Vec<Spoken>, entries: &mut Vec<Entry>, reading: &mut Reading<'_>) {
    for statement in statements {
        let depth = above.len();
        let lines = (statement.line, statement.last_line);
        if statement.words.first().is_some_and(|word| !word.quoted && word.text.starts_with('!')) {
            reading.problem(lines, "it is deactivated in the file, and left out".to_owned());
            continue;
        }
        if above.len().saturating_add(statement.words.len()) > MOST_WORDS {
            reading.problem(lines, format!("no path has more than {MOST_WORDS} words"));
            continue;
        }
        above.extend(statement.words.into_iter().map(|word| Spoken { text: word.text, lines }));
        match statement.children {
            Some(children) if !children.is_empty() => flatten(children, above, entries, reading),
            _ => entries.push(Entry { words: above.clone(), deed: Deed::Set }),
        }
        if let Some(comment) = statement.comment {
            entries.push(Entry { words: above.clone(), deed: Deed::Comment(comment) });
        }
        above.truncate(depth);
    }
}

/// A `set`, `delete` or `comment` line.
fn command_entry(mut words: Vec<Spoken>, line: usize, entries: &mut Vec<Entry>, reading: &mut Reading<'_>) {
    let mut rest = words.split_off(words.len().min(1));
    let verb = words.first().map(|word| word.text.as_str()).unwrap_or_default();
    if rest.len() > MOST_WORDS && !IDLE.contains(&verb) {
        return reading.problem((line, line), format!("no path has more than {MOST_WORDS} words"));
    }
    let deed = match (verb, rest.is_empty()) {
        ("set", false) => Deed::Set,
        ("delete", false) => Deed::Delete,
        ("comment", false) => Deed::Comment(rest.pop().map(|word| word.text).unwrap_or_default()),
        ("set" | "delete" | "comment", true) => {
            return reading.problem((line, line), format!("'{verb}' needs a path behind it"));
        }
        _ if IDLE.contains(&verb) => return,
        _ => {
            let message = "only 'set', 'delete' and 'comment' lines are read, with whole paths";
            return reading.problem((line, line), message.to_owned());
        }
    };
    entries.push(Entry { words: rest, deed });
}
