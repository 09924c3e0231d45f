//! What keeps strangers out: TCP MD5, GTSM, the TTL of external sessions.
//!
//! Each shows both that the right peer comes in and that the wrong one does not.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{FAR, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;
use scenarios::sim::config;

use crate::sessions::{established, up};

const SESSIONS: Duration = Duration::from_secs(40);
/// A node without the secret has tried by then: BIRD and FRR try every second.
const ENOUGH_TRIES: Duration = Duration::from_secs(4);

const PREFIX: &str = "172.16.102.229/32";

/// Starts the nodes with these passwords: the first two have sessions, the last one never has.
fn all_but_the_last(lab: &Lab, router: &Router, passwords: [(Kind, &str); 3], why: &str) -> Result<Vec<Speaker>> {
    let mut speakers = Vec::new();
    for (node, (kind, password)) in lab.nodes.iter().zip(passwords) {
        let session = Session { password: Some(password.to_owned()), ..Session::internal(node) };
        speakers.push(Speaker::start(lab, node, kind, session)?);
    }
    for node in &lab.nodes[..2] {
        lab.wait_until(SESSIONS, &format!("{} is established", node.role), || router.is_established(node.ipv4.into()))?;
    }
    never(lab, || router.is_established(lab.nodes[2].ipv4.into()), why);
    Ok(speakers)
}

#[test]
fn the_right_password_opens_and_a_wrong_one_does_not() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.201 password 'a;secret'",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 password another",
        "set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.203 password third",
    ])?;
    let passwords = [(Kind::Bird, "a;secret"), (Kind::Gobgp, "another"), (Kind::Bird, "wrong")];
    let _speakers = all_but_the_last(&lab, &router, passwords, "the wrong password opens nothing")?;
    let shown = router.show("show configuration commands")?;
    assert!(!shown.contains("a;secret") && !shown.contains("another"), "passwords are masked: {shown}");
    Ok(())
}

#[test]
fn a_changed_password_is_used_for_the_next_session() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512"])?;
    let session = Session { password: Some("later".to_owned()), ..Session::internal(node) };
    let _speaker = Speaker::start(&lab, node, Kind::Bird, session)?;
    never(&lab, || router.is_established(node.ipv4.into()), "the router has no password yet");
    router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 password later"])?;
    lab.wait_until(SESSIONS, "both have the password", || router.is_established(node.ipv4.into()))
}

#[test]
fn each_range_has_its_own_password_and_the_narrowest_one_counts() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 peer-group wide remote-as 64512",
        "set protocols bgp 64512 peer-group wide password of-all",
        "set protocols bgp 64512 peer-group narrow remote-as 64512",
        "set protocols bgp 64512 peer-group narrow password of-two",
        "set protocols bgp 64512 listen range 192.168.101.0/24 peer-group wide",
        "set protocols bgp 64512 listen range 192.168.101.202/31 peer-group narrow",
    ])?;
    let passwords = [(Kind::Bird, "of-all"), (Kind::Gobgp, "of-two"), (Kind::Bird, "of-all")];
    let why = "the password of the wider range opens nothing in the narrower one";
    let _speakers = all_but_the_last(&lab, &router, passwords, why)?;
    // Without the narrow range, its members belong to the wide one.
    router.configure(&["delete protocols bgp 64512 listen range 192.168.101.202/31"])?;
    lab.wait_until(SESSIONS, "the wide range has it", || router.is_established(lab.nodes[2].ipv4.into()))
}

/// Shows that a router without the kernel's help neither opens a connection unsigned nor takes one, whatever it has.
#[test]
fn a_key_chain_is_for_kernels_that_have_it_and_nobody_comes_in_without_the_key() -> Result<()> {
    const NODE: &str = "set protocols bgp 64512 neighbor 192.168.101.201";
    let chain = [
        "set protocols key-chain CORE key 1 key-string a-secret",
        "set protocols key-chain CORE key 1 recv-id 2",
        "set protocols key-chain CORE key 1 cryptographic-algorithm aes-128-cmac-96",
    ];
    let (remote_as, signed) = (format!("{NODE} remote-as 64512"), format!("{NODE} key-chain CORE"));
    let lines: Vec<&str> = chain.iter().copied().chain([remote_as.as_str(), &signed]).collect();
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    let _stranger = Speaker::start(&lab, node, Kind::Bird, Session::internal(node))?;
    match router.configure(&lines) {
        Ok(_) => assert!(router.json("show ip bgp neighbors 192.168.101.201")?.to_string().contains("keyChain")),
        Err(error) => {
            let error = format!("{error:#}");
            assert!(error.contains("this kernel has no TCP-AO") && error.contains("use Linux 6.7"), "{error}");
            assert!(!router.show("show configuration commands")?.contains("key-chain"), "nothing was changed");
        }
    }
    router.stop()?;
    // A file with the same words, from a machine that has it.
    let router = Router::start_with(&lab, &config(&lines.join("\n")))?;
    never(&lab, || router.is_established(node.ipv4.into()), "a stranger without the key gets in");
    Ok(())
}

