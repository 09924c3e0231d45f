//! The books: what the kernel leaves unsaid is found out.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::number::{RTN_BLACKHOLE, RTN_UNICAST};

const OURS: u8 = RTPROT_TOWPATH;
const STATIC: u8 = 4;

fn leg(ifindex: u32) -> Leg {
    Leg { gateway: Some(std::net::IpAddr::from([192, 0, 2, u8::try_from(ifindex).unwrap()])), ifindex }
}

fn object(id: u32, protocol: u8, ifindex: u32) -> NextHop {
    NextHop { id, protocol, kind: NextHopKind::Leg(leg(ifindex)) }
}

fn group(id: u32, protocol: u8, members: &[u32]) -> NextHop {
    NextHop { id, protocol, kind: NextHopKind::Group(members.iter().map(|id| (*id, 1)).collect()) }
}

fn route(protocol: u8, metric: u32, ifindexes: &[u32]) -> Route {
    Route {
        prefix: "10.0.0.0/8".parse().unwrap(),
        table: 254,
        protocol,
        kind: if ifindexes.is_empty() { RTN_BLACKHOLE } else { RTN_UNICAST },
        flags: 0,
        metric,
        next_hop: None,
        legs: ifindexes.iter().map(|ifindex| leg(*ifindex)).collect(),
    }
}

fn foreign(metric: u32, ifindexes: &[u32]) -> ForeignRoute {
    Ledger::default().foreign(&route(STATIC, metric, ifindexes)).unwrap()
}

/// The events of one deed.
fn told(deed: impl FnOnce(&mut Vec<WorldEvent>)) -> Vec<WorldEvent> {
    let mut events = Vec::new();
    deed(&mut events);
    events
}

/// Two next hops of ours on links 1 and 2, a group of both and a group of the first alone.
fn books() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.begin(vec![object(1, OURS, 1), object(2, OURS, 2), group(10, OURS, &[1, 2]), group(11, OURS, &[1])]);
    ledger
}

#[test]
fn a_link_that_is_up_again_when_its_message_comes_may_have_lost_next_hops_all_the_same() {
    let mut ledger = books();
    assert_eq!(told(|events| ledger.audit_objects(1, &BTreeSet::from([1]), events)), [], "all are there");
    assert_eq!(
        told(|events| ledger.audit_objects(1, &BTreeSet::from([99]), events)),
        [WorldEvent::OurNextHopLost(1), WorldEvent::OurNextHopLost(11)]
    );
    assert_eq!(told(|events| ledger.audit_objects(1, &BTreeSet::new(), events)), [], "it is told once");
    assert!(ledger.has_objects_on(2));
}

#[test]
fn a_link_that_drops_takes_its_next_hops_and_the_groups_that_have_no_other() {
    let mut ledger = books();
    assert_eq!(
        told(|events| ledger.link_dropped(1, events)),
        [WorldEvent::OurNextHopLost(1), WorldEvent::OurNextHopLost(11)]
    );
    assert_eq!(told(|events| ledger.link_dropped(1, events)), []);
    assert_eq!(
        told(|events| ledger.link_dropped(2, events)),
        [WorldEvent::OurNextHopLost(2), WorldEvent::OurNextHopLost(10)]
    );
}

#[test]
fn a_next_hop_deleted_by_others_is_lost_and_one_deleted_by_us_is_not() {
    let mut ledger = books();
    assert_eq!(told(|events| assert!(ledger.object_is_gone(1, true, events).is_empty())), []);
    assert_eq!(
        told(|events| assert!(ledger.object_is_gone(2, false, events).is_empty())),
        [WorldEvent::OurNextHopLost(2), WorldEvent::OurNextHopLost(10)]
    );
}

#[test]
fn a_next_hop_changed_by_others_is_lost_unless_nothing_changed() {
    let mut ledger = books();
    assert_eq!(told(|events| ledger.object_is_there(object(1, OURS, 1), false, events)), []);
    assert_eq!(told(|events| ledger.object_is_there(object(1, OURS, 3), true, events)), []);
    assert_eq!(
        told(|events| ledger.object_is_there(object(1, STATIC, 4), false, events)),
        [WorldEvent::OurNextHopLost(1)]
    );
    assert_eq!(told(|events| ledger.object_is_there(object(77, STATIC, 4), false, events)), []);
}

