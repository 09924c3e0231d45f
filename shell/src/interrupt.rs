//! ^C must stop the running program only, never the shell.
//!
//! A signal that a program ignores at its start stays ignored, so an interactive shell starts itself once more
//! under `env --ignore-signal=INT`. Where that is not possible ^C ends the shell too, and nothing else is lost.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// SIGINT in the mask of ignored signals (`proc(5)`, SigIgn).
const SIGINT_BIT: u64 = 1 << 1;

/// Whether this process ignores ^C.
#[must_use]
pub(crate) fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & SIGINT_BIT != 0)
}

/// Starts this program once more, ignoring ^C; comes back only when that is not possible.
pub(crate) fn ignore() {
    let Ok(program) = std::env::current_exe() else { return };
    if !supported() {
        return;
    }
    let _ = Command::new("env").arg("--ignore-signal=INT").arg(program).args(std::env::args_os().skip(1)).exec();
}

/// Whether this system's `env` knows how; asked first, since its complaint would end the shell.
fn supported() -> bool {
    let tried = Command::new("env").args(["--ignore-signal=INT", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}
