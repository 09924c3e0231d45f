//! Waiting with a deadline, and the logs when it passes.
//!
//! It never sleeps longer than a poll.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often the condition is asked.
const POLL: Duration = Duration::from_millis(20);
/// How many last lines of each log a failure shows.
const LINES: usize = 40;

pub(super) fn until(
    directory: &Path,
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    let end = Instant::now() + deadline;
    loop {
        if condition() {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("waited {deadline:?} in vain until {what}\n{}", logs(directory));
        }
        std::thread::sleep(POLL);
    }
}

/// The last lines of every `*.log` of the laboratory, each under its name.
fn logs(directory: &Path) -> String {
    let mut files: Vec<_> = entries(directory)
        .into_iter()
        .flat_map(|machine| entries(&machine))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let content = std::fs::read(&file).unwrap_or_default();
        let content = String::from_utf8_lossy(&content);
        let lines: Vec<_> = content.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n");
        let name = file.strip_prefix(directory).unwrap_or(&file).display();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "--- {name}\n{last}");
    }
    text
}

fn entries(directory: &Path) -> Vec<std::path::PathBuf> {
    let Ok(listing) = std::fs::read_dir(directory) else { return Vec::new() };
    listing.flatten().map(|entry| entry.path()).collect()
}
