//! Damping against the formula, and what it forgets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
/// RFC 7196 §6, with the usual other three.
const ADVISED: Parameters = Parameters {
    half_life: Duration::from_secs(900),
    reuse: 750,
    suppress: 6000,
    max_suppress: Duration::from_secs(3600),
};

fn route(number: u32) -> Route {
    let prefix = Prefix::host(std::net::Ipv4Addr::from_bits(number).into());
    (prefix, PathKey { peer: PeerId(1), path_id: 0 })
}

#[test]
fn a_route_that_flaps_a_few_times_is_used_and_one_that_goes_on_is_not() {
    let now = Instant::now();
    let mut damping = Damping::default();
    let mut suppressed_after = None;
    for flap in 1..=10 {
        damping.withdrawn(route(1), now, ADVISED);
        if damping.announced(route(1), now, ADVISED, false) && suppressed_after.is_none() {
            suppressed_after = Some(flap);
        }
    }
    assert_eq!(suppressed_after, Some(7), "above 6000");
    let rest = damping.reuse_in(damping.history(route(1)).unwrap(), now).unwrap();
    assert!(rest < ADVISED.max_suppress, "{rest:?}");
    assert!(damping.take_due(now + rest - Duration::from_secs(1)).is_empty());
    assert_eq!(damping.take_due(now + rest), [route(1)]);
    assert!(!damping.is_suppressed(route(1)));
    assert!(!damping.is_empty(), "it is remembered a while longer");
    // Half of `reuse` is one half-life away.
    assert!(damping.take_due(now + rest + 16 * MINUTE).is_empty());
    assert!(damping.is_empty() && damping.deadline().is_none());
}

#[test]
fn a_route_is_never_suppressed_for_longer_than_it_may_be() {
    let now = Instant::now();
    let mut damping = Damping::default();
    for _ in 0..10_000 {
        damping.withdrawn(route(1), now, ADVISED);
    }
    let rest = damping.reuse_in(damping.history(route(1)).unwrap(), now).unwrap();
    assert!(rest <= ADVISED.max_suppress + Duration::from_millis(1), "{rest:?}");
}

#[test]
fn memory_is_bounded() {
    let now = Instant::now();
    let mut damping = Damping::default();
    let more = 10;
    for number in 0..u32::try_from(MOST).unwrap() + more {
        damping.withdrawn(route(number), now, ADVISED);
    }
    assert_eq!((damping.histories.len(), damping.due.len(), damping.passed_over()), (MOST, MOST, u64::from(more)));
    assert_eq!(damping.take_due(now + 600 * MINUTE), []);
    assert!(damping.is_empty() && damping.due.is_empty());
}

#[test]
fn other_numbers_free_what_they_would_not_hold_and_none_free_all() {
    let now = Instant::now();
    let mut damping = Damping::default();
    for number in 0..3 {
        for _ in 0..=6 + number {
            damping.withdrawn(route(number), now, ADVISED);
        }
    }
    assert_eq!(damping.iter().filter(|(_, history)| history.suppressed).count(), 3);
    let high = Parameters { reuse: 7500, suppress: 20_000, ..ADVISED };
    assert_eq!(damping.reconsider(now, |_| Some(high)), [route(0)]);
    assert_eq!((damping.histories.len(), damping.due.len()), (3, 3));
    assert_eq!(damping.reconsider(now, |_| None), [route(1), route(2)]);
    assert!(damping.is_empty() && damping.deadline().is_none());
}

/// What one peer's routes are damped by is nothing to another's.
#[test]
fn each_peer_has_its_own_numbers() {
    let now = Instant::now();
    let mut damping = Damping::default();
    let of = |peer| (route(1).0, PathKey { peer: PeerId(peer), path_id: 0 });
    let strict = Parameters { half_life: MINUTE, reuse: 500, suppress: 1500, max_suppress: 4 * MINUTE };
    for (peer, parameters) in [(1, ADVISED), (2, strict)] {
        for _ in 0..2 {
            damping.withdrawn(of(peer), now, parameters);
        }
    }
    assert_eq!([1, 2].map(|peer| damping.is_suppressed(of(peer))), [false, true]);
    assert_eq!(damping.take_due(now + 2 * MINUTE), [of(2)], "2000 is 500 after two of its half-lives");
    assert_eq!(damping.reconsider(now, |peer| (peer == PeerId(1)).then_some(ADVISED)), []);
    assert_eq!(damping.iter().map(|(route, _)| route).collect::<Vec<_>>(), [of(1)]);
}

#[test]
fn what_a_person_forgets_is_used_again() {
    let now = Instant::now();
    let mut damping = Damping::default();
    for number in 0..2 {
        (0..9).for_each(|_| damping.withdrawn(route(number), now, ADVISED));
    }
    assert_eq!(damping.forget(|(prefix, _)| *prefix == route(1).0), [route(1)]);
    assert_eq!(damping.iter().map(|(route, _)| route).collect::<Vec<_>>(), [route(0)]);
    assert_eq!(damping.due.len(), 1);
}

proptest! {
    /// The penalty is the sum of all flaps, each halved for each half-life since it happened; the ceiling cuts it.
    #[test]
    fn the_penalty_is_the_one_of_the_formula(
        flaps in proptest::collection::vec((0..2000_u64, any::<bool>()), 1..40),
        half_life in 60..2700_u64,
        reuse in 1..20_000_u32,
        suppress in 1..20_000_u32,
        max_suppress in 60..15_300_u64,
    ) {
        let parameters = Parameters {
            half_life: Duration::from_secs(half_life),
            reuse,
            suppress,
            max_suppress: Duration::from_secs(max_suppress),
        };
        let begin = Instant::now();
        let mut damping = Damping::default();
        let halved = |penalty: f64, seconds: u64| penalty / 2_f64.powf(seconds as f64 / half_life as f64);
        let ceiling = f64::from(reuse) * 2_f64.powf(max_suppress as f64 / half_life as f64);
        let (mut seconds, mut penalty, mut suppressed) = (0, 0.0, false);
        for (after, withdrawal) in flaps {
            seconds += after;
            let now = begin + Duration::from_secs(seconds);
            damping.take_due(now);
            penalty = halved(penalty, after);
            // The moment is rounded up to a millisecond; nothing is said of what is that close.
            prop_assume!((penalty - f64::from(reuse)).abs() > 0.01 && (penalty - f64::from(reuse) / 2.0).abs() > 0.01);
            suppressed &= penalty >= f64::from(reuse);
            let known = damping.history(route(1)).copied();
            prop_assert_eq!(known.is_some_and(|history| history.suppressed), suppressed);
            if !suppressed && penalty < f64::from(reuse) / 2.0 {
                prop_assert!(known.is_none());
                penalty = 0.0;
            }
            if withdrawal {
                damping.withdrawn(route(1), now, parameters);
            } else {
                damping.announced(route(1), now, parameters, true);
            }
            penalty = (penalty + if withdrawal { 1000.0 } else { 500.0 }).min(ceiling);
            prop_assume!((penalty - f64::from(suppress)).abs() > 0.01);
            suppressed |= penalty > f64::from(suppress);
            let history = damping.history(route(1)).copied().unwrap();
            prop_assert!((history.penalty(now) - penalty).abs() < 0.001);
            prop_assert_eq!(history.suppressed, suppressed);
            prop_assert_eq!(damping.due.len(), 1);
        }
    }
}
