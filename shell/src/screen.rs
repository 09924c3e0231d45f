//! The one writer of the shell, and its pager.
//!
//! The pager is asked only when a terminal reads the output, so that automation never meets it. A reader
//! that went away is no error; a file that cannot be written to is one.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::output::Paging;
use crate::world::Screen;

/// A text of fewer lines fits every terminal.
const SHORT: usize = 20;

/// The standard output and the standard error output.
#[derive(Debug)]
pub(crate) struct Terminal {
    paged: bool,
    failed: Option<io::Error>,
}

impl Terminal {
    /// The writer; `interactive` when a person types the commands.
    #[must_use]
    pub(crate) fn new(interactive: bool) -> Self {
        Self { paged: interactive && io::stdout().is_terminal(), failed: None }
    }

    /// Why output was lost, if it was.
    #[must_use]
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failed.as_ref()
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
            let written = write(io::stdout().lock(), text);
            self.failed = self.failed.take().or(written.err());
        }
    }

    fn complain(&mut self, text: &str) {
        // There is no other place to tell that this one cannot be written to.
        let _ = write(io::stderr().lock(), text);
    }
}

/// Writes a text; a closed pipe means that nobody wants to read on.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
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
        // A pager that was left early has closed its end.
        let _ = write(stdin, text);
    }
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses every octet for one reason.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is_one() {
        assert!(write(Broken(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write(Broken(ErrorKind::StorageFull), "x").is_err());
    }
}
