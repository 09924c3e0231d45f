//! The forwarding table against a kernel that obeys Linux's rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::model::Kernel;
use super::*;
use crate::fixtures::{leg, prefix};

/// Every third service stands in another table than the main one.
fn service(number: u8) -> RouteKey {
    let table = if number % 3 == 2 { 10 } else { MAIN_TABLE };
    RouteKey { table, prefix: prefix(&format!("172.16.0.{number}/32")) }
}

fn node(number: u8) -> Leg {
    leg(&format!("192.168.101.{number}"), 1)
}

fn legs(numbers: &[u8]) -> Option<Wanted> {
    Wanted::legs(numbers.iter().map(|number| node(*number)).collect())
}

/// A table and its kernel, in which everything succeeds.
#[derive(Default)]
struct Pair {
    fib: Fib,
    kernel: Kernel,
}

impl Pair {
    fn want(&mut self, services: std::ops::Range<u8>, numbers: &[u8]) -> &mut Self {
        for number in services {
            self.fib.want(service(number), legs(numbers));
        }
        self
    }

    fn flush(&mut self) -> Vec<FibChange> {
        let changes = self.fib.flush();
        self.made(changes)
    }

    fn retry(&mut self) -> Vec<FibChange> {
        self.fib.retry();
        self.flush()
    }

    fn end_recovery(&mut self) -> Vec<FibChange> {
        self.fib.end_recovery();
        self.flush()
    }

    fn audit(&mut self) -> Vec<FibChange> {
        self.fib.audit(&self.kernel.state);
        self.flush()
    }

    fn made(&mut self, changes: Vec<FibChange>) -> Vec<FibChange> {
        assert_eq!(self.kernel.apply(&changes, |_| false), []);
        changes
    }

    fn nodes(&self, number: u8) -> Option<Vec<Leg>> {
        self.kernel.legs(service(number)).map(|legs| legs.into_iter().collect())
    }
}

fn with_routes(services: std::ops::Range<u8>, numbers: &[u8]) -> Pair {
    let mut pair = Pair::default();
    pair.want(services, numbers).flush();
    pair
}

fn kinds(changes: &[FibChange]) -> String {
    let letter = |change: &FibChange| match change {
        FibChange::NextHop { .. } => 'n',
        FibChange::Group { .. } => 'g',
        FibChange::Route { .. } => 'r',
        FibChange::RouteGone(_) => 'R',
        FibChange::NextHopGone(_) => 'N',
    };
    changes.iter().map(letter).collect()
}

#[test]
fn routes_with_the_same_legs_share_one_group() {
    let mut pair = Pair::default();
    assert_eq!(kinds(&pair.want(0..3, &[1, 2]).flush()), "nngrrr");
    assert_eq!(pair.nodes(2), Some(vec![node(1), node(2)]));
    assert_eq!(pair.flush(), []);
    assert_eq!(
        kinds(&pair.want(5..6, &[2]).flush()),
        "gr",
        "a single leg is a group, too, of a next hop that is there"
    );
}

#[test]
fn a_group_whose_routes_all_move_is_changed_in_place() {
    let mut pair = with_routes(0..100, &[1, 2, 3]);
    assert_eq!(kinds(&pair.want(0..100, &[1, 2]).flush()), "gN");
    assert_eq!(kinds(&pair.want(0..100, &[1, 2, 4]).flush()), "ng");
}

#[test]
fn one_route_of_many_moves_alone() {
    let mut pair = with_routes(0..10, &[1, 2, 3]);
    assert_eq!(kinds(&pair.want(0..1, &[1, 2]).flush()), "gr");
    assert_eq!(kinds(&pair.want(1..2, &[1, 2]).flush()), "r", "the second joins the first");
    assert_eq!(
        kinds(&pair.want(0..2, &[1, 2, 3]).flush()),
        "rrN",
        "a small group joins a twin rather than staying apart"
    );
}

