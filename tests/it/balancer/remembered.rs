//! What a person sees of connections whose slots have changed hands: which node each has, and why it is remembered.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use scenarios::cluster::{Cluster, SESSIONS, SOON, total};
use serde_json::Value;

const OPEN: u64 = 200;

/// How many flows are listed of each node and reason.
fn listed(told: &Value) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for flow in told["flows"]["listed"].as_array().into_iter().flatten() {
        let word = |name: &str| flow[name].as_str().unwrap_or_default().to_owned();
        *counts.entry((word("node"), word("why"))).or_default() += 1;
    }
    counts
}

#[test]
fn remembered_connections_are_listed_with_their_node_and_why() -> Result<()> {
    // Slots that go back to whom they were taken from remember nothing new: the node that drains has to be the first of both.
    let mut cluster = Cluster::new(1, &[])?;
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "both serve", || cluster.active() == 2)?;
    let shares = cluster.connections.open(OPEN)?;
    let page = cluster.router.show("show balancer")?;
    ensure!(!page.contains("Warning"), "there is nothing to warn of, and pins outlive the daemon: {page}");
    let quiet = cluster.router.json("show balancer connections")?;
    let service = cluster.service.to_string();
    let [first, second] = [0, 1].map(|node| cluster.nodes[node].host.clone());
    cluster.router.configure(&[&format!("set balancer node {} drain", first.ipv4)])?;
    cluster.lab.wait_until(SOON, "it drains", || cluster.active() == 1)?;
    let (alive, lost) = cluster.connections.check()?;
    ensure!(lost.is_empty() && alive == shares, "{alive:?} live, {lost:?} lost");

    let told = cluster.router.json("show balancer connections")?;
    let its = *shares.get(&first.role).context("the first node has connections")?;
    let drains = (first.ipv4.to_string(), "drains".to_owned());
    ensure!(listed(&told).get(&drains) == Some(&its), "{its} of {} drain: {told}", first.ipv4);
    let of = |words: &str| -> Result<u64> {
        let told = cluster.router.json(&format!("show balancer connections {words}"))?;
        told["flows"]["matching"].as_u64().with_context(|| format!("{words}: {told}"))
    };
    ensure!(of(&format!("backend {}", first.ipv4))? == its, "{told}");
    ensure!(of(&format!("service {service} backend {}", first.ipv4))? == its, "{told}");
    ensure!(of("client 10.9.0.2")? >= its && of("client 10.9.0.99")? == 0, "{told}");
    ensure!(of("backend 192.0.2.99")? == 0, "{told}");
    ensure!(quiet["services"][0]["table"].is_object() && told["services"][0]["table"].is_object(), "counts stay");
    let text = cluster.router.show(&format!("show balancer connections backend {}", first.ipv4))?;
    ensure!(text.contains("Learning") && text.contains("its node drains or leaves"), "{text}");
    let refused = cluster.router.cmd(&["show balancer connections service nowhere"])?;
    ensure!(refused.status != 0 && refused.text().contains("there is no service nowhere"), "{}", refused.text());

    // Connections that begin now are the other node's, and remembered there.
    let (burst, failed) = cluster.connections.burst(20)?;
    ensure!(failed == 0 && burst.len() == 1, "{burst:?}, {failed} failed");
    let told = cluster.router.json(&format!("show balancer connections backend {}", second.ipv4))?;
    let began = listed(&told).get(&(second.ipv4.to_string(), "began".to_owned())).copied().unwrap_or_default();
    ensure!(began > 0 && total(&burst) == 20, "{began} began at {}: {told}", second.ipv4);
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "one more serves", || cluster.active() == 2)?;
    Ok(())
}
