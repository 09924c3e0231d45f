//! Writing a configuration: curly braces, `set` lines, with markers, as a comparison.
//!
//! `parse(file(t)) == t`, and the `set` lines of a tree without comments make the same tree again.
//! Writing never fails and never reorders: a tree stands in natural order already.

mod compare;
mod lines;
mod plain;

use std::fmt::Write as _;

use grammar::{quote, quote_single};

use crate::diff::Diff;
use crate::edit::Edit;
use crate::tree::{Content, Node, Tree};

use lines::{Line, Lines};
use plain::Plain;

/// What `show` prints where nothing is set.
pub const EMPTY: &str = "Configuration under specified path is empty\n";

/// What stands in place of a secret.
pub const MASK: &str = "****************";

/// Which words a file is written in; a greater number is one that older releases do not read.
pub(crate) const VERSION: u64 = 1;

/// The two machine comments at the end of a file; the first number tells which words the file is written in.
const TRAILER: &str = concat!(
    "\n\n/* Warning: Do not remove the following line. */\n",
    "/* === towpath-config-version: \"1\" === */\n",
    "/* Release version: ",
    env!("CARGO_PKG_VERSION"),
    " */\n"
);

/// How a configuration is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Secrets become 16 asterisks.
    pub mask_secrets: bool,
    /// Defaults are written too, below nodes that are set.
    pub defaults: bool,
}

/// What is held against what, for the sentence that says that nothing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Working and active.
    Active,
    /// Working and saved.
    Saved,
    /// Working and a revision.
    Revision(u64),
    /// Two revisions.
    Revisions(u64, u64),
}

impl Against {
    /// `No changes between working and active configurations`
    #[must_use]
    pub fn no_changes(self) -> String {
        match self {
            Self::Active => "No changes between working and active configurations\n".to_owned(),
            Self::Saved => "No changes between working and saved configurations\n".to_owned(),
            Self::Revision(number) => format!("No changes between working and revision {number} configurations\n"),
            Self::Revisions(left, right) => format!("No changes between revisions {left} and {right}\n"),
        }
    }
}

/// A whole file: curly braces, and the version comments at the end.
#[must_use]
pub fn file(tree: &Tree) -> String {
    file_in(tree, Style::default())
}

/// A whole file with asterisks in place of secrets, for those who may not see them.
#[must_use]
pub fn masked_file(tree: &Tree) -> String {
    file_in(tree, Style { mask_secrets: true, ..Style::default() })
}

fn file_in(tree: &Tree, style: Style) -> String {
    let mut text = braces(tree, &[], style);
    text.push_str(TRAILER.trim_start_matches(if text.is_empty() { "\n\n" } else { "" }));
    text
}

/// What is below `path` in curly braces, without markers; nothing when nothing is set.
#[must_use]
pub fn braces(tree: &Tree, path: &[String], style: Style) -> String {
    if !style.defaults {
        let mut plain = Plain { mask_secrets: style.mask_secrets, text: String::new() };
        if let Some(node) = tree.node(path) {
            plain.below(node);
        }
        return plain.text;
    }
    let mut lines = Lines::new(style);
    lines.below(tree, tree, path);
    laid_out(&lines.lines, |_| None)
}

/// The lines with their indentation, each behind its sign if it has one.
fn laid_out(lines: &[Line], sign: impl Fn(&Line) -> Option<char>) -> String {
    let width = |line: &Line| line.depth.saturating_mul(4);
    let length = lines.iter().map(|line| line.text.len().saturating_add(width(line)).saturating_add(2)).sum();
    let mut text = String::with_capacity(length);
    for line in lines {
        text.extend(sign(line));
        text.extend(std::iter::repeat_n(' ', width(line)));
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

/// One `set` line for each leaf below `path`, the leaf's value in single quotes.
#[must_use]
pub fn commands(tree: &Tree, path: &[String], style: Style) -> String {
    let mut text = String::new();
    if let Some(node) = tree.node(path)
        && !tree.is_empty()
    {
        let mut words: Vec<String> = path.iter().map(|word| quote(word)).collect();
        set_lines(node, &mut words, style, &mut text);
    }
    text
}

fn set_lines(node: &Node, words: &mut Vec<String>, style: Style, text: &mut String) {
    match &node.content {
        Content::Branch(branch) if !branch.is_empty() => {
            for (word, child) in branch.iter() {
                words.push(quote(word));
                set_lines(child, words, style, text);
                words.pop();
            }
        }
        Content::Values(values) if !values.is_empty() => {
            for value in values {
                let value = if style.mask_secrets && node.schema.secret { MASK } else { value };
                let _ = writeln!(text, "set {} {}", words.join(" "), quote_single(value));
            }
        }
        Content::Branch(_) | Content::Values(_) => {
            let _ = writeln!(text, "set {}", words.join(" "));
        }
    }
}

/// Configuration mode's `show`: the working tree below `path` with `+`, `-`, `>` or a blank in column 1.
///
/// `all` writes defaults too.
#[must_use]
pub fn marked(active: &Tree, candidate: &Tree, path: &[String], all: bool) -> String {
    let mut lines = Lines::new(Style { defaults: all, mask_secrets: false });
    lines.below(active, candidate, path);
    if lines.lines.is_empty() { EMPTY.to_owned() } else { with_markers(&lines.lines) }
}

/// `compare`: only what differs, below lines such as `[edit protocols bgp 64512]`.
#[must_use]
pub fn compare(old: &Tree, new: &Tree, against: Against) -> String {
    compare_in(old, new, against, Style::default())
}

/// The same with or without secrets; a changed secret is still a change.
#[must_use]
pub fn compare_in(old: &Tree, new: &Tree, against: Against, style: Style) -> String {
    let text = compare::text(old, new, style);
    if text.is_empty() { against.no_changes() } else { text }
}

/// `compare commands`: the lines that a person would type to get from `old` to `new`.
#[must_use]
pub fn compare_commands(old: &Tree, new: &Tree, against: Against) -> String {
    compare_commands_in(old, new, against, Style::default())
}

/// The same with or without secrets.
#[must_use]
pub fn compare_commands_in(old: &Tree, new: &Tree, against: Against, style: Style) -> String {
    let edits = Diff::between(old, new).to_edits();
    if edits.is_empty() { against.no_changes() } else { edits.iter().map(|edit| edit_line(edit, new, style)).collect() }
}

/// An edit as a person would type it.
fn edit_line(edit: &Edit, new: &Tree, style: Style) -> String {
    let bare = |path: &[String]| path.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    match edit {
        Edit::Set(path) => match path.split_last() {
            Some((value, leaf)) if new.node(leaf).is_some_and(|node| !node.values().is_empty()) => {
                let secret = style.mask_secrets && new.node(leaf).is_some_and(|node| node.schema.secret);
                let value = if secret { MASK } else { value };
                format!("set {} {}\n", bare(leaf), quote_single(value))
            }
            _ => format!("set {}\n", bare(path)),
        },
        Edit::Delete(path) => format!("delete {}\n", bare(path)),
        Edit::Comment(path, text) => format!("comment {} {}\n", bare(path), quote_single(text)),
    }
}

fn with_markers(lines: &[Line]) -> String {
    laid_out(lines, |line| Some(line.marker.sign()))
}

#[cfg(test)]
mod tests;
