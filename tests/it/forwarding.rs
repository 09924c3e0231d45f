//! The kernel's forwarding table against the wish: static routes, what others do to our routes, links that flap,
//! commits that fail half-way.
//!
//! Everything is asked of the kernel itself, with `ip`.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);

const SHOP: &str = "172.16.102.229/32";

/// A router with one node, FRR or BIRD, that announces the shop.
fn with_one_node(lab: &Lab) -> Result<(Router, Speaker)> {
    let router = Router::start(lab)?;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let node = &lab.nodes[0];
    let speaker = Speaker::start(lab, node, Kind::Bird, Session::internal(node))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SESSIONS, "the shop is in the kernel", || router.gateways(SHOP) == ["192.168.101.201"])?;
    Ok((router, speaker))
}

#[test]
fn static_routes_of_both_families_are_installed_and_taken_away() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols static route 10.50.0.0/16 next-hop 192.168.101.201",
        "set protocols static route 10.50.0.0/16 next-hop 192.168.101.202",
        "set protocols static route 10.51.0.0/16 next-hop 192.168.101.9 distance 5",
        "set protocols static route 10.51.0.0/16 next-hop 203.0.113.1 distance 2",
        "set protocols static route 10.66.0.0/16 blackhole",
        "set protocols static route6 fd00:50::/32 next-hop fd00:101::201",
    ])?;
    lab.wait_until(SOON, "two legs", || router.gateways("10.50.0.0/16") == ["192.168.101.201", "192.168.101.202"])?;
    lab.wait_until(SOON, "the better distance does not resolve, the worse one does", || {
        router.gateways("10.51.0.0/16") == ["192.168.101.9"]
    })?;
    lab.wait_until(SOON, "IPv6", || router.gateways("fd00:50::/32") == ["fd00:101::201"])?;
    assert!(router.kernel_state()?.contains("blackhole 10.66.0.0/16"), "{}", router.kernel_state()?);
    let shown = router.show("show ip route static")?;
    assert!(shown.contains("10.66.0.0/16") && shown.contains("203.0.113.1"), "{shown}");
    router.configure(&["delete protocols static"])?;
    lab.wait_until(SOON, "all are gone", || router.kernel_state().is_ok_and(|state| !state.contains("proto 200")))
}

#[test]
fn a_route_that_somebody_deletes_is_put_back_and_nobody_elses_is_touched() -> Result<()> {
    let lab = Lab::new()?;
    let (router, _speaker) = with_one_node(&lab)?;
    router.host().ip(&["route", "add", "10.99.0.0/16", "via", "192.168.101.203"])?;
    lab.wait_until(SOON, "the foreign route is seen", || {
        router.show("show ip route kernel").is_ok_and(|shown| shown.contains("10.99.0.0/16"))
    })?;
    router.host().ip(&["route", "del", SHOP, "proto", "200"])?;
    lab.wait_until(SOON, "the shop is back", || router.gateways(SHOP) == ["192.168.101.201"])?;
    router.host().ip(&["nexthop", "flush", "proto", "200"])?;
    lab.wait_until(SOON, "the shop is back once more", || router.gateways(SHOP) == ["192.168.101.201"])?;
    assert_eq!(router.gateways("10.99.0.0/16"), ["192.168.101.203"], "somebody else's route is not ours to touch");
    let told = router.show("show log")?;
    assert!(told.contains(SHOP), "the repair is told: {told}");
    Ok(())
}

#[test]
fn routes_come_back_with_the_link_that_they_need() -> Result<()> {
    let lab = Lab::new()?;
    let (router, _speaker) = with_one_node(&lab)?;
    for _ in 0..3 {
        router.host().ip(&["link", "set", "eth1", "down"])?;
        router.host().ip(&["link", "set", "eth1", "up"])?;
    }
    lab.wait_until(SESSIONS, "the shop is back", || router.gateways(SHOP) == ["192.168.101.201"])?;
    let fib = router.json("show ip fib")?;
    assert_eq!((fib["wanted"].as_u64(), fib["installed"].as_u64()), (Some(1), Some(1)), "{fib}");
    Ok(())
}

#[test]
fn the_addresses_of_an_interface_follow_the_configuration() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set interfaces ethernet eth0 address 10.9.7.1/24",
        "set interfaces ethernet eth0 description clients",
        "set interfaces ethernet eth0 mtu 1400",
        "set interfaces loopback lo address 10.255.0.1/32",
    ])?;
    let links = router.host().ip(&["addr"])? + &router.host().ip(&["link"])?;
    for word in ["10.9.7.1/24", "mtu 1400", "10.255.0.1/32", "alias clients"] {
        assert!(links.contains(word), "{word} is there: {links}");
    }
    assert!(links.contains("10.9.0.1/24"), "an address that nobody configured stays: {links}");
    router.configure(&["delete interfaces"])?;
    let links = router.host().ip(&["addr"])?;
    assert!(!links.contains("10.9.7.1/24") && links.contains("10.9.0.1/24"), "{links}");
    assert!(links.contains("mtu 1500"), "{links}");
    Ok(())
}

/// Somebody else has port 179: the commit gets as far as the listener, after addresses and links were changed.
#[test]
fn a_commit_that_fails_half_way_leaves_kernel_and_configuration_as_they_were() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&["set protocols static route 10.50.0.0/16 next-hop 192.168.101.201"])?;
    lab.wait_until(SOON, "a route of before", || router.gateways("10.50.0.0/16").len() == 1)?;
    let program = "import socket, time\ns = socket.socket()\ns.bind(('0.0.0.0', 179))\ns.listen()\nprint('held', flush=True)\ntime.sleep(60)";
    let holder = router.host().start("holder", "python3", &["-c", program])?;
    lab.wait_until(SOON, "the port is held", || holder.output().contains("held"))?;
    let state = || -> Result<(String, String, String)> {
        Ok((router.kernel_state()?, router.host().ip(&["addr"])?, router.show("show configuration commands")?))
    };
    let before = state()?;
    let said = router.cmd(&[
        "configure",
        "set system host-name elsewhere",
        "set interfaces ethernet eth0 address 10.9.8.1/24",
        "set interfaces ethernet eth0 mtu 1300",
        "set protocols static route 10.51.0.0/16 next-hop 192.168.101.201",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "commit",
    ])?;
    assert_eq!(said.status, 1, "{said:?}");
    for word in ["179", "in use", "Commit failed"] {
        assert!(said.text().contains(word), "the reason is told ({word}): {said:?}");
    }
    assert_eq!(state()?, before, "nothing is half applied");
    drop(holder);
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512"])?;
    Ok(())
}

#[test]
fn a_node_that_nobody_typed_comes_in_through_its_range() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 peer-group nodes remote-as internal",
        "set protocols bgp 64512 peer-group nodes password shared",
        "set protocols bgp 64512 listen range 192.168.101.200/29 peer-group nodes",
    ])?;
    let node = &lab.nodes[1];
    let session = Session { password: Some("shared".to_owned()), ..Session::internal(node) };
    let mut speaker = Speaker::start(&lab, node, Kind::Bird, session)?;
    speaker.announce(SHOP)?;
    lab.wait_until(SESSIONS, "its route is there", || router.gateways(SHOP) == ["192.168.101.202"])?;
    let summary = router.show("show ip bgp summary")?;
    assert!(summary.contains("*192.168.101.202"), "it is marked as dynamic: {summary}");
    speaker.stop()?;
    lab.wait_until(SOON, "it is forgotten with its routes", || {
        router.gateways(SHOP).is_empty()
            && router.show("show ip bgp summary").is_ok_and(|shown| !shown.contains(".202"))
    })
}
