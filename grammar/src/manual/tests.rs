//! The manual holds every word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use super::pages;
use crate::schema::{Node, ROOT};

fn page(file: &str) -> String {
    pages().into_iter().find(|page| page.file == file).unwrap_or_else(|| panic!("there is no page {file}")).text
}

#[test]
fn words_commands_and_pipes_stand_on_their_pages() {
    for (file, line) in [
        ("reference.md", "- [protocols bgp](protocols-bgp.md): Border Gateway Protocol."),
        ("protocols-bgp.md", "## `protocols bgp <1-4294967294>`"),
        ("protocols-bgp.md", "    set protocols bgp 64512 neighbor 192.168.101.201 addpath-tx-best 2"),
        ("operational.md", "        - `why`: Why each path was chosen or not"),
        ("editing.md", "- `commit`: Make the changes active"),
        ("pipes.md", "- `| match PATTERN`: Print lines that match a pattern"),
    ] {
        let text = page(file);
        assert!(text.contains(line), "{file}: {line}\n{text}");
    }
}

#[test]
fn every_word_of_the_configuration_has_its_help_on_some_page() {
    let all: String = pages().into_iter().map(|page| page.text.replace("\\|", "|")).collect();
    let mut open: Vec<&Node> = ROOT.children.to_vec();
    while let Some(node) = open.pop() {
        // An inner node that says nothing by itself is only a part of other words.
        let says_something = node.presence || node.kind().is_some() || node.is_leaf();
        assert!(!says_something || (all.contains(node.name) && all.contains(node.help)), "{}", node.name);
        open.extend(node.children);
    }
}

#[test]
fn words_that_may_follow_in_many_places_are_listed_once() {
    let manual = page("operational.md");
    assert!(manual.contains("- `reset`: Start something afresh; goes on like `clear`\n"), "{manual}");
}

#[test]
fn the_pages_of_man_have_no_list_left_open_and_no_stray_command() {
    for page in pages().into_iter().filter(|page| page.file.starts_with("man/")) {
        assert!(!page.text.contains('@'), "{}", page.file);
        for line in page.text.lines() {
            let is_command = line.starts_with('.');
            let known = [".\\\"", ".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B", ".I", ".R", ".br", ".nf", ".fi"];
            assert!(!is_command || known.iter().any(|macro_| line.starts_with(macro_)), "{}: {line}", page.file);
            assert!(!line.starts_with('\''), "{}: {line}", page.file);
        }
    }
}
