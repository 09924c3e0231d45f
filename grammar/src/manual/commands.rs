//! Commands of both modes, and pipes.
//!
//! Never tells what a command prints.

use std::fmt::Write;

use super::Page;
use crate::commands::configuration::VERBS;
use crate::commands::pipe::PIPES;
use crate::commands::{OPERATIONAL, Step};

pub(super) fn pages() -> Vec<Page> {
    vec![operational(), editing(), pipes()]
}

fn operational() -> Page {
    let mut text = "# Commands of operational mode\n\nWhat can be looked at, tried and started afresh. Words may be \
         shortened as long as they are unique, and `?` lists what can follow.\n"
        .to_owned();
    let mut listed = Listed::new();
    for first in OPERATIONAL {
        append(&mut text, format_args!("\n## {}\n\n", first.label()));
        list(&mut text, first, "", 0, &mut listed);
    }
    Page { file: "operational.md".to_owned(), text }
}

fn editing() -> Page {
    let mut text = "# Commands of configuration mode\n\nHow the configuration is changed. What they take is told by \
         `?` behind them; PATH is words of the configuration, below the level of `edit`.\n\n"
        .to_owned();
    for (name, help, _) in VERBS {
        append(&mut text, format_args!("- `{name}`: {help}\n"));
    }
    Page { file: "editing.md".to_owned(), text }
}

fn pipes() -> Page {
    let mut text = "# Pipes\n\nWhat can be done with the output of a command, in either mode; several may follow \
         each other.\n\n"
        .to_owned();
    for (name, help, argument) in PIPES {
        append(&mut text, format_args!("- `| {name}{}`: {help}\n", argument.label()));
    }
    Page { file: "pipes.md".to_owned(), text }
}

/// Steps that have been listed, with the words that led there first.
type Listed = Vec<(&'static [&'static Step], String)>;

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

/// Writing to a `String` cannot fail.
fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _: std::fmt::Result = text.write_fmt(what);
}
