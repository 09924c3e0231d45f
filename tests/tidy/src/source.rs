//! The files of the tree, and the code in them without comments and tests.
//!
//! It never looks into `target` or `.git`.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that holds the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// A text file of the tree.
#[derive(Debug, Clone)]
pub struct File {
    /// The path from the root, with `/`.
    pub path: String,
    /// Its text; a file that is not UTF-8 is not listed.
    pub text: String,
}

impl File {
    /// Whether the file is Rust.
    #[must_use]
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is test code, by its place.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.starts_with("tests_"))
    }

    /// The file's name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The lines of code with their numbers from 1: no comments, and nothing from an inline test module on.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let inline_tests = lines.windows(3).position(|window| match window {
            [attribute, second, third] => {
                let opens = |line: &str| line.trim_start().starts_with("mod ") && line.trim_end().ends_with('{');
                attribute.trim() == "#[cfg(test)]" && (opens(second) || opens(third))
            }
            _ => false,
        });
        let end = inline_tests.unwrap_or(lines.len());
        let numbered = lines.into_iter().enumerate().take(end).map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every text file of the tree, in the order of their paths.
#[must_use]
pub fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The Rust files below a folder of the tree.
#[must_use]
pub fn rust_files_below(folder: &str) -> Vec<File> {
    let prefix = format!("{folder}/src/");
    files().into_iter().filter(|file| file.is_rust() && file.path.starts_with(&prefix)).collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        // `.git` is a file in a second worktree.
        if name == ".git" {
            continue;
        }
        if path.is_dir() {
            if name != "target" {
                walk(root, &path, found);
            }
        } else if let (Ok(text), Ok(relative)) = (fs::read_to_string(&path), path.strip_prefix(root)) {
            found.push(File { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    }
}
