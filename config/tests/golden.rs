//! What a person sees of two configurations: `show`, `compare`, `compare commands`, the file.
//!
//! Each folder of `tests/golden` holds `old.conf` and `new.conf` and what they print; `UPDATE_EXPECT=1` writes
//! the expectations anew.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use config::Tree;
use config::print::{self, Against, Style};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn read(path: &Path) -> Tree {
    let parsed = Tree::load(&fs::read_to_string(path).unwrap());
    assert_eq!(parsed.problems, Vec::new(), "{}", path.display());
    parsed.tree
}

fn expect(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, expected, "{}; UPDATE_EXPECT=1 writes it anew", path.display());
}

#[test]
fn two_configurations_print_as_expected() {
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let (old, new) = (read(&case.join("old.conf")), read(&case.join("new.conf")));
        expect(&case.join("show.txt"), &print::marked(&old, &new, &[], false));
        expect(&case.join("show-all.txt"), &print::marked(&old, &new, &[], true));
        expect(&case.join("compare.txt"), &print::compare(&old, &new, Against::Active));
        expect(&case.join("compare-commands.txt"), &print::compare_commands(&old, &new, Against::Active));
        expect(&case.join("file.conf"), &print::file(&new));
        let masked = Style { mask_secrets: true, defaults: false };
        expect(&case.join("configuration.txt"), &print::braces(&new, &[], masked));
        expect(&case.join("configuration-commands.txt"), &print::commands(&new, &[], masked));
    }
}