#[test]
fn groups_that_come_to_lead_alike_leave_few_twins() {
    let mut pair = Pair::default();
    for number in 0..8 {
        pair.want(number * 20..number * 20 + 20, &[1, number + 2]).flush();
    }
    assert_eq!(pair.kernel.state.groups.len(), 8);
    assert_eq!(pair.want(0..160, &[1, 2]).flush().len(), 3 + 4 * 20 + 4 + 7, "three in place, the routes of four move");
    assert_eq!(pair.kernel.state.groups.len(), 4, "so many changes the loss of a leg costs");
}

#[test]
fn two_groups_that_change_places_stay_whole() {
    let mut pair = with_routes(0..20, &[1, 2]);
    pair.want(20..40, &[3]).flush();
    assert_eq!(kinds(&pair.want(0..20, &[3]).want(20..40, &[1, 2]).flush()), "gg");
    assert_eq!((pair.nodes(0), pair.nodes(20)), (Some(vec![node(3)]), Some(vec![node(1), node(2)])));
}

#[test]
fn a_small_group_does_not_join_one_that_is_about_to_lead_elsewhere() {
    let mut pair = with_routes(0..2, &[1, 2]);
    pair.want(20..22, &[3]).flush();
    assert_eq!(kinds(&pair.want(0..2, &[3]).want(20..22, &[1, 2]).flush()), "gg");
}

#[test]
fn a_withdrawn_route_goes_before_its_group_and_next_hops() {
    let mut pair = with_routes(0..1, &[1, 2]);
    assert_eq!(kinds(&pair.want(0..1, &[]).flush()), "RNNN");
    assert_eq!(pair.fib.state(service(0)), FibState::Absent);
    assert_eq!(pair.fib.counters(), FibCounters::default());
}

#[test]
fn a_blackhole_needs_no_group() {
    let mut pair = with_routes(0..1, &[1]);
    pair.fib.want(service(0), Some(Wanted::Blackhole));
    assert_eq!(kinds(&pair.flush()), "rNN");
    assert_eq!(pair.fib.state(service(0)), FibState::Installed { target: FibTarget::Blackhole });
    assert_eq!(kinds(&pair.want(0..1, &[1]).flush()), "ngr");
}

#[test]
fn a_lost_leg_costs_one_change_however_many_groups_have_it_and_the_decision_afterwards_nothing() {
    let mut pair = with_routes(0..50, &[1, 2, 3]);
    pair.want(50..80, &[2, 3]).want(80..90, &[3, 4]).flush();
    let changes = pair.fib.leg_lost(&node(3), true);
    assert_eq!(kinds(&pair.made(changes)), "N");
    assert_eq!(pair.nodes(7), Some(vec![node(1), node(2)]));
    assert_eq!(pair.nodes(70), Some(vec![node(2)]));
    assert_eq!(pair.nodes(85), Some(vec![node(4)]));
    assert_eq!(kinds(&pair.want(0..50, &[1, 2]).want(50..80, &[2]).want(80..90, &[4]).flush()), "");
    pair.audit();
}

#[test]
fn routes_that_have_a_lost_leg_alone_keep_it_whether_few_groups_share_it_or_many() {
    let mut pair = with_routes(0..50, &[1, 2, 3]);
    pair.want(50..60, &[3]).flush();
    let changes = pair.fib.leg_lost(&node(3), true);
    assert_eq!(kinds(&pair.made(changes)), "g");
    assert_eq!(pair.nodes(7), Some(vec![node(1), node(2)]));
    assert_eq!(pair.nodes(55), Some(vec![node(3)]), "a group is never emptied here");
    assert_eq!(kinds(&pair.want(0..50, &[1, 2]).want(50..60, &[]).flush()), "RRRRRRRRRRNN");

    let mut pair = with_routes(0..10, &[3]);
    for number in 1..8 {
        pair.want(number * 10..number * 10 + 10, &[3, number + 3]).flush();
    }
    let changes = pair.fib.leg_lost(&node(3), true);
    assert_eq!(kinds(&pair.made(changes)), "ngN", "seven groups in one change");
    assert_eq!((pair.nodes(5), pair.nodes(75)), (Some(vec![node(3)]), Some(vec![node(10)])));
    assert_eq!(kinds(&pair.audit()), "ggggggg", "as long as nothing else is wanted, the leg comes back");
    assert_eq!(pair.nodes(75), Some(vec![node(3), node(10)]));
}

