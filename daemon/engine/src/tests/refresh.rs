//! Refreshes with a beginning and an end (RFC 7313), asked for and told.

use bgp_wire::message::RouteRefresh;

use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};

const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable";

#[test]
fn what_a_neighbor_does_not_tell_again_in_a_refresh_is_gone_at_its_end() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(3), 1);
    stage.rest();
    stage.forget_what_was_heard();
    stage.refreshes(SPEAKER, RouteRefresh::BEGINS);
    stage.announces(prefixes(2), 1);
    stage.rest();
    assert_eq!((stage.known.len(), &stage.heard[..]), (3, &[][..]), "until the end everything is used as before");
    stage.refreshes(SPEAKER, RouteRefresh::ENDS);
    stage.rest();
    assert_eq!(stage.heard, [Heard::Withdrawn(prefixes(3).last().unwrap())]);
    stage.forget_what_was_heard();
    stage.refreshes(SPEAKER, RouteRefresh::ENDS);
    stage.rest();
    assert_eq!((stage.known.len(), &stage.heard[..]), (2, &[][..]), "an end without a beginning says nothing");
}

#[test]
fn a_refresh_that_never_ends_is_ended_after_six_minutes() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(3), 1);
    stage.rest();
    stage.refreshes(SPEAKER, RouteRefresh::BEGINS);
    stage.announces(prefixes(1), 2);
    stage.wait(359);
    stage.rest();
    assert_eq!(stage.known.len(), 3);
    stage.wait(1);
    stage.rest();
    assert_eq!(stage.known.len(), 1);
    let log: Vec<String> = stage.engine.log.newest(9).map(|(_, _, text)| text.clone()).collect();
    assert!(log.iter().any(|line| line.contains("2 routes of IPv4 Unicast were not told again")), "{log:?}");
}

#[test]
fn a_session_that_breaks_in_a_refresh_begins_anew() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(3), 1);
    stage.refreshes(SPEAKER, RouteRefresh::BEGINS);
    stage.breaks(SPEAKER);
    stage.open(SPEAKER);
    stage.announces(prefixes(3), 1);
    stage.refreshes(SPEAKER, RouteRefresh::ENDS);
    stage.wait(400);
    stage.rest();
    assert_eq!(stage.known.len(), 3);
}

#[test]
fn who_asks_for_everything_again_hears_where_it_begins_and_ends() {
    let mut stage = Stage::new(OPEN);
    stage.announces(prefixes(3), 1);
    stage.rest();
    stage.forget_what_was_heard();
    stage.refreshes(LISTENER, RouteRefresh::REQUEST);
    stage.rest();
    assert_eq!(stage.marks, [(RouteRefresh::BEGINS, 0), (RouteRefresh::ENDS, 3)], "{:?}", stage.heard);
    stage.announces(prefixes(4), 1);
    stage.rest();
    assert_eq!((stage.heard.len(), stage.marks.len()), (4, 2), "what comes later belongs to no refresh");
}
