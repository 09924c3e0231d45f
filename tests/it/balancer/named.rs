//! Services that persons name, and the health of nodes: checks take the way of the clients' packets.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Connections, SOON, Transport};
use scenarios::lab::SHOP;

#[test]
fn a_node_whose_service_fails_its_check_gets_no_new_connections_until_it_is_well() -> Result<()> {
    let mut cluster = Cluster::new(
        3,
        &[
            "set balancer learned cluster check tcp",
            "set balancer learned cluster check port 8080",
            "set balancer learned cluster check interval 200",
            "set balancer learned cluster check timeout 200",
        ],
    )?;
    let node = cluster.nodes[1].host.clone();
    cluster.stop_server(1);
    let state = |cluster: &Cluster| cluster.states().get(&node.ipv4.to_string()).cloned();
    cluster.lab.wait_until(SOON, "it is unwell", || state(&cluster).as_deref() == Some("unwell"))?;
    cluster.lab.wait_until(SOON, "two serve", || cluster.active() == 2)?;
    let (shares, failed) = cluster.connections.burst(300)?;
    ensure!(failed == 0 && shares.len() == 2 && !shares.contains_key(&node.role), "{shares:?}, {failed} failed");
    let told = cluster.router.show(&format!("show balancer service {SHOP}"))?;
    ensure!(told.contains("unwell: Connection refused"), "{told}");
    cluster.start_server(1)?;
    cluster.lab.wait_until(SOON, "three serve again", || cluster.active() == 3)?;
    let (shares, failed) = cluster.connections.burst(300)?;
    ensure!(failed == 0 && shares.contains_key(&node.role), "{shares:?}, {failed} failed");
    Ok(())
}

#[test]
fn with_nat_nodes_need_not_know_the_service() -> Result<()> {
    let cluster = Cluster::new(
        3,
        &[
            "set balancer interface eth1",
            "set balancer service web address 203.0.113.80",
            "set balancer service web port 80",
            "set balancer service web mode nat",
            "set balancer service web backend 192.168.101.201 port 8080",
            "set balancer service web backend 192.168.101.202 port 8080",
            "set balancer service web backend 192.168.101.203 port 8080",
        ],
    )?;
    let mut connections = Connections::to(&cluster.lab, "203.0.113.80", 80, Transport::Tcp)?;
    connections.open(300)?;
    cluster.router.configure(&["set balancer node 192.168.101.202 drain"])?;
    let drained = |cluster: &Cluster| cluster.active_of("web") == 2;
    cluster.lab.wait_until(SOON, "two serve", || drained(&cluster))?;
    let (alive, lost) = connections.check()?;
    ensure!(lost.is_empty() && alive.len() == 3, "{alive:?} live, {lost:?} lost");
    let (shares, failed) = connections.burst(300)?;
    ensure!(failed == 0 && shares.len() == 2 && !shares.contains_key("node2"), "{shares:?}, {failed} failed");
    Ok(())
}