#[test]
fn a_lost_leg_that_is_still_wanted_comes_back_with_flush_but_not_with_flush_wanted() {
    let mut pair = with_routes(0..50, &[1, 2, 3]);
    let changes = pair.fib.leg_lost(&node(3), true);
    pair.made(changes);
    pair.want(0..10, &[1, 2]);
    let changes = pair.fib.flush_wanted(usize::MAX, Gains::Now);
    assert_eq!(kinds(&pair.made(changes)), "", "a group that leads where these want to is there");
    assert_eq!(pair.nodes(40), Some(vec![node(1), node(2)]));
    pair.flush();
    assert_eq!(pair.nodes(40), Some(vec![node(1), node(2), node(3)]));
    assert_eq!(pair.nodes(4), Some(vec![node(1), node(2)]));
}

#[test]
fn legs_that_come_one_by_one_are_one_change_of_the_group_where_gains_wait() {
    let mut pair = with_routes(0..50, &[1]);
    let groups = pair.kernel.state.groups.len();
    for (all, first) in [(vec![1, 2], 0..20), (vec![1, 2, 3], 0..30), (vec![1, 2, 3, 4], 0..50)] {
        let changes = pair.want(first, &all).fib.flush_wanted(usize::MAX, Gains::Later);
        assert_eq!(pair.made(changes), [], "they may wait");
    }
    assert_eq!((pair.fib.counters().pending, pair.fib.has_gainers(), pair.fib.has_due()), (50, true, false));
    pair.want(0..1, &[2, 3]).want(60..61, &[4]);
    let changes = pair.fib.flush_wanted(usize::MAX, Gains::Later);
    assert_eq!(kinds(&pair.made(changes)), "nnnggrr", "what loses a leg does not wait, nor does what is new");
    assert_eq!((pair.nodes(0), pair.nodes(1)), (Some(vec![node(2), node(3)]), Some(vec![node(1)])));
    pair.fib.release_gainers();
    let changes = pair.fib.flush_wanted(10, Gains::Later);
    assert_eq!(kinds(&pair.made(changes)), "", "whoever releases them says that it is now");
    pair.fib.release_gainers();
    let changes = pair.fib.flush_wanted(10, Gains::Now);
    assert_eq!(kinds(&pair.made(changes)), "g", "one change, whatever number of routes");
    assert_eq!(pair.nodes(49), Some([1, 2, 3, 4].map(node).to_vec()));
    assert_eq!(pair.flush(), []);
    assert_eq!(pair.kernel.state.groups.len(), groups + 2);
}

#[test]
fn a_route_that_is_withdrawn_while_its_gain_waits_leaves_nothing_behind() {
    let mut pair = with_routes(0..1, &[1]);
    let changes = pair.want(0..1, &[1, 2]).fib.flush_wanted(usize::MAX, Gains::Later);
    assert_eq!(pair.made(changes), [], "it may wait");
    pair.fib.want(service(0), None);
    let changes = pair.fib.flush_wanted(usize::MAX, Gains::Later);
    assert_eq!(kinds(&pair.made(changes)), "RNN");
    assert_eq!((pair.fib.state(service(0)), pair.fib.iter().count()), (FibState::Absent, 0));
    let changes = pair.want(3..4, &[3]).fib.flush_wanted(usize::MAX, Gains::Later);
    assert_eq!(kinds(&pair.made(changes)), "ngr");
    assert_eq!(pair.flush(), [], "whoever came behind it is none of its business");
    assert_eq!((pair.nodes(0), pair.nodes(3)), (None, Some(vec![node(3)])));
    assert_eq!((pair.fib.counters().pending, pair.fib.iter().count()), (0, 1));
}

