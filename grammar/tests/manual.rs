//! The printed manual is what the tables say.
//!
//! `UPDATE_EXPECT=1` writes it anew. Never passes on a manual that it has just written: the next run does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and this one reads a file"
)]

use std::path::Path;
use std::{env, fs};

#[test]
fn the_printed_manual_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manual/reference.md");
    let expected = grammar::manual::reference();
    let found = fs::read_to_string(&path).unwrap_or_default();
    if env::var_os("UPDATE_EXPECT").is_some() && found != expected {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let differs = found.lines().zip(expected.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| found.lines().count().min(expected.lines().count())) + 1;
    assert!(
        found == expected,
        "docs/manual/reference.md is stale from line {line} on:\n  has   {}\n  wants {}\nUPDATE_EXPECT=1 writes it anew",
        found.lines().nth(line - 1).unwrap_or("(nothing)"),
        expected.lines().nth(line - 1).unwrap_or("(nothing)"),
    );
}
