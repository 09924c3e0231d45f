//! All senders and receivers of a measurement, as the chapters command them: one process in the client's namespace.
//!
//! It never lives longer than its guard.

mod role;
mod session;
mod tally;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use scenarios::lab::{CLIENT, Lab};

use crate::clock::Stamp;
use crate::feed::Recipe;

pub(crate) use role::run;

/// The first word of the command line that makes this program a swarm; then the daemon's address.
pub(crate) const ROLE: &str = "swarm";
/// The daemon's address on the swarm's network.
pub(crate) const DAEMON: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// Addresses on the swarm's network: 10.9.0.2 to 10.9.0.254.
const ADDRESSES: u8 = 253;

/// A running swarm.
#[derive(Debug)]
pub(crate) struct Swarm {
    child: Child,
    answers: BufReader<ChildStdout>,
}

/// One side of a session, as both the daemon's configuration and the swarm need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: Ipv4Addr,
    /// Its AS.
    pub(crate) asn: u32,
    /// Whether it announces; else it receives and counts.
    pub(crate) sends: bool,
    /// Seconds.
    pub(crate) hold_time: u16,
}

/// What the receivers have read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// UPDATEs of all receivers.
    pub(crate) updates: f64,
    /// Prefixes of all receivers.
    pub(crate) prefixes: f64,
}

/// The address of the peer of this number.
pub(crate) fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(CLIENT.to_bits() + u32::from(number))
}

/// Gives the client of the laboratory the addresses of all peers.
pub(crate) fn addresses(lab: &Lab) -> Result<()> {
    let mut batch = String::new();
    for number in 1..ADDRESSES {
        // Writing into a String cannot fail.
        let _ = writeln!(batch, "addr add {}/24 dev eth0", address(number));
    }
    lab.client.run_with_input("ip", &["-batch", "-"], &batch)?.success()?;
    Ok(())
}

impl Swarm {
    /// Starts it without a session.
    pub(crate) fn start(lab: &Lab) -> Result<Self> {
        let own = std::env::current_exe().context("asking for the own path")?;
        let mut command = lab.client.command(&own.to_string_lossy());
        command.args([ROLE, &DAEMON.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the swarm")?;
        let answers = BufReader::new(child.stdout.take().context("the swarm has no output")?);
        Ok(Self { child, answers })
    }

    /// Makes the feed, encodes everything and opens all sessions, the receivers first; `own_as` is the daemon's.
    pub(crate) fn connect(&mut self, recipe: Recipe, peers: &[Peer], own_as: u32) -> Result<()> {
        self.ask(&format!("feed {}", recipe.words()))?;
        for peer in peers.iter().filter(|peer| !peer.sends) {
            self.ask(&format!("receive {} {} {}", peer.address, peer.asn, peer.hold_time))?;
        }
        for peer in peers.iter().filter(|peer| peer.sends) {
            let relation = if peer.asn == own_as { "internal" } else { "external" };
            self.ask(&format!("send {} {} {} {relation}", peer.address, peer.asn, peer.hold_time))?;
        }
        Ok(())
    }

    /// Lets all senders announce; the stamp before the first octet.
    pub(crate) fn announce(&mut self) -> Result<Stamp> {
        self.stamp("announce")
    }

    /// Lets all senders withdraw; the stamp before the first octet.
    pub(crate) fn withdraw(&mut self) -> Result<Stamp> {
        self.stamp("withdraw")
    }

    /// Waits until each receiver has what the last command leads to; the stamp of the last one.
    pub(crate) fn reached(&mut self, patience: Duration) -> Result<Stamp> {
        self.stamp(&format!("await {}", patience.as_secs()))
    }

    /// Opens a session of which nothing counts but that it lives.
    pub(crate) fn watch(&mut self, peer: Peer) -> Result<()> {
        self.ask(&format!("watch {} {} {}", peer.address, peer.asn, peer.hold_time)).map(drop)
    }

    /// When anything came to who watches, since it was last asked.
    pub(crate) fn signs(&mut self) -> Result<Vec<Stamp>> {
        let answer = self.ask("signs")?;
        Ok(answer.split_whitespace().filter_map(|word| Some(Stamp(word.parse().ok()?))).collect())
    }

    /// Ends the last sender's connection without a word of BGP; the stamp before it.
    pub(crate) fn close(&mut self) -> Result<Stamp> {
        self.stamp("close")
    }

    /// Waits until no receiver has heard anything for so long; the stamp of the last that was heard.
    pub(crate) fn silence(&mut self, long: Duration) -> Result<Stamp> {
        self.stamp(&format!("silence {}", long.as_millis()))
    }

    /// What the receivers have read so far.
    pub(crate) fn counts(&mut self) -> Result<Counts> {
        let answer = self.ask("counts")?;
        let numbers: Vec<f64> = answer.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [updates, prefixes] = numbers.as_slice() else { bail!("the swarm said {answer:?}") };
        Ok(Counts { updates: *updates, prefixes: *prefixes })
    }

    fn stamp(&mut self, command: &str) -> Result<Stamp> {
        let answer = self.ask(command)?;
        Ok(Stamp(answer.parse().with_context(|| format!("{command}: the swarm said {answer:?}"))?))
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        let input = self.child.stdin.as_mut().context("the swarm has no input")?;
        writeln!(input, "{command}").context("writing to the swarm")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("reading from the swarm")?;
        match answer.trim().strip_prefix("ok") {
            Some(words) => Ok(words.trim().to_owned()),
            None => bail!("{}", answer.trim().trim_start_matches("error ")),
        }
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        // Already ended is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