#[test]
fn a_next_hop_that_the_kernel_dropped_drives_everything_that_needs_it() {
    let mut pair = with_routes(0..3, &[1, 2]);
    pair.want(3..5, &[2]).flush();
    let id = *pair.kernel.state.next_hops.iter().find(|(_, leg)| **leg == node(2)).expect("there").0;
    pair.kernel.remove_object(id);
    assert_eq!((pair.nodes(0), pair.nodes(4)), (Some(vec![node(1)]), None));
    pair.fib.next_hop_lost(id);
    assert_eq!(kinds(&pair.flush()), "nggrr");
    assert_eq!((pair.nodes(0), pair.nodes(4)), (Some(vec![node(1), node(2)]), Some(vec![node(2)])));
}

#[test]
fn a_lost_route_comes_back_if_it_is_wanted() {
    let mut pair = with_routes(0..2, &[1]);
    pair.kernel.state.routes.remove(service(0));
    pair.fib.route_lost(service(0));
    assert_eq!(kinds(&pair.flush()), "r");
}

#[test]
fn a_refused_route_says_why_and_is_tried_again_only_when_asked() {
    let mut pair = Pair::default();
    pair.want(0..2, &[1]);
    let changes = pair.fib.flush();
    let route = |change: &FibChange| matches!(change, FibChange::Route { key, .. } if *key == service(0));
    for refused in pair.kernel.apply(&changes, route) {
        pair.fib.refused(&refused);
    }
    assert_eq!(pair.fib.state(service(0)), FibState::Refused { errno: 22, reason: "injected".into() });
    assert_eq!(pair.fib.flush(), []);
    assert_eq!(pair.fib.counters().refused, 1);
    assert_eq!(kinds(&pair.retry()), "r");
    assert!(!pair.fib.needs_retry());
}

#[test]
fn a_refused_next_hop_is_the_reason_that_its_routes_show() {
    let mut pair = Pair::default();
    pair.want(0..2, &[1]);
    let changes = pair.fib.flush();
    for refused in pair.kernel.apply(&changes, |change| matches!(change, FibChange::NextHop { .. })) {
        pair.fib.refused(&refused);
    }
    assert_eq!(pair.fib.state(service(1)), FibState::Refused { errno: 22, reason: "injected".into() });
    pair.retry();
    assert_eq!(pair.nodes(1), Some(vec![node(1)]));
    assert!(!pair.kernel.has_unused());
}

#[test]
fn a_refused_group_change_leaves_its_routes_as_they_were_and_says_so() {
    let mut pair = with_routes(0..20, &[1, 2]);
    pair.want(0..20, &[1, 2, 3]);
    let changes = pair.fib.flush();
    for refused in pair.kernel.apply(&changes, |change| matches!(change, FibChange::Group { .. })) {
        pair.fib.refused(&refused);
    }
    assert_eq!(pair.nodes(3), Some(vec![node(1), node(2)]));
    assert!(matches!(pair.fib.state(service(3)), FibState::Refused { .. }));
    pair.retry();
    assert_eq!(pair.nodes(3), Some(vec![node(1), node(2), node(3)]));
}

#[test]
fn a_restart_with_the_same_routes_changes_nothing() {
    let mut pair = with_routes(0..20, &[1, 2, 3]);
    pair.want(3..9, &[1]).flush();
    pair.fib = Fib::default();
    pair.fib.adopt(&pair.kernel.state);
    assert!(matches!(pair.fib.state(service(1)), FibState::Adopted { .. }));
    pair.want(0..3, &[1, 2, 3]).want(3..9, &[1]).want(9..20, &[1, 2, 3]);
    assert_eq!(pair.flush(), []);
    assert_eq!(pair.fib.counters().adopted, 0);
    assert_eq!(pair.end_recovery(), []);
}

