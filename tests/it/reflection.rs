//! A router that passes routes on: what it keeps out of its kernel, and what its clients hear of each other.
//!
//! Other vendors' speakers are the clients, or the one whose client the router is.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";

/// A speaker whose session is up.
fn up(lab: &Lab, router: &Router, node: &Host, kind: Kind, session: Session) -> Result<Speaker> {
    let address = session.local;
    let speaker = Speaker::start(lab, node, kind, session)?;
    lab.wait_until(SESSIONS, &format!("{kind:?} is established"), || router.is_established(address))?;
    Ok(speaker)
}

/// How often the session with a neighbor was established.
fn established(router: &Router, address: IpAddr) -> Result<String> {
    let said = router.show(&format!("show ip bgp neighbors {address}"))?;
    Ok(said.lines().find(|line| line.contains("Connections established")).unwrap_or_default().trim().to_owned())
}

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
