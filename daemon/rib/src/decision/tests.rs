//! The decision: a pair for every step, compared both ways, and every order of arrival.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bgp_wire::attribute::{AsPath, PathAttributes, Segment, SegmentKind, thin_vec};
use nouns::Prefix;
use proptest::prelude::*;

use super::*;
use crate::bgp_table::{Inserted, PathKey, PeerId, PeerInfo};
use crate::fixtures::{attributes, ip, prefix, world};
use crate::nexthop::NextHops;
use crate::prefix_table::Prefixes;
use crate::routes::{Protocol, Rib};
use crate::world_view::World;

const RULES: Rules = Rules {
    maximum_paths_ebgp: 64,
    maximum_paths_ibgp: 64,
    always_compare_med: false,
    multipath_relax: false,
    default_local_pref: 100,
    steps: StepRules::NONE,
};

/// A path to be, and the peer it comes from.
#[derive(Clone, Debug)]
struct Given {
    peer: u32,
    path_id: u32,
    internal: bool,
    router_id: u8,
    address: u8,
    stale: bool,
    rejected: bool,
    attributes: PathAttributes,
}

fn given(peer: u32) -> Given {
    let host = u8::try_from(200 + peer).unwrap();
    Given {
        peer,
        path_id: 0,
        internal: true,
        router_id: host,
        address: host,
        stale: false,
        rejected: false,
        attributes: attributes(&format!("192.168.101.{host}")),
    }
}

fn sequence(asns: &[u32]) -> AsPath {
    AsPath::sequence(&asns.iter().copied().map(Asn).collect::<Vec<_>>())
}

/// Everything that `decide` looks at.
struct Scene {
    table: BgpTable,
    next_hops: NextHops,
}

impl Scene {
    fn new(all: &[Given]) -> Self {
        let mut table = BgpTable::new(Family::Ipv4Unicast, &Prefixes::default());
        for given in all {
            let info = PeerInfo {
                address: IpAddr::V4(Ipv4Addr::new(192, 168, 101, given.address)),
                router_id: Ipv4Addr::new(1, 1, 1, given.router_id),
                internal: given.internal,
                link: None,
            };
            if PeerId(given.peer) != PeerId::LOCAL {
                table.set_peer(PeerId(given.peer), info);
            }
            table.insert(service(), given.key(), &given.inserted(), Instant::now());
            if given.stale {
                table.mark_stale(PeerId(given.peer));
            }
        }
        let (world, mut rib) = (routed_world(), Rib::default());
        rib.replace_protocol(Protocol::Connected, world.connected_routes(), Instant::now());
        rib.replace_protocol(Protocol::Kernel, world.kernel_routes(), Instant::now());
        let mut next_hops = NextHops::new();
        for ((address, _), _) in table.take_next_hop_news() {
            next_hops.track(address);
        }
        rib.settle(&mut next_hops, &world);
        Self { table, next_hops }
    }

    /// Both ways to decide, which have to agree.
    fn decide(&self, rules: &Rules) -> Option<Decision> {
        let paths = self.table.paths(service());
        let decision = decide(paths, &self.table, &self.next_hops, rules);
        let peers = |id| self.table.peer(id).copied();
        let new = || Chooser::new(Family::Ipv4Unicast, &peers, &self.next_hops, rules);
        let choice = new().choose(paths);
        let mut chooser = new();
        let mut last = Vec::new();
        for asked in [paths, paths, &paths[1..], paths] {
            let expected = new().choose(asked);
            let chosen: Vec<_> = expected.iter().flat_map(Choice::all).map(|index| asked[index].identity()).collect();
            let repeats = !chosen.is_empty() && chosen == last;
            assert_eq!(chooser.choose_again(asked), (expected.as_ref(), repeats), "whatever was asked for before");
            last = chosen;
        }
        for known in 0..paths.len() {
            let before = new().choose(&paths[..known]);
            let Some(best) = before.as_ref().map(|before| before.best) else { continue };
            match new().challenge(paths, best, paths.len() - known) {
                Challenge::Lost => assert_eq!(before, choice),
                Challenge::Won(won, repeats) => assert_eq!((Some(&won), repeats), (choice.as_ref(), false)),
                Challenge::Unclear => {}
            }
        }
        assert_eq!(
            decision.as_ref().map(|decision| (decision.best, decision.multipath.clone())),
            choice.map(|choice| (choice.best, choice.all().collect())),
        );
        decision
    }

    fn explain(&self, rules: &Rules) -> Vec<Verdict> {
        explain(self.table.paths(service()), &self.table, &self.next_hops, rules)
    }