#[test]
fn an_adopted_route_is_not_shrunk_before_the_recovery_ends() {
    let mut pair = with_routes(0..3, &[1, 2, 3]);
    pair.fib = Fib::default();
    pair.fib.adopt(&pair.kernel.state);
    assert_eq!(pair.want(0..1, &[1]).flush(), [], "the other nodes have not come back yet");
    assert_eq!(kinds(&pair.want(9..10, &[1]).flush()), "gr", "a new prefix does not wait");
    assert_eq!(kinds(&pair.want(1..2, &[1, 2, 3, 4]).flush()), "ngr", "more legs do not wait");
    pair.end_recovery();
    assert_eq!((pair.nodes(0), pair.nodes(2)), (Some(vec![node(1)]), None));
    assert!(!pair.kernel.has_unused());
}

#[test]
fn identifiers_are_given_out_in_their_ranges_and_go_on_after_adoption() {
    let pair = with_routes(0..1, &[1]);
    let mut fib = Fib::default();
    fib.adopt(&pair.kernel.state);
    fib.want(service(1), legs(&[2]));
    let changes = fib.flush();
    let expected = [
        FibChange::NextHop { id: NEXT_HOP_ID_BASE + 2, leg: node(2) },
        FibChange::Group { id: GROUP_ID_BASE + 2, members: vec![(NEXT_HOP_ID_BASE + 2, 1)] },
        FibChange::Route { key: service(1), target: FibTarget::Group(GROUP_ID_BASE + 2) },
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_somebody_else_made_of_our_objects_is_repaired_by_an_audit() {
    let mut pair = with_routes(0..4, &[1, 2]);
    let group = *pair.kernel.state.groups.keys().next().expect("there");
    pair.kernel.state.groups.get_mut(&group).expect("there")[0].1 = 7;
    pair.kernel.state.routes.insert(service(1), FibTarget::Blackhole);
    pair.kernel.state.routes.insert(service(77), FibTarget::Group(group));
    pair.audit();
    for number in 0..4 {
        assert_eq!(pair.nodes(number), Some(vec![node(1), node(2)]));
    }
    assert_eq!(pair.nodes(77), None);
    assert_eq!(pair.audit(), []);
}

/// Legs that share the load as the numbers of their nodes do.
fn weighted(numbers: &[u8]) -> Option<Wanted> {
    Wanted::shared(numbers.iter().map(|number| (node(*number), u64::from(*number))))
}

#[test]
fn rates_become_the_smallest_weights_of_their_ratio_and_equal_ones_none_at_all() {
    let weights = |rates: &[u64]| {
        let ways = rates.iter().zip(1..).map(|(rate, number)| (node(number), *rate));
        match Wanted::shared(ways) {
            Some(Wanted::Weighted(ways)) => ways.into_iter().map(|(_, weight)| weight).collect(),
            Some(Wanted::Legs(_)) => Vec::new(),
            other => panic!("{other:?}"),
        }
    };
    for (rates, expect) in [
        (&[1_250_000_000, 125_000_000][..], &[10, 1][..]),
        (&[12_500_000, 25_000_000, 37_500_000], &[1, 2, 3]),
        (&[7, 7, 7], &[]),
        (&[0, 0], &[]),
        (&[0, 3], &[1, 3]),
        (&[1, 1000], &[1, 256]),
        (&[1000, 999], &[256, 255]),
        (&[u64::MAX, 1], &[256, 1]),
        (&[256, 1], &[256, 1]),
        (&[5], &[]),
    ] {
        assert_eq!(weights(rates), expect, "{rates:?}");
    }
    assert_eq!(
        Wanted::shared([(node(1), 1), (node(2), 3), (node(1), 1)]),
        Some(Wanted::Weighted(vec![(node(1), 2), (node(2), 3)])),
        "who stands there twice carries both"
    );
    assert_eq!(Wanted::shared([]), None);
}

#[test]
fn weights_that_change_are_one_change_of_the_group_however_many_routes() {
    let mut pair = Pair::default();
    for number in 0..100 {
        pair.fib.want(service(number), weighted(&[1, 2, 4]));
    }
    assert_eq!(kinds(&pair.flush()), format!("nnng{}", "r".repeat(100)));
    let members =
        |pair: &Pair| -> Vec<u16> { pair.kernel.state.groups.values().flatten().map(|(_, weight)| *weight).collect() };
    assert_eq!(members(&pair), [1, 2, 4]);
    pair.want(0..100, &[1, 2, 4]);
    assert_eq!(kinds(&pair.flush()), "g");
    assert_eq!(members(&pair), [1, 1, 1]);
    for number in 0..100 {
        pair.fib.want(service(number), weighted(&[1, 2, 4]));
    }
    assert_eq!(kinds(&pair.flush()), "g");
    let lost = pair.fib.leg_lost(&node(1), true);
    pair.made(lost);
    assert_eq!(members(&pair), [2, 4], "those that stay share as before");
    pair.audit();
    assert_eq!(members(&pair), [1, 2, 4], "as long as nothing else is wanted");
}

#[derive(Clone, Debug)]
enum Deed {
    Want(u8, Option<BTreeSet<u8>>),
    WantWeighted(u8, BTreeSet<u8>),
    WantBlackhole(u8),
    WantMany(BTreeSet<u8>),
    Flush,
    FlushWanted(usize),
    /// All of it but what only gets further legs.
    FlushUrgent,
    LegLost(u8, bool),
    NextHopLost(u8),
    RouteLost(u8),
    FlushRefused(u8),
    Retry,
    Damage(u8),
}

fn nodes() -> impl Strategy<Value = BTreeSet<u8>> {
    prop::collection::btree_set(1..5u8, 1..4)
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..12u8, prop::option::weighted(0.8, nodes())).prop_map(|(service, nodes)| Deed::Want(service, nodes)),
        2 => (0..12u8, nodes()).prop_map(|(service, nodes)| Deed::WantWeighted(service, nodes)),
        1 => (0..12u8).prop_map(Deed::WantBlackhole),
        2 => nodes().prop_map(Deed::WantMany),
        4 => Just(Deed::Flush),
        2 => (1..9usize).prop_map(Deed::FlushWanted),
        2 => Just(Deed::FlushUrgent),
        2 => (1..5u8, any::<bool>()).prop_map(|(node, believed)| Deed::LegLost(node, believed)),
        1 => (1..5u8).prop_map(Deed::NextHopLost),
        1 => (0..12u8).prop_map(Deed::RouteLost),
        1 => (0..9u8).prop_map(Deed::FlushRefused),
        1 => Just(Deed::Retry),
        1 => (0..30u8).prop_map(Deed::Damage),
    ]
}

