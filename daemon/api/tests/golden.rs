//! Golden views: each JSON file under `tests/golden/show` is read, told as text, and held against its text file.
//!
//! `UPDATE_EXPECT=1` writes the texts anew; read the difference before keeping it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use api::{Text, View};

fn golden_files(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/show");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {extension} files in {}", folder.display());
    files
}

fn read_view(path: &Path) -> View {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_view_has_the_text_that_was_agreed() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in golden_files("json") {
        let text = read_view(&path).text();
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "these texts differ (UPDATE_EXPECT=1 blesses):\n{}", wrong.join("\n"));
}

#[test]
fn each_view_survives_the_socket() {
    for path in golden_files("json") {
        let view = read_view(&path);
        let answer = api::Answer { id: 7, reply: api::Reply::View(view) };
        let line = api::codec::encode_answer(&answer).unwrap();
        assert_eq!(line.matches('\n').count(), 1, "{}", path.display());
        assert_eq!(api::codec::decode_answer(line.as_bytes()).unwrap(), answer, "{}", path.display());
    }
}

#[test]
fn the_json_of_a_pipe_is_the_view_without_its_wrapping() {
    for path in golden_files("json") {
        let wrapped: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let bare: serde_json::Value = serde_json::from_str(&read_view(&path).json().unwrap()).unwrap();
        let inside = wrapped.as_object().and_then(|object| object.values().next()).unwrap();
        assert_eq!(&bare, inside, "{}: no key is lost, none is invented", path.display());
    }
}

#[test]
fn no_text_is_without_its_json() {
    for path in golden_files("txt") {
        assert!(path.with_extension("json").exists(), "{} is an orphan", path.display());
    }
}

#[test]
fn no_line_ends_with_a_blank() {
    for path in golden_files("json") {
        for line in read_view(&path).text().lines() {
            assert_eq!(line, line.trim_end(), "{}", path.display());
        }
    }
}
