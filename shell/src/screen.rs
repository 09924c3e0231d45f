//! The one writer of the shell, and its pager.
//!
//! The pager is asked only when a terminal reads the output, so that automation never meets it. A reader
//! that went away is no error; a file that cannot be written to is one.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::colour::Colours;
use crate::output::Paging;
use crate::world::Screen;

/// A terminal that does not tell its size is as big as they always were.
const USUAL: (usize, usize) = (80, 24);

/// The standard output and the standard error output.
#[derive(Debug)]
pub(crate) struct Terminal {
    paged: bool,
    /// Columns and rows.
    size: (usize, usize),
    /// `terminal length`: rows of a page, 0 for no pages.
    length: Option<usize>,
    out: Colours,
    error: Colours,
    failed: Option<io::Error>,
}

impl Terminal {
    /// The writer; `interactive` when a person types the commands.
    #[must_use]
    pub(crate) fn new(interactive: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
        let colours = |terminal: bool| Colours::of(interactive && terminal, no_color.as_deref(), term.as_deref());
        Self {
            paged: interactive && io::stdout().is_terminal(),
            size: USUAL,
            length: None,
            out: colours(io::stdout().is_terminal()),
            error: colours(io::stderr().is_terminal()),
            failed: None,
        }
    }

    /// Says how big the terminal is now, and how many rows the person wants on a page.
    pub(crate) fn measure(&mut self, size: Option<(u16, u16)>, length: Option<u16>) {
        self.size = size.map_or(USUAL, |(columns, rows)| (usize::from(columns), usize::from(rows)));
        self.length = length.map(usize::from);
    }

    /// The colours of the standard output.
    #[must_use]
    pub(crate) fn colours(&self) -> Colours {
        self.out
    }

    /// Why output was lost, if it was.
    #[must_use]
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    fn is_paged(&self, text: &str, paging: Paging) -> bool {
        let wanted = match paging {
            Paging::Always => true,
            Paging::WhenLong => is_long(text, self.size, self.length),
            Paging::Never => false,
        };
        self.paged && wanted && self.length != Some(0)
    }

    /// Shows a text page by page; false when there is no pager.
    fn page(&self, text: &str) -> bool {
        let (_, rows) = self.size;
        let _lent = self.length.filter(|length| *length != rows).map(|length| Lent::new(length, rows));
        let less = ["-F", "-X", "-R", "-P:"].as_slice();
        [("less", less), ("more", &[])].into_iter().any(|(name, flags)| pipe_to(name, flags, text))
    }

    fn print(&mut self, text: &str, coloured: &str, paging: Paging) {
        if !(self.is_paged(text, paging) && self.page(coloured)) {
            let written = write(io::stdout().lock(), coloured);
            self.failed = self.failed.take().or(written.err());
        }
    }
}

/// Whether a text does not fit above the prompt; long lines take several rows.
fn is_long(text: &str, (columns, rows): (usize, usize), length: Option<usize>) -> bool {
    let page = length.unwrap_or(rows);
    let mut taken = 0_usize;
    text.lines().any(|line| {
        let width = line.chars().count().max(1);
        taken = taken.saturating_add(width.div_ceil(columns.max(1)));
        taken >= page
    })
}

impl Screen for Terminal {
    fn show(&mut self, text: &str, paging: Paging) {
        self.print(text, text, paging);
    }

    fn show_marked(&mut self, text: &str, paging: Paging) {
        let coloured = self.out.marked(text);
        self.print(text, &coloured, paging);
    }

    fn complain(&mut self, text: &str) {
        // There is no other place to tell that this one cannot be written to.
        let _ = write(io::stderr().lock(), &self.error.complaint(text));
    }
}

/// Writes a text; a closed pipe means that nobody wants to read on.
fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Another height of the terminal for a while: pagers know no other one.
struct Lent {
    /// Rows that it had.
    before: usize,
}

impl Lent {
    fn new(rows: usize, before: usize) -> Self {
        set_rows(rows);
        Self { before }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        set_rows(self.before);
    }
}

/// Without the program pages are as long as the terminal is.
fn set_rows(rows: usize) {
    let _ = Command::new("stty").args(["rows", &rows.to_string()]).stderr(Stdio::null()).status();
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
    fn a_text_is_long_when_it_does_not_fit_above_the_prompt() {
        let lines = |count: usize| "x\n".repeat(count);
        for (text, size, length, long) in [
            (lines(23), (80, 24), None, false),
            (lines(24), (80, 24), None, true),
            (lines(9), (80, 10), None, false),
            (lines(10), (80, 10), None, true),
            ("x".repeat(800), (80, 10), None, true),
            (lines(30), (80, 24), Some(40), false),
            (lines(5), (80, 24), Some(5), true),
            (String::new(), (0, 0), None, false),
        ] {
            assert_eq!(is_long(&text, size, length), long, "{} in {size:?}, {length:?}", text.len());
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is_one() {
        assert!(write(Broken(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write(Broken(ErrorKind::StorageFull), "x").is_err());
    }
}