    /// What became of each path, and why, whatever its place is.
    fn reasons(&self, rules: &Rules) -> BTreeMap<PathKey, Verdict> {
        let keys = self.table.paths(service()).iter().map(Path::key);
        keys.zip(self.explain(rules)).collect()
    }

    /// The key of the best path and of those that share the load.
    fn outcome(&self, rules: &Rules) -> Option<(PathKey, Vec<PathKey>, &'static str)> {
        let paths = self.table.paths(service());
        let decision = self.decide(rules)?;
        let keys = decision.multipath.iter().map(|index| paths[*index].key()).collect();
        Some((paths[decision.best].key(), keys, decision.decided_by))
    }
}

impl Given {
    fn key(&self) -> PathKey {
        PathKey { peer: PeerId(self.peer), path_id: self.path_id }
    }

    fn inserted(&self) -> Inserted {
        let attributes = Arc::new(self.attributes.clone());
        let rejected = self.rejected.then(|| Arc::from("AS loop: 64512 is our own AS"));
        Inserted::new(Arc::clone(&attributes), attributes, rejected, nouns::Marks::default())
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

fn service() -> Prefix {
    prefix("172.16.102.229/32")
}

/// The usual world, with a foreign route of metric 50 to 10.50.0.0/16.
fn routed_world() -> World {
    let mut world = world();
    world.apply(&crate::world::WorldEvent::Route(crate::world::ForeignRoute {
        prefix: prefix("10.50.0.0/16"),
        metric: 50,
        protocol: 4,
        legs: vec![crate::fixtures::leg("192.168.101.250", 1)],
    }));
    world
}

#[test]
fn of_several_paths_all_or_those_of_each_as_or_the_best_ones_are_told() {
    let through = |peer, asns: &[u32]| {
        given(peer).with(|given| (given.internal, given.attributes.as_path) = (false, sequence(asns)))
    };
    let rejected = through(5, &[64601]).with(|given| given.rejected = true);
    let scene = Scene::new(&[
        through(1, &[64601, 64700, 64701]),
        through(2, &[64601, 64700]),
        through(3, &[64602, 64700, 64701]),
        through(4, &[64602, 64700, 64701, 64702]),
        rejected,
    ]);
    let told = |which| -> Vec<u32> {
        let told = scene.table.several(service(), &scene.next_hops, &RULES, which);
        told.into_iter().map(|path| path.peer().0).collect()
    };
    let best = |count| nouns::Several::Best(std::num::NonZeroU8::new(count).unwrap());
    assert_eq!(told(nouns::Several::All), [1, 2, 3, 4]);
    assert_eq!(told(nouns::Several::PerAs), [2, 3]);
    assert_eq!(told(best(1)), [2]);
    assert_eq!(told(best(3)), [2, 1, 3]);
    assert_eq!(told(best(9)), [2, 1, 3, 4]);
}

#[test]
fn each_step_prefers_one_of_a_pair_in_both_orders_and_says_why() {
    let external = |peer| given(peer).with(|given| given.internal = false);
    let through = |peer, asns: &[u32]| external(peer).with(|given| given.attributes.as_path = sequence(asns));
    let cases: Vec<(Given, Given, &str, &str)> = vec![
        (
            given(2),
            given(1).with(|given| given.stale = true),
            "stale",
            "stale while its neighbor restarts, best is live",
        ),
        (given(0), given(1), "local route", "learned from a neighbor, best is the router's own"),
        (
            given(2).with(|given| given.attributes.local_pref = Some(200)),
            given(1),
            "local preference",
            "local preference 100, best has 200",
        ),
        (
            given(2).with(|given| given.attributes.local_pref = Some(101)),
            given(1).with(|given| given.attributes.local_pref = None),
            "local preference",
            "local preference 100, best has 101",
        ),
        (through(2, &[65001]), through(1, &[65001, 65002, 65003]), "AS path length", "AS path length 3, best has 1"),
        (
            given(2),
            given(1).with(|given| given.attributes.origin = Origin::Incomplete),
            "origin",
            "origin incomplete, best has IGP",
        ),
        (
            through(2, &[65001]),
            through(1, &[65001]).with(|given| given.attributes.med = Some(10)),
            "MED",
            "MED 10, best has 0",
        ),
        (
            through(2, &[65001]),
            through(1, &[65002]).with(|given| given.internal = true),
            "external over internal",
            "internal, best is external",
        ),
        (
            given(2),
            given(1).with(|given| given.attributes.next_hop.address = ip("10.50.0.1")),
            "next hop cost",
            "next hop cost 50, best has 0",
        ),
        (
            given(2).with(|given| given.router_id = 1),
            given(1).with(|given| given.router_id = 2),
            "router id",
            "router id 1.1.1.2, best has 1.1.1.1",
        ),
        (
            given(2),
            given(1).with(|given| given.attributes.originator_id = Some(Ipv4Addr::new(9, 9, 9, 9))),
            "router id",
            "router id 9.9.9.9, best has 1.1.1.202",
        ),
        (
            given(2).with(|given| given.router_id = 7),
            given(1).with(|given| {
                given.router_id = 7;
                given.attributes.cluster_list = thin_vec![Ipv4Addr::new(3, 3, 3, 3)];
            }),
            "cluster list length",
            "cluster list length 1, best has 0",
        ),
        (
            given(2).with(|given| (given.router_id, given.address) = (7, 10)),
            given(1).with(|given| (given.router_id, given.address) = (7, 20)),
            "neighbor address",
            "neighbor address 192.168.101.20, best has 192.168.101.10",
        ),
        (
            given(1).with(|given| given.path_id = 1),
            given(1).with(|given| given.path_id = 2),
            "path id",
            "path id 2, best has 1",
        ),
    ];
    let rules = Rules { maximum_paths_ebgp: 1, maximum_paths_ibgp: 1, ..RULES };
    for (winner, loser, step, because) in cases {
        for order in [[&winner, &loser], [&loser, &winner]] {
            let scene = Scene::new(&order.map(Clone::clone));
            let expected = Some((winner.key(), vec![winner.key()], step));
            assert_eq!(scene.outcome(&rules), expected, "{because}");
            let mut verdicts = scene.explain(&rules);
            verdicts.sort_by_key(|verdict| *verdict != Verdict::Best);
            assert_eq!(verdicts, [Verdict::Best, Verdict::Lost { step, because: because.into() }]);
        }
    }
}

#[test]
fn three_nodes_share_the_load_and_the_limit_cuts_in_a_fixed_order() {
    let scene = Scene::new(&[given(3), given(1), given(2)]);
    let order = |limit| {
        let (_, keys, _) = scene.outcome(&Rules { maximum_paths_ibgp: limit, ..RULES }).unwrap();
        keys.into_iter().map(|key| key.peer.0).collect::<Vec<_>>()
    };
    assert_eq!((order(64), order(2), order(0)), (vec![1, 2, 3], vec![1, 2], vec![1]));
    assert_eq!(scene.explain(&RULES), [Verdict::Multipath, Verdict::Best, Verdict::Multipath]);
}

#[test]
fn external_paths_share_the_load_when_their_as_paths_are_equal_or_the_rules_relax() {
    let external = |peer, asn| {
        given(peer).with(|given| {
            given.internal = false;
            given.attributes.as_path = sequence(&[asn]);
        })
    };
    let scene = Scene::new(&[external(1, 65001), external(2, 65001), external(3, 65003)]);
    let count = |rules: &Rules| scene.decide(rules).unwrap().multipath.len();
    assert_eq!((count(&RULES), count(&Rules { multipath_relax: true, ..RULES })), (2, 3));
    assert_eq!(count(&Rules { maximum_paths_ebgp: 1, multipath_relax: true, ..RULES }), 1);
}

#[test]
fn a_next_hop_carries_the_load_once_however_many_paths_name_it() {
    let same = given(2).with(|given| given.attributes.next_hop.address = ip("192.168.101.201"));
    assert_eq!(Scene::new(&[given(1), same]).decide(&RULES).unwrap().multipath.len(), 1);
}

#[test]
fn stale_paths_are_used_while_nothing_else_is_there() {
    let stale = |peer| given(peer).with(|given| given.stale = true);
    assert_eq!(Scene::new(&[stale(1), stale(2)]).decide(&RULES).unwrap().multipath.len(), 2);
    assert_eq!(Scene::new(&[stale(1), given(2)]).decide(&RULES).unwrap().multipath.len(), 1);
}

#[test]
fn paths_that_cannot_be_used_are_explained() {
    let rejected = given(1).with(|given| given.rejected = true);
    let mapped = given(2).with(|given| given.attributes.next_hop.address = ip("::ffff:192.168.101.202"));
    let far = given(3).with(|given| given.attributes.next_hop.address = ip("203.0.113.9"));
    let scene = Scene::new(&[rejected, mapped, far]);
    assert_eq!(scene.decide(&RULES), None);
    let texts = [
        Verdict::Rejected("AS loop: 64512 is our own AS".into()),
        Verdict::Unusable("::ffff:192.168.101.202 is an IPv4-mapped address, no forwarding entry can use it".into()),
        Verdict::Unusable("no route to 203.0.113.9".into()),
    ];
    assert_eq!(scene.explain(&RULES), texts);
}

#[test]
fn med_compares_within_a_neighboring_as_whatever_the_order_of_arrival() {
    let path = |peer, asn, med| {
        given(peer).with(|given| {
            given.internal = false;
            given.attributes.as_path = sequence(&[asn]);
            given.attributes.med = Some(med);
        })
    };
    let all = [path(1, 65001, 100), path(2, 65002, 70), path(3, 65001, 50)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let scene = Scene::new(&order.map(|place| all[place].clone()));
        assert_eq!(scene.outcome(&RULES).unwrap().0.peer, PeerId(2));
        let always = Rules { always_compare_med: true, ..RULES };
        assert_eq!(scene.outcome(&always).unwrap().0.peer, PeerId(3));
        let loser = order.iter().position(|place| *place == 0).unwrap();
        let because = "MED 100, path from 192.168.101.203 has 50".into();
        assert_eq!(scene.explain(&RULES)[loser], Verdict::Lost { step: "MED", because });
    }
}

/// Internal, router id, MED, local preference, AS path, origin, stale, rejected.
type Raw = (bool, u8, Option<u32>, Option<u32>, Vec<u32>, u8, bool, bool);

fn any_given() -> impl Strategy<Value = Raw> {
    (
        any::<bool>(),
        1..3u8,
        prop::option::of(0..3u32),
        prop::option::of(99..102u32),
        prop::collection::vec(65001..65005u32, 0..3),
        0..3u8,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
}

fn any_steps() -> impl Strategy<Value = StepRules> {
    any::<[bool; 5]>().prop_map(|[ignore_length, count_confederation, med_in_confederation, worst, mixed_multipath]| {
        StepRules {
            ignore_length,
            count_confederation,
            med_in_confederation,
            missing_med_is_worst: worst,
            mixed_multipath,
        }
    })
}

/// The numbers from 65003 on are members of a confederation, through which the path came last.
fn path_of(asns: &[u32]) -> AsPath {
    let numbers = |member: bool| asns.iter().copied().filter(move |asn| (*asn > 65002) == member).map(Asn);
    let (members, others): (Vec<Asn>, Vec<Asn>) = (numbers(true).collect(), numbers(false).collect());
    let segments = [(SegmentKind::ConfedSequence, &members), (SegmentKind::Sequence, &others)];
    segments.into_iter().map(|(kind, asns)| Segment { kind, asns }).collect()
}

/// A pair of paths, what is said of the steps, which of the two wins then, and which without it.
#[test]
fn each_word_about_a_step_turns_a_decision_round() {
    let none = StepRules::NONE;
    let path = |peer, asns: &[u32], med: Option<u32>| {
        given(peer).with(|given| {
            given.internal = false;
            given.attributes.as_path = path_of(asns);
            given.attributes.med = med;
        })
    };
    let pair =
        |one: (&[u32], Option<u32>), other: (&[u32], Option<u32>)| [path(1, one.0, one.1), path(2, other.0, other.1)];
    for (steps, pair) in [
        (StepRules { ignore_length: true, ..none }, pair((&[65001, 65002], None), (&[65001], None))),
        (
            StepRules { count_confederation: true, ..none },
            pair((&[65001], None), (&[65003, 65003, 65001], None)).map(flipped),
        ),
        (StepRules { med_in_confederation: true, ..none }, pair((&[65003], Some(1)), (&[65004], Some(5))).map(flipped)),
        (StepRules { missing_med_is_worst: true, ..none }, pair((&[65001], Some(5)), (&[65001], None))),
    ] {
        let best = |steps: StepRules, all: &[Given]| Scene::new(all).outcome(&Rules { steps, ..RULES }).unwrap().0.peer;
        let (first, second) = (PeerId(pair[0].peer), PeerId(pair[1].peer));
        assert_eq!((best(steps, &pair), best(none, &pair)), (first, second), "{steps:?}");
    }
}

/// The router id that wins the tie for the other one of a pair.
fn flipped(given: Given) -> Given {
    let router_id = 255 - given.router_id;
    Given { router_id, ..given }
}

#[test]
fn a_path_that_comes_later_is_compared_with_the_best_one_alone_where_that_is_enough() {
    let path = |peer: u32, asns: &[u32], med: u32| {
        given(peer).with(|given| {
            given.internal = false;
            given.attributes.as_path = sequence(asns);
            given.attributes.med = Some(med);
        })
    };
    let alone = Rules { maximum_paths_ebgp: 1, ..RULES };
    let (lost, won, unclear) = ("lost", "won", "unclear");
    for (newcomer, of_one, of_several) in [
        (path(2, &[65001, 65002], 5), lost, lost),
        (path(2, &[], 5), won, won),
        (path(2, &[65001], 6), lost, lost),
        (path(2, &[65001], 4), unclear, unclear),
        (path(2, &[65001], 5), lost, unclear),
        (path(2, &[65002], 5), lost, unclear),
        (flipped(path(2, &[65002], 5)), unclear, unclear),
        (path(0, &[65002], 5), won, won),
    ] {
        let scene = Scene::new(&[path(1, &[65001], 5), newcomer.clone()]);
        let peers = |id| scene.table.peer(id).copied();
        for (rules, expected) in [(&alone, of_one), (&RULES, of_several)] {
            let mut chooser = Chooser::new(Family::Ipv4Unicast, &peers, &scene.next_hops, rules);
            let answer = match chooser.challenge(scene.table.paths(service()), 0, 1) {
                Challenge::Lost => lost,
                Challenge::Won(choice, _) => {
                    assert_eq!(choice.best, 1);
                    won
                }
                Challenge::Unclear => unclear,
            };
            assert_eq!(answer, expected, "{newcomer:?} where {} share", rules.maximum_paths_ebgp);
        }
    }
}

#[test]
fn paths_of_several_kinds_share_the_load_only_where_that_is_said() {
    let path = |peer: u32, internal: bool| {
        given(peer).with(|given| {
            given.internal = internal;
            given.attributes.as_path = sequence(&[65001]);
        })
    };
    let mut all = [path(1, true), path(2, false), path(3, false)];
    let mixed = Rules { steps: StepRules { mixed_multipath: true, ..StepRules::NONE }, ..RULES };
    for _ in 0..3 {
        all.rotate_left(1);
        let scene = Scene::new(&all);
        let peers = |rules: &Rules| scene.outcome(rules).unwrap().1.iter().map(|key| key.peer.0).collect::<Vec<_>>();
        assert_eq!(peers(&RULES), [2, 3]);
        assert_eq!(peers(&mixed), [2, 1, 3], "the best one first");
        let shared = scene.explain(&mixed).iter().filter(|verdict| **verdict == Verdict::Multipath).count();
        assert_eq!(shared, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whatever the configuration says of single steps.
    #[test]
    fn every_order_of_arrival_gives_the_same_outcome(
        raw in prop::collection::vec(any_given(), 1..14),
        shuffles in prop::collection::vec(any::<prop::sample::Index>(), 12),
        always_compare_med in any::<bool>(),
        multipath_relax in any::<bool>(),
        limit in 1..4u16,
        steps in any_steps(),
    ) {
        let rules = Rules {
            always_compare_med,
            multipath_relax,
            maximum_paths_ebgp: limit,
            maximum_paths_ibgp: limit,
            steps,
            ..RULES
        };
        let mut all: Vec<Given> = Vec::new();
        for (peer, (internal, router_id, med, local_pref, asns, origin, stale, rejected)) in (1u32..).zip(raw) {
            all.push(given(peer).with(|given| {
                (given.internal, given.router_id, given.stale, given.rejected) = (internal, router_id, stale, rejected);
                given.attributes.med = med;
                given.attributes.local_pref = local_pref;
                given.attributes.as_path = path_of(&asns);
                given.attributes.origin = [Origin::Igp, Origin::Egp, Origin::Incomplete][usize::from(origin)];
            }));
        }
        let scene = Scene::new(&all);
        let (first, reasons) = (scene.outcome(&rules), scene.reasons(&rules));
        for pair in shuffles.chunks(2) {
            let (a, b) = (pair[0].index(all.len()), pair[1].index(all.len()));
            all.swap(a, b);
            let scene = Scene::new(&all);
            prop_assert_eq!(&scene.outcome(&rules), &first);
            let verdicts = scene.explain(&rules);
            prop_assert_eq!(verdicts.len(), all.len());
            prop_assert_eq!(scene.reasons(&rules), reasons.clone());
            prop_assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Best).count(), usize::from(first.is_some()));
        }
    }
}
