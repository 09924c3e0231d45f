//! Nodes with a service, a client with many connections to it, and the router between them.
//!
//! Never waits for a node longer than for a session.

#![expect(clippy::indexing_slicing, reason = "what a JSON lacks is null, and a test may fail loudly")]

mod connections;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use nouns::Prefix;

use crate::lab::{Host, Lab, Offload, Process, SHOP, SHOP6};
use crate::peers::{Kind, Session, Speaker};
use crate::router::Router;

pub use connections::{Attempt, Connections, Shares, Transport, total};

/// How long sessions with all nodes may take.
pub const SESSIONS: Duration = Duration::from_secs(60);
/// How long what happens at once may take on a machine that does much else.
pub const SOON: Duration = Duration::from_secs(10);
/// Connections that are open while things happen.
pub const OPEN: u64 = 2000;
/// The port of the service, of TCP and UDP.
pub const PORT: u16 = 8080;
/// The port of QUIC.
pub const QUIC_PORT: u16 = PORT + 1;
const SERVER: &str = include_str!("cluster/server.py");

/// A file system for programs and maps of the kernel, unmounted at the end with all that is pinned in it.
#[derive(Debug)]
pub struct Pins(PathBuf);

impl Pins {
    /// Mounts it in the router's directory.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mount(lab: &Lab) -> Result<Self> {
        let path = lab.router.directory().join("bpf");
        std::fs::create_dir_all(&path)?;
        let status = Command::new("mount").args(["-t", "bpf", "bpf"]).arg(&path).status()?;
        ensure!(status.success(), "mounting {}", path.display());
        Ok(Self(path))
    }

    /// Where the daemon pins.
    #[must_use]
    pub fn root(&self) -> String {
        self.0.join("towpath").to_string_lossy().into_owned()
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
#[derive(Debug)]
pub struct Node {
    /// The machine.
    pub host: Host,
    /// What announces the service.
    pub speaker: Speaker,
    server: Process,
}

/// Nodes, and the client's connections to what they serve; whatever is between them.
#[derive(Debug)]
pub struct Farm {
    /// The client's connections.
    pub connections: Connections,
    /// All nodes that ever joined.
    pub nodes: Vec<Node>,
    /// What they serve.
    pub service: IpAddr,
    over_ipv6: bool,
    /// Their network.
    pub lab: Lab,
}

impl Farm {
    /// Nobody serves yet.
    ///
    /// # Errors
    /// When the network cannot be made.
    pub fn new() -> Result<Self> {
        Self::serving(SHOP.into(), false)
    }

    /// The same of nodes that serve this, [`SHOP`] or [`SHOP6`], and announce it over sessions of IPv6, or of IPv4.
    ///
    /// # Errors
    /// When the network cannot be made.
    pub fn serving(service: IpAddr, over_ipv6: bool) -> Result<Self> {
        let lab = Lab::new()?;
        // What a client sends is whole: an offloaded checksum would get lost on the way through the driver.
        lab.client.offload("eth0", Offload::Checksums, false)?;
        lab.receive_in_bulk()?;
        let connections = Connections::to(&lab, &service.to_string(), PORT, Transport::Tcp)?;
        Ok(Self { connections, nodes: Vec::new(), service, over_ipv6, lab })
    }

    /// One more node, which announces the service.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn join(&mut self) -> Result<()> {
        self.prepare()?;
        self.nodes.last().map_or(Ok(()), |node| node.speaker.announce(&self.prefix()))
    }

    /// What nodes announce.
    #[must_use]
    pub fn prefix(&self) -> String {
        Prefix::host(self.service).to_string()
    }

    /// One more node, which serves and announces nothing yet.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn prepare(&mut self) -> Result<()> {
        let number = u8::try_from(self.nodes.len())? + 1;
        let host = self.lab.node(number)?;
        let server = self.serve(&host)?;
        let session = Session::internal(&host);
        let session = if self.over_ipv6 { session.over_ipv6(&host) } else { session };
        let speaker = Speaker::start(&self.lab, &host, Kind::Bird, session)?;
        self.nodes.push(Node { host, speaker, server });
        Ok(())
    }

    fn serve(&self, host: &Host) -> Result<Process> {
        let server = host.write("server.py", SERVER)?.to_string_lossy().into_owned();
        let own = host.ipv4.to_string();
        let words = [server, host.role.clone(), PORT.to_string(), own, SHOP.to_string(), SHOP6.to_string()];
        let server = host.start("server", "python3", &words.each_ref().map(String::as_str))?;
        self.lab.wait_until(SOON, "the service listens", || server.output().contains("listening"))?;
        Ok(server)
    }

    /// A node serves, but is not well, or is well again: HTTP has another status, and datagrams have no answer.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn make_well(&self, node: usize, well: bool) -> Result<()> {
        let host = &self.nodes[node].host;
        if well {
            Ok(std::fs::remove_file(host.directory().join("unwell"))?)
        } else {
            host.write("unwell", "").map(drop)
        }
    }

    /// Nobody listens on a node any more.
    pub fn stop_server(&mut self, node: usize) {
        self.nodes[node].server.kill9();
    }

    /// Somebody listens there again.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn start_server(&mut self, node: usize) -> Result<()> {
        let host = self.nodes[node].host.clone();
        self.nodes[node].server = self.serve(&host)?;
        Ok(())
    }
}

