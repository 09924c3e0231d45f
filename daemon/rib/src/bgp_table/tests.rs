//! The table: what comes, goes, is counted and needs a decision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bgp_wire::attribute::{LargeCommunity, PathAttributes};
use nouns::{Asn, Marks};
use proptest::prelude::*;

use super::*;
use crate::decision::StepRules;
use crate::fixtures::{attributes, ip, key, prefix, unchanged, world};
use crate::routes::{Protocol, Rib};

fn table() -> BgpTable {
    let mut table = BgpTable::new(Family::Ipv4Unicast, &Prefixes::default());
    for peer in 1..4 {
        let router_id = Ipv4Addr::new(192, 168, 101, 200 + u8::try_from(peer).unwrap());
        table
            .set_peer(PeerId(peer), PeerInfo { address: IpAddr::V4(router_id), router_id, internal: true, link: None });
    }
    table
}

/// What a peer announced, and why import refused it.
fn because(reason: Option<&str>, next_hop: &str) -> Inserted {
    let attributes = Arc::new(attributes(next_hop));
    Inserted::new(Arc::clone(&attributes), attributes, reason.map(Arc::from), nouns::Marks::default())
}

const RULES: Rules = Rules {
    maximum_paths_ebgp: 1,
    maximum_paths_ibgp: 1,
    always_compare_med: false,
    multipath_relax: false,
    default_local_pref: 100,
    steps: StepRules::NONE,
};

/// The nodes are on a link of ours.
fn next_hops() -> NextHops {
    let (world, mut rib, mut next_hops) = (world(), Rib::default(), NextHops::new());
    rib.replace_protocol(Protocol::Connected, world.connected_routes(), Instant::now());
    for last in 200..204 {
        next_hops.track(ip(&format!("192.168.101.{last}")));
    }
    rib.settle(&mut next_hops, &world);
    next_hops
}

/// Prefixes that wait for a decision.
fn take(table: &mut BgpTable, limit: usize) -> Vec<Spot> {
    let mut spots = table.take_pressing(limit);
    spots.extend(table.take_contested(limit - spots.len(), usize::MAX).0);
    spots
}

fn spots(prefixes: &[Prefix]) -> Vec<Spot> {
    prefixes.iter().copied().map(Spot::from).collect()
}

/// Decides prefixes that wait.
fn decide(table: &mut BgpTable, limit: usize) -> Vec<Prefix> {
    let spots = take(table, limit);
    table.decide(&spots, &next_hops(), &RULES, |_, _| ());
    spots.into_iter().map(Spot::prefix).collect()
}

fn service() -> Prefix {
    prefix("172.16.102.229/32")
}

#[test]
fn an_identical_announcement_changes_nothing_but_clears_stale() {
    let (mut table, start) = (table(), Instant::now());
    let later = start + Duration::from_secs(9);
    assert!(table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), start));
    assert!(table.insert(service(), key(2), &unchanged(attributes("192.168.101.202")), start));
    assert_eq!(decide(&mut table, 10), [service()]);
    table.mark_stale(PeerId(1));
    assert_eq!(decide(&mut table, 10), [service()], "a rival may win now");
    assert!(!table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), later));
    assert!(!table.paths(service())[0].stale());
    assert_eq!(table.since(&table.paths(service())[0]), Some(start));
    assert_eq!(decide(&mut table, 10), [service()], "and share the load again");
    assert!(!table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), later));
    assert!(!table.is_undecided());
    let mut other = attributes("192.168.101.201");
    other.med = Some(5);
    assert!(table.insert(service(), key(1), &unchanged(other), later));
    assert_eq!(table.since(&table.paths(service())[0]), Some(later));
    assert_eq!((table.len(), table.path_count()), (1, 2));
}

#[test]
fn equal_sets_received_and_used_are_stored_once() {
    let mut table = table();
    let [used, received] = [(), ()].map(|()| Arc::new(attributes("192.168.101.201")));
    let twice = Inserted::new(used, received, None, nouns::Marks::default());
    table.insert(service(), key(1), &twice, Instant::now());
    let path = &table.paths(service())[0];
    assert!(Arc::ptr_eq(path.attributes(), path.received()));
}

