//! Clients of QUIC, live: connections stay with their servers while nodes join, drain, leave and die, while clients change their
//! ports and addresses, and while the daemon is killed.
//!
//! What they speak is what of QUIC a balancer sees: long headers first, then short ones with the ID that the server chose.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Connections, QUIC_PORT, SESSIONS, SOON, Transport, total};
use scenarios::lab::SHOP;

const OPEN: u64 = 150;
/// Another address of the client.
const ELSEWHERE: &str = "10.9.0.77";

/// Clients of QUIC in front of three nodes.
fn clients(lines: &[&str]) -> Result<(Cluster, Connections)> {
    let base = ["set balancer learned cluster quic", "set protocols bgp 64512 peer-group nodes liveness arp"];
    let cluster = Cluster::new(3, &[&base, lines].concat())?;
    cluster.lab.client.ip(&["addr", "add", &format!("{ELSEWHERE}/24"), "dev", "eth0"])?;
    let mut connections = Connections::to(&cluster.lab, &SHOP.to_string(), QUIC_PORT, Transport::Quic)?;
    connections.open(OPEN)?;
    Ok((cluster, connections))
}

fn whole(connections: &mut Connections, when: &str) -> Result<()> {
    let (alive, lost) = connections.check()?;
    ensure!(lost.is_empty() && total(&alive) == OPEN, "{when}: {lost:?} lost, {alive:?} live");
    Ok(())
}

/// All that may happen; in between clients move where their connections have names.
fn a_life(lines: &[&str], clients_move: bool) -> Result<()> {
    let (mut cluster, mut connections) = clients(lines)?;
    let mut begun = Connections::to(&cluster.lab, &SHOP.to_string(), QUIC_PORT, Transport::Quic)?;
    let mut step = |when: &str| -> Result<()> {
        whole(&mut connections, when)?;
        if clients_move {
            connections.move_all("")?;
            whole(&mut connections, &format!("{when}, and clients have other ports"))?;
            connections.move_all(ELSEWHERE)?;
            whole(&mut connections, &format!("{when}, and clients have another address"))?;
        }
        Ok(())
    };
    step("nothing has happened")?;
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "a node joins", || cluster.active() == 4)?;
    step("a node has joined")?;
    if !clients_move {
        let (shares, failed) = begun.burst(400)?;
        let new = shares.get("node4").copied().unwrap_or_default();
        ensure!(failed == 0 && (50..150).contains(&new), "of 400 the new node has {new}: {shares:?}, {failed} failed");
    }
    let [drained, dying] = [0, 2].map(|node| cluster.nodes[node].host.clone());
    cluster.router.configure(&[&format!("set balancer node {} drain", drained.ipv4)])?;
    cluster.lab.wait_until(SOON, "a node drains", || cluster.active() == 3)?;
    step("a node drains")?;
    cluster.nodes[1].speaker.withdraw(&cluster.prefix())?;
    cluster.lab.wait_until(SOON, "a node leaves", || cluster.active() == 2)?;
    step("a node has left")?;
    cluster.router.kill9();
    step("the daemon is gone")?;
    cluster.router.boot(&cluster.farm.lab)?;
    cluster.lab.wait_until(SESSIONS, "the others serve again", || cluster.active() == 2)?;
    // The node that left is nobody for the new daemon, which has not heard of it: its connections may end now.
    let gone = cluster.nodes[1].host.role.clone();
    let (alive, lost) = connections.check()?;
    ensure!(lost.keys().all(|node| *node == gone), "the daemon is back: {lost:?} lost, {alive:?} live");
    let before = total(&alive);
    if clients_move {
        connections.move_all("")?;
        let (alive, lost) = connections.check()?;
        ensure!(lost.is_empty() && total(&alive) == before, "clients have other ports: {lost:?} lost, {alive:?} live");
    }
    dying.ip(&["link", "set", "eth0", "down"])?;
    cluster.lab.wait_until(SOON, "a node dies", || !cluster.states().contains_key(&dying.ipv4.to_string()))?;
    let (alive, lost) = connections.check()?;
    ensure!(lost.keys().all(|node| *node == dying.role), "a node has died: {lost:?} lost, {alive:?} live");
    ensure!(total(&alive) + total(&lost) == before, "a node has died: {lost:?} lost, {alive:?} live");
    let (shares, failed) = connections.burst(100)?;
    ensure!(failed == 0 && !shares.contains_key(&dying.role), "{shares:?}, {failed} failed");
    Ok(())
}

#[test]
fn connections_that_servers_name_live_through_changes_of_nodes_and_of_clients() -> Result<()> {
    a_life(&["set balancer learned cluster quic-server-id 4"], true)
}

#[test]
fn connections_that_nobody_names_live_through_changes_of_nodes_and_others_begin_at_a_new_one() -> Result<()> {
    a_life(&[], false)
}