#[test]
fn ttl_security_takes_a_neighbor_on_the_link_and_no_other() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.201 ttl-security hops 1",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
        "set protocols bgp 64512 neighbor 192.168.101.202 ttl-security hops 1",
    ])?;
    let [first, second, _] = &lab.nodes;
    let session = Session { ttl_security: true, ..Session::external(first, 64601) };
    let near = Speaker::start(&lab, first, Kind::Bird, session)?;
    // A node that sends with TTL 1 looks like one 254 hops away.
    let _distant = Speaker::start(&lab, second, Kind::Bird, Session::external(second, 64602))?;
    lab.wait_until(SESSIONS, "the near one is established", || router.is_established(first.ipv4.into()))?;
    near.announce(PREFIX)?;
    lab.wait_until(SESSIONS, "its route arrives", || !router.gateways(PREFIX).is_empty())?;
    never(&lab, || router.is_established(second.ipv4.into()), "a low TTL opens nothing");
    Ok(())
}

/// A range of which each of them is a member, with what keeps strangers out.
#[test]
fn every_speaker_comes_in_through_a_range_with_its_password_and_ttl() -> Result<()> {
    for kinds in [&[Kind::Frr, Kind::Bird, Kind::Openbgpd][..], &[Kind::Exabgp, Kind::Gobgp]] {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        router.configure(&[
            "set protocols bgp 64512 parameters ebgp-requires-policy disable",
            "set protocols bgp 64512 peer-group nodes remote-as external",
            "set protocols bgp 64512 peer-group nodes password shared",
            "set protocols bgp 64512 peer-group nodes ttl-security hops 1",
            "set protocols bgp 64512 listen range 192.168.101.200/29 peer-group nodes",
        ])?;
        let mut speakers = Vec::new();
        for (node, kind) in lab.nodes.iter().zip(kinds) {
            let session = Session::external(node, 64601);
            let session = Session { ttl_security: true, password: Some("shared".to_owned()), ..session };
            speakers.push(Speaker::start(&lab, node, *kind, session)?);
        }
        for ((node, kind), speaker) in lab.nodes.iter().zip(kinds).zip(&speakers) {
            speaker.announce(PREFIX)?;
            let here = || router.gateways(PREFIX).contains(&node.ipv4.to_string());
            lab.wait_until(SESSIONS, &format!("the route of {kind:?}"), here)?;
            speaker.withdraw(PREFIX)?;
            lab.wait_until(SESSIONS, &format!("{kind:?} takes it back"), || !here())?;
        }
        let summary = router.show("show ip bgp summary")?;
        assert_eq!(summary.matches("*192.168.101.20").count(), kinds.len(), "all of them are dynamic: {summary}");
    }
    Ok(())
}

