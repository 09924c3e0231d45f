//! The words of the configuration, a page for each first word; those of `protocols` have one for each protocol.
//!
//! Never explains a word beyond its help.

use std::fmt::Write;

use super::Page;
use crate::quote;
use crate::schema::{Node, ROOT, Shape};
use crate::value::ValueKind;

/// First words below which each second word has a page of its own.
const SPLIT: &[&str] = &["policy", "protocols"];

pub(super) fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for first in ROOT.children {
        if SPLIT.contains(&first.name) {
            pages.extend(first.children.iter().map(|second| page(second, &[first.name])));
        } else {
            pages.push(page(first, &[]));
        }
    }
    pages
}

fn page(node: &Node, above: &[&str]) -> Page {
    let place = Place { words: above.join(" "), example: above.join(" ") }.below(node);
    let title = [above, &[node.name]].concat().join(" ");
    let mut text = format!("# {title}\n\n{}.\n", node.help);
    if let Shape::Inner = node.shape {
        // The first word alone says nothing: its children are what people look for.
        for child in node.children {
            section(&mut text, child, &place.below(child));
        }
    } else {
        section(&mut text, node, &place);
    }
    Page { file: format!("{}.md", title.replace(' ', "-")), text }
}

/// Where a node stands: with the forms of the values above it, and with examples of them.
struct Place {
    words: String,
    example: String,
}

impl Place {
    fn below(&self, node: &Node) -> Self {
        let join = |before: &str, value: Option<String>| {
            let words = [Some(before.to_owned()), Some(node.name.to_owned()), value];
            let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
            words.join(" ")
        };
        Self {
            words: join(&self.words, node.kind().map(|kind| kind.placeholder())),
            example: join(&self.example, node.example.map(quote)),
        }
    }
}

/// A node with a heading of its own, a table of what is below it, and sections for the tags among that.
fn section(text: &mut String, node: &Node, place: &Place) {
    append(text, format_args!("\n## `{}`\n\n{}{}.\n", place.words, node.help, remarks(node)));
    let mut rows = Vec::new();
    let mut tags = Vec::new();
    gather(node, "", place, &mut rows, &mut tags);
    if rows.is_empty() {
        append(text, format_args!("\n    set {}\n", place.example));
        return;
    }
    let plain = rows.iter().find(|row| matches!(row.node.shape, Shape::Leaf(_)) && !row.words.contains(' '));
    if let Some(row) = plain.or(rows.first()) {
        append(text, format_args!("\n    set {}\n", row.example));
    }
    text.push_str("\n| word | takes | default | what it does | example |\n| --- | --- | --- | --- | --- |\n");
    for Row { words, node, .. } in &rows {
        let default = node.default.map(|value| format!("`{value}`")).unwrap_or_default();
        let example = node.example.map(|value| format!("`{}`", quote(value))).unwrap_or_default();
        let takes = node.kind().map(takes).unwrap_or_default();
        let help = format!("{}{}", node.help, remarks(node));
        append(text, format_args!("| `{words}` | {takes} | {default} | {} | {} |\n", cell(&help), cell(&example)));
    }
    for (tag, place) in tags {
        section(text, tag, &place);
    }
}

struct Row<'a> {
    words: String,
    node: &'a Node,
    example: String,
}

/// What can be set below a node: its leaves, nodes that mean something by themselves, and tags; tags that hold
/// words are also collected for sections of their own.
fn gather<'a>(node: &'a Node, before: &str, place: &Place, rows: &mut Vec<Row<'a>>, tags: &mut Vec<(&'a Node, Place)>) {
    for child in node.children {
        let words = format!("{before} {}", child.name).trim_start().to_owned();
        let place = place.below(child);
        let is_row = child.presence || !matches!(child.shape, Shape::Inner);
        if is_row {
            rows.push(Row { words: words.clone(), node: child, example: place.example.clone() });
        }
        match child.shape {
            Shape::Inner => gather(child, &words, &place, rows, tags),
            Shape::Tag(_) if !child.children.is_empty() => tags.push((child, place)),
            Shape::Tag(_) | Shape::Leaf(_) | Shape::Multi(_) | Shape::Flag => {}
        }
    }
}

fn remarks(node: &Node) -> &'static str {
    match node.shape {
        Shape::Multi(_) => "; repeatable",
        Shape::Tag(_) if node.single => "; only one",
        Shape::Tag(_) => "; repeatable",
        Shape::Inner | Shape::Leaf(_) | Shape::Flag => "",
    }
}

/// The forms of a value, its fixed words explained.
fn takes(kind: ValueKind) -> String {
    let forms = kind.placeholders().into_iter().map(|form| format!("`{form}`"));
    let words = kind.choices().iter().map(|(word, help)| format!("`{word}` ({help})"));
    cell(&forms.chain(words).collect::<Vec<_>>().join(" or "))
}

/// A text that may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Writing to a `String` cannot fail.
fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _: std::fmt::Result = text.write_fmt(what);
}
