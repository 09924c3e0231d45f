//! What a peer sends: bad messages, a wrong AS, a connection from nowhere.
//!
//! Node 1 runs FRR and must never notice; node 2 is the rogue.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const PREFIX: &str = "172.16.102.229/32";

const ROGUE: &str = include_str!("../rogue.py");

/// A good neighbor at work beside the one that misbehaves.
struct Scene {
    speaker: Speaker,
    router: Router,
    lab: Lab,
}

impl Scene {
    fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        router.configure(&[
            "set protocols bgp 64512 parameters router-id 192.168.101.1",
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
            "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
        ])?;
        let node = &lab.nodes[0];
        let speaker = Speaker::start(&lab, node, Kind::Frr, Session::internal(node))?;
        speaker.announce(PREFIX)?;
        lab.wait_until(SESSIONS, "the good node's route is there", || router.gateways(PREFIX) == ["192.168.101.201"])?;
        Ok(Self { speaker, router, lab })
    }

    /// Lets the rogue send one message and gives its last word.
    fn rogue(&self, node: &Host, asn: u32, what: &str) -> Result<String> {
        let program = node.write("rogue.py", ROGUE)?;
        let (local, asn) = (node.ipv4.to_string(), asn.to_string());
        let said = node.run("python3", &[&program.to_string_lossy(), &local, "192.168.101.1", &asn, what])?;
        let said = said.success()?;
        Ok(said.lines().last().unwrap_or_default().to_owned())
    }

    fn the_good_neighbor_noticed_nothing(&self, after: &str) {
        assert!(self.router.is_established(self.lab.nodes[0].ipv4.into()), "after {after}");
        assert!(self.speaker.is_established(), "after {after}");
        let gateways = self.router.gateways(PREFIX);
        assert!(gateways.contains(&"192.168.101.201".to_owned()), "after {after}: {gateways:?}");
    }
}

#[test]
fn each_bad_message_gets_its_answer_and_harms_nobody_else() -> Result<()> {
    // RFC 4271 §6.1 and §6.3 for the header and the UPDATE as a whole, RFC 7606 for the attributes.
    let table = [
        ("marker", "notification 1 1"),
        ("short", "notification 1 2"),
        ("oversized", "notification 1 2"),
        ("unknown-type", "notification 1 3"),
        ("truncated-update", "notification 3 1"),
        ("lying-origin", "kept"),
        ("lying-length", "kept"),
        ("half", "closed"),
    ];
    let scene = Scene::new()?;
    for (what, expected) in table {
        let answer = scene.rogue(&scene.lab.nodes[1], 64512, what)?;
        assert_eq!(answer, expected, "{what}");
        scene.the_good_neighbor_noticed_nothing(what);
        let gone = || scene.router.gateways(PREFIX) == ["192.168.101.201"];
        scene.lab.wait_until(SESSIONS, &format!("the rogue's route leaves after {what}"), gone)?;
    }
    Ok(())
}

#[test]
fn a_lying_attribute_withdraws_its_own_routes_alone() -> Result<()> {
    let scene = Scene::new()?;
    let node = &scene.lab.nodes[1];
    let program = node.write("rogue.py", ROGUE)?;
    let arguments = [&program.to_string_lossy(), "192.168.101.202", "192.168.101.1", "64512", "lying-origin"];
    let rogue = node.start("rogue", "python3", &arguments)?;
    let both = ["192.168.101.201", "192.168.101.202"];
    scene.lab.wait_until(SESSIONS, "its good route is taken", || scene.router.gateways(PREFIX) == both)?;
    let withdrawn = || scene.router.gateways(PREFIX) == ["192.168.101.201"];
    scene.lab.wait_until(SESSIONS, "the bad message is taken as a withdrawal (RFC 7606)", withdrawn)?;
    assert!(scene.router.is_established(node.ipv4.into()), "the session is kept: {}", rogue.output());
    Ok(())
}

#[test]
fn a_peer_with_the_wrong_as_is_told_so() -> Result<()> {
    let scene = Scene::new()?;
    assert_eq!(scene.rogue(&scene.lab.nodes[1], 64999, "good")?, "notification 2 2");
    let neighbor = scene.router.show("show ip bgp neighbors 192.168.101.202")?;
    assert!(neighbor.contains("64999") || neighbor.to_lowercase().contains("peer as"), "why is told: {neighbor}");
    scene.the_good_neighbor_noticed_nothing("a wrong AS");
    Ok(())
}

#[test]
fn a_connection_from_nowhere_is_closed() -> Result<()> {
    let scene = Scene::new()?;
    let stranger = &scene.lab.nodes[2];
    let answer = scene.rogue(stranger, 64512, "good").unwrap_or_else(|_refused| "closed".to_owned());
    assert!(answer == "closed" || answer.starts_with("notification 6"), "{answer}");
    scene.the_good_neighbor_noticed_nothing("a stranger");
    Ok(())
}