/// The other way round: the router calls, and is one of a range for each of them.
#[test]
fn every_speaker_takes_the_router_in_as_one_of_its_range() -> Result<()> {
    const RANGES: [(Kind, &str); 5] = [
        (
            Kind::Bird,
            "protocol bgp ranged {\n  local 192.168.101.201 as 64601;\n  neighbor range 192.168.101.0/28 as 64512;\n  \
             ipv4 { import all; export all; next hop self; };\n}",
        ),
        (
            Kind::Gobgp,
            "[[peer-groups]]\n  [peer-groups.config]\n    peer-group-name = \"near\"\n    peer-as = 64512\n  \
             [[peer-groups.afi-safis]]\n    [peer-groups.afi-safis.config]\n      afi-safi-name = \"ipv4-unicast\"\n\
             [[dynamic-neighbors]]\n  [dynamic-neighbors.config]\n    prefix = \"192.168.101.0/28\"\n    \
             peer-group = \"near\"",
        ),
        (
            Kind::Exabgp,
            "neighbor 192.168.101.0/28 {\n  router-id 192.168.101.201;\n  local-address 192.168.101.201;\n  \
             local-as 64601;\n  peer-as 64512;\n  passive true;\n  listen 179;\n  family { ipv4 unicast; }\n  \
             static { route 172.16.102.229/32 next-hop 192.168.101.201; }\n}",
        ),
        (Kind::Openbgpd, "neighbor 192.168.101.0/28 {\n  remote-as 64512\n  announce IPv4 unicast\n}"),
        (
            Kind::Frr,
            "neighbor near peer-group\n neighbor near remote-as 64512\n bgp listen range 192.168.101.0/28 peer-group \
             near\n address-family ipv4 unicast\n  neighbor near activate\n exit-address-family",
        ),
    ];
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&[
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 network 10.9.0.0/24",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 neighbor 192.168.101.201 timers connect 1",
    ])?;
    let node = &lab.nodes[0];
    for (kind, range) in RANGES {
        // The neighbor that each of them has by its address is nobody.
        let session = Session { remote: [192, 168, 101, 250].into(), ..Session::external(node, 64601) };
        let session = Session { speaker_words: vec![range.to_owned()], ..session };
        let mut speaker = up(&lab, &router, node, kind, session)?;
        speaker.announce(PREFIX)?;
        lab.wait_until(SESSIONS, &format!("the route of {kind:?}"), || !router.gateways(PREFIX).is_empty())?;
        // BIRD and ExaBGP are asked only about whom they know by its address.
        if ![Kind::Bird, Kind::Exabgp].contains(&kind) {
            lab.wait_until(SESSIONS, &format!("{kind:?} hears ours"), || speaker.knows("10.9.0.0/24"))?;
        }
        speaker.stop()?;
        lab.wait_until(SESSIONS, &format!("{kind:?} is gone"), || router.gateways(PREFIX).is_empty())?;
    }
    Ok(())
}

/// Only a connection whose packets have TTL 255 lives with BIRD, which says what the open socket does.
#[test]
fn how_far_a_neighbor_may_be_counts_for_the_session_that_there_is() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    const NODE: &str = "protocols bgp 64512 neighbor 192.168.101.201";
    router.configure(&[
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        &format!("set {NODE} remote-as 64601"),
        &format!("set {NODE} ttl-security hops 1"),
    ])?;
    let session = Session { ttl_security: true, hold_time: 6, ..Session::external(node, 64601) };
    let _bird = up(&lab, &router, node, Kind::Bird, session)?;
    let first = established(&router, node.ipv4.into())?;
    for words in [
        [format!("delete {NODE} ttl-security"), format!("set {NODE} ebgp-multihop 255")],
        [format!("delete {NODE} ebgp-multihop"), format!("set {NODE} ttl-security hops 2")],
        [format!("set {NODE} timers keepalive 1"), format!("set {NODE} timers holdtime 90")],
    ] {
        router.configure(&words.each_ref().map(String::as_str))?;
        never(&lab, || !router.is_established(node.ipv4.into()), "BIRD hears of us within its hold time");
    }
    assert_eq!(established(&router, node.ipv4.into())?, first, "it is the same session");
    router.configure(&[&format!("delete {NODE} ttl-security")])?;
    lab.wait_until(SESSIONS, "TTL 1 is too small for BIRD", || !router.is_established(node.ipv4.into()))?;
    router.configure(&[&format!("set {NODE} ebgp-multihop 255")])?;
    lab.wait_until(SESSIONS, "and 255 is not", || router.is_established(node.ipv4.into()))
}

#[test]
fn an_external_neighbor_two_hops_away_needs_multihop() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let far = lab.far()?;
    router.configure(&[
        "set protocols static route 10.77.0.0/24 next-hop 192.168.101.203",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 10.77.0.2 remote-as 64601",
    ])?;
    let session = Session { multihop: Some(5), ..Session::external(&far, 64601) };
    let speaker = Speaker::start(&lab, &far, Kind::Bird, session)?;
    never(&lab, || router.is_established(FAR.into()), "without multihop there is no session over two hops");
    router.configure(&["set protocols bgp 64512 neighbor 10.77.0.2 ebgp-multihop 2"])?;
    lab.wait_until(SESSIONS, "multihop reaches it", || router.is_established(FAR.into()))?;
    speaker.announce(PREFIX)?;
    // Its next hop is behind the static route, so the kernel gets the node on the way.
    lab.wait_until(SESSIONS, "the next hop is resolved", || router.gateways(PREFIX) == ["192.168.101.203"])
}

/// Asserts that a condition stays false for as long as several attempts take.
fn never(lab: &Lab, condition: impl FnMut() -> bool, why: &str) {
    assert!(lab.wait_until(ENOUGH_TRIES, why, condition).is_err(), "{why}");
}
