//! Nodes with a service, a client with many connections to it, and the router between them.
//!
//! Never waits for a node longer than for a session.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use scenarios::lab::{Host, Lab, Offload, Process, SHOP};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;
use serde_json::Value;

pub(super) const SESSIONS: Duration = Duration::from_secs(60);
pub(super) const SOON: Duration = Duration::from_secs(10);
/// Connections that are open while things happen.
pub(super) const OPEN: u64 = 2000;
const PORT: &str = "8080";
const SERVER: &str = include_str!("server.py");
const CLIENT: &str = include_str!("client.py");

/// A file system for programs and maps of the kernel, unmounted at the end with all that is pinned in it.
pub(super) struct Pins(PathBuf);

impl Pins {
    pub(super) fn mount(lab: &Lab) -> Result<Self> {
        let path = lab.router.directory().join("bpf");
        std::fs::create_dir_all(&path)?;
        let status = Command::new("mount").args(["-t", "bpf", "bpf"]).arg(&path).status()?;
        ensure!(status.success(), "mounting {}", path.display());
        Ok(Self(path))
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // What stays is litter in a directory of its own, and no reason to fail a test that has passed.
        let _ = std::fs::remove_dir_all(self.0.join("towpath"));
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A node with its service and its speaker.
pub(super) struct Node {
    pub(super) host: Host,
    pub(super) speaker: Speaker,
    server: Process,
}

/// The client's connections.
pub(super) struct Connections {
    program: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// How many connections each node has.
pub(super) type Shares = BTreeMap<String, u64>;

impl Connections {
    pub(super) fn to(lab: &Lab, address: &str, port: &str) -> Result<Self> {
        let program = lab.client.write("client.py", CLIENT)?;
        let mut command = lab.client.command("python3");
        command.arg(&program).args([address, port]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().context("starting the client")?;
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
    pub(super) fn open(&mut self, count: u64) -> Result<Shares> {
        let answer = self.ask(&format!("open {count}"))?;
        ensure!(answer["failed"] == 0, "{answer}");
        shares(&answer["nodes"])
    }

    /// New connections that do not stay.
    pub(super) fn burst(&mut self, count: u64) -> Result<(Shares, u64)> {
        let answer = self.ask(&format!("burst {count}"))?;
        Ok((shares(&answer["nodes"])?, answer["failed"].as_u64().unwrap_or(u64::MAX)))
    }

    /// Asks over all that are open: who lives, and whose are broken or moved.
    pub(super) fn check(&mut self) -> Result<(Shares, Shares)> {
        let answer = self.ask("ask")?;
        let mut lost = shares(&answer["broken"])?;
        for (node, count) in shares(&answer["moved"])? {
            *lost.entry(node).or_default() += count;
        }
        Ok((shares(&answer["alive"])?, lost))
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

/// A router with a balancer, the nodes behind it, and the client's connections.
pub(super) struct Cluster {
    pub(super) connections: Connections,
    pub(super) nodes: Vec<Node>,
    pub(super) router: Router,
    _pins: Pins,
    pub(super) lab: Lab,
}

impl Cluster {
    /// As many nodes announce the service; `more` is configured beside that.
    pub(super) fn new(count: u8, more: &[&str]) -> Result<Self> {
        let lab = Lab::new()?;
        let pins = Pins::mount(&lab)?;
        // What a client sends is whole: an offloaded checksum would get lost on the way through the driver.
        lab.client.offload("eth0", Offload::Checksums, false)?;
        lab.receive_in_bulk()?;
        let pinned = pins.0.join("towpath").to_string_lossy().into_owned();
        let mut router = Router::prepare(&lab)?.with_arguments(&["--bpf-dir", &pinned]);
        router.boot(&lab)?;
        let mut lines = vec![
            "set balancer interface eth0".to_owned(),
            "set balancer learned cluster prefix 172.16.0.0/16".to_owned(),
            "set protocols bgp 64512 maximum-paths ibgp 64".to_owned(),
            "set protocols bgp 64512 timers holdtime 9".to_owned(),
            "set protocols bgp 64512 timers keepalive 3".to_owned(),
            "set protocols bgp 64512 peer-group nodes remote-as 64512".to_owned(),
            "set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes".to_owned(),
        ];
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
        let connections = Connections::to(&lab, &SHOP.to_string(), PORT)?;
        let mut cluster = Self { connections, nodes: Vec::new(), router, lab, _pins: pins };
        for _ in 0..count {
            cluster.join()?;
        }
        let serving = |cluster: &Self| cluster.active() == usize::from(count);
        cluster.lab.wait_until(SESSIONS, "all nodes serve", || serving(&cluster))?;
        Ok(cluster)
    }

    /// One more node, which announces the service.
    pub(super) fn join(&mut self) -> Result<()> {
        let number = u8::try_from(self.nodes.len())? + 1;
        let host = self.lab.node(number)?;
        let server = self.serve(&host)?;
        let speaker = Speaker::start(&self.lab, &host, Kind::Bird, Session::internal(&host))?;
        speaker.announce(&format!("{SHOP}/32"))?;
        self.nodes.push(Node { host, speaker, server });
        Ok(())
    }

    fn serve(&self, host: &Host) -> Result<Process> {
        let server = host.write("server.py", SERVER)?;
        let server = host.start("server", "python3", &[&server.to_string_lossy(), &host.role, PORT])?;
        self.lab.wait_until(SOON, "the service listens", || server.output().contains("listening"))?;
        Ok(server)
    }

    /// Nobody listens on a node any more.
    pub(super) fn stop_server(&mut self, node: usize) -> Result<()> {
        self.nodes[node].server.kill9();
        Ok(())
    }

    /// Somebody listens there again.
    pub(super) fn start_server(&mut self, node: usize) -> Result<()> {
        let host = self.nodes[node].host.clone();
        self.nodes[node].server = self.serve(&host)?;
        Ok(())
    }

    /// How the backends of the service are, by their addresses.
    pub(super) fn states(&self) -> BTreeMap<String, String> {
        let told = self.router.json(&format!("show balancer service {SHOP}")).unwrap_or_default();
        let backends = told["services"][0]["backends"].as_array().cloned().unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        backends.iter().map(|backend| (word(&backend["address"]), word(&backend["state"]))).collect()
    }

    /// How many backends get new connections, once the maps say so.
    pub(super) fn active(&self) -> usize {
        self.active_of(&SHOP.to_string())
    }

    /// The same of another service.
    pub(super) fn active_of(&self, service: &str) -> usize {
        let told = self.router.json(&format!("show balancer service {service}")).unwrap_or_default();
        let backends = told["services"][0]["backends"].as_array().cloned().unwrap_or_default();
        backends.iter().filter(|backend| backend["slots"].as_u64().is_some_and(|slots| slots > 0)).count()
    }
}
