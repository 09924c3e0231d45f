//! The arrows between the crates: as ARCHITECTURE.md promises them and as cargo knows them.
//!
//! The promise is a fenced block whose first line is ` ```text dependencies `, with one line for each crate:
//! `crate -> a, b`, or `crate ->` for none.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// For each crate of the workspace, the crates that it depends on.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Reads the block of ARCHITECTURE.md.
///
/// # Errors
/// When there is no such block, or a line of it is no arrow.
pub fn promised(architecture: &str) -> Result<Arrows, String> {
    let mut lines = architecture.lines().skip_while(|line| line.trim() != "```text dependencies");
    if lines.next().is_none() {
        return Err("ARCHITECTURE.md has no block that starts with ```text dependencies".to_owned());
    }
    let mut arrows = Arrows::new();
    for line in lines.map(str::trim).take_while(|line| *line != "```").filter(|line| !line.is_empty()) {
        let (from, to) = line.split_once("->").ok_or(format!("`{line}` is no arrow: write `crate -> a, b`"))?;
        let to = to.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        arrows.insert(from.trim().to_owned(), to);
    }
    Ok(arrows)
}

/// What `cargo metadata` says of the workspace.
///
/// # Errors
/// When cargo cannot be run or its answer is no JSON.
pub fn metadata() -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(crate::source::root())
        .output()
        .map_err(|error| format!("starting cargo metadata: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The arrows that the manifests have: normal and build dependencies, not those of tests.
#[must_use]
pub fn actual(metadata: &Value, members_only: bool) -> Arrows {
    let packages: &[Value] = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let members: BTreeSet<&str> = packages.iter().filter_map(name).collect();
    let arrows = packages.iter().filter_map(|package| {
        let dependencies = package.get("dependencies").and_then(Value::as_array)?;
        let for_tests = |dependency: &Value| dependency.get("kind").and_then(Value::as_str) == Some("dev");
        let to = dependencies.iter().filter(|dependency| !for_tests(dependency)).filter_map(name);
        let to = to.filter(|to| !members_only || members.contains(to)).map(str::to_owned).collect();
        Some((name(package)?.to_owned(), to))
    });
    arrows.collect()
}

fn name(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::promised;

    #[test]
    fn the_block_is_read_and_nothing_else() {
        let text = "# Map\n```text\na -> b\n```\n```text dependencies\nnouns ->\nrib -> nouns, bgp-wire\n```\nx -> y\n";
        let arrows = promised(text).unwrap();
        assert_eq!(arrows.len(), 2);
        assert!(arrows["nouns"].is_empty());
        assert_eq!(arrows["rib"].iter().map(String::as_str).collect::<Vec<_>>(), ["bgp-wire", "nouns"]);
    }

    #[test]
    fn a_missing_block_and_a_line_without_an_arrow_are_errors() {
        assert!(promised("# Map\n").unwrap_err().contains("no block"));
        assert!(promised("```text dependencies\nnouns\n```\n").unwrap_err().contains("no arrow"));
    }
}
