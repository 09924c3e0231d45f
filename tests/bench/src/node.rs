//! A node of the laboratory, played by our own speaker in the node's namespace.
//!
//! It never lives longer than its guard.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use scenarios::lab::{Host, ROUTER};

use crate::clock::Stamp;
use crate::speaker::ROLE;

/// A running speaker.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts the speaker in a node; it does not connect yet.
    pub(crate) fn start(host: &Host) -> Result<Self> {
        let own = std::env::current_exe().context("asking for the own path")?;
        let mut command = host.command(&own.to_string_lossy());
        command.args([ROLE, &host.ipv4.to_string(), &ROUTER.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting a speaker")?;
        let answers = BufReader::new(child.stdout.take().context("the speaker has no output")?);
        Ok(Self { child, answers })
    }

    /// Opens the session and waits for the router's End-of-RIB: the stamps of the SYN, the first KEEPALIVE and the marker.
    pub(crate) fn connect_until_end_of_rib(&mut self) -> Result<[Stamp; 3]> {
        self.stamps("connect")
    }

    /// Encodes announcements of prefixes side by side, so many with the same attributes, for [`Node::send`].
    pub(crate) fn prepare_announce(&mut self, first: &str, count: u32, shared: u32) -> Result<()> {
        self.ask(&format!("announce {first} {count} {shared}")).map(drop)
    }

    /// Encodes withdrawals, for [`Node::send`].
    pub(crate) fn prepare_withdraw(&mut self, first: &str, count: u32) -> Result<()> {
        self.ask(&format!("withdraw {first} {count}")).map(drop)
    }

    /// Writes what was prepared: the stamps before the first and after the last octet.
    pub(crate) fn send(&mut self) -> Result<[Stamp; 2]> {
        self.stamps("send")
    }

    /// Says that all has been announced.
    pub(crate) fn end_of_rib(&mut self) -> Result<()> {
        self.ask("end-of-rib").map(drop)
    }

    /// Ends the connection without a word of BGP, as a kernel does when a program dies.
    pub(crate) fn close(&mut self) -> Result<Stamp> {
        let [stamp] = self.stamps("close")?;
        Ok(stamp)
    }

    fn stamps<const N: usize>(&mut self, command: &str) -> Result<[Stamp; N]> {
        let answer = self.ask(command)?;
        let stamps: Vec<Stamp> = answer.split_whitespace().filter_map(|word| Some(Stamp(word.parse().ok()?))).collect();
        stamps.try_into().ok().with_context(|| format!("{command}: the speaker said {answer:?}"))
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        let input = self.child.stdin.as_mut().context("the speaker has no input")?;
        writeln!(input, "{command}").context("writing to the speaker")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("reading from the speaker")?;
        match answer.trim().strip_prefix("ok") {
            Some(words) => Ok(words.trim().to_owned()),
            None => bail!("{command}: the speaker said {:?}", answer.trim()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already ended is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