#[test]
fn a_restarting_peer_keeps_only_what_it_announces_again() {
    let (mut table, now) = (table(), Instant::now());
    for text in ["10.0.0.0/8", "172.16.0.0/12", "192.0.2.0/24"] {
        table.insert(prefix(text), key(1), &unchanged(attributes("192.168.101.201")), now);
    }
    table.mark_stale(PeerId(1));
    table.insert(prefix("172.16.0.0/12"), key(1), &unchanged(attributes("192.168.101.201")), now);
    assert_eq!(table.sweep_stale(PeerId(1)), 2);
    assert_eq!(table.iter().map(|(prefix, _)| prefix).collect::<Vec<_>>(), [prefix("172.16.0.0/12")]);
    assert_eq!(decide(&mut table, 100).len(), 3, "those that went need a decision, too");
    assert_eq!(table.received_count(PeerId(1)), 1);
    table.forget_peer(PeerId(1));
    assert!(table.is_empty());
    assert_eq!(table.peer(PeerId(1)), None);
}

#[test]
fn rejected_paths_are_counted_as_received_only_and_use_no_next_hop() {
    let (mut table, now) = (table(), Instant::now());
    let rejected = |reason: Option<&str>| because(reason, "192.168.101.201");
    table.insert(service(), key(1), &rejected(Some("AS loop")), now);
    assert_eq!((table.received_count(PeerId(1)), table.accepted_count(PeerId(1))), (1, 0));
    assert_eq!(table.next_hops(), Vec::<IpAddr>::new());
    assert!(table.insert(service(), key(1), &rejected(None), now));
    assert_eq!((table.received_count(PeerId(1)), table.accepted_count(PeerId(1))), (1, 1));
    assert_eq!(table.take_next_hop_news(), [((ip("192.168.101.201"), None), true)]);
    table.insert(service(), key(1), &rejected(Some("AS loop")), now);
    assert_eq!(table.accepted_count(PeerId(1)), 0);
    assert_eq!(table.take_next_hop_news(), [((ip("192.168.101.201"), None), false)]);
}

#[test]
fn a_next_hop_that_changed_concerns_the_prefixes_through_it_only() {
    let (mut table, now) = (table(), Instant::now());
    table.insert(prefix("10.1.0.0/16"), key(1), &unchanged(attributes("192.168.101.201")), now);
    table.insert(prefix("10.2.0.0/16"), key(2), &unchanged(attributes("192.168.101.202")), now);
    decide(&mut table, 9);
    table.next_hop_changed(ip("192.168.101.202"));
    table.next_hop_changed(ip("192.168.101.99"));
    assert_eq!(decide(&mut table, 9), [prefix("10.2.0.0/16")]);
    table.all_dirty();
    assert_eq!((decide(&mut table, 1).len(), table.pressing_len()), (1, 1));
}

#[test]
fn a_peer_that_changes_has_its_prefixes_decided_again() {
    let (mut table, now) = (table(), Instant::now());
    table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), now);
    decide(&mut table, 9);
    let info = *table.peer(PeerId(1)).unwrap();
    table.set_peer(PeerId(1), info);
    assert!(!table.is_undecided());
    table.set_peer(PeerId(1), PeerInfo { internal: false, ..info });
    assert_eq!(decide(&mut table, 9), [service()]);
}

