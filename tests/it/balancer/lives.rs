//! The life of a service in each way of forwarding and at each kind of hook: nodes join, drain, come back, leave and die, and the
//! daemon is killed, while connections are open and others begin all the time.
//!
//! One row is one test; what differs between rows is said in the row.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use scenarios::cluster::{Cluster, Connections, Farm, PORT, SESSIONS, Shares, Transport, total};
use scenarios::lab::{Process, SHOP, SHOP6};

use super::tunnels::decapsulate;

/// Connections that are open while things happen.
const OPEN: u64 = 120;
/// Connections that begin each second.
const RATE: u32 = 80;
/// The service that persons name.
const NAMED: &str = "203.0.113.80";

/// What differs.
struct Row {
    service: IpAddr,
    over_ipv6: bool,
    /// What is configured beside what all rows have.
    lines: &'static [&'static str],
    /// What takes packets out of tunnels at the nodes.
    tunnel: Option<&'static str>,
    /// Nodes are named by a person, and know nothing of the service.
    named: bool,
}

const L2: Row = Row { service: IpAddr::V4(SHOP), over_ipv6: false, lines: &[], tunnel: None, named: false };

/// A row while it is lived.
struct Life {
    row: Row,
    cluster: Cluster,
    tunnels: Vec<Process>,
    connections: Connections,
    /// What has happened, and when, in microseconds of the wall clock.
    passed: Vec<(String, u64)>,
}

impl Life {
    /// Two nodes serve, and connections are open.
    fn begin(row: Row) -> Result<Self> {
        let base = ["set protocols bgp 64512 peer-group nodes liveness arp"];
        let cluster = Cluster::of(Farm::serving(row.service, row.over_ipv6)?, &[&base, row.lines].concat())?;
        let (address, port) = if row.named { (NAMED.to_owned(), 80) } else { (row.service.to_string(), PORT) };
        let connections = Connections::to(&cluster.lab, &address, port, Transport::Tcp)?;
        let mut life = Self { row, cluster, tunnels: Vec::new(), connections, passed: Vec::new() };
        life.join()?;
        life.join()?;
        life.connections.open(OPEN)?;
        Ok(life)
    }

    fn active(&self) -> usize {
        if self.row.named { self.cluster.active_of("web") } else { self.cluster.active() }
    }

    fn becomes(&self, active: usize, when: &str) -> Result<()> {
        let done = self.cluster.lab.wait_until(SESSIONS, when, || self.active() == active);
        let name = if self.row.named { "web".to_owned() } else { self.row.service.to_string() };
        done.with_context(|| self.cluster.router.show(&format!("show balancer service {name}")).unwrap_or_default())
    }

    fn address(&self, node: usize) -> IpAddr {
        let host = &self.cluster.nodes[node].host;
        if self.row.over_ipv6 { host.ipv6.into() } else { host.ipv4.into() }
    }

    fn configure(&self, line: &str) -> Result<()> {
        self.cluster.router.configure(&[line]).map(drop)
    }

    fn join(&mut self) -> Result<()> {
        self.cluster.prepare()?;
        let node = self.cluster.nodes.len() - 1;
        if let Some(kind) = self.row.tunnel {
            self.tunnels.push(decapsulate(&self.cluster, &self.cluster.nodes[node].host, kind)?);
        }
        if self.row.named {
            self.configure(&format!("set balancer service web backend {} port {PORT}", self.address(node)))?;
        } else {
            self.cluster.nodes[node].speaker.announce(&self.cluster.prefix())?;
        }
        self.becomes(node + 1, "a node serves")
    }

    fn leave(&self, node: usize) -> Result<()> {
        if self.row.named {
            return self.configure(&format!("delete balancer service web backend {}", self.address(node)));
        }
        self.cluster.nodes[node].speaker.withdraw(&self.cluster.prefix())
    }

    fn check(&mut self) -> Result<(Shares, Shares)> {
        self.connections.check()
    }

    /// Nothing of what is open is lost.
    fn whole(&mut self, when: &str) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        self.passed.push((when.to_owned(), u64::try_from(now)?));
        let (alive, lost) = self.check()?;
        ensure!(lost.is_empty() && total(&alive) == OPEN, "{when}: {lost:?} lost, {alive:?} live");
        Ok(())
    }

    /// Who gets what begins now.
    fn shares(&mut self, when: &str) -> Result<Shares> {
        let (shares, failed) = self.connections.burst(OPEN)?;
        ensure!(failed == 0, "{when}: {failed} failed, {shares:?}");
        Ok(shares)
    }

    /// What begins does not go to a node.
    fn spares(&mut self, node: &str, when: &str) -> Result<()> {
        let shares = self.shares(when)?;
        let count = shares.get(node).copied().unwrap_or_default();
        ensure!(count == 0, "{when}: of what begins {node} has {count}: {shares:?}");
        Ok(())
    }
}

