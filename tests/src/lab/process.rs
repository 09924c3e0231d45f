//! A program that stays, until the guard is dropped.
//!
//! It never outlives the test: dropped means killed and reaped.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running program whose output goes to a file.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command with both channels appended to the log.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be started.
    pub fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let open = || OpenOptions::new().create(true).append(true).open(&log);
        let output: File = open().with_context(|| format!("opening {}", log.display()))?;
        let errors = output.try_clone().with_context(|| format!("opening {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child, log })
    }

    /// The id of the process. `ip netns exec` replaces itself, so this is the program's own.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has said so far, on both channels.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Kills it with signal 9: no word is said to anyone.
    pub fn kill9(&mut self) {
        // Already ended is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (signal 15) and waits for that.
    ///
    /// # Errors
    /// When it has not ended at the deadline; it is killed then.
    pub fn stop(&mut self, deadline: Duration) -> Result<i32> {
        self.signal("-TERM")?;
        self.wait(deadline)
    }

    /// Interrupts it (signal 2) as ^C does and waits for its end.
    ///
    /// # Errors
    /// When it has not ended at the deadline; it is killed then.
    pub fn interrupt(&mut self, deadline: Duration) -> Result<i32> {
        self.signal("-INT")?;
        self.wait(deadline)
    }

    /// Stops the process where it stands (signal 19), so that it neither speaks nor closes anything.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets a process go on that was frozen.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// Waits for its end and gives the exit status, -1 when a signal ended it.
    ///
    /// # Errors
    /// When it still runs at the deadline; it is killed then.
    pub fn wait(&mut self, deadline: Duration) -> Result<i32> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for a process")? {
                return Ok(status.code().unwrap_or(-1));
            }
            if Instant::now() > end {
                self.kill9();
                bail!("still running after {deadline:?}, killed; it said:\n{}", self.output());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Process {
    fn signal(&self, signal: &str) -> Result<()> {
        Command::new("kill").args([signal, &self.id().to_string()]).status().context("starting kill")?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}
