//! Restarts with other vendors' speakers: the router restarts and they keep its routes, or the other way round.
//!
//! RFC 4724 and RFC 8538, with FRR, BIRD, GoBGP and OpenBGPD as helpers.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::{SESSIONS, up};

const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";
const OWN: &str = "10.9.0.0/24";

fn graceful(session: Session) -> Session {
    Session { graceful_restart: true, ..session }
}

/// What `show ip bgp neighbors` says of both End-of-RIB markers of IPv4.
fn marks(router: &Router, address: IpAddr) -> String {
    let said = router.show(&format!("show ip bgp neighbors {address}")).unwrap_or_default();
    said.lines().find(|line| line.contains("End-of-RIB")).unwrap_or_default().trim().to_owned()
}

/// A node announces a service, and another vendor's speaker in another AS hears of it.
fn scene(kind: Kind) -> Result<(Lab, Router, Speaker, Speaker)> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, helper, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        &format!("set protocols bgp 64512 network {OWN}"),
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
    ])?;
    router.script("configure\nsave\nexit\n")?.success()?;
    let speaker = up(&lab, &router, node, Kind::Gobgp, graceful(Session::internal(node)))?;
    speaker.announce(SHOP)?;
    let listener = up(&lab, &router, helper, kind, graceful(Session::external(helper, 64602)))?;
    lab.wait_until(SOON, "the helper hears of the service", || listener.knows(SHOP) && listener.knows(OWN))?;
    Ok((lab, router, speaker, listener))
}

/// The daemon ends and comes back; the helper has our routes at every look, and in the end only those that still are.
fn keeps_our_routes(kind: Kind, orderly: bool) -> Result<()> {
    let (lab, mut router, speaker, listener) = scene(kind)?;
    let [node, helper, _] = &lab.nodes;
    if orderly {
        router.stop()?;
    } else {
        router.kill9();
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(listener.knows(SHOP) && listener.knows(OWN), "{kind:?} keeps them: {}", listener.table(SHOP));
    router.boot(&lab)?;
    let both = || router.is_established(node.ipv4.into()) && router.is_established(helper.ipv4.into());
    lab.wait_until(SESSIONS, "both sessions are back", || {
        assert!(listener.knows(SHOP) && listener.knows(OWN), "{kind:?} lost one: {}", listener.table(SHOP));
        both()
    })?;
    lab.wait_until(SOON, "everything is told", || marks(&router, helper.ipv4.into()).starts_with("End-of-RIB sent"))?;
    std::thread::sleep(Duration::from_secs(1));
    assert!(listener.knows(SHOP) && listener.knows(OWN), "{kind:?} has the new ones: {}", listener.table(SHOP));
    // What is gone when the router comes back goes with its End-of-RIB.
    router.kill9();
    speaker.withdraw(SHOP)?;
    router.boot(&lab)?;
    lab.wait_until(SESSIONS, "what is gone leaves the helper", || !listener.knows(SHOP))?;
    assert!(listener.knows(OWN));
    Ok(())
}

#[test]
fn frr_keeps_our_routes_while_the_router_restarts() -> Result<()> {
    keeps_our_routes(Kind::Frr, false)
}

#[test]
fn bird_keeps_our_routes_while_the_router_restarts() -> Result<()> {
    keeps_our_routes(Kind::Bird, false)
}

#[test]
fn gobgp_keeps_our_routes_while_the_router_restarts() -> Result<()> {
    keeps_our_routes(Kind::Gobgp, false)
}

#[test]
fn openbgpd_keeps_our_routes_while_the_router_restarts() -> Result<()> {
    keeps_our_routes(Kind::Openbgpd, false)
}

#[test]
fn an_orderly_end_of_the_daemon_is_a_restart_too() -> Result<()> {
    keeps_our_routes(Kind::Frr, true)
}

/// A plain reset is a NOTIFICATION that keeps routes, a hard one is not (RFC 8538 §3).
fn tells_resets_apart(kind: Kind) -> Result<()> {
    let (lab, router, _speaker, listener) = scene(kind)?;
    let helper = &lab.nodes[1];
    let said = router.show(&format!("show ip bgp neighbors {}", helper.ipv4))?;
    assert!(said.contains("Notifications keep routes (N bit): yes"), "{said}");
    // With a neighbor that waits a while before it calls again, what it keeps can be seen.
    for (word, keeps) in [("", true), ("hard", false)] {
        router
            .script(&format!(
                "clear ip bgp {} {word}\nconfigure\nset protocols bgp 64512 neighbor {} passive\ncommit\nexit\n",
                helper.ipv4, helper.ipv4
            ))?
            .success()?;
        lab.wait_until(SOON, &format!("'clear {word}': it is told"), || listener.knows(SHOP) == keeps)?;
        lab.wait_until(SESSIONS, "it is back", || router.is_established(helper.ipv4.into()) && listener.knows(SHOP))?;
    }
    Ok(())
}

#[test]
fn frr_keeps_our_routes_over_a_reset_and_loses_them_with_a_hard_one() -> Result<()> {
    tells_resets_apart(Kind::Frr)
}

#[test]
fn gobgp_keeps_our_routes_over_a_reset_and_loses_them_with_a_hard_one() -> Result<()> {
    tells_resets_apart(Kind::Gobgp)
}

/// ExaBGP keeps nothing of ours, but what it had told stays with us until it is back.
#[test]
fn what_exabgp_told_stays_while_it_restarts() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512"])?;
    let session = || graceful(Session::internal(node));
    let mut speaker = up(&lab, &router, node, Kind::Exabgp, session())?;
    speaker.announce(SHOP)?;
    let gateway = [node.ipv4.to_string()];
    lab.wait_until(SOON, "the kernel has its route", || router.gateways(SHOP) == gateway)?;
    speaker.kill9();
    lab.wait_until(SOON, "its end is noticed", || !router.is_established(node.ipv4.into()))?;
    let shown = || router.show(&format!("show ip bgp {SHOP}")).unwrap_or_default();
    assert!(shown().contains("Stale: the neighbor restarts") && router.gateways(SHOP) == gateway, "{}", shown());
    // It comes back with nothing to say, and its End-of-RIB ends what it had.
    let _speaker = up(&lab, &router, node, Kind::Exabgp, session())?;
    lab.wait_until(SOON, "what it does not tell again is gone", || router.gateways(SHOP).is_empty())
}