fn live(row: Row) -> Result<()> {
    let mut life = Life::begin(row)?;
    life.connections.begin(RATE)?;
    life.join()?;
    life.whole("a node has joined")?;
    ensure!(life.shares("a node has joined")?.contains_key("node3"), "the new node has nothing");

    let drained = life.address(0);
    life.configure(&format!("set balancer node {drained} drain"))?;
    life.becomes(2, "a node drains")?;
    life.whole("a node drains")?;
    life.spares("node1", "a node drains")?;
    life.configure(&format!("delete balancer node {drained}"))?;
    life.becomes(3, "it serves again")?;
    life.whole("a node serves again")?;

    life.cluster.router.kill9();
    life.whole("the daemon is gone")?;
    life.shares("the daemon is gone")?;
    life.cluster.router.boot(&life.cluster.farm.lab)?;
    life.becomes(3, "all serve again")?;
    life.whole("the daemon is back")?;

    life.leave(1)?;
    life.becomes(2, "a node leaves")?;
    life.whole("a node has left")?;
    life.spares("node2", "a node has left")?;
    let begun = life.connections.end()?;
    let first = begun.first().map_or(0, |attempt| attempt.begun);
    let failed: Vec<(u64, u64)> = begun
        .iter()
        .filter(|attempt| attempt.node.is_none())
        .map(|failed| (failed.begun - first, failed.took))
        .collect();
    let passed: Vec<(&str, u64)> = life.passed.iter().map(|(when, at)| (&**when, at.saturating_sub(first))).collect();
    ensure!(failed.is_empty() && begun.len() > 50, "of {} failed {failed:?} (begin, time); {passed:?}", begun.len());

    life.cluster.nodes[2].host.clone().ip(&["link", "set", "eth0", "down"])?;
    life.becomes(1, "a node dies")?;
    let (alive, lost) = life.check()?;
    ensure!(lost.keys().all(|node| node == "node3"), "a node has died: {lost:?} lost, {alive:?} live");
    ensure!(total(&alive) + total(&lost) == OPEN, "a node has died: {lost:?} lost, {alive:?} live");
    let shares = life.shares("a node has died")?;
    ensure!(!shares.contains_key("node3"), "{shares:?}");
    Ok(())
}

#[test]
fn connections_live_through_changes_at_the_generic_hook() -> Result<()> {
    live(Row { lines: &["set balancer interface eth0 hook generic"], ..L2 })
}

#[test]
fn connections_live_through_changes_in_traffic_control() -> Result<()> {
    live(Row { lines: &["set balancer interface eth0 hook tc"], ..L2 })
}

#[test]
fn connections_live_through_changes_at_a_filter_of_traffic_control() -> Result<()> {
    live(Row { lines: &["set balancer interface eth0 hook clsact"], ..L2 })
}

#[test]
fn connections_of_ipv6_live_through_changes() -> Result<()> {
    live(Row { service: SHOP6.into(), over_ipv6: true, ..L2 })
}

#[test]
fn connections_of_ipv4_live_through_changes_within_ipv4() -> Result<()> {
    live(Row { lines: &["set balancer learned cluster mode ipip"], tunnel: Some("ipip"), ..L2 })
}

#[test]
fn connections_of_ipv6_live_through_changes_within_ipv6() -> Result<()> {
    let lines = &["set balancer learned cluster mode ipip"];
    live(Row { service: SHOP6.into(), over_ipv6: true, lines, tunnel: Some("ipip"), ..L2 })
}

#[test]
fn connections_of_ipv4_live_through_changes_within_ipv6() -> Result<()> {
    live(Row { over_ipv6: true, lines: &["set balancer learned cluster mode ipip"], tunnel: Some("ipip"), ..L2 })
}

#[test]
fn connections_of_ipv4_live_through_changes_within_udp() -> Result<()> {
    live(Row { lines: &["set balancer learned cluster mode gue"], tunnel: Some("gue"), ..L2 })
}

#[test]
fn connections_live_through_changes_where_nodes_know_nothing_of_the_service() -> Result<()> {
    let lines = &[
        "set balancer interface eth1",
        "set balancer service web address 203.0.113.80",
        "set balancer service web port 80",
        "set balancer service web mode nat",
        // Questions go the way of packets, but a route has to lead there.
        "set protocols static route 203.0.113.80/32 next-hop 10.9.0.2",
        "set balancer service web check tcp",
        "set balancer service web check interval 200",
        "set balancer service web check timeout 200",
    ];
    live(Row { lines, named: true, ..L2 })
}
