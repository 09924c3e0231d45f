//! What other speakers offer in their OPEN and what comes of it: long messages, texts at the end, their own intervals.
//!
//! The neighbor's own words count as far as it has any. Never configures what has a file of its own here.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::{SESSIONS, established, up};

const SOON: Duration = Duration::from_secs(15);
const SHOP: &str = "172.16.102.229/32";
const OWN: &str = "10.9.0.0/24";

/// A session with the first node, of which the router's network is told.
fn scene(kind: Kind, words: &[&str], lines: &[&str]) -> Result<(Lab, Router, Speaker)> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let network = format!("set protocols bgp 64512 network {OWN}");
    let mut all = vec![network.as_str(), "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512"];
    all.extend(lines);
    router.configure(&all)?;
    let node = &lab.nodes[0];
    let speaker = up(&lab, &router, node, kind, Session::internal(node).saying(words))?;
    lab.wait_until(SOON, "it hears of the network", || speaker.knows(OWN))?;
    Ok((lab, router, speaker))
}

#[test]
fn every_speaker_agrees_on_what_it_can() -> Result<()> {
    let four = "4-octet AS: advertised and received";
    let refresh = "Route refresh: advertised and received";
    let enhanced = "Enhanced route refresh: advertised and received";
    let long = "Extended message: advertised and received";
    let hops = "Extended next hop: advertised and received";
    for (kind, words, agreed) in [
        (Kind::Frr, &[][..], &[four, refresh, enhanced, long][..]),
        (Kind::Bird, &["enable extended messages on"], &[four, refresh, enhanced, long, hops]),
        (Kind::Gobgp, &[], &[four, refresh]),
        (Kind::Openbgpd, &["announce enhanced refresh yes"], &[four, refresh, enhanced]),
        (Kind::Exabgp, &["nexthop { ipv4 unicast ipv6; }"], &[four, refresh, enhanced, long, hops]),
    ] {
        let (_lab, router, _speaker) = scene(kind, words, &[])?;
        let said = router.show("show ip bgp neighbors 192.168.101.201")?;
        for capability in agreed {
            assert!(said.contains(capability), "{kind:?}: {capability}: {said}");
        }
    }
    Ok(())
}

/// A route with more communities than fit into 4,096 octets (RFC 8654).
fn hears_a_long_message(kind: Kind, words: &[&str]) -> Result<()> {
    let communities: Vec<String> = (1..=1200).map(|number| format!("64512:{number}")).collect();
    let set = format!("set policy route-map LONG rule 10 set community '{}'", communities.join(" "));
    let (lab, router, speaker) = scene(
        kind,
        words,
        &[
            "set policy route-map LONG rule 10 action permit",
            &set,
            "set protocols bgp 64512 neighbor 192.168.101.201 route-map export LONG",
        ],
    )?;
    // FRR's own text is cut after some eight hundred; they are one attribute, which came as a whole or not at all.
    let came = || ["64512:800", "(64512,1200)"].iter().any(|one| speaker.table(OWN).contains(one));
    lab.wait_until(SOON, "the communities came", came)?;
    assert!(established(&router, lab.nodes[0].ipv4.into())?.contains("established 1; dropped 0"));
    Ok(())
}

#[test]
fn frr_hears_a_message_of_more_than_4096_octets() -> Result<()> {
    hears_a_long_message(Kind::Frr, &[])
}

#[test]
fn bird_hears_a_message_of_more_than_4096_octets() -> Result<()> {
    hears_a_long_message(Kind::Bird, &["enable extended messages on"])
}

#[test]
fn exabgp_hears_a_message_of_more_than_4096_octets() -> Result<()> {
    hears_a_long_message(Kind::Exabgp, &[])
}

/// Who ends a session by hand says why, and is told why (RFC 9003).
#[test]
fn every_speaker_tells_why_it_parts_and_is_told_why() -> Result<()> {
    for kind in [Kind::Frr, Kind::Bird, Kind::Gobgp, Kind::Openbgpd] {
        let (lab, router, speaker) = scene(kind, &[], &[])?;
        router.cmd(&["clear ip bgp 192.168.101.201 message 'back at ten'"])?.success()?;
        // OpenBGPD and GoBGP have it in their log alone, FRR does not tell it at all.
        let told = || kind == Kind::Frr || speaker.log().contains("back at ten");
        lab.wait_until(SOON, &format!("{kind:?} has heard why"), told)?;
        lab.wait_until(SESSIONS, "it comes back", || router.is_established(lab.nodes[0].ipv4.into()))?;
        speaker.part("gone until Monday")?;
        let said = || router.show("show ip bgp neighbors 192.168.101.201").unwrap_or_default();
        let why = format!("{kind:?} has said why");
        lab.wait_until(SOON, &why, || said().contains("gone until Monday"))?;
        assert!(said().contains("Administrative Shutdown"), "{}", said());
    }
    Ok(())
}

/// Both sides wait with changes (RFC 4271 §9.2.1.1), and what is told at last is the last state.
#[test]
fn frr_and_the_router_with_intervals_of_their_own_agree_in_the_end() -> Result<()> {
    let (lab, router, speaker) = scene(
        Kind::Frr,
        &["advertisement-interval 3"],
        &["set protocols bgp 64512 neighbor 192.168.101.201 advertisement-interval 3"],
    )?;
    for _ in 0..3 {
        speaker.announce(SHOP)?;
        speaker.withdraw(SHOP)?;
        router.configure(&[&format!("delete protocols bgp 64512 network {OWN}")])?;
        router.configure(&[&format!("set protocols bgp 64512 network {OWN}")])?;
    }
    speaker.announce(SHOP)?;
    router.configure(&[&format!("delete protocols bgp 64512 network {OWN}")])?;
    lab.wait_until(SOON, "FRR's last word is there", || !router.gateways(SHOP).is_empty())?;
    lab.wait_until(SOON, "and ours", || !speaker.knows(OWN))?;
    router.configure(&[&format!("set protocols bgp 64512 network {OWN}")])?;
    speaker.withdraw(SHOP)?;
    lab.wait_until(SOON, "as often as there is one", || router.gateways(SHOP).is_empty() && speaker.knows(OWN))?;
    let told = router.show("show ip bgp neighbors 192.168.101.201")?;
    assert!(told.contains("dvertisement interval") || told.contains("dvertisement runs"), "{told}");
    Ok(())
}
