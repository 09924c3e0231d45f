//! The one writer of the shell, and its pager.
//!
//! The pager is asked only when a terminal reads the output, so that automation never meets it. A reader
//! that went away is no error.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::output::Paging;
use crate::world::Screen;

/// A text of fewer lines fits every terminal.
const SHORT: usize = 20;

/// The standard output and the standard error output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    paged: bool,
}

impl Terminal {
    /// The writer; `interactive` when a person types the commands.
    #[must_use]
    pub(crate) fn new(interactive: bool) -> Self {
        Self { paged: interactive && io::stdout().is_terminal() }
    }
}

impl Screen for Terminal {
    fn show(&mut self, text: &str, paging: Paging) {
        let long = match paging {
            Paging::Always => true,
            Paging::WhenLong => text.lines().count() > SHORT,
            Paging::Never => false,
        };
        if !(self.paged && long && page(text)) {
            write(io::stdout().lock(), text);
        }
    }

    fn complain(&mut self, text: &str) {
        write(io::stderr().lock(), text);
    }
}

fn write(mut to: impl Write, text: &str) {
    // A closed pipe means that nobody wants to read on, and a full one cannot be told about.
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// Shows a text page by page; false when there is no pager.
fn page(text: &str) -> bool {
    let less = ["-F", "-X", "-R", "-P:"].as_slice();
    [("less", less), ("more", &[])].into_iter().any(|(name, flags)| pipe_to(name, flags, text))
}

fn pipe_to(name: &str, flags: &[&str], text: &str) -> bool {
    // LESSSECURE keeps `less` from running other programs and from writing files.
    let child = Command::new(name).args(flags).env("LESSSECURE", "1").stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return false };
    if let Some(stdin) = child.stdin.take() {
        write(stdin, text);
    }
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
