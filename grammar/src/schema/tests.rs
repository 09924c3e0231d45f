//! Lints over the table of words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeSet;

use super::{Node, ROOT, Shape};
use crate::parse;
use crate::resolve;
use crate::value::ValueKind;

/// Every node with its canonical path, values being the examples.
fn all() -> Vec<(String, &'static Node)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &'static Node)> = ROOT.children.iter().map(|node| (String::new(), *node)).collect();
    while let Some((before, node)) = open.pop() {
        let path = format!("{before} {}", node.name);
        let value = node.example.map(crate::quote).map(|value| format!(" {value}")).unwrap_or_default();
        open.extend(node.children.iter().map(|child| (format!("{path}{value}"), *child)));
        found.push((format!("{path}{value}"), node));
    }
    found
}

#[test]
fn sibling_words_are_unique_and_sorted() {
    for (path, node) in all() {
        let names: Vec<_> = node.children.iter().map(|child| child.name).collect();
        let sorted: Vec<_> = names.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(names, sorted, "{path}");
    }
}

#[test]
fn words_are_in_kebab_case() {
    for (path, node) in all() {
        let good = node
            .name
            .split('-')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(good, "{path}");
    }
}

#[test]
fn help_is_one_short_line_that_begins_with_a_capital() {
    for (path, node) in all() {
        assert!(node.help.chars().count() <= 60, "{path}: {}", node.help);
        assert!(node.help.starts_with(|c: char| c.is_uppercase()), "{path}: {}", node.help);
        assert!(!node.help.ends_with('.'), "{path}: {}", node.help);
        if let Some(ValueKind::Choice(words)) = node.kind() {
            assert!(words.iter().all(|(_, help)| help.chars().count() <= 60), "{path}");
        }
    }
}

#[test]
fn every_value_has_an_example_that_is_canonical_and_every_default_too() {
    for (path, node) in all() {
        let Some(kind) = node.kind() else {
            assert!(node.example.is_none() && node.default.is_none(), "{path}");
            continue;
        };
        let example = node.example.unwrap_or_else(|| panic!("{path} has no example"));
        assert_eq!(kind.parse(example).as_deref(), Ok(example), "{path}");
        if let Some(default) = node.default {
            assert_eq!(kind.parse(default).as_deref(), Ok(default), "{path}");
        }
    }
}

#[test]
fn only_what_may_have_children_has_some() {
    for (path, node) in all() {
        match node.shape {
            Shape::Inner => assert!(!node.children.is_empty(), "{path}"),
            Shape::Leaf(_) | Shape::Multi(_) | Shape::Flag => assert!(node.children.is_empty(), "{path}"),
            Shape::Tag(_) => {}
        }
        assert!(!node.presence || node.shape == Shape::Inner, "{path}");
        assert!(!node.single || matches!(node.shape, Shape::Tag(_)), "{path}");
        assert!(!node.inherited || node.default.is_some(), "{path}");
    }
}

#[test]
fn every_word_can_be_set_with_its_example() {
    let nodes = all();
    assert!(nodes.len() > 100, "the table shrank to {}", nodes.len());
    for (path, node) in nodes {
        let words = parse::line(&path).unwrap().remove(0).words;
        let resolved = resolve::exact(&ROOT, &[], &words).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(std::ptr::eq(resolved.node, node), "{path}");
    }
}

#[test]
fn passwords_are_secret() {
    for (path, node) in all() {
        assert_eq!(node.secret, node.kind().is_some_and(|kind| kind.is_secret()), "{path}");
    }
}
