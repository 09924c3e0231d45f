//! The house rules. Each failure names the file and the line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeSet;

use tidy::dependencies::{actual, metadata, promised};
use tidy::source::{File, files, root, rust_files_below};

/// The crates that cannot do anything: name and folder.
const PURE: [(&str, &str); 12] = [
    ("nouns", "grammar/nouns"),
    ("grammar", "grammar"),
    ("config", "config"),
    ("api", "daemon/api"),
    ("bfd", "daemon/bfd"),
    ("bgp-wire", "daemon/bgp-wire"),
    ("bgp", "daemon/bgp"),
    ("rib", "daemon/rib"),
    ("rpki", "daemon/rpki"),
    ("bpf-common", "bpf/common"),
    ("bpf-tables", "bpf/tables"),
    ("engine", "daemon/engine"),
];

/// Crates that do something to the world.
const IMPURE_CRATES: [&str; 9] =
    ["tokio", "sled", "rtnetlink", "libc", "aya", "socket2", "rustyline", "futures-util", "nix"];

/// What pure code may not say.
const IMPURE_CODE: [&str; 10] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::{Tcp",
    "std::net::{Udp",
    "std::os::unix::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
];

/// Pure code that says it all the same: threads that compute upon what they borrow, and are over with the call.
const STILL_PURE: [(&str, &str); 1] = [("daemon/engine/src/together.rs", "std::thread")];

/// The longest file, and the longest table or test.
const LINES: usize = 600;
const LINES_OF_TABLES: usize = 900;

/// Fails with every offence at once.
fn none(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

fn rust_files() -> Vec<File> {
    files().into_iter().filter(File::is_rust).collect()
}

#[test]
fn the_arrows_between_crates_are_those_of_the_map() {
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let promised = promised(&architecture).unwrap();
    let actual = actual(&metadata().unwrap(), true);
    let names: BTreeSet<_> = promised.keys().chain(actual.keys()).collect();
    let differing = names.into_iter().filter(|name| promised.get(*name) != actual.get(*name));
    let offences =
        differing.map(|name| format!("{name}: the map {:?}, cargo {:?}", promised.get(name), actual.get(name)));
    none("ARCHITECTURE.md and the manifests tell the same arrows", offences.collect());
}

#[test]
fn pure_crates_depend_on_nothing_that_acts() {
    let arrows = actual(&metadata().unwrap(), false);
    let mut offences = Vec::new();
    for (name, _) in PURE {
        let dependencies = arrows.get(name).unwrap_or_else(|| panic!("{name} is no crate of the workspace"));
        let impure = dependencies.iter().filter(|to| IMPURE_CRATES.contains(&to.as_str()) || to.starts_with("netlink"));
        offences.extend(impure.map(|to| format!("{name} -> {to}")));
    }
    none("a pure crate names no crate that does IO", offences);
}

#[test]
fn pure_crates_touch_neither_the_world_nor_the_clock() {
    let mut offences = Vec::new();
    for (_, folder) in PURE {
        let files = rust_files_below(folder);
        assert!(!files.is_empty(), "{folder} has no code");
        for file in files.iter().filter(|file| !file.is_test()) {
            for (number, line) in file.code() {
                let may = |word: &str| STILL_PURE.contains(&(file.path.as_str(), word));
                let words = IMPURE_CODE.iter().filter(|word| line.contains(**word) && !may(word));
                offences.extend(words.map(|word| format!("{}:{number}: {word}", file.path)));
            }
        }
    }
    none("pure code neither reads the clock nor does IO", offences);
}

#[test]
fn pure_crates_carry_the_list_of_bans() {
    // Clippy reads the nearest file only: each has to repeat the root's rules, and all have to be the same.
    let read = |folder: &str| std::fs::read_to_string(root().join(folder).join("clippy.toml")).unwrap_or_default();
    let everywhere = read("");
    let rules: Vec<&str> = everywhere.lines().filter(|line| line.trim_start().starts_with("{ path")).collect();
    assert!(!rules.is_empty(), "clippy.toml bans nothing");
    let [(first, folder), others @ ..] = PURE;
    let bans = read(folder);
    let missing = rules.iter().filter(|rule| !bans.lines().any(|line| line == **rule));
    let mut offences: Vec<String> = missing.map(|rule| format!("{first} lacks {}", rule.trim())).collect();
    let differing = others.iter().filter(|(_, folder)| read(folder) != bans);
    offences.extend(differing.map(|(name, _)| format!("the list of {name} is not that of {first}")));
    none("a pure crate has the list of bans in its folder", offences);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = rust_files().into_iter().filter(|file| !file.text.starts_with("//!"));
    none("a file starts with //!", silent.map(|file| file.path).collect());
}

#[test]
fn no_file_is_longer_than_a_person_reads() {
    let table = |file: &File| file.is_test() || file.path.contains("/schema") || file.path.contains("/golden");
    let too_long = rust_files().into_iter().filter_map(|file| {
        let limit = if table(&file) { LINES_OF_TABLES } else { LINES };
        let lines = file.text.lines().count();
        (lines > limit).then(|| format!("{}: {lines} lines, at most {limit}", file.path))
    });
    none("a file is short", too_long.collect());
}

#[test]
fn modules_are_named_by_their_file() {
    none("no mod.rs", rust_files().into_iter().filter(|file| file.name() == "mod.rs").map(|file| file.path).collect());
}

#[test]
fn names_say_what_a_thing_is() {
    let mut offences = Vec::new();
    for file in rust_files() {
        let stem = file.name().trim_end_matches(".rs");
        if says_nothing(stem) {
            offences.push(file.path.clone());
        }
        for (number, line) in file.code() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            while let Some(word) = words.next() {
                if ["struct", "enum", "trait", "type", "mod"].contains(&word)
                    && let Some(name) = words.next()
                    && says_nothing(name)
                {
                    offences.push(format!("{}:{number}: {name}", file.path));
                }
            }
        }
    }
    none("no Manager, Helper or utils", offences);
}

