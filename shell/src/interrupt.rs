//! Signals: ^C stops the running command only, and a terminal that goes away takes nothing along.
//!
//! A handler does not outlive the start of a program, so programs that the shell runs end by ^C as usual.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether the person wants the running command to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Whether ^C was pressed since the command began.
    #[must_use]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A command begins.
    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// From here on ^C is noted instead of ending the shell; where the terminal goes away or the shell is told to
    /// end, `farewell` is done before.
    ///
    /// # Errors
    /// When the system does not hand signals over; then they do what they always did.
    pub(crate) fn listen(&self, farewell: impl Fn() + Send + 'static) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGQUIT, SIGHUP, SIGTERM])?;
        let wanted = Arc::clone(&self.0);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if matches!(signal, SIGHUP | SIGTERM) {
                    farewell();
                    end(signal);
                }
                wanted.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(())
    }
}

/// Ends the shell as the signal would have.
#[expect(clippy::disallowed_methods, reason = "main waits for a terminal that will not answer any more")]
fn end(signal: i32) {
    std::process::exit(128_i32.saturating_add(signal));
}

/// The terminal's settings before the shell changed them; they come back when it ends.
#[derive(Clone, Debug)]
pub(crate) struct TerminalModes(Option<String>);

impl TerminalModes {
    /// Takes ^Z away: it would stop a program that the shell waits for, and nobody could go on with it.
    #[must_use]
    pub(crate) fn without_suspension() -> Self {
        let before = stty(&["-g"]);
        if before.is_some() {
            stty(&["susp", "undef"]);
        }
        Self(before)
    }

    /// Puts the settings back.
    pub(crate) fn restore(&self) {
        if let Some(before) = &self.0 {
            stty(&[before]);
        }
    }
}

/// What `stty` says, when it ends well.
fn stty(arguments: &[&str]) -> Option<String> {
    let done = Command::new("stty").args(arguments).stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