#[test]
fn a_decision_is_news_when_the_best_path_is_another_or_says_something_else() {
    let (mut table, now) = (table(), Instant::now());
    let decided = |table: &mut BgpTable| {
        let mut told = None;
        let taken = take(table, 9);
        assert_eq!(taken, spots(&[service()]));
        table.decide(&taken, &next_hops(), &RULES, |_, outcome| {
            told = Some(match outcome {
                Outcome::Unreachable => (None, true),
                Outcome::Stays => (None, false),
                Outcome::Chosen(decided) => (Some(decided.best().unwrap().peer().0), decided.is_news()),
            });
        });
        told.unwrap()
    };
    let med = |med| {
        let mut changed = attributes("192.168.101.201");
        changed.med = Some(med);
        unchanged(changed)
    };
    table.insert(service(), key(1), &med(1), now);
    assert_eq!(decided(&mut table), (Some(1), true), "the first path");
    table.insert(service(), key(2), &unchanged(attributes("192.168.101.202")), now);
    assert_eq!(decided(&mut table), (Some(2), true), "a better one");
    table.insert(service(), key(1), &med(2), now);
    assert_eq!(decided(&mut table), (Some(2), false), "a path that lost");
    let mut other = attributes("192.168.101.202");
    other.communities = [7].into_iter().collect();
    table.insert(service(), key(2), &unchanged(other), now);
    assert_eq!(decided(&mut table), (Some(2), true), "other words");
    table.withdraw(service(), key(1));
    assert_eq!(decided(&mut table), (Some(2), false), "the same path at another place");
    table.insert(service(), key(3), &unchanged(attributes("192.168.101.203")), now);
    assert_eq!(decided(&mut table), (None, false), "one more that lost: what was chosen stays chosen");
    assert_eq!(table.best(service()).map(Path::peer), Some(PeerId(2)));
    table.withdraw(service(), key(3));
    assert_eq!(decided(&mut table), (Some(2), false), "the same path");
    table.withdraw(service(), key(2));
    assert_eq!(table.settled_best(service()).err(), Some(Undecided));
    assert_eq!(decided(&mut table), (None, true), "the last path is gone");
    assert!(table.settled_best(service()).is_ok_and(|best| best.is_none()));
}

#[test]
fn a_path_beside_the_best_one_waits_behind_what_changes_where_packets_go() {
    let (mut table, now) = (table(), Instant::now());
    let from = |node: u32| unchanged(attributes(&format!("192.168.101.{}", 200 + node)));
    let other = prefix("172.16.102.230/32");
    table.insert(service(), key(1), &from(1), now);
    assert_eq!((table.take_contested(9, 9).0, table.pressing_len()), (vec![], 1), "the first path presses");
    decide(&mut table, 9);
    table.insert(service(), key(2), &from(2), now);
    table.insert(other, key(2), &from(2), now);
    assert_eq!(table.take_pressing(9), spots(&[other]), "what nobody reached yet comes first");
    assert!(table.is_undecided());
    assert!(table.settled_best(service()).is_ok_and(|best| best.is_some()), "the best path is good until then");
    table.withdraw(service(), key(1));
    assert_eq!(
        (table.take_pressing(9), table.take_contested(9, 9).0),
        (spots(&[service()]), vec![]),
        "its best path is gone"
    );
    table.decide(&spots(&[service(), other]), &next_hops(), &RULES, |_, _| ());
    assert!(!table.is_undecided());
}

#[test]
fn contested_prefixes_are_taken_until_they_have_paths_enough() {
    let (mut table, now) = (table(), Instant::now());
    let prefixes = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"].map(prefix);
    for peer in 1..4 {
        for prefix in prefixes {
            table.insert(prefix, key(peer), &unchanged(attributes("192.168.101.201")), now);
        }
        let pressing = table.take_pressing(9);
        table.decide(&pressing, &next_hops(), &RULES, |_, _| ());
    }
    assert_eq!(table.take_contested(9, 4), (spots(&prefixes[..2]), 6));
    assert_eq!(table.take_contested(9, 4), (spots(&prefixes[2..]), 3));
    assert_eq!(table.take_contested(9, 4), (vec![], 0));
}

#[test]
fn a_contested_prefix_that_comes_and_goes_leaves_nothing_behind() {
    let (mut table, now) = (table(), Instant::now());
    for _ in 0..3 {
        table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), now);
        let first = table.take_pressing(9);
        table.decide(&first, &next_hops(), &RULES, |_, _| ());
        table.insert(service(), key(2), &unchanged(attributes("192.168.101.202")), now);
        table.withdraw(service(), key(1));
        table.withdraw(service(), key(2));
        let last = table.take_pressing(9);
        table.decide(&last, &next_hops(), &RULES, |_, _| ());
    }
    assert_eq!(table.contested_len(), 1, "however often it was contested");
    assert_eq!((table.take_contested(9, 9).0, table.entries.len()), (vec![], 0));
}

