//! A neighbor that alone is in a group costs nothing there for its own paths, and whoever comes later misses none of them.

use std::collections::BTreeSet;

use nouns::Prefix;
use proptest::prelude::*;
use rib::bgp_table::{Path, PeerId};

use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};
use super::*;

/// A second speaker.
const OTHER: u8 = 4;
const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 neighbor 192.0.2.4 remote-as 65004
set protocols bgp 64512 neighbor 192.0.2.4 passive";
const V4: Family = Family::Ipv4Unicast;

fn id(stage: &Stage, last: u8) -> PeerId {
    stage.engine.peers.at([192, 0, 2, last].into()).unwrap().id
}

/// Nobody is there but one of the two.
fn alone(last: u8) -> Stage {
    let mut stage = Stage::new(OPEN);
    [LISTENER, SPEAKER].into_iter().for_each(|last| stage.breaks(last));
    stage.open(last);
    stage.rest();
    stage
}

/// What groups remember, together: routes that some member of theirs knows.
fn remembered(stage: &Stage) -> usize {
    stage.engine.groups.iter().map(|group| group.out.len(PeerId::LOCAL, None)).sum()
}

#[test]
fn nothing_is_remembered_of_the_paths_of_the_only_neighbor() {
    let mut stage = alone(SPEAKER);
    stage.announces(prefixes(100), 1);
    stage.rest();
    assert_eq!((stage.engine.rib.iter().count(), remembered(&stage)), (101, 0));
    stage.withdrawn_by(SPEAKER, prefixes(100));
    stage.rest();
    assert_eq!((stage.engine.rib.iter().count(), remembered(&stage)), (1, 0));
}

#[test]
fn who_joins_the_only_neighbor_hears_all_of_its_paths_and_of_their_end() {
    let mut stage = alone(SPEAKER);
    stage.announces(prefixes(100), 1);
    stage.rest();
    stage.open(LISTENER);
    stage.rest();
    assert_eq!((stage.known.len(), stage.repeated, remembered(&stage)), (100, 0, 100));
    assert_eq!(stage.engine.groups.count_known_by(id(&stage, SPEAKER), V4), 0);
    stage.forget_what_was_heard();
    stage.withdrawn_by(SPEAKER, prefixes(100));
    stage.rest();
    assert_eq!((stage.known.len(), stage.heard.len()), (0, 100));
}

#[test]
fn a_path_that_its_own_neighbor_takes_over_is_taken_back_from_it() {
    let mut stage = alone(LISTENER);
    let first = || prefixes(1);
    stage.listener_announces(first());
    stage.rest();
    assert_eq!(stage.heard, []);
    stage.open(SPEAKER);
    stage.rest();
    stage.announces(first(), 1);
    stage.withdrawn_by(LISTENER, first());
    stage.rest();
    assert_eq!(stage.heard, [Heard::Announced(first().next().unwrap())]);
    stage.breaks(SPEAKER);
    stage.listener_announces(first());
    stage.rest();
    assert_eq!((stage.heard.len(), stage.known.len()), (2, 0), "{:?}", stage.heard);
}

#[derive(Clone, Debug)]
enum Deed {
    Announce(u8, u32, u32),
    Withdraw(u8, u32),
    Break(u8),
    Open(u8),
    Refresh(u8),
    Wait,
    Rest,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || prop_oneof![Just(SPEAKER), Just(LISTENER), Just(OTHER)];
    prop_oneof![
        6 => (who(), 0..6_u32, 1..3_u32).prop_map(|(who, which, community)| Deed::Announce(who, which, community)),
        3 => (who(), 0..6_u32).prop_map(|(who, which)| Deed::Withdraw(who, which)),
        2 => who().prop_map(Deed::Break),
        4 => who().prop_map(Deed::Open),
        1 => who().prop_map(Deed::Refresh),
        2 => Just(Deed::Wait),
        3 => Just(Deed::Rest),
    ]
}

/// Who of the three is connected, and the stage that they stand on.
struct Play {
    stage: Stage,
    up: BTreeSet<u8>,
}

impl Play {
    fn run(&mut self, deed: Deed) {
        let Self { stage, up } = self;
        let some = |which: u32| prefixes(6).skip(which as usize).take(1);
        match deed {
            Deed::Announce(who, which, community) if up.contains(&who) => {
                stage.announced_by(who, some(which), community);
            }
            Deed::Withdraw(who, which) if up.contains(&who) => stage.withdrawn_by(who, some(which)),
            Deed::Break(who) if up.remove(&who) => stage.breaks(who),
            Deed::Open(who) if up.insert(who) => stage.open(who),
            Deed::Refresh(who) if up.contains(&who) => {
                stage.refreshes(who, bgp_wire::message::RouteRefresh::REQUEST);
            }
            Deed::Wait => stage.wait(1),
            Deed::Rest => {
                stage.rest();
                self.check();
            }
            _ => {}
        }
    }

    /// The listener knows all best paths that are not its own, and each is counted as knowing as many.
    fn check(&self) {
        let Self { stage, up } = self;
        let best = |prefix: &Prefix| stage.engine.best_path(V4, *prefix).map(Path::peer);
        let others = |last: u8| {
            let own = id(stage, last);
            prefixes(6).filter(move |prefix| best(prefix).is_some_and(|peer| peer != own))
        };
        for last in up {
            let count = stage.engine.groups.count_known_by(id(stage, *last), V4);
            assert_eq!(count, others(*last).count(), "of 192.0.2.{last}");
        }
        if up.contains(&LISTENER) {
            let known: Vec<Prefix> = stage.known.keys().copied().collect();
            assert_eq!(known, others(LISTENER).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn whoever_comes_and_goes_knows_the_best_paths_of_the_others(deeds in prop::collection::vec(deed(), 1..50)) {
        let mut play = Play { stage: Stage::new(OPEN), up: BTreeSet::from([SPEAKER, LISTENER]) };
        for deed in deeds {
            play.run(deed);
        }
        play.run(Deed::Rest);
    }
}