fn says_nothing(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["manager", "helper", "helpers", "util", "utils", "misc"].iter().any(|word| lower.ends_with(word))
}

#[test]
fn nothing_is_put_off_and_no_test_is_switched_off() {
    // In two pieces each, so that this file does not offend itself.
    let words =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore"), concat!("should", "_panic")];
    let mut offences = Vec::new();
    for file in rust_files() {
        for (number, line) in file.text.lines().enumerate() {
            let found = words.iter().filter(|word| line.contains(**word));
            offences.extend(found.map(|word| format!("{}:{}: {word}", file.path, number + 1)));
        }
    }
    none("work is finished and tests run", offences);
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    let paths = [concat!("/wo", "rk/"), concat!("/tmp/", "t-"), concat!("/home", "/"), concat!("/tmp/", "brief")];
    let mut offences = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            let found = paths.iter().filter(|path| line.contains(**path));
            offences.extend(found.map(|path| format!("{}:{}: {path}", file.path, number + 1)));
        }
    }
    none("the tree stands anywhere", offences);
}

#[test]
fn the_quick_start_is_two_commands_that_exist() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("Makefile");
    let section: Vec<&str> = readme
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.to_lowercase().contains("quick start")))
        .skip(1)
        .take_while(|line| !line.starts_with("# ") && !line.starts_with("## "))
        .collect();
    assert!(!section.is_empty(), "README.md has a section \"Quick start\"");
    let block =
        section.iter().skip_while(|line| !line.starts_with("```")).skip(1).take_while(|line| !line.starts_with("```"));
    let commands: Vec<&str> = block.map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    assert_eq!(commands.len(), 2, "the quick start is two commands: {commands:?}");
    for target in commands.iter().filter_map(|command| command.trim_start_matches("sudo ").strip_prefix("make ")) {
        let target = target.split_whitespace().next().unwrap_or_default();
        assert!(makefile.lines().any(|line| line.starts_with(&format!("{target}:"))), "the Makefile has no {target}");
    }
}

#[test]
fn every_test_that_the_lists_of_rfcs_and_of_speakers_name_is_there() {
    let tests: BTreeSet<String> = rust_files().iter().flat_map(|file| test_names(&file.text)).collect();
    let page =
        |path: &str| std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rfcs = page("docs/rfc.md");
    // The last column of a row holds the names, each in backquotes.
    let rows = rfcs.lines().filter(|line| line.starts_with('|') && line.contains('`'));
    let of_rfcs = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next()).flat_map(in_backquotes);
    let speakers = page("docs/interop.md");
    let of_speakers = in_backquotes(&speakers);
    for (path, names) in [("docs/rfc.md", of_rfcs.collect::<Vec<_>>()), ("docs/interop.md", of_speakers)] {
        assert!(!names.is_empty(), "{path} names no test");
        let offences = names.into_iter().filter(|name| !tests.contains(*name)).map(str::to_owned);
        none(&format!("{path} names tests that exist"), offences.collect());
    }
}

/// A thing of the matrix is shown with a speaker, or it is said why not.
#[test]
fn no_cell_of_the_list_of_speakers_is_empty() {
    let list = std::fs::read_to_string(root().join("docs/interop.md")).expect("docs/interop.md");
    let mut rows = list.lines().filter(|line| line.starts_with('|')).map(|row| row.split('|').map(str::trim));
    let columns = rows.next().expect("a head").count();
    let offences = rows.filter_map(|row| {
        let cells: Vec<&str> = row.collect();
        let inner = cells.get(1..cells.len().saturating_sub(1)).unwrap_or_default();
        (cells.len() != columns || inner.iter().any(|cell| cell.is_empty())).then(|| cells.join("|"))
    });
    none("docs/interop.md has no empty cell", offences.collect());
}

/// What stands in backquotes.
fn in_backquotes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What a fuzzer has to find out by itself it finds late.
#[test]
fn every_fuzz_target_has_something_to_begin_with() {
    let folder = root().join("tests/fuzz");
    let stems = |of: &str, ends: &str| -> BTreeSet<String> {
        let names =
            std::fs::read_dir(folder.join(of)).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let names = names.filter_map(|name| name.to_str()?.strip_suffix(ends).map(str::to_owned));
        names.collect()
    };
    let program = std::fs::read_to_string(folder.join("seeds.py")).expect("seeds.py");
    let seeds = stems("seeds", ".txt");
    let without = |target: &String| !seeds.contains(target) && !program.contains(&format!("write(\"{target}\""));
    let offences: Vec<String> = stems("fuzz_targets", ".rs").into_iter().filter(without).collect();
    none("every fuzz target has seeds", offences);
}

/// The names of all functions below `#[test]`, also those within macros of tests.
fn test_names(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let after_attribute = lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[test]"));
    let functions = after_attribute.filter_map(|(at, _)| lines.iter().skip(at + 1).find(|line| line.contains("fn ")));
    let name = |line: &str| line.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).map(str::to_owned);
    functions.filter_map(|line| name(line)).collect()
}
