//! What aggregates are made of, held against a walk over all routes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::*;
use crate::fixtures::prefix;

fn set(asns: &[u32], origin: Origin) -> Arc<PathAttributes> {
    let mut set = PathAttributes::new(origin, [192, 0, 2, 1].into());
    set.as_path = AsPath::sequence(&asns.iter().copied().map(Asn).collect::<Vec<_>>());
    set.communities = asns.iter().copied().collect::<BTreeSet<u32>>().into_iter().collect();
    Arc::new(set)
}

fn wishes(all: &[(&str, bool, bool)]) -> BTreeMap<Prefix, Wish> {
    all.iter()
        .map(|(net, as_set, summary_only)| (prefix(net), Wish { as_set: *as_set, summary_only: *summary_only }))
        .collect()
}

fn made(paths: &[&[u32]], as_set: bool) -> PathAttributes {
    let mut aggregates = Aggregates::default();
    aggregates.configure(&wishes(&[("10.0.0.0/8", as_set, false)]));
    for (number, path) in paths.iter().enumerate() {
        aggregates.note(prefix(&format!("10.{number}.0.0/16")), Some(&set(path, Origin::Igp)));
    }
    aggregates.made(prefix("10.0.0.0/8")).unwrap()
}

#[test]
fn the_path_holds_what_all_begin_with_and_the_others_as_a_set() {
    let rows: [(&[&[u32]], &str); 6] = [
        (&[&[]], ""),
        (&[&[1, 2]], "1 2"),
        (&[&[1, 2], &[1, 2]], "1 2"),
        (&[&[1, 2], &[1, 3]], "1 {2,3}"),
        (&[&[1, 2], &[]], "{1,2}"),
        (&[&[1, 2, 3], &[2, 1]], "{1,2,3}"),
    ];
    for (paths, expected) in rows {
        assert_eq!(made(paths, true).as_path.to_string(), expected);
        let plain = made(paths, false);
        assert!(plain.as_path.is_empty() && plain.communities.is_empty());
        assert_eq!(plain.atomic_aggregate, !expected.is_empty(), "something is left out of the path");
        assert!(!made(paths, true).atomic_aggregate);
    }
}

#[test]
fn an_aggregate_has_the_worst_origin_and_counts_neither_itself_nor_what_is_wider() {
    let mut aggregates = Aggregates::default();
    aggregates.configure(&wishes(&[("10.0.0.0/8", false, true)]));
    for other in ["10.0.0.0/8", "0.0.0.0/0", "11.0.0.0/16"] {
        aggregates.note(prefix(other), Some(&set(&[], Origin::Igp)));
    }
    assert_eq!(aggregates.made(prefix("10.0.0.0/8")), None);
    assert!(!aggregates.suppresses(prefix("10.1.0.0/16")));
    aggregates.note(prefix("10.1.0.0/16"), Some(&set(&[], Origin::Igp)));
    aggregates.note(prefix("10.2.0.0/16"), Some(&set(&[], Origin::Incomplete)));
    assert_eq!(aggregates.made(prefix("10.0.0.0/8")).unwrap().origin, Origin::Incomplete);
    for (net, suppressed) in [("10.1.0.0/16", true), ("10.0.0.0/8", false), ("11.0.0.0/16", false)] {
        assert_eq!(aggregates.suppresses(prefix(net)), suppressed, "{net}");
    }
    aggregates.note(prefix("10.2.0.0/16"), None);
    assert_eq!(aggregates.made(prefix("10.0.0.0/8")).unwrap().origin, Origin::Igp);
}

proptest! {
    #[test]
    fn what_is_counted_is_what_a_walk_over_all_routes_finds(
        steps in prop::collection::vec((0_u8..8, 8_u8..20, prop::option::of(0_usize..4)), 0..200)
    ) {
        let nets = [("10.0.0.0/8", true, false), ("10.0.0.0/14", false, true), ("10.4.0.0/16", true, true)];
        let sets = [set(&[], Origin::Igp), set(&[1], Origin::Egp), set(&[1, 2], Origin::Igp), set(&[3, 1], Origin::Incomplete)];
        let mut aggregates = Aggregates::default();
        aggregates.configure(&wishes(&nets));
        let mut routes: BTreeMap<Prefix, Arc<PathAttributes>> = BTreeMap::new();
        let mut shown: BTreeMap<Prefix, Option<PathAttributes>> = BTreeMap::new();
        for (number, length, best) in steps {
            let route = Prefix::masked_or_host([10, number, 0, 0].into(), length);
            let best = best.map(|which| &sets[which]);
            match best {
                Some(best) => _ = routes.insert(route, Arc::clone(best)),
                None => _ = routes.remove(&route),
            }
            aggregates.note(route, best);
            for changed in aggregates.take_changed() {
                shown.insert(changed, aggregates.made(changed));
            }
        }
        for (net, wish) in wishes(&nets) {
            let covered = || routes.iter().filter(|(route, _)| net.contains(route.address()) && route.length() > net.length());
            let expected = covered().next().map(|_| {
                let mut whole = Aggregate { wish, ..Aggregate::default() };
                for (route, set) in covered() {
                    whole.note(*route, Some(set));
                }
                whole.made(net)
            });
            prop_assert_eq!(shown.get(&net).cloned().flatten(), expected, "{}", net);
            prop_assert_eq!(aggregates.covered(net), Some(covered().count()));
            for (route, _) in covered() {
                prop_assert!(!wish.summary_only || aggregates.suppresses(*route));
            }
        }
    }
}
