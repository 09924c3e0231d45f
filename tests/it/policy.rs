//! Routing policy with other speakers: what the router takes from them, and what they see of what it sends.
//!
//! An external neighbor each; the whole way from the words of a commit to the neighbor's own table.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(10);
const WANTED: &str = "172.16.102.229/32";
const REFUSED: &str = "172.16.103.3/32";
const OWN: &str = "10.9.0.0/24";

fn obeys(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    let session = Session::external(node, 64999);
    let neighbor = format!("set protocols bgp 64512 neighbor {}", session.local);
    let configure = |lines: &[String]| router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1".to_owned(),
        format!("set protocols bgp 64512 network {OWN}"),
        format!("{neighbor} remote-as 64999"),
    ])?;
    let speaker = Speaker::start(&lab, node, kind, session.clone())?;
    lab.wait_until(SESSIONS, "the session is up", || router.is_established(session.local))?;
    for prefix in [WANTED, REFUSED] {
        speaker.announce(prefix)?;
    }
    // Without a policy nothing is exchanged; with one in each direction, what it lets through.
    let told = |prefix: &str| router.show(&format!("show ip bgp {prefix} why")).unwrap_or_default();
    lab.wait_until(SOON, "the router explains the refusal", || told(WANTED).contains("RFC 8212"))?;
    assert!(router.gateways(WANTED).is_empty() && !speaker.knows(OWN));
    let said = configure(&[
        "set policy prefix-list SERVICES rule 10 action permit".to_owned(),
        "set policy prefix-list SERVICES rule 10 prefix 172.16.102.0/24".to_owned(),
        "set policy prefix-list SERVICES rule 10 le 32".to_owned(),
        "set policy route-map IN rule 10 action permit".to_owned(),
        "set policy route-map IN rule 10 match ip address prefix-list SERVICES".to_owned(),
        "set policy route-map IN rule 10 set local-preference 250".to_owned(),
        "set policy route-map OUT rule 10 action permit".to_owned(),
        "set policy route-map OUT rule 10 match protocol connected".to_owned(),
        "set policy route-map OUT rule 10 set community 64512:77".to_owned(),
        "set policy route-map OUT rule 10 set large-community 64512:1:2".to_owned(),
        "set policy route-map OUT rule 10 set extcommunity-rt 64512:100".to_owned(),
        "set policy route-map OUT rule 10 set as-path-prepend '64512 64512'".to_owned(),
        format!("{neighbor} route-map import IN"),
        format!("{neighbor} route-map export OUT"),
    ])?;
    assert!(!said.contains("RFC 8212"), "{said}");
    let arrived = || router.gateways(WANTED) == [session.local.to_string()];
    lab.wait_until(SOON, "the kernel has what the map lets in", arrived)?;
    assert!(told(WANTED).contains("localpref 250"), "{}", told(WANTED));
    let refused = || told(REFUSED).contains("route-map IN: no rule matches");
    lab.wait_until(SOON, "what the map does not let in is explained", refused)?;
    assert!(router.gateways(REFUSED).is_empty());
    let marked = || {
        let table = speaker.table(OWN);
        let spelled = |ways: &[&str]| ways.iter().any(|way| table.contains(way));
        let communities = spelled(&["64512:77", "(64512,77)"])
            && spelled(&["64512:1:2", "(64512, 1, 2)"])
            && spelled(&["RT:64512:100", "(rt, 64512, 100)", "rt 64512:100", "[64512:100]", "target:64512:100"]);
        communities && table.contains("64512 64512 64512")
    };
    lab.wait_until(SOON, "the neighbor sees communities of all three kinds and the prepended path", marked)?;
    // A policy is changed: the session stays, and the neighbor loses the route.
    configure(&["set policy route-map OUT rule 10 action deny".to_owned()])?;
    lab.wait_until(SOON, "the neighbor loses what is denied", || !speaker.knows(OWN))?;
    assert!(router.is_established(session.local), "no policy resets a session");
    assert_eq!(router.gateways(WANTED), [session.local.to_string()]);
    Ok(())
}

#[test]
fn gobgp_hears_and_is_heard_as_the_maps_say() -> Result<()> {
    obeys(Kind::Gobgp)
}

#[test]
fn frr_hears_and_is_heard_as_the_maps_say() -> Result<()> {
    obeys(Kind::Frr)
}

#[test]
fn bird_hears_and_is_heard_as_the_maps_say() -> Result<()> {
    obeys(Kind::Bird)
}

#[test]
fn openbgpd_hears_and_is_heard_as_the_maps_say() -> Result<()> {
    obeys(Kind::Openbgpd)
}

#[test]
fn exabgp_hears_and_is_heard_as_the_maps_say() -> Result<()> {
    obeys(Kind::Exabgp)
}
