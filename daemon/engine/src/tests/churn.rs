//! An hour of churn: sessions, prefixes, attributes, next hops, links and policies come and go, and the router ends as
//! large as it began, by its own count and by the heap's.

use std::alloc::System;

use rib::world::WorldEvent;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use super::policies::{LISTENER, SPEAKER, Stage, prefixes};
use super::*;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A round takes half a minute.
const ROUNDS: u32 = 120;
/// Rings and tables have found their size after so many.
const WARM: u32 = 50;
const BASE: u32 = 200;
const OPEN: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN
set policy route-map IN rule 10 action permit";

/// Octets that are in use; the runner gives each test a process of its own.
pub(super) fn heap() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Prefixes that nobody has heard of in any other round.
fn strangers(round: u32) -> impl Iterator<Item = nouns::Prefix> {
    prefixes(BASE + (round + 1) * 40).skip((BASE + round * 40) as usize)
}

/// A number that is another one for each round and place.
fn drawn(round: u32, place: u32) -> u32 {
    (round * 31 + place).wrapping_mul(2_654_435_761)
}

fn round(stage: &mut Stage, number: u32) {
    // Attributes change; prefixes come that were never there, some by both neighbors, with another next hop each.
    for (place, chunk) in (0..).zip(prefixes(BASE).collect::<Vec<_>>().chunks(50)) {
        stage.announces(chunk.iter().copied(), drawn(number, place));
    }
    stage.announces(strangers(number), drawn(number, 100));
    stage.announced_by(LISTENER, strangers(number).step_by(2), drawn(number, 101));
    stage.wait(5);
    // The link is lost, and with it the way to every next hop.
    for carrier in [false, true] {
        let mut link = Link::card(2, "eth1".parse().unwrap());
        link.carrier = carrier;
        stage.take(Event::World(vec![WorldEvent::Link(link)]));
        stage.wait(5);
    }
    stage.withdrawn_by(LISTENER, strangers(number).step_by(2));
    stage.withdrawn_by(SPEAKER, strangers(number).step_by(3));
    let metric = format!("policy route-map IN rule 10 set metric {}", number % 7);
    stage.commit(&if number.is_multiple_of(2) {
        format!("set {metric}")
    } else {
        "delete policy route-map IN rule 10 set".to_owned()
    });
    stage.rest();
    stage.wait(5);
    // Sessions break in the middle of it all.
    stage.breaks(SPEAKER);
    stage.wait(5);
    stage.open(SPEAKER);
    if number.is_multiple_of(3) {
        stage.breaks(LISTENER);
        stage.open(LISTENER);
    }
    stage.announces(prefixes(BASE), 1);
    stage.rest();
    stage.wait(5);
    stage.rest();
    assert_eq!(stage.known.len(), BASE as usize, "round {number}");
    assert_eq!(stage.kernel.routes.len(), BASE as usize, "round {number}");
    stage.forget_what_was_heard();
}

#[test]
fn an_hour_of_churn_ends_where_it_began() {
    let mut stage = Stage::new(OPEN);
    // The log is as long as it may be.
    for _ in 0..1000 {
        stage.engine.log.push(0, &crate::effect::Notice::info("neighbor 192.0.2.2 Down Connection lost: reset"));
    }
    // What the test itself writes down stands ready from the beginning.
    let mut sizes = Vec::with_capacity((WARM + ROUNDS) as usize);
    let mut counts = Vec::with_capacity((WARM + ROUNDS) as usize);
    for number in 0..WARM + ROUNDS {
        round(&mut stage, number);
        sizes.push(heap());
        counts.push(kept(&stage.engine));
    }
    let (warm, hour) = counts.split_at(WARM as usize);
    assert!(hour.iter().all(|count| Some(count) == warm.last()), "{:?}\n{:?}", warm.last(), hour.last());
    let largest = |of: &[usize]| of.iter().copied().max().unwrap();
    let (first, last) = (largest(&sizes[WARM as usize - 10..WARM as usize]), largest(&sizes[sizes.len() - 10..]));
    assert!(last <= first + first / 50, "the heap had {first} octets, and an hour later {last}: {sizes:?}");
}
