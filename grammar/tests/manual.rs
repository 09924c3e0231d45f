//! The printed manual is what the tables say.
//!
//! `UPDATE_EXPECT=1` writes it anew. Never passes on a manual that it has just written: the next run does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and this one reads files"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Pages that people write, or that are written from other tables.
const OTHERS: &[&str] = &["guide.md", "json.md"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manual")
}

#[test]
fn the_printed_manual_is_fresh() {
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut stale = Vec::new();
    for page in grammar::manual::pages() {
        let path = folder().join(&page.file);
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == page.text {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &page.text).unwrap();
        }
        let line = found.lines().zip(page.text.lines()).take_while(|(old, new)| old == new).count();
        let wants = page.text.lines().nth(line).unwrap_or("(nothing)").to_owned();
        let has = found.lines().nth(line).unwrap_or("(nothing)").to_owned();
        stale.push(format!("{} from line {}:\n  has   {has}\n  wants {wants}", page.file, line + 1));
    }
    assert!(stale.is_empty(), "stale, UPDATE_EXPECT=1 writes it anew: {}", stale.join("\n"));
}

#[test]
fn no_page_is_left_over_and_every_link_leads_to_one() {
    let pages = grammar::manual::pages();
    let known: BTreeSet<&str> = pages.iter().map(|page| page.file.as_str()).chain(OTHERS.iter().copied()).collect();
    for below in [folder(), folder().join("man")] {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
            assert!(path.is_dir() || known.contains(name.as_str()), "{name} is left over; delete it");
        }
    }
    for text in
        pages.iter().map(|page| page.text.clone()).chain([fs::read_to_string(folder().join("guide.md")).unwrap()])
    {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(link.starts_with("http") || folder().join(file).exists(), "{link} leads nowhere");
        }
    }
}