/// The table, the kernel, and what the kernel should have.
#[derive(Default)]
struct Model {
    fib: Fib,
    kernel: Kernel,
    wish: BTreeMap<RouteKey, BTreeSet<Leg>>,
    /// The weights of those that are not equal.
    weights: BTreeMap<RouteKey, Vec<u16>>,
    /// The kernel refused something or was damaged: equality waits for the end.
    unsettled: bool,
}

impl Model {
    fn want(&mut self, service: RouteKey, wanted: Option<Wanted>) {
        self.weights.remove(&service);
        match &wanted {
            None => _ = self.wish.remove(&service),
            Some(Wanted::Blackhole | Wanted::Unreachable) => _ = self.wish.insert(service, BTreeSet::new()),
            Some(Wanted::Legs(legs)) => _ = self.wish.insert(service, legs.iter().copied().collect()),
            Some(Wanted::Weighted(ways)) => {
                self.wish.insert(service, ways.iter().map(|(leg, _)| *leg).collect());
                self.weights.insert(service, ways.iter().map(|(_, weight)| *weight).collect());
            }
        }
        self.fib.want(service, wanted);
    }

    fn apply(&mut self, changes: &[FibChange], refuse: impl FnMut(&FibChange) -> bool) {
        let refused = self.kernel.apply(changes, refuse);
        self.unsettled |= !refused.is_empty();
        for refused in &refused {
            self.fib.refused(refused);
        }
    }