/// The node waits for our End-of-RIB before it says anything, and we would wait for its own.
#[test]
fn the_router_and_a_node_that_waits_for_it_restart_at_once() -> Result<()> {
    let (lab, mut router, mut speaker, listener) = scene(Kind::Frr)?;
    let [node, ..] = &lab.nodes;
    router.kill9();
    speaker.kill9();
    let speaker = Speaker::start(&lab, node, Kind::Gobgp, graceful(Session::internal(node)))?;
    speaker.announce(SHOP)?;
    router.boot(&lab)?;
    lab.wait_until(SESSIONS, "the node is back", || router.is_established(node.ipv4.into()))?;
    lab.wait_until(SOON, "it has said all", || marks(&router, node.ipv4.into()) == "End-of-RIB sent, received")?;
    lab.wait_until(SOON, "the route is a live one", || {
        router.show(&format!("show ip bgp {SHOP}")).is_ok_and(|said| said.contains("best") && !said.contains("stale"))
    })?;
    assert!(listener.knows(SHOP));
    Ok(())
}

/// A router without any IPv6 address owes the node an End-of-RIB of IPv6, too.
#[test]
fn a_router_of_ipv4_alone_does_not_let_a_node_wait() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    router.host().ip(&["-6", "address", "flush", "dev", "eth1"])?;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let speaker = up(&lab, &router, node, Kind::Gobgp, graceful(Session::internal(node)))?;
    speaker.announce(SHOP)?;
    let gateway = [node.ipv4.to_string()];
    lab.wait_until(SOON, "the node does not withhold its routes", || router.gateways(SHOP) == gateway)
}

/// The other side goes away for longer than its restart time, in both directions.
fn stays_on(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters graceful-restart restart-time 3",
        "set protocols bgp 64512 parameters graceful-restart long-lived stale-time 600",
        &format!("set protocols bgp 64512 network {OWN}"),
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    router.script("configure\nsave\nexit\n")?.success()?;
    let session = || Session { long_lived: Some((3, 600)), ..graceful(Session::internal(node)) };
    let mut speaker = up(&lab, &router, node, kind, session())?;
    speaker.announce(SHOP)?;
    let gateway = [node.ipv4.to_string()];
    lab.wait_until(SOON, "both have routes", || router.gateways(SHOP) == gateway && speaker.knows(OWN))?;
    speaker.kill9();
    let shown = |router: &Router| router.show(&format!("show ip bgp {SHOP}")).unwrap_or_default();
    lab.wait_until(SOON, "it is long-lived stale", || shown(&router).contains("llgr-stale"))?;
    assert_eq!(router.gateways(SHOP), gateway, "and forwarded: {}", shown(&router));
    speaker = Speaker::start(&lab, node, kind, session())?;
    speaker.announce(SHOP)?;
    lab.wait_until(SESSIONS, "it is live again", || {
        router.gateways(SHOP) == gateway && !shown(&router).contains("llgr-stale")
    })?;
    lab.wait_until(SOON, "the other side has ours again", || speaker.knows(OWN))?;
    router.stop()?;
    let theirs = || speaker.table(OWN).to_lowercase();
    let marked = || ["llgr-stale", "llgr_stale", "65535,6", "65535:6"].iter().any(|word| theirs().contains(word));
    lab.wait_until(SOON, "ours is long-lived stale there", marked)?;
    router.boot(&lab)?;
    lab.wait_until(SESSIONS, "and live again", || theirs().contains(OWN) && !marked())
}

#[test]
fn what_stays_on_of_frr_and_of_us_at_frr_is_marked_and_comes_back_to_life() -> Result<()> {
    stays_on(Kind::Frr)
}

#[test]
fn what_stays_on_of_bird_and_of_us_at_bird_is_marked_and_comes_back_to_life() -> Result<()> {
    stays_on(Kind::Bird)
}

#[test]
fn what_stays_on_of_gobgp_and_of_us_at_gobgp_is_marked_and_comes_back_to_life() -> Result<()> {
    stays_on(Kind::Gobgp)
}