/// A router with a balancer, the nodes behind it, and the client's connections.
#[derive(Debug)]
pub struct Cluster {
    /// The router.
    pub router: Router,
    _pins: Pins,
    /// All else.
    pub farm: Farm,
}

impl Deref for Cluster {
    type Target = Farm;

    fn deref(&self) -> &Farm {
        &self.farm
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Farm {
        &mut self.farm
    }
}

impl Cluster {
    /// As many nodes announce the service; `more` is configured beside that.
    ///
    /// # Errors
    /// When not all of them serve in time.
    pub fn new(count: u8, more: &[&str]) -> Result<Self> {
        Self::of(Farm::new()?, more)?.filled(count)
    }

    /// The same with so many nodes.
    ///
    /// # Errors
    /// When not all of them serve in time.
    pub fn filled(self, count: u8) -> Result<Self> {
        let mut cluster = self;
        for _ in 0..count {
            cluster.join()?;
        }
        let serving = |cluster: &Self| cluster.active() == usize::from(count) && cluster.is_hooked();
        cluster.lab.wait_until(SESSIONS, "all nodes serve", || serving(&cluster))?;
        Ok(cluster)
    }

    /// The router alone, in front of a farm without nodes.
    ///
    /// # Errors
    /// When it does not take its configuration.
    pub fn of(farm: Farm, more: &[&str]) -> Result<Self> {
        let router = Router::prepare(&farm.lab)?;
        Self::behind(router, farm, more)
    }

    /// The same behind a router that is prepared.
    ///
    /// # Errors
    /// When it does not take its configuration.
    pub fn behind(router: Router, farm: Farm, more: &[&str]) -> Result<Self> {
        let pins = Pins::mount(&farm.lab)?;
        let mut router = router.with_arguments(&["--bpf-dir", &pins.root()]);
        router.boot(&farm.lab)?;
        let lines = [
            "set balancer interface eth0",
            "set balancer learned cluster prefix 172.16.0.0/16",
            "set balancer learned cluster prefix fd00:102::/64",
            "set protocols bgp 64512 maximum-paths ibgp 64",
            "set protocols bgp 64512 timers holdtime 9",
            "set protocols bgp 64512 timers keepalive 3",
            "set protocols bgp 64512 peer-group nodes remote-as 64512",
            "set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes",
            "set protocols bgp 64512 listen range fd00:101::/64 peer-group nodes",
        ];
        router.configure(&[&lines, more].concat())?;
        Ok(Self { router, _pins: pins, farm })
    }

    /// How the backends of the service are, by their addresses.
    #[must_use]
    pub fn states(&self) -> BTreeMap<String, String> {
        let told = self.router.json(&format!("show balancer service {}", self.service)).unwrap_or_default();
        let backends = told["services"][0]["backends"].as_array().cloned().unwrap_or_default();
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        backends.iter().map(|backend| (word(&backend["address"]), word(&backend["state"]))).collect()
    }

    /// How many backends get new connections, once the maps say so.
    #[must_use]
    pub fn active(&self) -> usize {
        self.active_of(&self.service.to_string())
    }

    /// Whether each interface of the balancer has its program.
    fn is_hooked(&self) -> bool {
        let told = self.router.json("show balancer").unwrap_or_default();
        told["interfaces"].as_array().is_some_and(|all| all.iter().all(|interface| interface["hook"].is_string()))
    }

    /// The same of another service.
    #[must_use]
    pub fn active_of(&self, service: &str) -> usize {
        self.slots_of(service).values().filter(|slots| **slots > 0).count()
    }

    /// How many slots each backend of a service has, by their addresses.
    #[must_use]
    pub fn slots_of(&self, service: &str) -> Shares {
        let told = self.router.json(&format!("show balancer service {service}")).unwrap_or_default();
        let backends = told["services"][0]["backends"].as_array().cloned().unwrap_or_default();
        let slots = |backend: &serde_json::Value| {
            Some((backend["address"].as_str()?.to_owned(), backend["slots"].as_u64().unwrap_or_default()))
        };
        backends.iter().filter_map(slots).collect()
    }
}