    fn apply_all(&mut self, changes: &[FibChange]) {
        if self.unsettled {
            self.apply(changes, |_| false);
        } else {
            assert_eq!(
                self.kernel.apply(changes, |_| false),
                [],
                "an order that the kernel does not take: {changes:?}"
            );
        }
    }

    fn flush_all(&mut self) {
        let changes = self.fib.flush();
        self.apply_all(&changes);
    }

    fn check(&self) {
        let kernel: BTreeMap<RouteKey, BTreeSet<Leg>> =
            self.kernel.state.routes.iter().map(|(key, _)| (key, self.kernel.legs(key).expect("a group"))).collect();
        assert_eq!(kernel, self.wish);
        for key in self.wish.keys() {
            let mut weights = self.kernel.weights(*key);
            if weights.iter().all(|weight| Some(weight) == weights.first()) {
                weights.fill(1);
            }
            let expected = self.weights.get(key).cloned().unwrap_or_else(|| vec![1; weights.len()]);
            assert_eq!(weights, expected, "{key}");
        }
        assert!(!self.kernel.has_unused(), "objects that nobody needs: {:?}", self.kernel.state);
        assert_eq!(self.fib.counters().wanted, self.wish.len());
        assert_eq!(self.fib.counters().present, self.wish.len());
        for prefix in self.wish.keys() {
            assert!(matches!(self.fib.state(*prefix), FibState::Installed { .. }));
        }
    }

    /// Everything that is wanted leads somewhere, and nowhere but where it should.
    fn check_that_nothing_wrong_is_used(&self) {
        let there: BTreeSet<RouteKey> = self.kernel.state.routes.iter().map(|(key, _)| key).collect();
        assert_eq!(there, self.wish.keys().copied().collect());
        for (key, wished) in &self.wish {
            let legs = self.kernel.legs(*key).expect("a group");
            assert!(legs.is_subset(wished) && legs.is_empty() == wished.is_empty(), "{key}: {legs:?}, not {wished:?}");
        }
    }

    fn next_hop_id(&self, number: u8) -> Option<u32> {
        self.kernel.state.next_hops.iter().find(|(_, leg)| **leg == node(number)).map(|(id, _)| *id)
    }

    fn lose_leg(&mut self, number: u8, as_believed: bool) {
        let before = self.kernel.clone();
        let changes = self.fib.leg_lost(&node(number), as_believed);
        let no_route = |change: &FibChange| !matches!(change, FibChange::Route { .. } | FibChange::RouteGone(_));
        assert!(changes.iter().all(no_route), "{changes:?}");
        self.apply_all(&changes);
        if self.unsettled {
            return;
        }
        for (prefix, _) in before.state.routes.iter() {
            let mut expected = before.legs(prefix).expect("a group");
            if expected.len() > 1 {
                expected.remove(&node(number));
            }
            assert_eq!(self.kernel.legs(prefix), Some(expected), "surviving legs stay");
        }
    }

    fn damage(&mut self, at: u8) {
        let objects: Vec<u32> =
            self.kernel.state.groups.keys().chain(self.kernel.state.next_hops.keys()).copied().collect();
        match objects.get(usize::from(at)) {
            Some(id) => self.kernel.remove_object(*id),
            None => _ = self.kernel.state.routes.insert(service(at), FibTarget::Blackhole),
        }
        self.fib.audit(&self.kernel.state);
        self.flush_all();
    }

