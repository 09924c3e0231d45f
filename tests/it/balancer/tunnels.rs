//! Nodes that are reached through tunnels: within IP of either family, and within UDP.
//!
//! A node's side is a small program, because the kernel of the tests has no tunnels.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Farm, SOON};
use scenarios::lab::{Host, Process, SHOP, SHOP6};

const DECAPSULATOR: &str = include_str!("decapsulator.py");
/// A line that does not fit a packet.
const LARGE: u32 = 30_000;

/// A node takes packets out of tunnels.
pub(super) fn decapsulate(cluster: &Cluster, host: &Host, kind: &str) -> Result<Process> {
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

#[test]
fn a_client_whose_packets_do_not_fit_the_tunnel_is_told_and_sends_smaller_ones() -> Result<()> {
    for (service, over_ipv6, mode) in
        [(SHOP.into(), false, "ipip"), (SHOP6.into(), true, "ipip"), (SHOP.into(), true, "gue")]
    {
        let lines = ["set balancer interface eth0 hook native", &format!("set balancer learned cluster mode {mode}")];
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
