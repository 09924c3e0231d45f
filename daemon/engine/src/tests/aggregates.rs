//! Aggregates and conditions: what is told of the table as a whole, and what becomes of what it covers.

use api::View;
use api::request::{BgpTarget, Show};
use nouns::{Asn, Prefix};

use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};
use super::*;

const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable\n\
                    set protocols bgp 64512 parameters router-id 192.0.2.1\n";
const ALL: &str = "set protocols bgp 64512 aggregate-address 10.0.0.0/8";

fn all() -> Prefix {
    "10.0.0.0/8".parse().unwrap()
}

/// A speaker that has announced three routes of 10.0.0.0/8.
fn stage(lines: &str) -> Stage {
    let mut stage = Stage::new(&format!("{OPEN}{lines}"));
    stage.announces(prefixes(3), 1);
    stage.rest();
    stage
}

#[test]
fn an_aggregate_comes_and_goes_with_what_it_covers() {
    let mut stage = stage(ALL);
    let aggregate = &stage.known[&all()];
    assert!(aggregate.atomic_aggregate && aggregate.med.is_none());
    assert_eq!(aggregate.aggregator.map(|aggregator| aggregator.asn), Some(Asn(64512)));
    assert_eq!(aggregate.as_path.to_string(), "64512", "no set is told unless it is asked for (RFC 9774)");
    assert_eq!(stage.known.len(), 4);
    stage.forget_what_was_heard();
    stage.withdrawn_by(SPEAKER, prefixes(2));
    stage.rest();
    assert!(!stage.heard.contains(&Heard::Announced(all())), "it is the same with fewer: {:?}", stage.heard);
    stage.withdrawn_by(SPEAKER, prefixes(3).skip(2));
    stage.rest();
    assert!(stage.known.is_empty(), "{:?}", stage.known);
}

#[test]
fn the_numbers_of_what_is_covered_are_told_where_that_is_asked_for() {
    let mut stage = stage(&format!("{ALL} as-set"));
    assert_eq!(stage.known[&all()].as_path.to_string(), "64512 65002");
    stage.announced_by(LISTENER, prefixes(4).skip(3), 1);
    stage.rest();
    assert!(!stage.known.contains_key(&all()), "a path that holds its AS would be refused by the listener");
    stage.withdrawn_by(LISTENER, prefixes(4).skip(3));
    stage.rest();
    assert!(!stage.known[&all()].atomic_aggregate);
    stage.commit(&format!("delete{} as-set", ALL.trim_start_matches("set")));
    stage.rest();
    assert_eq!(stage.heard, [Heard::Announced(all())]);
}

#[test]
fn a_summary_alone_is_told_and_the_rest_by_a_map_that_says_so() {
    let mut stage = stage(&format!("{ALL} summary-only"));
    assert_eq!(stage.known.keys().copied().collect::<Vec<_>>(), [all()]);
    let target = BgpTarget::Prefix(prefixes(1).next().unwrap());
    let shown = stage.show(Show::BgpPrefix { family: Family::Ipv4Unicast, target, why: true }).unwrap();
    let View::BgpPrefix(shown) = shown else { panic!("a prefix was asked for") };
    assert!(shown.suppressed && shown.advertised_to.is_empty());
    for (edit, known) in [
        (
            "set policy prefix-list ONE rule 10 action permit\n\
             set policy prefix-list ONE rule 10 prefix 10.0.1.0/24\n\
             set policy route-map ONE rule 10 action permit\n\
             set policy route-map ONE rule 10 match ip address prefix-list ONE\n\
             set protocols bgp 64512 neighbor 192.0.2.3 unsuppress-map ONE",
            2,
        ),
        ("delete protocols bgp 64512 neighbor 192.0.2.3 unsuppress-map", 1),
        ("delete protocols bgp 64512 aggregate-address 10.0.0.0/8 summary-only", 4),
        ("set protocols bgp 64512 aggregate-address 10.0.0.0/8 summary-only", 1),
        ("delete protocols bgp 64512 aggregate-address", 3),
        ("set protocols bgp 64512 aggregate-address 10.0.0.0/22 summary-only", 1),
    ] {
        stage.commit(edit);
        stage.rest();
        assert_eq!(stage.known.len(), known, "{edit}: {:?}", stage.known.keys());
        assert!(!stage.heard.contains(&Heard::Notified), "{edit}");
    }
}

#[test]
fn what_an_aggregate_has_no_route_for_is_discarded_and_says_nothing_of_next_hops() {
    let lines = "set protocols bgp 64512 aggregate-address 192.0.0.0/16\n\
                 set protocols bgp 64512 aggregate-address 10.0.0.0/8";
    let mut stage = stage(lines);
    let discarded = |stage: &Stage, prefix: Prefix| {
        let target = stage.kernel.routes.iter().find(|(key, _)| key.prefix == prefix).map(|(_, target)| *target);
        matches!(target, Some(rib::fib::FibTarget::Blackhole))
    };
    assert!(discarded(&stage, all()), "{:?}", stage.kernel.routes);
    stage.withdrawn_by(SPEAKER, prefixes(3));
    stage.rest();
    assert!(!discarded(&stage, all()));
}

#[test]
fn routes_are_told_only_while_others_are_there_or_only_while_they_are_not() {
    let maps = "set policy prefix-list BACKUP rule 10 action permit\n\
                set policy prefix-list BACKUP rule 10 prefix 10.0.0.0/24\n\
                set policy prefix-list UPLINK rule 10 action permit\n\
                set policy prefix-list UPLINK rule 10 prefix 10.0.3.0/24\n\
                set policy route-map BACKUP rule 10 action permit\n\
                set policy route-map BACKUP rule 10 match ip address prefix-list BACKUP\n\
                set policy route-map UPLINK rule 10 action permit\n\
                set policy route-map UPLINK rule 10 match ip address prefix-list UPLINK\n\
                set protocols bgp 64512 neighbor 192.0.2.3 conditionally-advertise advertise-map BACKUP\n";
    for (word, alone, with_uplink) in [("exist-map", 2, 4), ("non-exist-map", 3, 3)] {
        let wish = format!("{maps}set protocols bgp 64512 neighbor 192.0.2.3 conditionally-advertise {word} UPLINK\n");
        let mut stage = stage(&wish);
        assert_eq!(stage.known.len(), alone, "{word}");
        for _ in 0..2 {
            stage.announces(prefixes(4).skip(3), 1);
            stage.rest();
            assert_eq!(stage.known.len(), with_uplink, "{word}");
            let backup = prefixes(1).next().unwrap();
            assert_eq!(stage.known.contains_key(&backup), word == "exist-map");
            stage.withdrawn_by(SPEAKER, prefixes(4).skip(3));
            stage.rest();
            assert_eq!(stage.known.len(), alone, "{word}");
        }
        stage.commit("delete protocols bgp 64512 neighbor 192.0.2.3 conditionally-advertise");
        stage.rest();
        assert_eq!(stage.known.len(), 3, "{word}");
        assert!(!stage.heard.contains(&Heard::Notified));
        // What is there already when the words come counts, too.
        stage.announces(prefixes(4).skip(3), 1);
        stage.rest();
        let lines: Vec<&str> = wish.lines().filter(|line| line.contains("conditionally-advertise")).collect();
        stage.commit(&lines.join("\n"));
        stage.rest();
        let heard = if word == "exist-map" { 0 } else { 1 };
        assert_eq!(stage.heard.len(), heard, "what is told as before is not told of on the way");
        assert_eq!(stage.known.len(), with_uplink, "{word}");
    }
}
