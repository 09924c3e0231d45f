//! A machine of its own, for what the kernel that runs the tests does not have: Debian's kernel in QEMU.
//!
//! A scenario is a shell script below `tests/guest`; it runs as root beside the programs under test, and tells each result
//! as a sentence on the serial console. The machine is emulated (`tcg`), so it needs no privilege and is slow.
//!
//! It never waits without a deadline, and leaves nothing behind but a cache below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::Process;
use crate::router::programs;

/// How long a guest may take on a machine that does much else; alone it takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(400);

/// What a scenario found of one of its sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What should be so.
    pub text: String,
    /// Whether it is.
    pub holds: bool,
    /// What there was to see where it is not.
    pub seen: String,
}

/// Boots a guest, runs the scenario of this name in it, and answers its sentences.
///
/// # Errors
/// When a program is missing, the guest cannot be built, or it did not come to its end in time; with its last words.
pub fn run(scenario: &str) -> Result<Vec<Sentence>> {
    let programs = programs()?;
    let cache = programs.parent().context("the programs are in no directory")?.join("guest");
    let place = std::env::temp_dir().join(format!("towpath-guest-{scenario}-{}", std::process::id()));
    std::fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    let said = boot(scenario, &programs, &cache, &place);
    let _ = std::fs::remove_dir_all(&place);
    let said = said?;
    let sentences = read(&said);
    if sentences.is_empty() || !said.lines().any(|line| line.trim_end() == "@@ end") {
        let from = said.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
        bail!("the guest did not come to its end within {DEADLINE:?}:\n{}", said.get(from..).unwrap_or_default());
    }
    Ok(sentences)
}

/// All that the guest said.
fn boot(scenario: &str, programs: &Path, cache: &Path, place: &Path) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest");
    let initrd = place.join("initrd");
    let built = Command::new(folder.join("build.sh"))
        .args([cache, programs, &folder.join(format!("{scenario}.sh")), &initrd])
        .output()
        .context("running tests/guest/build.sh")?;
    if !built.status.success() {
        bail!("the guest cannot be built: {}", String::from_utf8_lossy(&built.stderr));
    }
    let kernel = PathBuf::from(String::from_utf8_lossy(&built.stdout).trim());
    let mut machine = Command::new("qemu-system-x86_64");
    machine.args(["-accel", "tcg", "-m", "1024", "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot"]);
    machine.args(["-display", "none", "-serial", "stdio", "-append", "console=ttyS0 quiet loglevel=3 panic=-1"]);
    machine.arg("-kernel").arg(kernel).arg("-initrd").arg(&initrd);
    let mut machine = Process::start(machine, place.join("console"))?;
    let begin = Instant::now();
    while machine.is_running() && begin.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(machine.output())
}

/// The sentences of a console: `@@ ok` or `@@ failed`, and below the latter what was seen.
fn read(said: &str) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    for line in said.lines().map(str::trim_end) {
        let told = |word: &str| line.strip_prefix("@@ ").and_then(|rest| rest.strip_prefix(word)).map(str::trim);
        if let Some(text) = told("ok") {
            sentences.push(Sentence { text: text.to_owned(), holds: true, seen: String::new() });
        } else if let Some(text) = told("failed") {
            sentences.push(Sentence { text: text.to_owned(), holds: false, seen: String::new() });
        } else if let (Some(seen), Some(last)) = (line.strip_prefix("@| "), sentences.last_mut()) {
            last.seen.push_str(seen);
            last.seen.push('\n');
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_console_says_is_read_in_sentences() {
        let said = "noise\r\n@@ ok one\r\n@@ failed two\r\n@| the reason\r\n@| more\r\n@@ end\r\n";
        let sentence = |text: &str, holds, seen: &str| Sentence { text: text.into(), holds, seen: seen.into() };
        assert_eq!(read(said), [sentence("one", true, ""), sentence("two", false, "the reason\nmore\n")]);
    }
}
