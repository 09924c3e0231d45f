//! A person at a terminal: the real shell in a terminal of `tmux`, which is asked what is to be seen.
//!
//! It never looks into the shell: keys go in, rows of letters come out.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::Host;
use crate::router::Router;

/// How long a row may take until it is seen.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the screen is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// A terminal of 100 columns and 30 rows with the shell in it.
#[derive(Debug)]
pub struct Terminal {
    host: Host,
    socket: String,
}

impl Terminal {
    /// Opens a terminal in the router's namespace and waits for the prompt. Terminals of one router share a home.
    ///
    /// # Errors
    /// When `tmux` is missing or the prompt does not come.
    pub fn open(router: &Router, name: &str) -> Result<Self> {
        Self::open_with(router, name, "env")
    }

    /// The same with words before the program, such as `env NO_COLOR=1`.
    ///
    /// # Errors
    /// As [`Terminal::open`].
    pub fn open_with(router: &Router, name: &str, before: &str) -> Result<Self> {
        let terminal = Self { host: router.host().clone(), socket: router.path(&format!("{name}.tmux")) };
        let shell = format!(
            "exec env -u NO_COLOR HOME='{0}' XDG_STATE_HOME='{0}/state-of-person' LC_ALL=C.UTF-8 {before} '{1}' --socket '{2}'",
            router.path(""),
            router.program("towpath"),
            router.path("towpathd.sock"),
        );
        terminal.tmux(&["-f", "/dev/null", "-u", "new-session", "-d", "-x", "100", "-y", "30", &shell])?;
        terminal.sees("@")?;
        Ok(terminal)
    }

    /// Types a text, letter by letter, without an end.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn types(&self, text: &str) -> Result<()> {
        self.tmux(&["send-keys", "-l", "--", text]).map(drop)
    }

    /// Presses keys by their names: `Enter`, `Tab`, `C-c`, `Up`.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn presses(&self, keys: &[&str]) -> Result<()> {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// Types a whole line.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn enters(&self, line: &str) -> Result<()> {
        self.types(line)?;
        self.presses(&["Enter"])
    }

    /// What is to be seen, without blanks at the ends of rows and empty rows at the bottom.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn screen(&self) -> Result<String> {
        let seen = self.tmux(&["capture-pane", "-p"])?;
        let rows: Vec<&str> = seen.lines().map(str::trim_end).collect();
        Ok(rows.join("\n").trim_end().to_owned())
    }

    /// The same with the signs that colour it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn coloured(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until a text is to be seen.
    ///
    /// # Errors
    /// At the deadline: what is to be seen instead.
    pub fn sees(&self, text: &str) -> Result<()> {
        self.waits(text, |screen| screen.contains(text))
    }

    /// Waits until the last rows are these.
    ///
    /// # Errors
    /// At the deadline: what is to be seen instead.
    pub fn ends_with(&self, text: &str) -> Result<()> {
        self.waits(text, |screen| screen.ends_with(text.trim_end()))
    }

    /// Waits until the screen is as wanted.
    ///
    /// # Errors
    /// At the deadline: what is to be seen instead.
    pub fn waits(&self, what: &str, is_there: impl Fn(&str) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            let screen = self.screen()?;
            if is_there(&screen) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited for {what:?}; to be seen is:\n{screen}");
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Makes the window larger or smaller.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resizes(&self, columns: u16, rows: u16) -> Result<()> {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]).map(drop)
    }

    /// The terminal goes away with the shell in it, as when a connection breaks.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn hangs_up(&self) -> Result<()> {
        self.tmux(&["kill-server"]).map(drop)
    }

    /// The number of the shell's process.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn shell(&self) -> Result<String> {
        Ok(self.tmux(&["display-message", "-p", "#{pane_pid}"])?.trim().to_owned())
    }

    /// Whether the shell has ended, which closes the terminal.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tmux(&["has-session"]).is_err()
    }

    fn tmux(&self, arguments: &[&str]) -> Result<String> {
        let all = [&["-S", self.socket.as_str()], arguments].concat();
        let done = self.host.run("tmux", &all).context("tmux is missing: run `make setup`")?;
        done.success().with_context(|| format!("tmux {}", arguments.join(" ")))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Mostly it is there still; where it hung up there is nothing to do.
        let _ = self.hangs_up();
    }
}
