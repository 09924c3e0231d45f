//! BFD: other vendors' sessions with the router, and what the kernel does when one of them dies.
//!
//! Never judges how fast: the benchmark measures that.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Lab, ROUTER, ROUTER6};
use scenarios::peers::Speaker;
use scenarios::peers::bfd::{BfdPeer, BfdSession, Watcher};
use scenarios::router::Router;

use crate::sessions::{all_serve, established};

const SOON: Duration = Duration::from_secs(15);
const SHOP: &str = "172.16.102.229/32";

/// What the router says of a session.
fn status(router: &Router, peer: IpAddr) -> String {
    let said = router.json(&format!("show bfd peers {peer}")).unwrap_or_default();
    said["peers"][0]["session"]["status"].as_str().unwrap_or_default().to_owned()
}

fn comes_up_and_goes(kind: Watcher, ipv6: bool, interval: u32) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    let (local, remote): (IpAddr, IpAddr) =
        if ipv6 { (node.ipv6.into(), ROUTER6.into()) } else { (node.ipv4.into(), ROUTER.into()) };
    router.configure(&[
        &format!("set protocols bfd profile fast interval transmit {interval}"),
        &format!("set protocols bfd profile fast interval receive {interval}"),
        &format!("set protocols bfd peer {local} profile fast"),
    ])?;
    let peer = BfdPeer::start(&lab, node, kind, BfdSession { interval, ..BfdSession::between(local, remote) })?;
    lab.wait_until(SOON, "both sides are up", || peer.is_up() && status(&router, local) == "up")?;
    let detection = u64::from(interval) * 3;
    lab.wait_until(SOON, "the intervals are agreed on", || {
        let said = router.json(&format!("show bfd peers {local}")).unwrap_or_default();
        let session = &said["peers"][0]["session"];
        session["detectionTime"] == detection && session["transmitInterval"] == u64::from(interval)
    })?;
    // Slower, then as before: neither side goes down.
    let ups = |router: &Router| {
        let said = router.json(&format!("show bfd peers {local}")).unwrap_or_default();
        said["peers"][0]["session"]["ups"].clone()
    };
    router.configure(&["set protocols bfd profile fast interval transmit 1000"])?;
    lab.wait_until(SOON, "the slower interval is agreed on", || {
        let said = router.json(&format!("show bfd peers {local}")).unwrap_or_default();
        said["peers"][0]["session"]["transmitInterval"] == 1000
    })?;
    router.configure(&[&format!("set protocols bfd profile fast interval transmit {interval}")])?;
    assert_eq!(ups(&router), 1, "{}", router.show("show bfd peers")?);
    peer.freeze()?;
    lab.wait_until(SOON, "silence is noticed", || status(&router, local) == "down")?;
    let said = router.show(&format!("show bfd peers {local}"))?;
    assert!(said.contains("control detection time expired"), "{said}");
    peer.thaw()?;
    lab.wait_until(SOON, "it comes back", || peer.is_up() && status(&router, local) == "up")?;
    router.configure(&["set protocols bfd profile fast shutdown"])?;
    lab.wait_until(SOON, "the other side hears of a shutdown", || !peer.is_up())?;
    assert_eq!(status(&router, local), "admin-down");
    Ok(())
}

#[test]
fn a_session_with_frr_comes_up_changes_its_intervals_and_goes() -> Result<()> {
    comes_up_and_goes(Watcher::Frr, false, 300)
}

#[test]
fn a_session_with_frr_over_ipv6_comes_up_changes_its_intervals_and_goes() -> Result<()> {
    comes_up_and_goes(Watcher::Frr, true, 50)
}

#[test]
fn a_session_with_bird_comes_up_changes_its_intervals_and_goes() -> Result<()> {
    comes_up_and_goes(Watcher::Bird, false, 50)
}

#[test]
fn a_session_with_bird_over_ipv6_comes_up_changes_its_intervals_and_goes() -> Result<()> {
    comes_up_and_goes(Watcher::Bird, true, 300)
}

#[test]
fn a_session_over_several_hops_minds_the_least_ttl() -> Result<()> {
    for kind in [Watcher::Frr, Watcher::Bird] {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        let far = lab.far()?;
        let address: IpAddr = far.ipv4.into();
        router.host().ip(&["route", "add", "10.77.0.0/24", "via", "192.168.101.203"])?;
        router.configure(&[
            &format!("set protocols bfd peer {address} multihop"),
            &format!("set protocols bfd peer {address} source address {ROUTER}"),
        ])?;
        if kind == Watcher::Bird {
            // It leaves the TTL to the system, and begins with 64.
            router.configure(&[&format!("set protocols bfd peer {address} minimum-ttl 63")])?;
        }
        let wish = BfdSession { multihop: true, ..BfdSession::between(address, ROUTER.into()) };
        let peer = BfdPeer::start(&lab, &far, kind, wish)?;
        lab.wait_until(SOON, "what one router in between leaves is enough", || {
            peer.is_up() && status(&router, address) == "up"
        })?;
        router.configure(&[&format!("set protocols bfd peer {address} minimum-ttl 64")])?;
        if kind == Watcher::Bird {
            lab.wait_until(SOON, "and no packet from farther away counts", || status(&router, address) == "down")?;
        }
    }
    Ok(())
}