#[test]
fn foreign_routes_come_change_and_go() {
    let mut ledger = Ledger::default();
    let (one, both) = (foreign(5, &[1]), foreign(5, &[1, 2]));
    assert_eq!(
        told(|events| ledger.route_is_there(&route(STATIC, 5, &[1]), false, events)),
        [WorldEvent::Route(one.clone())]
    );
    assert_eq!(told(|events| ledger.route_is_there(&route(STATIC, 5, &[1]), false, events)), []);
    assert_eq!(
        told(|events| ledger.route_is_there(&route(STATIC, 5, &[1, 2]), false, events)),
        [WorldEvent::RouteGone(one.clone()), WorldEvent::Route(both.clone())]
    );
    assert_eq!(
        told(|events| ledger.route_is_gone(&route(STATIC, 5, &[2]), events)),
        [WorldEvent::RouteGone(both), WorldEvent::Route(one.clone())]
    );
    let other = foreign(5, &[3]);
    assert_eq!(
        told(|events| ledger.route_is_there(&route(STATIC, 5, &[3]), true, events)),
        [WorldEvent::RouteGone(one), WorldEvent::Route(other.clone())]
    );
    assert_eq!(told(|events| ledger.route_is_gone(&route(STATIC, 5, &[3]), events)), [WorldEvent::RouteGone(other)]);
    assert_eq!(told(|events| ledger.route_is_gone(&route(STATIC, 5, &[3]), events)), []);
}

#[test]
fn our_routes_are_lost_when_deleted_or_replaced_and_twins_of_another_metric_are_nothing() {
    let mut ledger = Ledger::default();
    let lost = [WorldEvent::OurRouteLost("10.0.0.0/8".parse().unwrap())];
    assert_eq!(told(|events| ledger.route_is_gone(&route(OURS, ROUTE_METRIC, &[1]), events)), lost);
    assert_eq!(told(|events| ledger.route_is_gone(&route(OURS, 7, &[1]), events)), []);
    assert_eq!(told(|events| ledger.route_is_there(&route(OURS, ROUTE_METRIC, &[1]), true, events)), lost);
    let replaced = told(|events| ledger.route_is_there(&route(STATIC, ROUTE_METRIC, &[1]), true, events));
    assert_eq!(replaced.first(), lost.first());
    assert_eq!(replaced.get(1), Some(&WorldEvent::Route(foreign(ROUTE_METRIC, &[1]))));
}

#[test]
fn an_audit_tells_what_the_kernel_dropped_silently_and_leaves_other_links_alone() {
    let mut ledger = Ledger::default();
    let (gone, kept, elsewhere) = (foreign(1, &[1]), foreign(2, &[1, 2]), foreign(3, &[2]));
    for route in [&gone, &kept, &elsewhere] {
        ledger.remember(route.clone());
    }
    assert!(ledger.has_routes_over(1));
    assert_eq!(told(|events| ledger.audit(1, std::slice::from_ref(&kept), events)), [WorldEvent::RouteGone(gone)]);
    assert_eq!(told(|events| ledger.audit(1, &[kept], events)), []);
    assert!(ledger.has_routes_over(2));
}

#[test]
fn a_foreign_route_that_names_a_next_hop_object_has_its_legs() {
    let mut ledger = Ledger::default();
    ledger.begin(vec![object(1, STATIC, 1), object(2, STATIC, 2), group(9, STATIC, &[1, 2])]);
    let named = Route { kind: RTN_UNICAST, next_hop: Some(9), ..route(STATIC, 5, &[]) };
    let resolved = ledger.foreign(&named).unwrap();
    assert_eq!(resolved.legs, [leg(1), leg(2)]);
    ledger.remember(resolved);
    let suspects = told(|events| assert_eq!(ledger.object_is_gone(9, false, events), [1, 2]));
    assert_eq!(suspects, []);
}
