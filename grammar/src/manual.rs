//! The reference manual: every word of the configuration and every command, written from the tables.
//!
//! Never says what the tables do not say, so it cannot be out of date.

use std::fmt::Write;

use crate::commands::configuration::VERBS;
use crate::commands::pipe::{Argument, PIPES};
use crate::commands::{OPERATIONAL, Step};
use crate::schema::{Node, ROOT, Shape};

#[cfg(test)]
mod tests;

/// The whole manual in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = "# Reference\n\n## Configuration\n".to_owned();
    for first in ROOT.children {
        append(&mut text, format_args!("\n### {}\n\n{}.\n\n", first.name, first.help));
        for child in first.children {
            describe(&mut text, child, 0);
        }
    }
    text.push_str("\n## Commands of operational mode\n\n");
    let mut listed = Listed::new();
    for first in OPERATIONAL {
        list(&mut text, first, "", 0, &mut listed);
    }
    text.push_str("\n## Commands of configuration mode\n\n");
    for (name, help, _) in VERBS {
        append(&mut text, format_args!("- `{name}`: {help}\n"));
    }
    text.push_str("\n## Pipes\n\n");
    for (name, help, argument) in PIPES {
        let argument = match argument {
            Argument::None => "",
            Argument::Pattern => " PATTERN",
            Argument::File => " FILE",
        };
        append(&mut text, format_args!("- `| {name}{argument}`: {help}\n"));
    }
    text
}

/// Steps that have been listed, with the words that led there first.
type Listed = Vec<(&'static [&'static Step], String)>;

/// Writing to a `String` cannot fail.
fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _: std::fmt::Result = text.write_fmt(what);
}

fn describe(text: &mut String, node: &Node, depth: usize) {
    let indent = "  ".repeat(depth);
    let value = node.kind().map(|kind| format!(" {}", kind.placeholder())).unwrap_or_default();
    append(text, format_args!("{indent}- `{}{value}`: {}", node.name, node.help));
    if matches!(node.shape, Shape::Multi(_)) || (matches!(node.shape, Shape::Tag(_)) && !node.single) {
        text.push_str("; repeatable");
    }
    if node.single {
        text.push_str("; only one");
    }
    if let Some(default) = node.default {
        append(text, format_args!("; default `{default}`"));
    }
    if let Some(example) = node.example {
        append(text, format_args!("; example `{example}`"));
    }
    text.push('\n');
    for child in node.children {
        describe(text, child, depth.saturating_add(1));
    }
}

/// One line for each step; words that may follow in several places are listed in the first.
fn list(text: &mut String, step: &'static Step, before: &str, depth: usize, listed: &mut Listed) {
    let label = step.label();
    let path = if before.is_empty() { label.clone() } else { format!("{before} {label}") };
    append(text, format_args!("{}- `{label}`: {}", "  ".repeat(depth), step.help));
    let known = listed.iter().find(|(then, _)| std::ptr::eq(*then, step.then)).map(|(_, first)| first);
    if let (Some(first), false) = (known, step.then.is_empty()) {
        append(text, format_args!("; goes on like `{first}`\n"));
        return;
    }
    text.push('\n');
    listed.push((step.then, path.clone()));
    for next in step.then {
        list(text, next, &path, depth.saturating_add(1), listed);
    }
}
