//! Outbound route filters with FRR: each side hears what it wants to hear, and no more.
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
