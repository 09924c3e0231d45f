//! How much memory the process has, and how much there is for it.
//!
//! Read when the engine asks; never decides what is too much.

use std::fs;
use std::path::Path;

/// Where groups of processes are, with their limits (cgroup v2).
const GROUPS: &str = "/sys/fs/cgroup";

/// Octets of the machine's memory that this process has; `None` where `/proc` does not tell.
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status, "VmRSS:")
}

/// Octets that there are: the machine's, or the least that a group above this process may have.
pub(crate) fn all() -> Option<u64> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(least_of(Path::new(GROUPS), &groups).map_or(machine, |limit| limit.min(machine)))
}

/// `MemTotal:  2048 kB`, in octets.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The least `memory.max` from the group of a line `0::/a/b` upward; `max` is none.
fn least_of(root: &Path, groups: &str) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limits = Path::new(own).ancestors().filter_map(|group| {
        let text = fs::read_to_string(root.join(group).join("memory.max")).ok()?;
        text.trim().parse().ok()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn the_process_has_some_of_what_the_machine_has() {
        let (resident, all) = (resident().unwrap(), all().unwrap());
        assert!(resident > 0 && resident < all, "{resident} of {all}");
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let root = std::env::temp_dir().join(format!("towpath-groups-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        for (group, limit) in [("a/b", "max\n"), ("a", "4096\n"), ("", "8192\n")] {
            fs::write(root.join(group).join("memory.max"), limit).unwrap();
        }
        assert_eq!(least_of(&root, "1:name=systemd:/x\n0::/a/b\n"), Some(4096));
        assert_eq!(least_of(&root, "0::/\n"), Some(8192));
        assert_eq!(least_of(&root, "0::/elsewhere\n"), Some(8192));
        assert_eq!(least_of(&root.join("a/b"), "0::/\n"), None);
        fs::remove_dir_all(&root).unwrap();
    }
}
