//! Nodes that are reached through tunnels: within IP of either family, and within UDP.
//!
//! A node's side is a small program, because the kernel of the tests has no tunnels.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Farm, SESSIONS, SOON, total};
use scenarios::lab::{Host, Process, SHOP, SHOP6};

const DECAPSULATOR: &str = include_str!("decapsulator.py");
/// Connections that are open while things happen.
const OPEN: u64 = 300;
/// A line that does not fit a packet.
const LARGE: u32 = 30_000;

/// A node takes packets out of tunnels.
fn decapsulate(cluster: &Cluster, host: &Host, kind: &str) -> Result<Process> {
    for scope in ["all", "default"] {
        host.sysctl(&format!("net.ipv4.conf.{scope}.rp_filter"), "0")?;
    }
    let program = host.write("decapsulator.py", DECAPSULATOR)?.to_string_lossy().into_owned();
    let process = host.start("decapsulator", "python3", &[&program, kind])?;
    cluster.lab.wait_until(SOON, "packets are taken out", || process.output().contains("ready"))?;
    Ok(process)
}

/// All nodes do.
fn decapsulate_all(cluster: &Cluster, kind: &str) -> Result<Vec<Process>> {
    cluster.nodes.iter().map(|node| decapsulate(cluster, &node.host, kind)).collect()
}

/// Nodes join behind tunnels of a mode, and the daemon is killed, while connections are open.
fn a_life_behind(mode: &str, service: IpAddr, over_ipv6: bool) -> Result<()> {
    let mode_is = format!("set balancer learned cluster mode {mode}");
    let mut cluster = Cluster::of(Farm::serving(service, over_ipv6)?, &[&mode_is])?.filled(2)?;
    let mut tunnels = decapsulate_all(&cluster, mode)?;
    cluster.connections.open(OPEN)?;
    let whole = |cluster: &mut Cluster, when: &str| -> Result<()> {
        let (alive, lost) = cluster.connections.check()?;
        ensure!(lost.is_empty() && total(&alive) == OPEN, "{when}: {lost:?} lost, {alive:?} live");
        Ok(())
    };
    cluster.prepare()?;
    tunnels.push(decapsulate(&cluster, &cluster.nodes[2].host, mode)?);
    cluster.nodes[2].speaker.announce(&cluster.prefix())?;
    cluster.lab.wait_until(SESSIONS, "the third serves", || cluster.active() == 3)?;
    whole(&mut cluster, "a node has joined")?;
    let (shares, failed) = cluster.connections.burst(OPEN)?;
    ensure!(failed == 0 && shares.contains_key("node3"), "{shares:?}, {failed} failed");
    let told = cluster.router.json("show balancer backends")?;
    let ways = told["backends"].as_array().into_iter().flatten().filter(|backend| backend["way"] == mode).count();
    ensure!(ways == 3, "{told}");
    cluster.router.kill9();
    whole(&mut cluster, "the daemon is gone")?;
    cluster.router.boot(&cluster.farm.lab)?;
    cluster.lab.wait_until(SESSIONS, "all serve again", || cluster.active() == 3)?;
    whole(&mut cluster, "the daemon is back")
}

#[test]
fn connections_of_ipv4_live_through_changes_within_ipv4() -> Result<()> {
    a_life_behind("ipip", SHOP.into(), false)
}

#[test]
fn connections_of_ipv6_live_through_changes_within_ipv6() -> Result<()> {
    a_life_behind("ipip", SHOP6.into(), true)
}

#[test]
fn connections_of_ipv4_live_through_changes_within_ipv6() -> Result<()> {
    a_life_behind("ipip", SHOP.into(), true)
}

#[test]
fn connections_of_ipv4_live_through_changes_within_udp() -> Result<()> {
    a_life_behind("gue", SHOP.into(), false)
}

#[test]
fn a_client_whose_packets_do_not_fit_the_tunnel_is_told_and_sends_smaller_ones() -> Result<()> {
    for (service, over_ipv6, mode) in
        [(SHOP.into(), false, "ipip"), (SHOP6.into(), true, "ipip"), (SHOP.into(), true, "gue")]
    {
        // What the driver's program sends back waits in a virtual cable for what comes next, if its end has no program.
        let lines = ["set balancer interface eth0 hook generic", &format!("set balancer learned cluster mode {mode}")];
        let mut cluster = Cluster::of(Farm::serving(service, over_ipv6)?, &lines)?.filled(1)?;
        let _tunnels = decapsulate_all(&cluster, mode)?;
        let node = cluster.connections.large(LARGE)?;
        ensure!(node == "node1", "{node} answered");
        let told = cluster.router.json("show balancer statistics")?;
        let drops = told["drops"].as_array().into_iter().flatten();
        let too_big =
            drops.filter(|drop| drop["reason"] == "too-big").filter_map(|drop| drop["packets"].as_u64()).sum::<u64>();
        ensure!(too_big > 0, "{mode}: nobody was told: {told}");
    }
    Ok(())
}
