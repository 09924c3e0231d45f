//! Nodes join, drain, leave and die while 2,000 connections are open.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Farm, OPEN, SESSIONS, SOON, total};
use scenarios::lab::SHOP;
use scenarios::router::Router;

/// New connections that shares are judged by.
const NEW: u64 = 2000;

/// Nothing of what is open is lost.
fn whole(cluster: &mut Cluster, when: &str) -> Result<()> {
    let (alive, lost) = cluster.connections.check()?;
    ensure!(lost.is_empty() && total(&alive) == OPEN, "{when}: {lost:?} lost, {alive:?} live");
    Ok(())
}

/// Each of these nodes has its share of new connections, within five deviations of chance.
fn fair(cluster: &mut Cluster, nodes: usize, when: &str) -> Result<()> {
    let (shares, failed) = cluster.connections.burst(NEW)?;
    ensure!(failed == 0, "{when}: {failed} failed");
    ensure!(shares.len() == nodes, "{when}: {shares:?}");
    let part = 1.0 / nodes as f64;
    let deviation = (NEW as f64 * part * (1.0 - part)).sqrt();
    for (node, count) in &shares {
        let off = (*count as f64 - NEW as f64 * part).abs();
        ensure!(off <= 5.0 * deviation, "{when}: {node} has {count} of {NEW}: {shares:?}");
    }
    Ok(())
}

/// All that may happen to `count` nodes.
fn a_life_of(count: u8) -> Result<()> {
    let mut cluster = Cluster::new(count - 1, &["set protocols bgp 64512 peer-group nodes liveness arp"])?;
    let nodes = usize::from(count);
    cluster.connections.open(OPEN)?;
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "the new node serves", || cluster.active() == nodes)?;
    fair(&mut cluster, nodes, "a node has joined")?;
    whole(&mut cluster, "a node has joined")?;

    let drained = cluster.nodes[0].host.ipv4;
    cluster.router.configure(&[&format!("set balancer node {drained} drain")])?;
    cluster.lab.wait_until(SOON, "it drains", || cluster.active() == nodes - 1)?;
    fair(&mut cluster, nodes - 1, "a node drains")?;
    whole(&mut cluster, "a node drains")?;
    cluster.router.configure(&[&format!("delete balancer node {drained}")])?;
    cluster.lab.wait_until(SOON, "it serves again", || cluster.active() == nodes)?;
    whole(&mut cluster, "a node serves again")?;

    cluster.nodes[1].speaker.withdraw(&format!("{SHOP}/32"))?;
    cluster.lab.wait_until(SOON, "it leaves", || cluster.active() == nodes - 1)?;
    fair(&mut cluster, nodes - 1, "a node has left")?;
    whole(&mut cluster, "a node has left")?;

    let dies = cluster.nodes[nodes - 1].host.clone();
    dies.ip(&["link", "set", "eth0", "down"])?;
    cluster.lab.wait_until(SOON, "it is dead", || !cluster.states().contains_key(&dies.ipv4.to_string()))?;
    fair(&mut cluster, nodes - 2, "a node has died")?;
    let (alive, lost) = cluster.connections.check()?;
    ensure!(lost.keys().all(|node| *node == dies.role), "a node has died: {lost:?} lost");
    ensure!(total(&alive) + total(&lost) == OPEN, "a node has died: {alive:?} live, {lost:?} lost");
    Ok(())
}

#[test]
fn of_three_nodes_none_costs_the_others_a_connection() -> Result<()> {
    a_life_of(3)
}

#[test]
fn of_four_nodes_none_costs_the_others_a_connection() -> Result<()> {
    a_life_of(4)
}

#[test]
fn of_eight_nodes_none_costs_the_others_a_connection() -> Result<()> {
    a_life_of(8)
}

#[test]
fn of_sixteen_nodes_none_costs_the_others_a_connection() -> Result<()> {
    a_life_of(16)
}

#[test]
fn a_daemon_that_is_killed_and_comes_back_costs_no_connection() -> Result<()> {
    killed(Cluster::new(3, &[])?)
}

#[test]
fn nor_does_one_that_is_not_root_and_it_knows_afterwards_who_was_where() -> Result<()> {
    let farm = Farm::new()?;
    let router = Router::prepare(&farm.lab)?.with_user(64_123);
    killed(Cluster::behind(router, farm, &[])?.filled(3)?)
}

fn killed(cluster: Cluster) -> Result<()> {
    let mut cluster = cluster;
    cluster.connections.open(OPEN)?;
    cluster.router.kill9();
    whole(&mut cluster, "the daemon is gone")?;
    fair(&mut cluster, 3, "the daemon is gone")?;
    cluster.router.boot(&cluster.farm.lab)?;
    cluster.lab.wait_until(SESSIONS, "all nodes serve again", || cluster.active() == 3)?;
    whole(&mut cluster, "the daemon is back")?;
    fair(&mut cluster, 3, "the daemon is back")?;
    // Whoever had forgotten which slot was whose would move some of them now.
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "one more serves", || cluster.active() == 4)?;
    whole(&mut cluster, "one more has joined")
}
