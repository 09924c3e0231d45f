//! Probes of neighbors that speak no BFD: who answers, and what the kernel does when a node does not any more.
//!
//! Never judges how fast: the benchmark measures that.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

use crate::sessions::all_serve;

const SESSIONS: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(15);
const SHOP: &str = "172.16.102.229/32";

/// What the router says of a neighbor's answers.
fn status(router: &Router, peer: IpAddr) -> String {
    let said = router.json(&format!("show ip bgp neighbors {peer}")).unwrap_or_default();
    said["neighbors"][0]["liveness"]["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_kind_of_probe_is_answered_in_either_family_and_not_by_who_is_gone() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let mut lines = Vec::new();
    let mut hosts = Vec::<IpAddr>::new();
    // Nobody listens on port 1: a refusal is an answer.
    for (node, probe) in lab.nodes.iter().zip(["arp", "icmp", "tcp 1"]) {
        for host in [IpAddr::from(node.ipv4), node.ipv6.into()] {
            lines.push(format!("set protocols bgp 64512 neighbor {host} remote-as 64512"));
            lines.push(format!("set protocols bgp 64512 neighbor {host} liveness {probe}"));
            lines.push(format!("set protocols bgp 64512 neighbor {host} liveness interval 200"));
            hosts.push(host);
        }
    }
    let nobody: IpAddr = "192.168.101.77".parse()?;
    lines.push(format!("set protocols bgp 64512 neighbor {nobody} remote-as 64512"));
    lines.push(format!("set protocols bgp 64512 neighbor {nobody} liveness arp"));
    router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    let all = |wanted: &str| {
        let statuses: Vec<String> = hosts.iter().map(|host| format!("{host} {}", status(&router, *host))).collect();
        statuses.iter().all(|status| status.ends_with(wanted))
    };
    lab.wait_until(SOON, "all answer", || all("alive"))?;
    for node in &lab.nodes {
        node.ip(&["addr", "flush", "dev", "eth0"])?;
    }
    lab.wait_until(SOON, "nobody answers", || all("dead"))?;
    for node in &lab.nodes {
        node.ip(&["addr", "add", &format!("{}/24", node.ipv4), "dev", "eth0"])?;
        node.ip(&["addr", "add", &format!("{}/64", node.ipv6), "dev", "eth0", "nodad"])?;
    }
    lab.wait_until(SOON, "all answer again", || all("alive"))?;
    assert_eq!(status(&router, nobody), "unknown", "who never answered is not dead");
    let said = router.show(&format!("show ip bgp neighbors {}", hosts[4]))?;
    assert!(said.contains("Liveness: tcp port 1 every 200ms, 3 may be lost, alive for"), "{said}");
    Ok(())
}

/// Three nodes with the same service and graceful restart, found by a listen range, one of which dies and comes back.
fn a_node_dies(probe: &str) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 peer-group nodes remote-as 64512",
        "set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes",
    ])?;
    let _speakers = all_serve(&lab, &router, SHOP)?;
    let first: IpAddr = lab.nodes[0].ipv4.into();
    for word in ["icmp", "interval 100", "interval 300", "multiplier 4"] {
        router.configure(&[&format!("set protocols bgp 64512 peer-group nodes liveness {word}")])?;
    }
    router.configure(&[
        "delete protocols bgp 64512 peer-group nodes liveness icmp",
        &format!("set protocols bgp 64512 peer-group nodes liveness {probe}"),
    ])?;
    lab.wait_until(SOON, "the node answers", || status(&router, first) == "alive")?;
    let said = router.show(&format!("show ip bgp neighbors {first}"))?;
    assert!(said.contains("Connections established 1; dropped 0"), "no edit costs a session: {said}");
    lab.nodes[0].ip(&["link", "set", "eth0", "down"])?;
    lab.wait_until(SOON, "the dead node is no leg any more", || router.gateways(SHOP).len() == 2)?;
    assert!(!router.gateways(SHOP).contains(&first.to_string()));
    lab.wait_until(SOON, "nothing of it is kept", || router.neighbor(first).is_none())?;
    let log = router.log();
    assert!(log.contains("does not answer") && log.contains("4 lost in a row, 300 ms each"), "{log}");
    lab.nodes[0].ip(&["link", "set", "eth0", "up"])?;
    lab.wait_until(SESSIONS, "it comes back", || router.gateways(SHOP).len() == 3)
}

#[test]
fn a_node_that_answers_no_echo_leaves_the_kernel_although_its_session_would_go_on() -> Result<()> {
    a_node_dies("icmp")
}

#[test]
fn a_node_whose_hardware_is_gone_leaves_the_kernel_although_its_session_would_go_on() -> Result<()> {
    a_node_dies("arp")
}

#[test]
fn a_node_that_neither_opens_nor_refuses_leaves_the_kernel_although_its_session_would_go_on() -> Result<()> {
    a_node_dies("tcp 10250")
}
