//! What each kind of peer hears of each kind of route.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use bgp_wire::attribute::{AsPath, Origin, Segment, SegmentKind, thin_vec};

use super::*;
use crate::policy::Source;

const OURS: Asn = Asn(64512);
const CLUSTER: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
const SENDER: Ipv4Addr = Ipv4Addr::new(3, 3, 3, 3);

fn internal(client: bool) -> Learned {
    Learned::Internal { client, router_id: SENDER }
}

fn client() -> ExportTarget {
    ExportTarget { client: true, ..target(true) }
}

fn target(internal: bool) -> ExportTarget {
    ExportTarget {
        internal,
        client: false,
        client_to_client: true,
        cluster_id: CLUSTER,
        local_as: OURS,
        router_as: OURS,
        next_hop: [192, 0, 2, 254].into(),
        nexthop_self: false,
        default_local_pref: 100,
        requires_policy: false,
        several: None,
        at_most: None,
        policy: Chain::default(),
        default_originate: None,
    }
}

fn route() -> PathAttributes {
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
    attributes.as_path = AsPath::sequence(&[Asn(64513)]);
    attributes.med = Some(5);
    attributes.local_pref = Some(200);
    attributes
}

fn told(attributes: PathAttributes, learned: Learned, to: &ExportTarget) -> Option<PathAttributes> {
    let attributes = Arc::new(attributes);
    let subject = Subject { prefix: "10.0.0.0/8".parse().unwrap(), source: Source::Bgp, peer: None, interface: None };
    export(&Exportable { attributes: &attributes, learned, subject, marks: Marks::default() }, to).ok()
}

#[test]
fn who_hears_of_what() {
    use Learned::{External, Local};
    let with = |community: Community| PathAttributes { communities: thin_vec![community.0], ..route() };
    let strict = |internal| ExportTarget { requires_policy: true, ..target(internal) };
    let meshed = ExportTarget { client_to_client: false, ..client() };
    for (attributes, learned, to, hears) in [
        (route(), Local, target(true), true),
        (route(), Local, target(false), true),
        (route(), External, target(true), true),
        (route(), External, target(false), true),
        (route(), internal(false), target(false), true),
        (route(), internal(false), target(true), false),
        (route(), internal(true), target(true), true),
        (route(), internal(false), client(), true),
        (route(), internal(true), client(), true),
        (route(), internal(true), meshed.clone(), false),
        (route(), internal(false), meshed.clone(), true),
        (route(), External, meshed, true),
        (with(Community::NO_ADVERTISE), internal(true), client(), false),
        (with(Community::NO_EXPORT), internal(true), client(), true),
        (with(Community::NO_ADVERTISE), Local, target(true), false),
        (with(Community::NO_ADVERTISE), External, target(false), false),
        (with(Community::NO_EXPORT), External, target(false), false),
        (with(Community::NO_EXPORT), External, target(true), true),
        (with(Community::LOCAL_AS), Local, target(false), false),
        (with(Community::LOCAL_AS), Local, target(true), true),
        (route(), Local, strict(false), false),
        (route(), Local, strict(true), true),
    ] {
        assert_eq!(told(attributes.clone(), learned, &to).is_some(), hears, "{attributes:?} {learned:?} {to:?}");
    }
}

#[test]
fn another_as_sees_our_as_and_address_and_nothing_internal() {
    let mut attributes = route();
    attributes.originator_id = Some([1, 1, 1, 1].into());
    attributes.cluster_list = thin_vec![[2, 2, 2, 2].into()];
    attributes.extended_communities = thin_vec![[0, 2, 0, 0, 0, 0, 0, 1], [0x40, 4, 0, 0, 0, 0, 0, 2]];
    let confederation = Segment { kind: SegmentKind::ConfedSequence, asns: &[Asn(65001)] };
    attributes.as_path = std::iter::once(confederation).chain(route().as_path.segments()).collect();
    let told = told(attributes, internal(true), &target(false)).unwrap();
    assert_eq!(told.as_path, AsPath::sequence(&[OURS, Asn(64513)]));
    assert_eq!(told.next_hop.address, target(false).next_hop);
    assert_eq!((told.med, told.local_pref, told.originator_id), (None, None, None));
    assert_eq!((told.cluster_list.len(), told.extended_communities.len()), (0, 1));
}

#[test]
fn the_med_of_our_own_routes_crosses_the_border() {
    assert_eq!(told(route(), Learned::Local, &target(false)).unwrap().med, Some(5));
}

#[test]
fn our_own_as_sees_the_route_as_it_is() {
    let there = told(route(), Learned::External, &target(true)).unwrap();
    assert_eq!(there, route());
    let own = told(PathAttributes { local_pref: None, ..route() }, Learned::Local, &target(true)).unwrap();
    assert_eq!((own.local_pref, own.next_hop.address), (Some(100), target(true).next_hop));
    let to = ExportTarget { nexthop_self: true, ..target(true) };
    assert_eq!(told(route(), Learned::External, &to).unwrap().next_hop.address, to.next_hop);
}

#[test]
fn local_as_stands_before_the_routers_as() {
    let to = ExportTarget { local_as: Asn(65000), ..target(false) };
    let told = told(route(), Learned::External, &to).unwrap();
    assert_eq!(told.as_path, AsPath::sequence(&[Asn(65000), OURS, Asn(64513)]));
}

#[test]
fn a_reflected_route_tells_its_originator_and_its_clusters_and_is_else_as_it_came() {
    let first = told(route(), internal(true), &target(true)).unwrap();
    let way = |originator: Ipv4Addr, clusters: &[Ipv4Addr]| PathAttributes {
        originator_id: Some(originator),
        cluster_list: clusters.iter().copied().collect(),
        ..route()
    };
    assert_eq!(first, way(SENDER, &[CLUSTER]));
    let (origin, before) = (Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(2, 2, 2, 2));
    let again = told(way(origin, &[before]), internal(false), &client()).unwrap();
    assert_eq!(again, way(origin, &[CLUSTER, before]));
    // What was learned from another AS has been reflected by nobody.
    assert_eq!(told(way(origin, &[before]), Learned::External, &client()).unwrap(), route());
}

#[test]
fn a_reflector_leaves_the_next_hop_alone_unless_a_policy_sets_it() {
    use crate::policy::{Change, RouteMap, Rule, Then};
    let to = ExportTarget { nexthop_self: true, ..client() };
    assert_eq!(told(route(), internal(true), &to).unwrap().next_hop, route().next_hop);
    let itself = Change::NextHop(nouns::Family::Ipv4Unicast, NextHopChange::ThisRouter);
    let rule =
        Rule { number: 1, permit: true, conditions: Vec::new(), changes: vec![itself], call: None, then: Then::Exit };
    let policy = Chain { route_map: Some(Arc::new(RouteMap::new("SELF", vec![rule]))), ..Chain::default() };
    let told = told(route(), internal(true), &ExportTarget { policy, ..to.clone() }).unwrap();
    assert_eq!(told.next_hop.address, to.next_hop);
}

#[test]
fn targets_are_equal_when_they_go_through_the_same_policies() {
    use crate::policy::{RouteMap, Rule};
    let map = |rules: Vec<Rule>| Some(Arc::new(RouteMap::new("OUT", rules)));
    let through = |route_map| ExportTarget { policy: Chain { route_map, ..Chain::default() }, ..target(true) };
    let shared = map(Vec::new());
    assert_eq!(through(shared.clone()), through(shared.clone()));
    assert_ne!(through(shared.clone()), through(map(Vec::new())));
    assert_ne!(through(shared), target(true));
    assert_ne!(target(true), client());
}
