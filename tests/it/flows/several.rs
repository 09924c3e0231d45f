//! Several paths of a prefix, each by its identifier (RFC 7911), from the router and to it.

use super::*;

/// The first two nodes announce the same, and the third hears of both.
fn hears_of_several(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, third] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
        "set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64603",
        "set protocols bgp 64512 neighbor 192.168.101.203 address-family ipv4-unicast addpath-tx-all",
    ])?;
    let one = up(&lab, &router, first, Kind::Gobgp, Session::external(first, 64601))?;
    let other = up(&lab, &router, second, Kind::Gobgp, Session::external(second, 64602))?;
    let session = Session { add_path: true, ..Session::external(third, 64603) };
    let listener = up(&lab, &router, third, kind, session)?;
    one.announce(SHOP)?;
    other.announce(SHOP)?;
    let knows = |asns: [bool; 2]| {
        let table = listener.table(SHOP);
        [table.contains("64601"), table.contains("64602")] == asns
    };
    lab.wait_until(SOON, "the listener knows both paths", || knows([true, true]))?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(said.contains("Path identifier: sent 1") && said.contains("Path identifier: sent 2"), "{said}");
    let told = router.show("show ip bgp neighbors 192.168.101.203 advertised-routes")?;
    assert_eq!(told.lines().filter(|line| line.contains(" 6460")).count(), 2, "{told}");
    // What is best changes with the session of the first node; the path of the other stays as it is.
    one.withdraw(SHOP)?;
    lab.wait_until(SOON, "the withdrawal names its path", || knows([false, true]))?;
    one.announce(SHOP)?;
    lab.wait_until(SOON, "it is there again", || knows([true, true]))?;
    // Fewer paths are told over the same session.
    let before = established(&router, third.ipv4.into())?;
    router.configure(&[
        "delete protocols bgp 64512 neighbor 192.168.101.203 address-family ipv4-unicast addpath-tx-all",
        "set protocols bgp 64512 neighbor 192.168.101.203 address-family ipv4-unicast addpath-tx-best 1",
    ])?;
    lab.wait_until(SOON, "the best one alone is left", || knows([true, false]) || knows([false, true]))?;
    router.configure(&[
        "delete protocols bgp 64512 neighbor 192.168.101.203 address-family ipv4-unicast addpath-tx-best",
        "set protocols bgp 64512 neighbor 192.168.101.203 address-family ipv4-unicast addpath-tx-per-as",
    ])?;
    lab.wait_until(SOON, "and the best one of each AS", || knows([true, true]))?;
    assert_eq!(established(&router, third.ipv4.into())?, before, "no session was reset");
    one.withdraw(SHOP)?;
    other.withdraw(SHOP)?;
    lab.wait_until(SOON, "nothing is left", || knows([false, false]))
}

#[test]
fn frr_hears_of_several_paths() -> Result<()> {
    hears_of_several(Kind::Frr)
}

#[test]
fn bird_hears_of_several_paths() -> Result<()> {
    hears_of_several(Kind::Bird)
}

#[test]
fn gobgp_hears_of_several_paths() -> Result<()> {
    hears_of_several(Kind::Gobgp)
}

#[test]
fn openbgpd_hears_of_several_paths() -> Result<()> {
    hears_of_several(Kind::Openbgpd)
}

#[test]
fn exabgp_hears_of_several_paths() -> Result<()> {
    hears_of_several(Kind::Exabgp)
}

/// The first node reflects what the two others announce, and the router takes both paths.
fn tells_several(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, third] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let clients = vec![second.ipv4.into(), third.ipv4.into()];
    let _reflector = up(&lab, &router, first, kind, Session { clients, add_path: true, ..Session::internal(first) })?;
    let client = |node| {
        let session = Session { remote: first.ipv4.into(), ..Session::internal(node) };
        let speaker = Speaker::start(&lab, node, Kind::Gobgp, session)?;
        lab.wait_until(SESSIONS, "a client is established", || speaker.is_established())?;
        speaker.announce(SHOP)?;
        anyhow::Ok(speaker)
    };
    let (one, _other) = (client(second)?, client(third)?);
    let gateways = |wanted: &[&Host]| {
        let wanted: Vec<String> = wanted.iter().map(|node| node.ipv4.to_string()).collect();
        router.gateways(SHOP) == wanted
    };
    lab.wait_until(SOON, "both clients share the load", || gateways(&[second, third]))?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert_eq!(said.matches("Path identifier: received ").count(), 2, "{said}");
    one.withdraw(SHOP)?;
    lab.wait_until(SOON, "the withdrawal takes one path", || gateways(&[third]))?;
    one.announce(SHOP)?;
    lab.wait_until(SOON, "it comes again", || gateways(&[second, third]))?;
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 disable-addpath-rx"])?;
    let alone = || gateways(&[second]) || gateways(&[third]);
    lab.wait_until(SESSIONS, "a new session brings one path only", alone)?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(!said.contains("Path identifier"), "{said}");
    Ok(())
}

#[test]
fn the_router_takes_several_paths_of_frr() -> Result<()> {
    tells_several(Kind::Frr)
}

#[test]
fn the_router_takes_several_paths_of_bird() -> Result<()> {
    tells_several(Kind::Bird)
}

#[test]
fn the_router_takes_several_paths_of_openbgpd() -> Result<()> {
    tells_several(Kind::Openbgpd)
}

/// A speaker that reflects nothing here has both paths of its own.
fn tells_several_of_its_own(kind: Kind, path: fn(u32, &Host) -> String) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, third] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    ])?;
    let session = Session { add_path: true, ..Session::internal(first) };
    let speaker = up(&lab, &router, first, kind, session)?;
    speaker.announce(&path(7, second))?;
    speaker.announce(&path(8, third))?;
    let both = [second, third].map(|node| node.ipv4.to_string());
    lab.wait_until(SOON, "both paths share the load", || router.gateways(SHOP) == both)?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert_eq!(said.matches("Path identifier: received ").count(), 2, "{said}");
    speaker.withdraw(&path(7, second))?;
    lab.wait_until(SOON, "the withdrawal takes one path", || router.gateways(SHOP) == both[1..])
}

#[test]
fn the_router_takes_several_paths_of_gobgp() -> Result<()> {
    tells_several_of_its_own(Kind::Gobgp, |number, node| format!("{SHOP} identifier {number} nexthop {}", node.ipv4))
}

#[test]
fn the_router_takes_several_paths_of_exabgp() -> Result<()> {
    tells_several_of_its_own(Kind::Exabgp, |number, node| {
        format!("{SHOP} path-information 0.0.0.{number} next-hop {}", node.ipv4)
    })
}
