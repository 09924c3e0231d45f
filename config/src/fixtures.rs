//! Trees for tests: from `set` lines, and random ones made of everything that the schema knows.
//!
//! Compiled for tests only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::sync::LazyLock;

use grammar::schema::{self, Shape};
use grammar::value::ValueKind;
use proptest::prelude::*;

use crate::tree::Tree;

/// The words of a line without quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The tree of `set` lines, all of which have to be good.
pub(crate) fn tree(lines: &str) -> Tree {
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    let parsed = Tree::parse_set_commands(&lines.join("\n"));
    assert_eq!(parsed.problems, Vec::new());
    parsed.tree
}

/// Every path that can be set, with two or three values for each leaf and tag.
pub(crate) static PATHS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    collect(&schema::ROOT, &mut Vec::new(), &mut paths);
    paths.retain(|path| !path.is_empty());
    paths
});

fn collect(place: &'static schema::Node, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match place.shape {
        Shape::Inner => below(place, path, paths),
        Shape::Flag => paths.push(path.clone()),
        Shape::Tag(kind) | Shape::Leaf(kind) | Shape::Multi(kind) => {
            for value in values(place, kind) {
                path.push(value);
                below(place, path, paths);
                path.pop();
            }
        }
    }
}

fn below(place: &'static schema::Node, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    paths.push(path.clone());
    for child in place.children {
        path.push(child.name.to_owned());
        collect(child, path, paths);
        path.pop();
    }
}

fn values(place: &schema::Node, kind: ValueKind) -> Vec<String> {
    let others: &[&str] = match kind {
        ValueKind::Text { .. } => &["two words", r#"it's {a} "b"; \c /* d"#],
        ValueKind::Password => &["#a$b'c\\d"],
        ValueKind::Choice(_) => &["enable"],
        _ => &["eth10", "64999", "198.51.100.7", "2001:db8:7::7", "198.51.100.0/24", "2001:db8:7::/48", "7", "other"],
    };
    let mut values: Vec<String> = place.example.iter().map(|text| kind.parse(text).unwrap()).collect();
    values.extend(others.iter().filter_map(|text| kind.parse(text).ok()));
    values.sort();
    values.dedup();
    values
}

/// A tree of up to thirty random paths, with up to three comments.
pub(crate) fn any_tree() -> impl Strategy<Value = Tree> {
    let paths = prop::collection::vec(any::<prop::sample::Index>(), 0..30);
    let comments = prop::collection::vec((any::<prop::sample::Index>(), "[a-z/ ]{1,9}"), 0..4);
    (paths, comments).prop_map(|(paths, comments)| {
        let mut tree = Tree::default();
        for path in paths {
            // A second AS is refused, which is as good.
            let _ = tree.set(path.get::<Vec<String>>(&PATHS));
        }
        for (leaf, text) in comments {
            let leaves = tree.leaves();
            if !leaves.is_empty() {
                let path = leaf.get(&leaves);
                let depth = leaf.index(path.len());
                let _ = tree.set_comment(&path[..depth + 1], &text);
            }
        }
        tree
    })
}

/// The tree without its comments.
pub(crate) fn without_comments(tree: &Tree) -> Tree {
    let mut bare = Tree::default();
    for leaf in tree.leaves() {
        bare.set(&leaf).unwrap();
    }
    bare
}