/// With each method: BIRD's name and ours.
#[test]
fn a_session_with_a_secret_comes_up_with_the_right_one_alone() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    let local: IpAddr = node.ipv4.into();
    for (theirs, ours) in [
        ("simple", "simple-password"),
        ("keyed md5", "keyed-md5"),
        ("meticulous keyed md5", "meticulous-keyed-md5"),
        ("keyed sha1", "keyed-sha1"),
        ("meticulous keyed sha1", "meticulous-keyed-sha1"),
    ] {
        let word = |secret: &str| format!("set protocols bfd peer {local} authentication {ours} {secret}");
        router.configure(&[&word("wrong")])?;
        let wish =
            BfdSession { secret: Some((theirs, "right".to_owned())), ..BfdSession::between(local, ROUTER.into()) };
        let peer = BfdPeer::start(&lab, node, Watcher::Bird, wish)?;
        lab.wait_until(SOON, &format!("{ours}: packets come and prove nothing"), || {
            let said = router.json("show bfd peers").unwrap_or_default();
            said["peers"][0]["session"]["unproven"].as_u64().is_some_and(|unproven| unproven > 1)
        })?;
        assert_eq!(status(&router, local), "down");
        router.configure(&[&word("right")])?;
        let why = format!("{ours}: both sides are up");
        lab.wait_until(SOON, &why, || peer.is_up() && status(&router, local) == "up")?;
        router.configure(&["delete protocols bfd"])?;
    }
    Ok(())
}

/// Three nodes with the same service and graceful restart; one of them dies. Which one has BFD, and the rest of what the
/// router is told of neighbors.
fn a_node_dies(words: &[&str]) -> Result<(Lab, Router, Vec<Speaker>, BfdPeer)> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let mut lines = vec![
        "set protocols bgp 64512 parameters router-id 192.168.101.1".to_owned(),
        "set protocols bgp 64512 peer-group nodes remote-as 64512".to_owned(),
        "set protocols bgp 64512 listen range 192.168.101.0/24 peer-group nodes".to_owned(),
    ];
    lines.extend(words.iter().map(|word| format!("set protocols bgp 64512 peer-group nodes {word}")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    router.configure(&lines)?;
    let speakers = all_serve(&lab, &router, SHOP)?;
    let first = &lab.nodes[0];
    let peer = BfdPeer::start(&lab, first, Watcher::Bird, BfdSession::between(first.ipv4.into(), ROUTER.into()))?;
    lab.wait_until(SOON, "BFD is up", || peer.is_up() && status(&router, first.ipv4.into()) == "up")?;
    Ok((lab, router, speakers, peer))
}

#[test]
fn a_dead_node_leaves_the_kernel_although_graceful_restart_was_agreed_on() -> Result<()> {
    let (lab, router, _speakers, peer) = a_node_dies(&["bfd"])?;
    let first: IpAddr = lab.nodes[0].ipv4.into();
    let without = router.show(&format!("show ip bgp neighbors {}", lab.nodes[1].ipv4))?;
    assert!(without.contains("BGP state = Established") && without.contains("BFD: single hop, down"), "{without}");
    lab.nodes[0].ip(&["link", "set", "eth0", "down"])?;
    lab.wait_until(SOON, "the dead node is no leg any more", || router.gateways(SHOP).len() == 2)?;
    assert!(!router.gateways(SHOP).contains(&first.to_string()));
    let log = router.log();
    assert!(log.contains("BFD down (control detection time expired)"), "{log}");
    assert_eq!(router.neighbor(first), None, "nothing of it is kept");
    drop(peer);
    Ok(())
}

#[test]
fn bfd_that_may_share_the_fate_of_the_control_plane_leaves_graceful_restart_alone_where_asked_to() -> Result<()> {
    let (lab, router, _speakers, peer) = a_node_dies(&["bfd check-control-plane-failure"])?;
    let first: IpAddr = lab.nodes[0].ipv4.into();
    peer.freeze()?;
    lab.wait_until(SOON, "BFD is down", || status(&router, first) == "down")?;
    lab.wait_until(SOON, "the router says why it goes on", || router.log().contains("graceful restart goes on"))?;
    assert!(router.is_established(first), "BIRD says that its BFD shares the fate of its control plane");
    assert_eq!(router.gateways(SHOP).len(), 3);
    Ok(())
}

#[test]
fn a_session_that_is_held_down_on_purpose_is_no_failure() -> Result<()> {
    let (lab, router, _speakers, peer) = a_node_dies(&["bfd"])?;
    let first: IpAddr = lab.nodes[0].ipv4.into();
    // No edit of BFD resets a session of BGP, neither side's.
    for word in ["interval transmit 500", "interval multiplier 5", "shutdown"] {
        router.configure(&[&format!("set protocols bfd profile slow {word}")])?;
        router.configure(&["set protocols bgp 64512 peer-group nodes bfd profile slow"])?;
    }
    lab.wait_until(SOON, "BFD is held down", || status(&router, first) == "admin-down" && !peer.is_up())?;
    router.configure(&["delete protocols bfd profile slow shutdown"])?;
    lab.wait_until(SOON, "BFD is up again", || peer.is_up() && status(&router, first) == "up")?;
    peer.shutdown(true)?;
    lab.wait_until(SOON, "the other side holds it down", || status(&router, first) == "down")?;
    router.configure(&["delete protocols bgp 64512 peer-group nodes bfd"])?;
    assert!(established(&router, first)?.contains("established 1; dropped 0"), "BGP went on all the time");
    assert_eq!(router.gateways(SHOP).len(), 3);
    Ok(())
}
