//! The real shell in a real terminal, as a person has it: what is typed and when its answer is there.
//!
//! It never looks at colours or cursors; it waits for the words that it is told.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// An answer takes less, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shell, at the other end of a pseudo-terminal that `script` makes.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts the shell and waits for its prompt.
    pub(crate) fn open(program: &str, socket: &str) -> Result<Self> {
        let command = format!("{program} --socket {socket}");
        let mut child = Command::new("script")
            .args(["-qfc", &command, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting script (of bsdutils)")?;
        let keys = child.stdin.take().context("script has no input")?;
        let mut output = child.stdout.take().context("script has no output")?;
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut octets = vec![0; 1 << 16];
            while let Ok(length @ 1..) = output.read(&mut octets) {
                let Some(piece) = octets.get(..length) else { return };
                if sender.send(piece.to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self { child, keys, screen };
        terminal.wait(":~$ ")?;
        Ok(terminal)
    }

    /// Types keys and gives the milliseconds until these words are on the screen, and all that came with them.
    pub(crate) fn time(&mut self, keys: &str, until: &str) -> Result<(f64, String)> {
        let began = Instant::now();
        self.keys.write_all(keys.as_bytes()).context("typing")?;
        let said = self.wait(until).with_context(|| format!("after typing {keys:?}"))?;
        Ok((began.elapsed().as_secs_f64() * 1e3, said))
    }

    /// Waits until nothing more comes for a moment, and forgets what came.
    pub(crate) fn settle(&mut self) {
        while self.screen.recv_timeout(Duration::from_millis(50)).is_ok() {}
    }

    fn wait(&mut self, until: &str) -> Result<String> {
        let mut said = Vec::new();
        let end = Instant::now() + PATIENCE;
        let mut looked = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(piece) = self.screen.recv_timeout(left) else {
                bail!("waited in vain for {until:?}; the screen has {:?}", String::from_utf8_lossy(&said));
            };
            said.extend(piece);
            let new = said.get(looked..).unwrap_or_default();
            if new.windows(until.len()).any(|window| window == until.as_bytes()) {
                return Ok(String::from_utf8_lossy(&said).into_owned());
            }
            looked = said.len().saturating_sub(until.len());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
