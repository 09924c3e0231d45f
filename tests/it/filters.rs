//! Filters by prefix with FRR: outbound route filters, and access lists as EdgeOS has them, on both sides.
//!
//! What a filter keeps away never comes over the wire, so the sender's own word of what it tells is asked.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(20);
/// What both sides announce; the first one of each is wanted.
const OURS: [&str; 2] = ["172.16.1.0/24", "172.16.2.0/24"];
const THEIRS: [&str; 2] = ["172.16.102.229/32", "172.16.103.3/32"];

fn frr_over(lab: &Lab) -> Result<(Router, Session, Speaker)> {
    let router = Router::start(lab)?;
    let session = Session::external(&lab.nodes[0], 64601);
    let neighbor = format!("set protocols bgp 64512 neighbor {}", session.local);
    let lines = [
        "set protocols bgp 64512 parameters ebgp-requires-policy disable".to_owned(),
        format!("{neighbor} remote-as 64601"),
        format!("{neighbor} capability orf prefix-list send"),
        format!("{neighbor} capability orf prefix-list receive"),
        format!("{neighbor} prefix-list import WANTED"),
        "set policy prefix-list WANTED rule 10 action permit".to_owned(),
        "set policy prefix-list WANTED rule 10 prefix 172.16.102.0/24".to_owned(),
        "set policy prefix-list WANTED rule 10 le 32".to_owned(),
    ];
    let own = OURS.iter().flat_map(|prefix| {
        [format!("set protocols static route {prefix} blackhole"), format!("set protocols bgp 64512 network {prefix}")]
    });
    let lines: Vec<String> = lines.into_iter().chain(own).collect();
    router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    let words = ["capability orf prefix-list both", "prefix-list WANTED in"];
    let speaker_words = ["exit", "ip prefix-list WANTED seq 5 permit 172.16.1.0/24", "router bgp 64601"];
    let speaking =
        Session { speaker_words: speaker_words.map(str::to_owned).to_vec(), ..session.clone().saying(&words) };
    let speaker = Speaker::start(lab, &lab.nodes[0], Kind::Frr, speaking)?;
    lab.wait_until(SESSIONS, "the session is up", || router.is_established(session.local))?;
    for prefix in THEIRS {
        speaker.announce(prefix)?;
    }
    Ok((router, session, speaker))
}

#[test]
fn frr_and_the_router_tell_each_other_what_they_want_to_hear() -> Result<()> {
    let lab = Lab::new()?;
    let (router, session, speaker) = frr_over(&lab)?;
    let shown = |what: &str| router.show(&format!("show ip bgp neighbors {} {what}", session.local));
    lab.wait_until(SOON, "FRR knows what it wants", || speaker.knows(OURS[0]))?;
    let told = shown("advertised-routes")?;
    assert!(told.contains(OURS[0]) && !told.contains(OURS[1]), "what FRR does not want is not told: {told}");
    lab.wait_until(SOON, "what we want is there", || !router.gateways(THEIRS[0]).is_empty())?;
    let heard = shown("received-routes")?;
    assert!(heard.contains("172.16.102.229") && !heard.contains("172.16.103.3"), "it never came: {heard}");
    let state = shown("")?;
    assert!(state.contains("Outbound route filter from the neighbor: 1 entry"), "{state}");
    assert!(state.contains("Outbound route filter: advertised and received"), "{state}");
    // Another list is told to FRR, and what it lets in comes without anything being reset.
    let drops = || router.show(&format!("show ip bgp neighbors {} | match Connections", session.local));
    let before = drops()?;
    assert!(before.contains("dropped 0"), "{before}");
    router.configure(&[
        "set policy prefix-list WANTED rule 20 action permit",
        "set policy prefix-list WANTED rule 20 prefix 172.16.103.0/24",
        "set policy prefix-list WANTED rule 20 ge 32",
    ])?;
    lab.wait_until(SOON, "what we want now, too, is there", || !router.gateways(THEIRS[1]).is_empty())?;
    router.configure(&[&format!("delete protocols bgp 64512 neighbor {} prefix-list", session.local)])?;
    speaker.announce("172.16.104.4/32")?;
    lab.wait_until(SOON, "without a list everything is wanted", || !router.gateways("172.16.104.4/32").is_empty())?;
    assert_eq!(drops()?, before, "no session was lost");
    Ok(())
}

/// Both sides filter in both directions, each with access lists of its own.
#[test]
fn frr_and_the_router_filter_by_access_lists() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let session = Session::external(&lab.nodes[0], 64601);
    let neighbor = format!("set protocols bgp 64512 neighbor {}", session.local);
    let mut lines = vec![
        format!("{neighbor} remote-as 64601"),
        format!("{neighbor} distribute-list import 10"),
        format!("{neighbor} distribute-list export 11"),
    ];
    for (number, network) in [(10, "172.16.102.0"), (11, "172.16.1.0")] {
        lines.push(format!("set policy access-list {number} rule 10 action permit"));
        lines.push(format!("set policy access-list {number} rule 10 source network {network}"));
        lines.push(format!("set policy access-list {number} rule 10 source inverse-mask 0.0.0.255"));
    }
    let own = ["172.16.1.0/24", "172.16.2.0/24"];
    for prefix in own {
        lines.push(format!("set protocols static route {prefix} blackhole"));
        lines.push(format!("set protocols bgp 64512 network {prefix}"));
    }
    router.configure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    let families =
        ["address-family ipv4 unicast", "neighbor 192.168.101.1 distribute-list 20 out", "exit-address-family"];
    let list =
        ["exit", "access-list 20 seq 5 deny 172.16.102.7/32", "access-list 20 seq 10 permit any", "router bgp 64601"];
    let speaker_words = families.iter().chain(&list).map(|word| (*word).to_owned()).collect();
    let speaking = Session { speaker_words, ..session.clone() };
    let speaker = Speaker::start(&lab, &lab.nodes[0], Kind::Frr, speaking)?;
    lab.wait_until(SESSIONS, "the session is up", || router.is_established(session.local))?;
    for prefix in ["172.16.103.3/32", "172.16.102.7/32", THEIRS[0]] {
        speaker.announce(prefix)?;
    }
    lab.wait_until(SOON, "what both lists let through is there", || !router.gateways(THEIRS[0]).is_empty())?;
    let why = router.show(&format!("show ip bgp {} why", THEIRS[1]))?;
    assert!(why.contains("access-list 10") && router.gateways(THEIRS[1]).is_empty(), "ours keeps one away: {why}");
    let heard = router.show(&format!("show ip bgp neighbors {} received-routes", session.local))?;
    assert!(!heard.contains("172.16.102.7"), "FRR's keeps another one back: {heard}");
    lab.wait_until(SOON, "FRR hears what ours lets out", || speaker.knows(own[0]))?;
    assert!(!speaker.knows(own[1]));
    // Another rule lets both in and out, over the same session.
    let drops = || router.show(&format!("show ip bgp neighbors {} | match Connections", session.local));
    let before = drops()?;
    router.configure(&[
        "set policy access-list 10 rule 20 action permit",
        "set policy access-list 10 rule 20 source any",
        "set policy access-list 11 rule 20 action permit",
        "set policy access-list 11 rule 20 source any",
    ])?;
    lab.wait_until(SOON, "all is let in", || !router.gateways(THEIRS[1]).is_empty())?;
    lab.wait_until(SOON, "and out", || speaker.knows(own[1]))?;
    assert_eq!(drops()?, before, "no session was lost");
    Ok(())
}
