//! What a process has used, as `/proc` tells it, and how many routes its namespace has.
//!
//! It never asks the process itself.

use anyhow::{Context, Result};

/// Ticks of `/proc/PID/stat` a second: `USER_HZ`, 100 on every Linux of today.
const TICKS: f64 = 100.0;

/// Resident memory now, in MiB.
pub(crate) fn resident(process: u32) -> Result<f64> {
    memory(process, "VmRSS:")
}

/// Resident memory at its highest, in MiB.
pub(crate) fn peak(process: u32) -> Result<f64> {
    memory(process, "VmHWM:")
}

/// CPU seconds so far, in user space and in the kernel.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let text = read(process, "stat")?;
    // The name may hold anything, so fields are counted from its closing parenthesis.
    let (_, fields) = text.rsplit_once(')').context("a stat without a name")?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// Nanoseconds that the calling thread has been on a core: a machine that is busy with others does not show in them.
pub(crate) fn own_nanoseconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("reading /proc/thread-self/schedstat")?;
    let first = text.split_whitespace().next().context("an empty schedstat")?;
    first.parse().with_context(|| format!("{first:?} is no number"))
}

/// These processes and all that descend from them.
pub(crate) fn families(mut members: Vec<u32>) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").context("reading /proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that has just ended has no parent any more.
        let parent = status(process, "PPid:").ok();
        parents.extend(parent.map(|parent| (process, parent)));
    }
    let mut known = 0;
    while known < members.len() {
        let generation = members.get(known..).unwrap_or_default().to_vec();
        known = members.len();
        let is_child = |(_, parent): &&(u32, u32)| generation.contains(parent);
        members.extend(parents.iter().filter(is_child).map(|(process, _)| *process));
    }
    Ok(members)
}

/// IPv4 prefixes in the forwarding table of the process's namespace, local ones included.
pub(crate) fn ipv4_prefixes(process: u32) -> Result<usize> {
    prefixes(&read(process, "net/fib_triestat")?).context("fib_triestat without a count of prefixes")
}

fn prefixes(text: &str) -> Option<usize> {
    let counts = text.lines().filter_map(|line| line.trim().strip_prefix("Prefixes:")?.trim().parse().ok());
    // Without policy rules both tables are one trie that is shown twice.
    counts.max()
}

fn memory(process: u32, key: &str) -> Result<f64> {
    Ok(f64::from(status(process, key)?) / 1024.0)
}

/// The number behind a key, in KiB where it is one of memory.
fn status(process: u32, key: &str) -> Result<u32> {
    let text = read(process, "status")?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)).context("no such line in /proc/PID/status")?;
    value.trim().trim_end_matches("kB").trim().parse().with_context(|| format!("{key} {value:?} is no number"))
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{process}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_table_is_the_one_that_grows() {
        let text = "Basic info:\nMain:\n\tLeaves:  3\n\tPrefixes:       1200\nLocal:\n\tPrefixes:       9\n";
        assert_eq!(prefixes(text), Some(1200));
        assert_eq!(prefixes(""), None);
    }
}
