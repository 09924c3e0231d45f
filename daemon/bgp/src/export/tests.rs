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
        confederation: false,
        client: false,
        client_to_client: true,
        cluster_id: CLUSTER,
        local_as: OURS,
        router_as: OURS,
        next_hop: [192, 0, 2, 254].into(),
        link_local: None,
        nexthop_self: false,
        default_local_pref: 100,
        long_lived: LongLived::Nothing,
        requires_policy: false,
        several: None,
        at_most: None,
        interval: 0,
        manner: Manner::default(),
        policy: Chain::default(),
        unsuppress: None,
        held_back: None,
        wanted: None,
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

fn exportable(attributes: &Arc<PathAttributes>, learned: Learned) -> Exportable<'_> {
    let subject = Subject {
        prefix: "10.0.0.0/8".parse().unwrap(),
        source: Source::Bgp,
        peer: None,
        nowhere: false,
        interface: None,
        validity: None,
        path_validity: None,
        shares: None,
    };
    Exportable { attributes, learned, from_server_client: false, subject, marks: Marks::default() }
}

fn told(attributes: PathAttributes, learned: Learned, to: &ExportTarget) -> Option<PathAttributes> {
    let attributes = Arc::new(attributes);
    export(&exportable(&attributes, learned), to).ok()
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

fn path(numbers: &[u32]) -> AsPath {
    AsPath::sequence(&numbers.iter().copied().map(Asn).collect::<Vec<_>>())
}

#[test]
fn the_path_that_another_as_hears_is_as_the_words_say() {
    let manner = |manner: Manner| ExportTarget { manner, ..target(false) };
    let all = manner(Manner { private: Private::Go, ..Manner::default() });
    let alone = manner(Manner { private: Private::GoAlone, ..Manner::default() });
    let over = manner(Manner { overridden: Some(Asn(7)), ..Manner::default() });
    let both = manner(Manner { overridden: Some(Asn(64513)), private: Private::Go, ..Manner::default() });
    let unchanged =
        manner(Manner { unchanged: Unchanged { as_path: true, ..Unchanged::default() }, ..Manner::default() });
    let aliased = ExportTarget { local_as: Asn(9), ..target(false) };
    let replaced = ExportTarget { local_as: Asn(9), router_as: Asn(9), ..target(false) };
    let aliased_over = ExportTarget { manner: over.manner.clone(), ..replaced.clone() };
    for (to, before, after) in [
        (&target(false), &[64513, 7][..], &[64512, 64513, 7][..]),
        (&alone, &[64513, 7], &[64512, 64513, 7]),
        (&alone, &[64513, 4_200_000_000, 65534], &[64512]),
        (&alone, &[], &[64512]),
        (&all, &[64513, 7, 65534, 8], &[64512, 7, 8]),
        (&all, &[65535, 64511], &[64512, 65535, 64511]),
        (&over, &[7, 8, 7], &[64512, 64512, 8, 64512]),
        (&over, &[8], &[64512, 8]),
        (&both, &[64513, 7], &[64512, 7]),
        (&unchanged, &[64513, 7], &[64513, 7]),
        (&aliased, &[7], &[9, 64512, 7]),
        (&replaced, &[7], &[9, 7]),
        (&aliased_over, &[7, 8], &[9, 9, 8]),
    ] {
        let heard = told(PathAttributes { as_path: path(before), ..route() }, Learned::External, to).unwrap();
        assert_eq!(heard.as_path, path(after), "{before:?} by {:?}", to.manner);
    }
    // Within the AS nothing of it counts, and what is the router's own begins with it.
    let inside = ExportTarget { internal: true, ..all.clone() };
    assert_eq!(told(route(), Learned::External, &inside).unwrap().as_path, path(&[64513]));
    let own = PathAttributes { as_path: path(&[]), ..route() };
    assert_eq!(told(own, Learned::Local, &unchanged).unwrap().as_path, path(&[64512]));
}

#[test]
fn a_route_server_passes_routes_on_as_they_came() {
    let manner = Manner { unchanged: Unchanged::ALL, server_client: true, ..Manner::default() };
    let to = ExportTarget { manner, ..target(false) };
    let came = PathAttributes { local_pref: None, ..route() };
    assert_eq!(told(route(), Learned::External, &to), Some(came));
    // What one client wants to be kept by the next one is not the server's affair; what others want is.
    let kept = Arc::new(PathAttributes { communities: thin_vec![Community::NO_EXPORT.0], ..route() });
    let from = |from_server_client| Exportable { from_server_client, ..exportable(&kept, Learned::External) };
    assert_eq!(export(&from(true), &to).unwrap().communities, kept.communities);
    assert_eq!(export(&from(false), &to), Err(Withheld::NoExport));
    assert_eq!(export(&from(true), &target(false)), Err(Withheld::NoExport));
}

#[test]
fn the_next_hop_stays_or_is_ours_as_the_words_say() {
    let unchanged = Manner { unchanged: Unchanged { next_hop: true, ..Unchanged::default() }, ..Manner::default() };
    let forced = Manner { nexthop_self_forced: true, ..Manner::default() };
    let (ours, theirs) = (target(true).next_hop, route().next_hop.address);
    let mine = PathAttributes::new(Origin::Igp, Ipv4Addr::UNSPECIFIED.into());
    for (attributes, learned, to, expected) in [
        (route(), Learned::External, ExportTarget { manner: unchanged.clone(), ..target(false) }, theirs),
        (
            route(),
            Learned::External,
            ExportTarget { manner: unchanged.clone(), nexthop_self: true, ..target(true) },
            theirs,
        ),
        (mine, Learned::Local, ExportTarget { manner: unchanged.clone(), ..target(false) }, ours),
        (route(), internal(true), ExportTarget { nexthop_self: true, ..client() }, theirs),
        (route(), internal(true), ExportTarget { manner: forced, ..client() }, ours),
    ] {
        assert_eq!(told(attributes, learned, &to).unwrap().next_hop.address, expected, "{learned:?} {:?}", to.manner);
    }
}

#[test]
fn the_med_of_another_as_stays_where_it_is_said() {
    let manner = Manner { unchanged: Unchanged { med: true, ..Unchanged::default() }, ..Manner::default() };
    assert_eq!(told(route(), Learned::External, &ExportTarget { manner, ..target(false) }).unwrap().med, Some(5));
    assert_eq!(told(route(), Learned::External, &target(false)).unwrap().med, None);
}

#[test]
fn kinds_of_communities_are_left_out_one_by_one() {
    let attributes = PathAttributes {
        communities: thin_vec![1],
        extended_communities: thin_vec![[0, 2, 0, 1, 0, 0, 0, 1]],
        large_communities: thin_vec![bgp_wire::attribute::LargeCommunity(1, 2, 3)],
        ..route()
    };
    for (standard, extended, large) in [(true, false, false), (false, true, false), (false, false, true)] {
        let manner = Manner { mute: Mute { standard, extended, large }, ..Manner::default() };
        let heard = told(attributes.clone(), Learned::External, &ExportTarget { manner, ..target(true) }).unwrap();
        let left = [heard.communities.len(), heard.extended_communities.len(), heard.large_communities.len()];
        assert_eq!(left, [standard, extended, large].map(|mute| usize::from(!mute)));
    }
}

#[test]
fn traffic_that_shall_move_away_is_announced_to_everybody() {
    let manner = Manner { graceful_shutdown: true, ..Manner::default() };
    let attributes = || PathAttributes { communities: thin_vec![1, u32::MAX - 7], ..route() };
    let marked = [1, Community::GRACEFUL_SHUTDOWN.0, u32::MAX - 7];
    let inside =
        told(attributes(), Learned::External, &ExportTarget { manner: manner.clone(), ..target(true) }).unwrap();
    assert_eq!((inside.local_pref, &inside.communities[..]), (Some(0), &marked[..]));
    let outside = told(attributes(), Learned::External, &ExportTarget { manner, ..target(false) }).unwrap();
    assert_eq!((outside.local_pref, &outside.communities[..]), (None, &marked[..]));
}

/// RFC 9234 §5, egress.
#[test]
fn a_route_for_customers_goes_to_nobody_else() {
    use crate::role::Role::{Customer, Peer, Provider, RouteServer, RouteServerClient};
    let marked = |marked: Option<u32>| {
        let mut attributes = route();
        marked.into_iter().for_each(|asn| attributes.mark_only_to_customer(Asn(asn)));
        Arc::new(attributes)
    };
    for (role, without, with) in [
        (Provider, Some(OURS), true),
        (Peer, Some(OURS), false),
        (RouteServer, Some(OURS), true),
        (Customer, None, false),
        (RouteServerClient, None, false),
    ] {
        let to = ExportTarget { manner: Manner { role: Some(role), ..Manner::default() }, ..target(false) };
        let heard = export(&exportable(&marked(None), Learned::External), &to).unwrap();
        assert_eq!(heard.only_to_customer(), without, "{role}");
        let heard = export(&exportable(&marked(Some(7)), Learned::External), &to);
        let expected = if with { Ok(Some(Asn(7))) } else { Err(Withheld::OnlyToCustomer(Asn(7))) };
        assert_eq!(heard.map(|heard| heard.only_to_customer()), expected, "{role}");
    }
}

/// RFC 5065 §4, §5.
#[test]
fn members_of_a_confederation_hear_what_is_theirs_alone_and_others_do_not() {
    const IDENTIFIER: Asn = Asn(65000);
    let member = ExportTarget { confederation: true, ..target(false) };
    let outside = ExportTarget { local_as: IDENTIFIER, router_as: IDENTIFIER, ..target(false) };
    let through = |members: &[u32], others: &[u32]| -> PathAttributes {
        let [members, others] = [members, others].map(|asns| asns.iter().copied().map(Asn).collect::<Vec<_>>());
        let parts = [(SegmentKind::ConfedSequence, &members), (SegmentKind::Sequence, &others)];
        let as_path = parts.into_iter().map(|(kind, asns)| Segment { kind, asns }).collect();
        PathAttributes { as_path, ..route() }
    };
    for (learned, before, to_member, to_outside) in [
        (Learned::Local, through(&[], &[]), "(64512)", "65000"),
        (Learned::External, through(&[], &[7]), "(64512) 7", "65000 7"),
        (Learned::Confederation, through(&[64513], &[7]), "(64512 64513) 7", "65000 7"),
        (internal(false), through(&[64513], &[]), "(64512 64513)", "65000"),
    ] {
        let heard = told(before.clone(), learned, &member).unwrap();
        assert_eq!(heard.as_path.to_string(), to_member);
        assert_eq!((heard.local_pref, heard.med, heard.originator_id), (Some(200), Some(5), None));
        let own = learned == Learned::Local;
        assert_eq!(heard.next_hop.address, if own { member.next_hop } else { route().next_hop.address });
        let heard = told(before, learned, &outside).unwrap();
        assert_eq!((heard.as_path.to_string().as_str(), heard.local_pref), (to_outside, None));
    }
    assert!(told(through(&[64513], &[]), Learned::Confederation, &target(true)).is_some(), "as one from outside");
    let kept = |community: Community| PathAttributes { communities: thin_vec![community.0], ..route() };
    for (community, to, hears) in [
        (Community::NO_EXPORT, &member, true),
        (Community::NO_EXPORT, &outside, false),
        (Community::LOCAL_AS, &member, false),
        (Community::LOCAL_AS, &target(true), true),
        (Community::NO_ADVERTISE, &member, false),
    ] {
        assert_eq!(told(kept(community), Learned::External, to).is_some(), hears, "{community}");
    }
}

#[test]
fn what_is_long_lived_stale_is_told_as_the_peer_understands_it() {
    let attributes = Arc::new(PathAttributes { communities: thin_vec![Community::LLGR_STALE.0], ..route() });
    let marks = Marks { long_lived: true, ..Marks::default() };
    let route = Exportable { marks, ..exportable(&attributes, Learned::External) };
    let (stale, inside) = (Community::LLGR_STALE.0, Community::NO_EXPORT.0);
    for (internal, long_lived, heard) in [
        (true, LongLived::All, Some((Some(200), vec![stale]))),
        (false, LongLived::All, Some((None, vec![stale]))),
        (true, LongLived::Last, Some((Some(0), vec![stale, inside]))),
        (true, LongLived::Nothing, None),
        (false, LongLived::Nothing, None),
    ] {
        let said = export(&route, &ExportTarget { long_lived, ..target(internal) });
        let said = said.map(|said| (said.local_pref, said.communities.to_vec()));
        assert_eq!(said, heard.ok_or(Withheld::LongLivedStale), "{internal} {long_lived:?}");
    }
}
