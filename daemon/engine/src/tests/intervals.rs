//! `advertisement-interval`: changes wait for each other, and nothing else waits (RFC 4271 §9.2.1.1).

use bgp_wire::message::RouteRefresh;

use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};

const SLOW: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 neighbor 192.0.2.3 advertisement-interval 30";

#[test]
fn changes_are_told_together_once_in_the_interval() {
    let mut stage = Stage::new(SLOW);
    stage.announces(prefixes(2), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 2, "the first change has nothing to wait for");
    stage.forget_what_was_heard();
    for community in 2..9 {
        stage.announces(prefixes(1), community);
        stage.wait(4);
        stage.rest();
    }
    stage.withdrawn_by(SPEAKER, prefixes(2).skip(1));
    stage.rest();
    assert_eq!(stage.heard, [], "28 seconds have passed");
    let due = stage.engine.deadline();
    stage.wait(2);
    assert!(due.is_some_and(|due| due <= stage.now()), "the engine asks to be called then");
    stage.rest();
    let mut prefixes = prefixes(2);
    let [first, second] = [prefixes.next().unwrap(), prefixes.next().unwrap()];
    assert_eq!(stage.heard.len(), 2, "seven changes of a route are one: {:?}", stage.heard);
    assert!(stage.heard.contains(&Heard::Announced(first)) && stage.heard.contains(&Heard::Withdrawn(second)));
    assert!(stage.known[&first].communities.contains(&8), "and it is the last one");
}

#[test]
fn a_first_table_and_what_is_asked_for_again_do_not_wait() {
    let mut stage = Stage::new(SLOW);
    stage.announces(prefixes(2), 1);
    stage.rest();
    stage.announces(prefixes(3), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 2, "this one waits");
    stage.refreshes(LISTENER, RouteRefresh::REQUEST);
    stage.rest();
    assert_eq!(stage.known.len(), 3);
    stage.announces(prefixes(4), 1);
    stage.breaks(LISTENER);
    stage.open(LISTENER);
    stage.rest();
    assert_eq!(stage.known.len(), 4);
}

#[test]
fn another_interval_holds_at_once_and_costs_no_session() {
    let mut stage = Stage::new(SLOW);
    stage.announces(prefixes(1), 1);
    stage.rest();
    stage.announces(prefixes(2), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 1);
    stage.commit("delete protocols bgp 64512 neighbor 192.0.2.3 advertisement-interval");
    stage.rest();
    assert_eq!((stage.known.len(), stage.closed), (2, false));
    stage.announces(prefixes(3), 1);
    stage.rest();
    assert_eq!(stage.known.len(), 3);
}
