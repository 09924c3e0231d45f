//! Peers that tell tables all at once: a prefix is then decided a time or two instead of once for each path, and what
//! cannot wait does not.

use super::policies::{LISTENER, SPEAKER, Stage, prefixes};
use super::*;

use bgp_wire::attribute::{AsPath, Origin, PathAttributes};
use nouns::{Asn, Family, Prefix};

const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable";
const TABLE: u32 = 4096;

/// A neighbor's path that is so long.
fn path(last: u8, length: usize) -> PathAttributes {
    let asns = vec![Asn(65000 + u32::from(last)); length];
    PathAttributes { as_path: AsPath::sequence(&asns), ..PathAttributes::new(Origin::Igp, [192, 0, 2, last].into()) }
}

/// How many prefixes of the table have such a best path.
fn best(engine: &Engine, length: usize) -> usize {
    let is_so = |prefix: &Prefix| {
        let best = engine.best_path(Family::Ipv4Unicast, *prefix);
        best.is_some_and(|best| best.attributes().as_path.length() == length)
    };
    prefixes(TABLE).filter(is_so).count()
}

fn told(stage: &mut Stage, last: u8, length: usize) {
    stage.announced_with(last, prefixes(TABLE), &path(last, length));
}

#[test]
fn better_paths_that_flood_in_are_decided_by_and_by_and_all_of_them_once_that_is_over() {
    let mut stage = Stage::new(OPEN);
    told(&mut stage, SPEAKER, 3);
    stage.rest();
    // Whoever leads there is known by then.
    stage.announced_with(LISTENER, prefixes(TABLE + 1).skip(TABLE as usize), &path(LISTENER, 1));
    stage.rest();
    let better = stage.at_once(|stage| told(stage, LISTENER, 1), |engine| best(engine, 1));
    assert_eq!(better, TABLE as usize / 4, "while more is expected");
    stage.rest();
    assert_eq!(best(&stage.engine, 1), TABLE as usize, "as soon as nothing more comes");
}

#[test]
fn a_path_for_few_prefixes_is_decided_at_once() {
    let mut stage = Stage::new(OPEN);
    told(&mut stage, SPEAKER, 3);
    stage.rest();
    let few = |stage: &mut Stage| stage.announced_with(LISTENER, prefixes(9), &path(LISTENER, 1));
    assert_eq!(stage.at_once(few, |engine| best(engine, 1)), 9);
}

#[test]
fn a_best_path_that_is_withdrawn_waits_for_no_flood() {
    let mut stage = Stage::new(OPEN);
    told(&mut stage, LISTENER, 1);
    stage.rest();
    let one = prefixes(TABLE).last().unwrap();
    let flood = |stage: &mut Stage| {
        told(stage, SPEAKER, 3);
        stage.withdrawn_by(LISTENER, [one]);
    };
    assert_eq!(stage.at_once(flood, |engine| best(engine, 3)), 1, "the last one of the table");
}

#[test]
fn a_table_that_is_withdrawn_leaves_no_sets_behind_however_many_processors_there_are() {
    let withdrawn = |processors: usize| {
        let mut stage = Stage::new(OPEN);
        stage.engine.facts.processors = processors;
        let all: Vec<Prefix> = prefixes(TABLE).collect();
        for (number, some) in (1..).zip(all.chunks(4)) {
            stage.announces(some.iter().copied(), number);
        }
        stage.rest();
        let known = (stage.known.len(), stage.engine.attribute_sets.len());
        stage.forget_what_was_heard();
        for some in all.chunks(TABLE as usize / 2) {
            stage.withdrawn_by(SPEAKER, some.iter().copied());
        }
        stage.rest();
        // Whoever let go last is looked at with the next that happens.
        stage.take(Event::Tick);
        (known, stage.heard.len(), stage.known.len(), stage.engine.attribute_sets.len() < known.1 / 10)
    };
    for processors in [1, 2, 8] {
        assert_eq!(withdrawn(processors), ((4096, 1024), 4096, 0, true), "{processors} processors");
    }
}
