//! Taking namespaces away: those of a laboratory that ends, and those of tests that were killed.
//!
//! A namespace is ours by its name, `tp<process id>x<number>-<role>`; it is stale when that process is gone.
//!
//! It never touches a namespace with another name, nor one whose test still runs.

use std::path::Path;
use std::process::Command;

/// Removes the namespaces and directories of processes that no longer exist.
pub(super) fn sweep() {
    for namespace in list() {
        if let Some(owner) = owner(&namespace)
            && !Path::new("/proc").join(owner.to_string()).exists()
        {
            remove_namespace(&namespace);
        }
    }
}

/// Removes every namespace of one laboratory.
pub(super) fn remove_laboratory(name: &str) {
    let prefix = format!("{name}-");
    for namespace in list().into_iter().filter(|namespace| namespace.starts_with(&prefix)) {
        remove_namespace(&namespace);
    }
}

/// Kills what runs in a namespace and deletes it. Whoever else was quicker has done the same, so failures are silent.
pub(super) fn remove_namespace(namespace: &str) {
    for process in output(&["netns", "pids", namespace]).split_whitespace() {
        let _ = Command::new("kill").args(["-9", process]).output();
    }
    output(&["netns", "del", namespace]);
}

fn list() -> Vec<String> {
    output(&["netns", "list"]).lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// The process id in a laboratory's namespace name.
fn owner(namespace: &str) -> Option<u32> {
    let (owner, rest) = namespace.strip_prefix("tp")?.split_once('x')?;
    let (number, _role) = rest.split_once('-')?;
    number.parse::<u32>().ok()?;
    owner.parse().ok()
}

fn output(arguments: &[&str]) -> String {
    Command::new("ip")
        .args(arguments)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn only_a_name_of_ours_has_an_owner() {
        for (namespace, expected) in
            [("tp123x0-router", Some(123)), ("tp123-router", None), ("tpx0-router", None), ("cilium", None)]
        {
            assert_eq!(owner(namespace), expected, "{namespace}");
        }
    }
}