    fn run(&mut self, deed: Deed) {
        match deed {
            Deed::Want(number, nodes) => {
                let numbers: Vec<u8> = nodes.into_iter().flatten().collect();
                self.want(service(number), legs(&numbers));
            }
            Deed::WantWeighted(number, nodes) => {
                let numbers: Vec<u8> = nodes.into_iter().collect();
                self.want(service(number), weighted(&numbers));
            }
            Deed::WantBlackhole(number) => self.want(service(number), Some(Wanted::Blackhole)),
            Deed::WantMany(nodes) => {
                let numbers: Vec<u8> = nodes.into_iter().collect();
                for prefix in self.wish.keys().copied().collect::<Vec<_>>() {
                    self.want(prefix, legs(&numbers));
                }
            }
            Deed::Flush => {
                let changes = self.fib.flush();
                self.apply_all(&changes);
                if !self.unsettled {
                    self.check();
                }
            }
            Deed::FlushWanted(limit) => {
                let changes = self.fib.flush_wanted(limit, Gains::Now);
                self.apply_all(&changes);
            }
            Deed::FlushUrgent => {
                self.fib.follow_shaken();
                let changes = self.fib.flush_wanted(usize::MAX, Gains::Later);
                self.apply_all(&changes);
                if !self.unsettled {
                    self.check_that_nothing_wrong_is_used();
                }
            }
            Deed::LegLost(number, as_believed) => self.lose_leg(number, as_believed),
            Deed::NextHopLost(number) => {
                if let Some(id) = self.next_hop_id(number) {
                    self.kernel.remove_object(id);
                    self.fib.next_hop_lost(id);
                }
            }
            Deed::RouteLost(number) => {
                self.kernel.state.routes.remove(service(number));
                self.fib.route_lost(service(number));
            }
            Deed::FlushRefused(at) => {
                let changes = self.fib.flush();
                let mut place = 0;
                self.apply(&changes, |_| {
                    place += 1;
                    place == usize::from(at)
                });
            }
            Deed::Retry => {
                self.fib.retry();
                self.flush_all();
            }
            Deed::Damage(at) => self.damage(at),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_happens_the_kernel_ends_as_wished(deeds in prop::collection::vec(deed(), 1..60)) {
        let mut model = Model::default();
        for deed in deeds {
            model.run(deed);
        }
        model.fib.retry();
        model.unsettled = true;
        model.flush_all();
        model.fib.audit(&model.kernel.state);
        model.flush_all();
        model.fib.retry();
        model.flush_all();
        model.check();
        prop_assert_eq!(model.fib.flush(), vec![]);
    }

    #[test]
    fn refusals_alone_are_repaired_by_retry(deeds in prop::collection::vec(deed(), 1..40)) {
        let mut model = Model::default();
        for deed in deeds {
            if !matches!(deed, Deed::Damage(_)) {
                model.run(deed);
            }
        }
        for _ in 0..2 {
            model.fib.retry();
            model.unsettled = true;
            model.flush_all();
        }
        for (prefix, legs) in &model.wish {
            prop_assert_eq!(model.kernel.legs(*prefix), Some(legs.clone()));
        }
    }

    #[test]
    fn a_restart_keeps_what_the_kernel_has_until_the_recovery_ends(
        before in prop::collection::btree_map(0..12u8, nodes(), 0..10),
        after in prop::collection::vec((0..12u8, nodes()), 0..20),
    ) {
        let mut model = Model::default();
        for (number, nodes) in &before {
            model.run(Deed::Want(*number, Some(nodes.clone())));
        }
        model.run(Deed::Flush);
        let had: BTreeMap<u8, BTreeSet<Leg>> = before.keys().map(|number| (*number, model.kernel.legs(service(*number)).unwrap())).collect();
        let mut restarted = Model { kernel: model.kernel, ..Model::default() };
        restarted.fib.adopt(&restarted.kernel.state);
        for (number, nodes) in after {
            restarted.run(Deed::Want(number, Some(nodes)));
            let changes = restarted.fib.flush();
            restarted.apply_all(&changes);
            for (number, had) in &had {
                let legs = restarted.kernel.legs(service(*number)).expect("kept");
                let wished = restarted.wish.get(&service(*number));
                prop_assert!(legs == *had || (wished == Some(&legs)), "{legs:?} had {had:?} wished {wished:?}");
            }
        }
        restarted.fib.end_recovery();
        restarted.flush_all();
        restarted.check();
    }
}