#[test]
fn the_longest_prefix_with_paths_answers_for_an_address() {
    let (mut table, now) = (table(), Instant::now());
    for text in ["0.0.0.0/0", "172.16.0.0/12", "172.16.102.229/32"] {
        table.insert(prefix(text), key(1), &unchanged(attributes("192.168.101.201")), now);
    }
    let found = |table: &BgpTable, text: &str| table.longest_match(ip(text)).unwrap().0;
    assert_eq!(found(&table, "172.16.102.229"), service());
    table.withdraw(service(), key(1));
    assert_eq!(found(&table, "172.16.102.229"), prefix("172.16.0.0/12"));
    assert_eq!(found(&table, "192.0.2.1"), Prefix::DEFAULT_V4);
}

#[test]
fn a_link_local_next_hop_stands_in_for_a_global_one_that_is_missing() {
    let mut own = attributes("::");
    own.next_hop.link_local = Some("fe80::7".parse().unwrap());
    let mut table = table();
    table.insert(service(), key(1), &unchanged(own), Instant::now());
    assert_eq!(table.paths(service())[0].next_hop(), ip("fe80::7"));
}

#[test]
fn one_link_local_address_on_two_links_is_two_next_hops_and_moves_with_its_peer() {
    let (mut table, now) = (table(), Instant::now());
    let on = |link: u32| PeerInfo {
        address: ip("fe80::1"),
        router_id: Ipv4Addr::new(192, 168, 101, 201),
        internal: false,
        link: Some(link),
    };
    for peer in [1, 2] {
        table.set_peer(PeerId(peer), on(peer));
        let mut attributes = attributes("2001:db8::1");
        attributes.next_hop.link_local = Some("fe80::1".parse().unwrap());
        table.insert(service(), key(peer), &unchanged(attributes), now);
    }
    table.insert(service(), key(3), &unchanged(attributes("fe80::1")), now);
    let via = |link: Option<u32>| (ip("fe80::1"), link);
    assert_eq!(table.take_next_hop_news(), [(via(None), true), (via(Some(1)), true), (via(Some(2)), true)]);
    table.set_peer(PeerId(2), on(9));
    assert_eq!(table.take_next_hop_news(), [(via(Some(2)), false), (via(Some(9)), true)]);
    let gateways: Vec<Gateway> = table.paths(service()).iter().map(|path| table.gateway(path)).collect();
    assert_eq!(gateways, [via(Some(1)), via(Some(9)), via(None)]);
    take(&mut table, 9);
    table.next_hop_changed(ip("fe80::1"));
    for peer in [1, 2, 3] {
        table.withdraw(service(), key(peer));
    }
    assert_eq!(table.take_next_hop_news(), [(via(None), false), (via(Some(1)), false), (via(Some(9)), false)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn counters_and_next_hops_are_what_counting_gives(
        deeds in prop::collection::vec((0..6u8, 0..6u8, 0..4u32, 0..3u8, any::<bool>()), 1..80)
    ) {
        let (mut table, now) = (table(), Instant::now());
        let mut tracked: BTreeMap<IpAddr, bool> = BTreeMap::new();
        for (deed, net, peer, hop, rejected) in deeds {
            let prefix = prefix(&format!("10.{net}.0.0/16"));
            match deed {
                0 => _ = table.withdraw(prefix, key(peer)),
                1 => _ = table.drop_peer(PeerId(peer)),
                2 => table.mark_stale(PeerId(peer)),
                3 => _ = table.sweep_stale(PeerId(peer)),
                _ => {
                    let inserted = because(rejected.then_some("no"), &format!("192.168.101.{}", 200 + u16::from(hop)));
                    let judge = |path: &Path| {
                        (path.key() == key(peer)).then(|| (inserted.clone(), inserted.ranks_as(path)))
                    };
                    match deed {
                        4 => _ = table.rejudge(prefix, judge, |_| ()),
                        _ => _ = table.insert(prefix, key(peer), &inserted, now),
                    }
                }
            }
            if net == 0 {
                decide(&mut table, 2);
            }
            for ((address, _), used) in table.take_next_hop_news() {
                prop_assert_ne!(tracked.insert(address, used).unwrap_or(false), used, "news are news");
            }
            let all: Vec<&Path> = table.iter().flat_map(|(_, paths)| paths).collect();
            prop_assert_eq!(table.path_count(), all.len());
            prop_assert_eq!(table.len(), table.iter().count());
            for peer in 0..4 {
                let of_peer = || all.iter().filter(|path| path.peer() == PeerId(peer));
                prop_assert_eq!(table.received_count(PeerId(peer)), of_peer().count());
                prop_assert_eq!(table.accepted_count(PeerId(peer)), of_peer().filter(|path| path.rejected().is_none()).count());
            }
            let used = all.iter().filter(|path| path.rejected().is_none() && !path.is_local()).map(|path| path.next_hop());
            let used: BTreeSet<IpAddr> = used.collect();
            prop_assert_eq!(table.next_hops(), used.iter().copied().collect::<Vec<_>>());
            let known: BTreeSet<IpAddr> = tracked.iter().filter(|(_, used)| **used).map(|(address, _)| *address).collect();
            prop_assert_eq!(known, used);
        }
        decide(&mut table, 1_000);
        for (prefix, _) in table.iter() {
            let chosen = table.sharing(prefix, &next_hops(), &RULES);
            prop_assert_eq!(table.best(prefix).map(Path::key), chosen.first().map(|path| path.key()));
        }
    }
}

#[test]
fn what_is_awaited_is_used_as_before_and_goes_if_it_is_not_told_again() {
    let mut table = table();
    let (now, other) = (Instant::now(), prefix("10.0.0.0/8"));
    for net in [service(), other] {
        table.insert(net, key(1), &unchanged(attributes("192.168.101.201")), now);
    }
    table.insert(other, key(2), &unchanged(attributes("192.168.101.202")), now);
    decide(&mut table, 9);
    table.await_again(PeerId(1));
    assert!(!table.is_undecided(), "nothing is decided anew for it");
    assert!(!table.insert(service(), key(1), &unchanged(attributes("192.168.101.201")), now), "it is told again");
    assert_eq!((table.is_undecided(), table.sweep_awaited(PeerId(1))), (false, 1));
    assert_eq!(table.paths(service()).len(), 1);
    assert_eq!(table.paths(other).iter().map(Path::peer).collect::<Vec<_>>(), [PeerId(2)]);
    table.await_again(PeerId(1));
    table.mark_stale(PeerId(1));
    table.insert(service(), key(1), &unchanged(attributes("192.168.101.203")), now);
    assert_eq!(table.sweep_awaited(PeerId(1)) + table.sweep_stale(PeerId(1)), 0);
}

/// What import made of an announcement after some change.
fn changed(next_hop: &str, change: impl FnOnce(&mut PathAttributes)) -> Inserted {
    let mut set = attributes(next_hop);
    change(&mut set);
    unchanged(set)
}

#[test]
fn what_is_judged_anew_needs_a_decision_only_where_a_rank_or_a_way_changed() {
    let (here, next_hop) = (prefix("10.1.0.0/16"), "192.168.101.201");
    let stays = |news| Some(Stays { news, best: Some(PeerId(1)) });
    let other: Marks = Marks { weight: 7, ..Marks::default() };
    let set = || Arc::new(attributes(next_hop));
    for (peer, judged, expect) in [
        (1, changed(next_hop, |set| set.communities.push(7)), stays(true)),
        (2, changed(next_hop, |set| set.communities.push(7)), stays(false)),
        (1, changed(next_hop, |set| set.large_communities.push(LargeCommunity(1, 2, 3))), stays(true)),
        (1, changed(next_hop, |set| set.local_pref = Some(7)), None),
        (2, changed(next_hop, |set| set.local_pref = Some(700)), None),
        (1, changed(next_hop, |set| set.med = Some(7)), None),
        (1, changed(next_hop, |set| set.as_path.prepend(Asn(7))), None),
        (1, changed(next_hop, |set| set.extended_communities.push([0; 8])), None),
        (1, changed("192.168.101.202", |_| ()), None),
        (1, Inserted::new(set(), set(), None, other), None),
        (1, because(Some("refused"), next_hop), None),
    ] {
        let mut table = table();
        for peer in 1..3 {
            table.insert(here, key(peer), &changed(next_hop, |_| ()), Instant::now());
        }
        decide(&mut table, 10);
        assert_eq!(table.best(here).map(Path::peer), Some(PeerId(1)));
        let judge = |path: &Path| (path.key() == key(peer)).then(|| (judged.clone(), judged.ranks_as(path)));
        assert_eq!(table.rejudge(here, judge, |_| ()), expect, "{judged:?}");
        assert_eq!(table.is_undecided(), expect.is_none(), "{judged:?}");
        let kept = table.paths(here).iter().find(|path| path.key() == key(peer)).unwrap();
        assert!(kept.attributes() == judged.clone().path(key(peer), 0).attributes());
    }
}

#[test]
fn what_waits_for_a_decision_still_waits_when_it_is_judged_anew() {
    let (here, mut table) = (prefix("10.1.0.0/16"), table());
    table.insert(here, key(1), &changed("192.168.101.201", |_| ()), Instant::now());
    let judged = changed("192.168.101.201", |set| set.communities.push(7));
    assert_eq!(table.rejudge(here, |path| Some((judged.clone(), judged.ranks_as(path))), |_| ()), None);
    assert_eq!(decide(&mut table, 10), [here]);
}

#[test]
fn of_prefixes_that_are_lent_together_each_comes_back_with_what_became_of_its_paths() {
    let (all, mut table) = ([prefix("10.1.0.0/16"), prefix("10.2.0.0/16"), prefix("10.3.0.0/16")], table());
    for (here, peer) in all.into_iter().flat_map(|here| [(here, 1), (here, 2)]) {
        table.insert(here, key(peer), &changed("192.168.101.201", |_| ()), Instant::now());
    }
    decide(&mut table, 10);
    assert!(table.lend(prefix("10.4.0.0/16")).is_none());
    let mut lent: Vec<Lent> = all.into_iter().filter_map(|here| table.lend(here)).collect();
    assert_eq!((table.iter().count(), lent.iter().flat_map(Lent::paths).count()), (0, 6));
    assert!(all.iter().all(|here| table.settled_best(*here).is_err()), "nobody is told that they are gone");
    let (colour, weight) = (changed("192.168.101.201", |set| set.communities.push(7)), |set: &mut PathAttributes| {
        set.local_pref = Some(700);
    });
    let judged = [None, Some((colour, true)), Some((changed("192.168.101.201", weight), false))];
    for (one, judged) in lent.iter_mut().zip(judged) {
        one.rejudge(true, |_| judged.clone());
    }
    let mut told = Vec::new();
    let stays: Vec<Option<Stays>> = lent
        .into_iter()
        .map(|one| {
            let here = one.spot().prefix();
            table.put_back(one, |key| told.push((here, key)))
        })
        .collect();
    assert_eq!(stays, [None, Some(Stays { news: true, best: Some(PeerId(1)) }), None]);
    assert_eq!(told, [(all[1], key(1)), (all[1], key(2)), (all[2], key(1)), (all[2], key(2))]);
    assert_eq!((table.path_count(), table.iter().flat_map(|(_, paths)| paths).count()), (6, 6));
    assert_eq!(all.map(|here| table.settled_best(here).is_ok()), [true, true, false]);
    assert_eq!(decide(&mut table, 10), [all[2]]);
}
