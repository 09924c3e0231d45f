//! BFD of other vendors on a node: FRR's bfdd with its zebra, BIRD, each beside whatever speaks BGP there.
//!
//! It never speaks BGP itself.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::lab::{Host, Lab, Process};

/// How long a program may take to answer its own command line.
const START: Duration = Duration::from_secs(15);

/// Which program watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    /// FRR's bfdd.
    Frr,
    /// BIRD 2.
    Bird,
}

/// The session that a node wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BfdSession {
    /// The node's address.
    pub local: IpAddr,
    /// The router's address.
    pub remote: IpAddr,
    /// Milliseconds, in both directions.
    pub interval: u32,
    /// Packets that may be lost.
    pub multiplier: u8,
    /// Over several hops.
    pub multihop: bool,
    /// What both sides prove that they know, as BIRD calls the method, and the secret; BIRD alone can do that.
    pub secret: Option<(&'static str, String)>,
}

impl BfdSession {
    /// 300 ms, multiplier 3, over one hop.
    #[must_use]
    pub fn between(local: IpAddr, remote: IpAddr) -> Self {
        Self { local, remote, interval: 300, multiplier: 3, multihop: false, secret: None }
    }
}

/// A program that watches the router.
#[derive(Debug)]
pub struct BfdPeer {
    kind: Watcher,
    session: BfdSession,
    host: Host,
    processes: Vec<Process>,
}

impl BfdPeer {
    /// Starts the program and waits until it takes commands.
    ///
    /// # Errors
    /// When it does not start; the laboratory's logs are in the message.
    pub fn start(lab: &Lab, host: &Host, kind: Watcher, session: BfdSession) -> Result<Self> {
        let processes = match kind {
            Watcher::Frr => start_frr(lab, host, &session)?,
            Watcher::Bird => start_bird(host, &session)?,
        };
        let peer = Self { kind, session, host: host.clone(), processes };
        lab.wait_until(START, &format!("{kind:?} of {} answers", host.role), || peer.told().is_ok())?;
        Ok(peer)
    }

    /// Whether the program itself says that the session is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        let said = self.told().unwrap_or_default();
        match self.kind {
            Watcher::Frr => said.contains("Status: up"),
            Watcher::Bird => {
                let remote = self.session.remote.to_string();
                said.lines().any(|line| line.starts_with(&remote) && line.contains(" Up "))
            }
        }
    }

    /// What the program says of the session.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn told(&self) -> Result<String> {
        match self.kind {
            Watcher::Frr => vtysh(&self.host, &["show bfd peers"]),
            Watcher::Bird => birdc(&self.host, &["show", "bfd", "sessions"]),
        }
    }

    /// Stops the programs where they stand: nothing is said to anyone.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn freeze(&self) -> Result<()> {
        self.processes.iter().try_for_each(Process::freeze)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn thaw(&self) -> Result<()> {
        self.processes.iter().try_for_each(Process::thaw)
    }

    /// Holds the session down, or no longer, as an administrator of the node does.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn shutdown(&self, down: bool) -> Result<()> {
        match self.kind {
            Watcher::Frr => {
                let word = if down { "shutdown" } else { "no shutdown" };
                vtysh(&self.host, &["configure terminal", "bfd", &self.session.frr(), word]).map(drop)
            }
            Watcher::Bird => birdc(&self.host, &[if down { "disable" } else { "enable" }, "watcher"]).map(drop),
        }
    }
}

impl BfdSession {
    fn frr(&self) -> String {
        let multihop = if self.multihop { " multihop" } else { "" };
        let interface = if self.multihop { "" } else { " interface eth0" };
        format!("peer {}{multihop} local-address {}{interface}", self.remote, self.local)
    }
}

fn start_frr(lab: &Lab, host: &Host, session: &BfdSession) -> Result<Vec<Process>> {
    let ttl = if session.multihop { "  minimum-ttl 200\n" } else { "" };
    let text = format!(
        "log stdout informational\nbfd\n {}\n  detect-multiplier {}\n  receive-interval {}\n  \
         transmit-interval {}\n{ttl} exit\nexit\n",
        session.frr(),
        session.multiplier,
        session.interval,
        session.interval,
    );
    let file = host.write("bfdd.conf", &text)?.to_string_lossy().into_owned();
    let none = host.write("zebra.conf", "log stdout informational\n")?.to_string_lossy().into_owned();
    // Both give up the rights of root, and keep their sockets where the node keeps its files.
    std::fs::set_permissions(host.directory(), std::fs::Permissions::from_mode(0o777))?;
    let directory = host.directory().to_string_lossy().into_owned();
    let below = |name: &str| host.directory().join(name).to_string_lossy().into_owned();
    let common = ["--vty_socket", &directory, "-P", "0", "-z", &below("zserv.api")].map(str::to_owned);
    let start = |program: &str, file: &str, more: &[String]| {
        let mut arguments = vec!["-f".to_owned(), file.to_owned(), "-i".to_owned(), below(&format!("{program}.pid"))];
        arguments.extend(common.iter().cloned());
        arguments.extend(more.iter().cloned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        host.start(program, &format!("/usr/lib/frr/{program}"), &arguments)
    };
    let zebra = start("zebra", &none, &[])?;
    let api = host.directory().join("zserv.api");
    lab.wait_until(START, "zebra listens", || api.exists())?;
    Ok(vec![zebra, start("bfdd", &file, &["--bfdctl".to_owned(), below("bfdd.sock")])?])
}

fn start_bird(host: &Host, session: &BfdSession) -> Result<Vec<Process>> {
    let BfdSession { local, remote, interval, multiplier, .. } = session;
    let secret = session.secret.as_ref();
    let secret =
        secret.map(|(method, word)| format!("authentication {method}; password \"{word}\";")).unwrap_or_default();
    let options = format!("{{ interval {interval} ms; idle tx interval 1 s; multiplier {multiplier}; {secret} }}");
    let (options, neighbor) = if session.multihop {
        (format!("multihop {options};"), format!("neighbor {remote} local {local} multihop yes;"))
    } else {
        (format!("interface \"*\" {options};"), format!("neighbor {remote} dev \"eth0\" local {local};"))
    };
    let text = format!(
        "log stderr all;\nrouter id 10.255.255.1;\nprotocol device {{}}\nprotocol bfd watcher {{\n  {options}\n  \
         {neighbor}\n}}\n"
    );
    let file = host.write("bird-bfd.conf", &text)?.to_string_lossy().into_owned();
    Ok(vec![host.start("bird-bfd", "bird", &["-f", "-c", &file, "-s", &socket(host)])?])
}

fn socket(host: &Host) -> String {
    host.directory().join("bird-bfd.ctl").to_string_lossy().into_owned()
}

fn birdc(host: &Host, command: &[&str]) -> Result<String> {
    let socket = socket(host);
    let mut arguments = vec!["-s", &socket];
    arguments.extend(command);
    host.run("birdc", &arguments)?.success()
}

fn vtysh(host: &Host, commands: &[&str]) -> Result<String> {
    let directory = host.directory().to_string_lossy().into_owned();
    let mut arguments = vec!["--vty_socket", &directory, "-d", "bfdd"];
    for command in commands {
        arguments.extend(["-c", command]);
    }
    let said = host.run("vtysh", &arguments)?.success()?;
    if said.contains("Unknown command") || said.contains("failed to connect") {
        bail!("vtysh {commands:?}: {said}");
    }
    Ok(said)
}
