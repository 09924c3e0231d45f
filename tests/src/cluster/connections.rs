//! The client's connections: opened, asked, and told of, through a program that runs on the client.
//!
//! Never judges: it says who answered.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::lab::Lab;

const CLIENT: &str = include_str!("client.py");

/// How the client talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection.
    Tcp,
    /// Datagrams from one port.
    Udp,
    /// What of QUIC a balancer sees.
    Quic,
}

/// The client's connections.
#[derive(Debug)]
pub struct Connections {
    program: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// How many connections each node has.
pub type Shares = BTreeMap<String, u64>;

/// All of them.
#[must_use]
pub fn total(shares: &Shares) -> u64 {
    shares.values().sum()
}

/// One of many connections that were begun one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, in microseconds of the wall clock.
    pub begun: u64,
    /// How long it took until it stood, or was given up, in microseconds.
    pub took: u64,
    /// Who answered; nobody where it did not come to that.
    pub node: Option<String>,
}

impl Connections {
    /// None yet, to this address and port.
    ///
    /// # Errors
    /// When the client's program cannot be started.
    pub fn to(lab: &Lab, address: &str, port: u16, transport: Transport) -> Result<Self> {
        let program = lab.client.write("client.py", CLIENT)?;
        let kind = match transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Quic => "quic",
        };
        let mut command = lab.client.command("python3");
        command.arg(&program).args([address, &port.to_string(), kind]);
        let mut program =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the client")?;
        let commands = program.stdin.take().context("a pipe")?;
        let answers = BufReader::new(program.stdout.take().context("a pipe")?);
        Ok(Self { program, commands, answers })
    }

    fn ask(&mut self, command: &str) -> Result<Value> {
        writeln!(self.commands, "{command}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{command}: {line}"))
    }

    /// Opens connections that stay.
    ///
    /// # Errors
    /// When one of them does not come about.
    pub fn open(&mut self, count: u64) -> Result<Shares> {
        let answer = self.ask(&format!("open {count}"))?;
        ensure!(answer["failed"] == 0, "{answer}");
        shares(&answer["nodes"])
    }

    /// New connections that do not stay; and how many failed.
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn burst(&mut self, count: u64) -> Result<(Shares, u64)> {
        self.burst_from(count, "")
    }

    /// The same from another address of the client.
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn burst_from(&mut self, count: u64, source: &str) -> Result<(Shares, u64)> {
        let answer = self.ask(&format!("burst {count} {source}"))?;
        Ok((shares(&answer["nodes"])?, answer["failed"].as_u64().unwrap_or(u64::MAX)))
    }

    /// Each open connection of QUIC goes on from another port, and from this address of the client where one is named.
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn move_all(&mut self, source: &str) -> Result<()> {
        self.ask(&format!("move {source}")).map(drop)
    }

    /// Who answers a line of so many octets, over one more connection.
    ///
    /// # Errors
    /// When nobody does.
    pub fn large(&mut self, octets: u32) -> Result<String> {
        let answer = self.ask(&format!("large {octets}"))?;
        answer["node"].as_str().map(str::to_owned).context("nobody answered")
    }

    /// Asks over all that are open: who lives, and whose are broken or moved.
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn check(&mut self) -> Result<(Shares, Shares)> {
        let answer = self.ask("ask")?;
        let mut lost = shares(&answer["broken"])?;
        for (node, count) in shares(&answer["moved"])? {
            *lost.entry(node).or_default() += count;
        }
        Ok((shares(&answer["alive"])?, lost))
    }

    /// Begins so many connections a second, one after the other, until [`Connections::end`].
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn begin(&mut self, rate: u32) -> Result<()> {
        self.ask(&format!("begin {rate}")).map(drop)
    }

    /// What became of all that were begun, in their order.
    ///
    /// # Errors
    /// When the client's program has ended.
    pub fn end(&mut self) -> Result<Vec<Attempt>> {
        let answer = self.ask("end")?;
        let attempts = answer.as_array().context("no attempts")?;
        let attempt = |told: &Value| {
            Some(Attempt {
                begun: told[0].as_u64()?,
                took: told[1].as_u64()?,
                node: told[2].as_str().map(str::to_owned),
            })
        };
        attempts.iter().map(|told| attempt(told).with_context(|| format!("{told}"))).collect()
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn shares(value: &Value) -> Result<Shares> {
    let counts = value.as_object().with_context(|| format!("no shares: {value}"))?;
    Ok(counts.iter().map(|(node, count)| (node.clone(), count.as_u64().unwrap_or(0))).collect())
}
