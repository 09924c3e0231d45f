//! Every speaker as a node: internal and external, over IPv4 and over IPv6.
//!
//! One test for each speaker and kind of session: node 1 speaks over IPv4, node 2 over IPv6. Each announces a service
//! and takes it back, and hears of the router's own network.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);

/// One leg of the test: what a node announces, and what it must hear.
struct Leg<'a> {
    node: &'a Host,
    session: Session,
    announced: &'static str,
    heard: &'static str,
}

fn legs(lab: &Lab, local_as: u32) -> [Leg<'_>; 2] {
    let [first, second, _] = &lab.nodes;
    [
        Leg {
            node: first,
            session: Session::external(first, local_as),
            announced: "172.16.102.229/32",
            heard: "10.9.0.0/24",
        },
        Leg {
            node: second,
            session: Session::external(second, local_as).over_ipv6(second),
            announced: "fd00:102::229/128",
            heard: "fd00:9::/64",
        },
    ]
}

fn speaks(kind: Kind, local_as: u32) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let legs = legs(&lab, local_as);
    let mut commands = vec![
        "set protocols bgp 64512 parameters router-id 192.168.101.1".to_owned(),
        "set protocols bgp 64512 parameters ebgp-requires-policy disable".to_owned(),
        "set protocols bgp 64512 network 10.9.0.0/24".to_owned(),
        "set protocols bgp 64512 address-family ipv6-unicast network fd00:9::/64".to_owned(),
    ];
    for leg in &legs {
        commands.push(format!("set protocols bgp 64512 neighbor {} remote-as {local_as}", leg.session.local));
    }
    router.configure(&commands.iter().map(String::as_str).collect::<Vec<_>>())?;
    for leg in &legs {
        let Leg { node, session, announced, heard } = leg;
        let role = &node.role;
        let speaker = Speaker::start(&lab, node, kind, session.clone())?;
        lab.wait_until(SESSIONS, &format!("{role} is established"), || router.is_established(session.local))?;
        speaker.announce(announced)?;
        let arrived = || router.gateways(announced) == [session.local.to_string()];
        lab.wait_until(SOON, &format!("the kernel has {announced} over {role}"), arrived)?;
        assert!(speaker.is_established(), "{kind:?} says so itself: {}", speaker.log());
        lab.wait_until(SOON, &format!("{role} hears of {heard}"), || speaker.knows(heard))?;
        lab.wait_until(SOON, "the service's addresses answer", || reachable(&lab, announced))?;
        speaker.withdraw(announced)?;
        lab.wait_until(SOON, &format!("{announced} is gone"), || router.gateways(announced).is_empty())?;
        assert!(router.is_established(session.local), "a withdrawal is no reason to part");
    }
    Ok(())
}

/// Whether the client reaches the host of a /32 or /128.
fn reachable(lab: &Lab, prefix: &str) -> bool {
    let address = prefix.split('/').next().unwrap_or_default();
    lab.client.run("ping", &["-c", "1", "-W", "1", address]).is_ok_and(|said| said.status == 0)
}

macro_rules! speaks {
    ($(#[test] fn $name:ident() { $kind:ident from $local_as:literal })*) => {
        $(#[test]
        fn $name() -> Result<()> {
            speaks(Kind::$kind, $local_as)
        })*
    };
}

speaks! {
    #[test]
    fn gobgp_internal() { Gobgp from 64512 }
    #[test]
    fn gobgp_external() { Gobgp from 64601 }
    #[test]
    fn frr_internal() { Frr from 64512 }
    #[test]
    fn frr_external() { Frr from 64602 }
    #[test]
    fn bird_internal() { Bird from 64512 }
    #[test]
    fn bird_external() { Bird from 64603 }
    #[test]
    fn openbgpd_internal() { Openbgpd from 64512 }
    #[test]
    fn openbgpd_external() { Openbgpd from 64604 }
    #[test]
    fn exabgp_internal() { Exabgp from 64512 }
    #[test]
    fn exabgp_external_with_a_four_octet_as() { Exabgp from 4200000605 }
}

/// Cilium offers both families on every session, so services of one family arrive over sessions of the other.
#[test]
fn services_of_the_other_family_are_installed_or_explained() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor fd00:101::202 remote-as 64512",
    ])?;
    let over_ipv4 = Speaker::start(&lab, first, Kind::Gobgp, Session::internal(first))?;
    let over_ipv6 = Speaker::start(&lab, second, Kind::Gobgp, Session::internal(second).over_ipv6(second))?;
    over_ipv4.announce("fd00:102::229/128")?;
    over_ipv6.announce("172.16.102.229/32")?;
    let arrived = || router.gateways("172.16.102.229/32") == ["fd00:101::202"];
    lab.wait_until(SESSIONS, "the kernel has an IPv4 route over an IPv6 next hop (RFC 8950)", arrived)?;
    let explained =
        || router.show("show bgp ipv6 fd00:102::229/128").is_ok_and(|said| said.contains("::ffff:192.168.101.201"));
    lab.wait_until(SESSIONS, "the IPv4-mapped next hop is in the table", explained)?;
    let said = router.show("show bgp ipv6 fd00:102::229/128")?;
    assert!(said.to_lowercase().contains("mapped"), "why it is not used is told: {said}");
    assert!(router.gateways("fd00:102::229/128").is_empty(), "it is not installed");
    Ok(())
}

#[test]
fn an_external_neighbor_without_policy_is_said_loudly_and_brings_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    let said = router.configure(&["set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601"])?;
    assert!(said.contains("8212") || said.contains("ebgp-requires-policy"), "the commit warns: {said}");
    let speaker = Speaker::start(&lab, node, Kind::Frr, Session::external(node, 64601))?;
    speaker.announce("172.16.102.229/32")?;
    lab.wait_until(SESSIONS, "it is established", || router.is_established(node.ipv4.into()))?;
    let summary = router.show("show ip bgp summary")?;
    assert!(summary.contains("(Policy)"), "{summary}");
    assert!(router.gateways("172.16.102.229/32").is_empty(), "nothing is taken");
    router.configure(&["set protocols bgp 64512 parameters ebgp-requires-policy disable"])?;
    lab.wait_until(SESSIONS, "the route is taken once it is allowed", || {
        !router.gateways("172.16.102.229/32").is_empty()
    })
}
