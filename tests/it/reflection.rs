//! A router that passes routes on: what it keeps out of its kernel, and what its clients hear of each other.
//!
//! Other vendors' speakers are the clients, or the one whose client the router is.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::{SESSIONS, established, up};

const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";

#[test]
fn a_route_server_passes_routes_on_and_keeps_them_out_of_its_kernel() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 parameters no-fib-install",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
    ])?;
    let speaker = up(&lab, &router, first, Kind::Bird, Session::external(first, 64601))?;
    let listener = up(&lab, &router, second, Kind::Gobgp, Session::external(second, 64602))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "the other neighbor hears of it", || listener.knows(SHOP))?;
    assert!(router.gateways(SHOP).is_empty(), "the kernel has none");
    let table = router.show("show ip bgp")?;
    assert!(table.lines().any(|line| line.contains("*>") && line.contains(SHOP)), "it is valid and best: {table}");
    for command in [&format!("show ip bgp {SHOP} why"), "show ip route"] {
        let said = router.show(command)?;
        assert!(said.contains("no-fib-install"), "{command} says why: {said}");
    }
    let asked = router.cmd(&[&format!("show ip route {SHOP}")])?;
    assert!(asked.stderr.contains("no-fib-install"), "{asked:?}");
    let before = established(&router, first.ipv4.into())?;
    router.configure(&["delete protocols bgp 64512 parameters no-fib-install"])?;
    let gateway = [first.ipv4.to_string()];
    lab.wait_until(SOON, "the kernel has it once it may", || router.gateways(SHOP) == gateway)?;
    router.configure(&["set protocols bgp 64512 parameters no-fib-install"])?;
    lab.wait_until(SOON, "and loses it again", || router.gateways(SHOP).is_empty())?;
    assert!(listener.knows(SHOP), "the neighbor noticed nothing of it");
    assert_eq!(established(&router, first.ipv4.into())?, before, "no session was reset");
    Ok(())
}

/// What a client sees of another one's route, in its own words: who announced it first, and whose clusters it passed.
fn tells_the_way(kind: Kind, table: &str, originator: &str, cluster: &str) -> bool {
    let lines = match kind {
        Kind::Gobgp => [format!("{{Originator: {originator}}}"), format!("{{ClusterList: [{cluster}]}}")],
        Kind::Openbgpd => [format!("Originator Id: {originator}"), format!("Cluster Id List:  {cluster}")],
        Kind::Bird => [format!("BGP.originator_id: {originator}"), format!("BGP.cluster_list: {cluster}")],
        Kind::Exabgp => [format!("originator-id {originator}"), format!("cluster-list [ {cluster} ]")],
        Kind::Frr => [format!("Originator: {originator}"), format!("Cluster list: {cluster}")],
    };
    lines.iter().all(|line| table.contains(line))
}

fn reflects_to_clients(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 peer-group clients remote-as 64512",
        "set protocols bgp 64512 peer-group clients route-reflector-client",
        "set protocols bgp 64512 neighbor 192.168.101.201 peer-group clients",
        "set protocols bgp 64512 neighbor 192.168.101.202 peer-group clients",
    ])?;
    let speaker = up(&lab, &router, first, kind, Session::internal(first))?;
    let listener = up(&lab, &router, second, kind, Session::internal(second))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "the other client hears of it", || listener.knows(SHOP))?;
    let table = listener.table(SHOP);
    assert!(tells_the_way(kind, &table, "192.168.101.201", "192.168.101.1"), "{table}");
    let words: Vec<&str> = table.split_whitespace().collect();
    let next_hop = |pair: &[&str]| pair[1] == "192.168.101.201" && !pair[0].contains("riginator");
    assert!(words.windows(2).any(next_hop), "its next hop is the first client: {table}");
    assert!(router.show("show ip bgp neighbors 192.168.101.201")?.contains("Route-Reflector Client"));
    let gateway = [first.ipv4.to_string()];
    lab.wait_until(SOON, "the kernel has it, too", || router.gateways(SHOP) == gateway)?;
    speaker.withdraw(SHOP)?;
    lab.wait_until(SOON, "the other client loses it", || !listener.knows(SHOP))?;
    // Without the word nothing is reflected, and no session is lost over it.
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "it is there again", || listener.knows(SHOP))?;
    let before = established(&router, second.ipv4.into())?;
    router.configure(&["delete protocols bgp 64512 peer-group clients route-reflector-client"])?;
    lab.wait_until(SOON, "what is not reflected any more is withdrawn", || !listener.knows(SHOP))?;
    assert_eq!(established(&router, second.ipv4.into())?, before);
    Ok(())
}

#[test]
fn frr_hears_as_a_client_of_other_clients() -> Result<()> {
    reflects_to_clients(Kind::Frr)
}

#[test]
fn bird_hears_as_a_client_of_other_clients() -> Result<()> {
    reflects_to_clients(Kind::Bird)
}

#[test]
fn gobgp_hears_as_a_client_of_other_clients() -> Result<()> {
    reflects_to_clients(Kind::Gobgp)
}

#[test]
fn openbgpd_hears_as_a_client_of_other_clients() -> Result<()> {
    reflects_to_clients(Kind::Openbgpd)
}

#[test]
fn exabgp_hears_as_a_client_of_other_clients() -> Result<()> {
    reflects_to_clients(Kind::Exabgp)
}

/// The first node reflects between the second one and the router.
fn is_a_client(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let reflector = Session { clients: vec![second.ipv4.into()], ..Session::internal(first) };
    let _reflector = up(&lab, &router, first, kind, reflector)?;
    let far =
        Speaker::start(&lab, second, Kind::Gobgp, Session { remote: first.ipv4.into(), ..Session::internal(second) })?;
    lab.wait_until(SESSIONS, "the other client is established", || far.is_established())?;
    far.announce(SHOP)?;
    let gateway = [second.ipv4.to_string()];
    lab.wait_until(SOON, "the kernel leads to the other client", || router.gateways(SHOP) == gateway)?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(said.contains("Originator: 192.168.101.202, Cluster list: 192.168.101.201"), "{said}");
    lab.wait_until(SOON, "the other client hears of the router's network", || far.knows("10.9.0.0/24"))?;
    // In the reflector's own cluster its routes would go in a circle.
    router.configure(&["set protocols bgp 64512 parameters cluster-id 192.168.101.201"])?;
    lab.wait_until(SOON, "what went through our cluster is refused", || router.gateways(SHOP).is_empty())?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(said.contains("CLUSTER_LIST contains 192.168.101.201"), "{said}");
    router.configure(&["delete protocols bgp 64512 parameters cluster-id"])?;
    lab.wait_until(SOON, "and accepted again", || router.gateways(SHOP) == gateway)?;
    far.withdraw(SHOP)?;
    lab.wait_until(SOON, "the withdrawal comes through", || router.gateways(SHOP).is_empty())
}

#[test]
fn the_router_is_a_client_of_frr() -> Result<()> {
    is_a_client(Kind::Frr)
}

#[test]
fn the_router_is_a_client_of_bird() -> Result<()> {
    is_a_client(Kind::Bird)
}

#[test]
fn the_router_is_a_client_of_openbgpd() -> Result<()> {
    is_a_client(Kind::Openbgpd)
}

#[test]
fn the_router_is_a_client_of_gobgp() -> Result<()> {
    is_a_client(Kind::Gobgp)
}
