//! Route flap damping in a whole engine: what flaps rests, is told why, and comes back by itself or by hand.

use api::View;
use api::request::{BgpTarget, Show};
use grammar::commands::DampingShown;
use nouns::Prefix;

use super::policies::{Heard, SPEAKER, Stage, prefixes};
use super::*;

const ON: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 parameters dampening half-life 15
set protocols bgp 64512 parameters dampening max-suppress-time 60
set protocols bgp 64512 parameters dampening re-use 750
set protocols bgp 64512 parameters dampening start-suppress-time 6000";

fn one() -> Prefix {
    prefixes(1).next().unwrap()
}

fn flaps(stage: &mut Stage, times: u32) {
    for _ in 0..times {
        stage.announces([one()], 1);
        stage.rest();
        stage.withdrawn_by(SPEAKER, [one()]);
        stage.rest();
    }
    stage.announces([one()], 1);
    stage.rest();
}

fn shown(stage: &mut Stage) -> api::view::BgpPrefix {
    let target = BgpTarget::Prefix(one());
    match stage.show(Show::BgpPrefix { family: Family::Ipv4Unicast, target, why: true }) {
        Ok(View::BgpPrefix(shown)) => shown,
        other => panic!("{other:?}"),
    }
}

fn remembered(stage: &mut Stage) -> usize {
    match stage.show(Show::Damping { family: Family::Ipv4Unicast, which: DampingShown::Flaps }) {
        Ok(View::BgpDamping(shown)) => shown.paths.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_route_that_flaps_rests_and_is_used_again() {
    let mut stage = Stage::new(ON);
    flaps(&mut stage, 6);
    assert!(stage.known.contains_key(&one()), "6000 is not above 6000");
    flaps(&mut stage, 1);
    assert!(!stage.known.contains_key(&one()));
    let before = shown(&mut stage);
    assert!(before.flaps[0].suppressed && before.flaps[0].flaps == 7, "{:?}", before.flaps);
    // A change of policy does not wake it, and neither does what it says meanwhile.
    stage.commit("set protocols bgp 64512 parameters default local-pref 150");
    stage.announces([one()], 2);
    stage.rest();
    assert!(!stage.known.contains_key(&one()));
    stage.forget_what_was_heard();
    stage.wait(3600);
    stage.rest();
    assert_eq!(stage.heard, [Heard::Announced(one())], "it rested long enough");
    stage.wait(3600);
    assert_eq!(remembered(&mut stage), 0, "what behaves is forgotten");
}

#[test]
fn a_route_that_is_gone_is_history() {
    let mut stage = Stage::new(ON);
    flaps(&mut stage, 2);
    stage.withdrawn_by(SPEAKER, [one()]);
    stage.rest();
    let shown = shown(&mut stage);
    assert!(shown.paths.is_empty() && shown.flaps[0].withdrawn, "{shown:?}");
}

#[test]
fn other_attributes_count_half() {
    let mut stage = Stage::new(ON);
    for community in 0..14 {
        stage.announces([one()], community);
    }
    stage.rest();
    assert!(!stage.known.contains_key(&one()), "13 changes are 6500");
    let flaps = shown(&mut stage).flaps;
    assert_eq!((flaps[0].flaps, flaps[0].penalty), (13, 6500));
}

#[test]
fn a_person_forgets_what_flapped_and_no_damping_lets_all_back() {
    for end in ["clear", "delete"] {
        let mut stage = Stage::new(ON);
        flaps(&mut stage, 9);
        assert!(!stage.known.contains_key(&one()));
        if end == "clear" {
            let request = Request::ClearDamping { family: None, prefix: None };
            stage.take(Event::Ask(AskId { client: ClientId(1), id: 9 }, admin(), request));
        } else {
            stage.commit("delete protocols bgp 64512 parameters dampening");
        }
        stage.rest();
        assert!(stage.known.contains_key(&one()), "{end}");
        assert!(stage.engine.damping.of(Family::Ipv4Unicast).is_empty(), "{end}");
    }
}

/// A neighbor's own numbers count before the speaker's, its group's in between, and `disable` is none.
#[test]
fn a_neighbor_is_damped_by_its_own_numbers() {
    const OWN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 neighbor @ dampening half-life 15
set protocols bgp 64512 neighbor @ dampening max-suppress-time 60
set protocols bgp 64512 neighbor @ dampening re-use 750
set protocols bgp 64512 neighbor @ dampening start-suppress-time 2000";
    let own = OWN.replace('@', &format!("192.0.2.{SPEAKER}"));
    let mut stage = Stage::new(&own);
    flaps(&mut stage, 2);
    assert!(stage.known.contains_key(&one()), "2000 is not above 2000");
    flaps(&mut stage, 1);
    assert!(!stage.known.contains_key(&one()), "nothing else is damped, it is");
    // Other numbers of its own let it rest on or free it at once; so does what holds for all once it has none.
    stage.commit(&format!("delete protocols bgp 64512 neighbor 192.0.2.{SPEAKER} dampening\n{ON}"));
    assert!(!stage.known.contains_key(&one()), "3000 is not below 750");
    stage.commit(&format!("set protocols bgp 64512 neighbor 192.0.2.{SPEAKER} dampening disable"));
    stage.rest();
    assert!(stage.known.contains_key(&one()), "it is damped no more");
    flaps(&mut stage, 9);
    assert!(stage.known.contains_key(&one()));
}

#[test]
fn a_session_that_ends_is_no_flap() {
    let mut stage = Stage::new(ON);
    for _ in 0..9 {
        stage.announces([one()], 1);
        stage.breaks(SPEAKER);
        stage.rest();
        stage.wait(60);
        stage.open(SPEAKER);
        stage.rest();
    }
    stage.announces([one()], 1);
    stage.rest();
    assert!(stage.known.contains_key(&one()));
    assert_eq!(remembered(&mut stage), 0);
}
