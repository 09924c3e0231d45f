//! What comes of the files of relatives: whole routers, and the twenty ways in which BGP is mostly configured.
//!
//! Beside each file stands what it becomes: what is told of it, then its `set` lines. `UPDATE_EXPECT=1` writes the
//! expectations anew; read the difference then.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use config::parse::Parsed;
use config::print::{self, Style};
use config::{Context, Tree, check};

/// The files of a folder that are not expectations.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension != "expect"));
    files.sort();
    files
}

/// Reads a file and holds what comes of it against what is expected.
fn read(path: &Path) -> Parsed {
    let text = fs::read_to_string(path).unwrap();
    let parsed = Tree::load(&text);
    let becomes = format!("{}\n{}", parsed.report(), print::commands(&parsed.tree, &[], Style::default()));
    let expected = path.with_extension("expect");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &becomes).unwrap();
    }
    let expected = fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(becomes, expected, "{}; UPDATE_EXPECT=1 writes it anew", path.display());
    parsed
}

#[test]
fn the_files_of_whole_routers_are_read_with_a_list_of_what_is_left_out() {
    let files = files("routers");
    assert_eq!(files.len(), 7);
    for path in files {
        let parsed = read(&path);
        assert!(parsed.origin().is_some(), "{}", path.display());
        for (word, leaf) in [("system", "host-name"), ("protocols", "bgp"), ("interfaces", "loopback")] {
            assert!(parsed.tree.children(&[word.to_owned()]).contains(&leaf), "{}: {word} {leaf}", path.display());
        }
    }
}

#[test]
fn twenty_usual_configurations_of_bgp_are_understood() {
    let files = files("bgp");
    assert_eq!(files.len(), 20);
    for path in files {
        let parsed = read(&path);
        let admitted = check::admit(&parsed, &Context::default());
        assert_eq!(admitted.errors, Vec::new(), "{}", path.display());
    }
}

#[test]
fn what_was_read_is_written_and_read_as_the_same() {
    for path in files("routers").into_iter().chain(files("bgp")) {
        let tree = Tree::load(&fs::read_to_string(&path).unwrap()).tree;
        let again = Tree::load(&print::file(&tree));
        assert_eq!(again.problems, Vec::new(), "{}", path.display());
        assert_eq!(again.tree, tree, "{}", path.display());
    }
}
