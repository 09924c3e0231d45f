//! Limits of paths and of memory: who announces too much loses its session, rests, and nobody else notices.

use api::request::Show;
use api::view::bgp::PeerState;
use api::{Text, View};

use super::policies::{Stage, prefixes};
use super::*;

/// What the first neighbor may say and the second one hears.
const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable\n";
const MIB: u64 = 1 << 20;

fn summary(stage: &mut Stage) -> api::view::bgp::BgpSummary {
    let asked = Show::BgpSummary { family: Some(Family::Ipv4Unicast) };
    let View::BgpSummary(summary) = stage.show(asked).unwrap() else { panic!("no summary") };
    summary
}

fn states(stage: &mut Stage) -> [PeerState; 2] {
    let rows = summary(stage).neighbors;
    [rows[0].state, rows[1].state]
}

/// The speaker's and the listener's session.
const BOTH: [PeerState; 2] = [PeerState::Established; 2];
const ONE: [PeerState; 2] = [PeerState::IdleLimit, PeerState::Established];

#[test]
fn paths_that_do_not_fit_end_the_session_they_came_over_and_no_other() {
    let own = "set protocols static route 10.200.0.0/16 blackhole\nset protocols bgp 64512 network 10.200.0.0/16\n";
    let mut stage = Stage::new(&format!("{OPEN}{own}set protocols bgp 64512 parameters limit paths 11"));
    stage.announces(prefixes(10), 1);
    stage.rest();
    assert_eq!((states(&mut stage), stage.known.len()), (BOTH, 11), "as many as there may be");
    // What changes and does not grow is let in.
    stage.announces(prefixes(10), 2);
    stage.rest();
    assert_eq!(states(&mut stage), BOTH);
    stage.announces(prefixes(11), 2);
    stage.rest();
    assert_eq!(states(&mut stage), ONE);
    assert_eq!(stage.known.len(), 1, "what others said stays");
    let text = summary(&mut stage).text();
    assert!(text.contains("Idle (Limit)") && text.contains("1 of 11 paths"), "{text}");
    let log: Vec<String> = stage.engine.log.newest(9).map(|(_, _, text)| text.clone()).collect();
    assert!(log.iter().any(|line| line.contains("'parameters limit paths'") && line.contains("rests for")), "{log:?}");
}

#[test]
fn the_session_comes_back_after_its_rest_or_when_the_limit_is_another() {
    let mut stage = Stage::new(&format!("{OPEN}set protocols bgp 64512 parameters limit paths 5"));
    stage.announces(prefixes(6), 1);
    stage.rest();
    assert_eq!(states(&mut stage), ONE);
    stage.open(super::policies::SPEAKER);
    assert_eq!(states(&mut stage), ONE, "a neighbor that comes too early is sent away");
    stage.wait(61);
    stage.open(super::policies::SPEAKER);
    stage.announces(prefixes(5), 1);
    stage.rest();
    assert_eq!((states(&mut stage), stage.known.len()), (BOTH, 5));
    stage.announces(prefixes(6), 1);
    stage.rest();
    assert_eq!(states(&mut stage), ONE);
    stage.commit("set protocols bgp 64512 parameters limit paths 6");
    stage.open(super::policies::SPEAKER);
    stage.announces(prefixes(6), 1);
    stage.rest();
    assert_eq!((states(&mut stage), stage.known.len()), (BOTH, 6));
    // A limit below what is there takes nothing away.
    stage.commit("set protocols bgp 64512 parameters limit paths 3");
    stage.announces(prefixes(6), 2);
    stage.rest();
    assert_eq!((states(&mut stage), stage.known.len()), (BOTH, 6));
}

#[test]
fn memory_is_asked_for_while_routes_come_in_and_ends_one_session_at_a_time() {
    let mut stage = Stage::new(&format!("{OPEN}set protocols bgp 64512 parameters limit memory 100"));
    stage.measured.clear();
    stage.announces(prefixes(1), 1);
    stage.announces(prefixes(2), 1);
    assert_eq!(stage.measured, [false], "not for every message");
    stage.wait(1);
    stage.announces(prefixes(3), 1);
    assert_eq!(stage.measured, [false, false]);
    stage.take(Event::Memory(Some(100 * MIB)));
    stage.announces(prefixes(4), 1);
    assert_eq!(states(&mut stage), BOTH);
    stage.take(Event::Memory(Some(101 * MIB)));
    stage.announces(prefixes(4), 2);
    assert_eq!(states(&mut stage), BOTH, "what does not grow is let in");
    stage.measured.clear();
    stage.announces(prefixes(5), 1);
    stage.rest();
    assert_eq!(states(&mut stage), ONE);
    assert_eq!(stage.measured, [true], "what was dropped is given back before anybody else is judged");
    stage.listener_announces(prefixes(9));
    assert_eq!(states(&mut stage), ONE);
    stage.take(Event::Memory(Some(90 * MIB)));
    stage.listener_announces(prefixes(10));
    assert_eq!(states(&mut stage), ONE);
    let text = summary(&mut stage).text();
    assert!(text.contains("90 of 100 MiB of memory"), "{text}");
    stage.take(Event::Memory(Some(101 * MIB)));
    stage.listener_announces(prefixes(11));
    stage.rest();
    assert_eq!(states(&mut stage), [PeerState::IdleLimit; 2], "it is still too much, and this one makes it more");
}

#[test]
fn four_fifths_of_the_machines_memory_is_the_limit_that_nobody_named() {
    let mut stage = Stage::new(OPEN);
    assert_eq!(summary(&mut stage).limits, [], "the machine did not tell how much it has");
    stage.engine.facts.memory = Some(1000 * MIB);
    let limits = |stage: &mut Stage| summary(stage).limits.iter().map(|limit| limit.limit).collect::<Vec<_>>();
    assert_eq!(limits(&mut stage), [800]);
    stage.commit("set protocols bgp 64512 parameters limit memory 900");
    assert_eq!(limits(&mut stage), [900]);
}

#[test]
fn a_dynamic_neighbor_cannot_come_back_before_its_rest_is_over_and_is_forgotten_then() {
    const DYNAMIC: u8 = 4;
    let group = "set protocols bgp 64512 peer-group nodes remote-as external\n\
                 set protocols bgp 64512 listen range 192.0.2.0/24 peer-group nodes\n";
    let mut stage = Stage::new(&format!("{OPEN}{group}set protocols bgp 64512 parameters limit paths 5"));
    let address: IpAddr = [192, 0, 2, DYNAMIC].into();
    stage.open(DYNAMIC);
    stage.announced_by(DYNAMIC, prefixes(6), 1);
    stage.rest();
    let up = |stage: &Stage| stage.engine.peers.at(address).map(|peer| peer.session.negotiated().is_some());
    assert_eq!(up(&stage), Some(false));
    stage.open(DYNAMIC);
    assert_eq!(up(&stage), Some(false), "it is still resting");
    stage.wait(61);
    assert_eq!(up(&stage), None);
    stage.open(DYNAMIC);
    assert_eq!(up(&stage), Some(true));
}
