//! Notices on standard error, where a supervisor picks them up.
//!
//! Never decides what is worth a notice.

use std::io::Write;

use engine::{Level, Notice};

/// Writes a notice with its level, unless it is too quiet. A reader that is gone is no error.
pub(crate) fn write(notice: &Notice, least: Level) {
    if notice.level >= least {
        let _ = writeln!(std::io::stderr().lock(), "towpathd: {}: {}", notice.level, notice.text);
    }
}

/// The last words of a daemon that cannot run.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "towpathd: {text}");
}
