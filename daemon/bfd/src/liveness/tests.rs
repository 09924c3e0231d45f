//! Hosts that answer and do not, in a time of their own.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may begin at any time, and fail loudly"
)]

use proptest::prelude::*;

use super::Health::{Alive, Dead, Unknown};
use super::*;

const MS: Duration = Duration::from_millis(1);
const PACE: Pace = Pace { interval: Duration::from_millis(300), multiplier: 3 };

fn target(host: &str) -> Target {
    Target { host: host.parse().unwrap(), question: Question::Echo, link: None }
}

fn wishes(hosts: &[(&str, Pace)]) -> Wishes {
    hosts.iter().map(|(host, pace)| (target(host), Wish { pace: *pace, asker: None })).collect()
}

fn answer(host: &str) -> Answer {
    Answer { host: host.parse().unwrap(), question: Question::Echo, link: 0 }
}

/// What becomes of a host, and after how many milliseconds: `x` is a question that is answered 1 ms later, `2` one that is
/// answered twice, `-` one that could not be asked.
fn course(answers: &str) -> Vec<(u128, Health)> {
    let begin = Instant::now();
    let mut watches = Watches::default();
    watches.want(begin, &wishes(&[("192.0.2.1", PACE)]));
    let mut course = Vec::new();
    for mark in answers.chars() {
        let now = watches.deadline().unwrap();
        let mut asked = 0;
        let ms = |now: Instant| (now - begin).as_millis();
        course.extend(watches.tick(now, |_, _| asked += 1).into_iter().map(|(_, health)| (ms(now), health)));
        assert_eq!(asked, 1);
        let count = match mark {
            'x' => 1,
            '2' => 2,
            '-' => {
                watches.not_asked(&target("192.0.2.1"));
                0
            }
            _ => 0,
        };
        for _ in 0..count {
            let changed = watches.answered(&answer("192.0.2.1"));
            course.extend(changed.into_iter().map(|(_, health)| (ms(now + MS), health)));
        }
    }
    course
}

#[test]
fn who_never_answered_is_unknown_and_who_stops_is_dead_until_it_answers_in_a_row() {
    for (answers, expected, why) in [
        ("..........", &[][..], "nobody was ever there"),
        ("x.......", &[(1, Alive), (900, Dead)], "three questions without an answer, within the detection time"),
        ("..x.x..x....", &[(601, Alive), (2700, Dead)], "two lost in a row are no death"),
        ("xx...x......", &[(1, Alive), (1200, Dead)], "one answer does not bring it back"),
        ("x...xx.x....", &[(1, Alive), (900, Dead)], "nor do three with a gap"),
        ("x...2.2....", &[(1, Alive), (900, Dead)], "nor do two answers to one question"),
        ("x...xxx..", &[(1, Alive), (900, Dead), (1501, Alive)], "three in a row do"),
        ("x.--------x", &[(1, Alive)], "who is not asked does not die"),
    ] {
        assert_eq!(course(answers), expected, "{answers}: {why}");
    }
}

#[test]
fn who_stays_keeps_what_is_known_of_it() {
    let now = Instant::now();
    let mut watches = Watches::default();
    watches.want(now, &wishes(&[("192.0.2.1", PACE), ("192.0.2.2", PACE)]));
    watches.tick(now, |_, _| {});
    assert_eq!(watches.answered(&answer("192.0.2.1")), [(target("192.0.2.1"), Alive)]);
    let faster = Pace { interval: 100 * MS, multiplier: 1 };
    watches.want(now, &wishes(&[("192.0.2.1", faster), ("192.0.2.3", PACE)]));
    assert_eq!(watches.answered(&answer("192.0.2.2")), [], "nobody waits for it any more");
    assert_eq!(watches.tick(now + 100 * MS, |_, _| {}), []);
    assert_eq!(watches.tick(now + 200 * MS, |_, _| {}), [(target("192.0.2.1"), Dead)]);
}

#[test]
fn the_same_link_local_address_on_two_links_is_two_hosts() {
    let now = Instant::now();
    let host: IpAddr = "fe80::1".parse().unwrap();
    let on = |link| Target { host, question: Question::Echo, link: Some(link) };
    let mut watches = Watches::default();
    watches.want(now, &[(on(2), Wish { pace: PACE, asker: None }), (on(3), Wish { pace: PACE, asker: None })].into());
    watches.tick(now, |_, _| {});
    assert_eq!(watches.answered(&Answer { host, question: Question::Echo, link: 3 }), [(on(3), Alive)]);
}

proptest! {
    /// Held against the whole history: dead after `multiplier` losses in a row, back after as many answers in a row.
    #[test]
    fn health_follows_from_the_last_questions_alone(answers in prop::collection::vec(any::<bool>(), 0..60), multiplier in 1_u8..6) {
        let mut now = Instant::now();
        let pace = Pace { multiplier, ..PACE };
        let mut watches = Watches::default();
        watches.want(now, &wishes(&[("192.0.2.1", pace)]));
        let (mut health, mut seen) = (Unknown, Unknown);
        for (at, heard) in answers.iter().enumerate() {
            for (_, changed) in watches.tick(now, |_, _| {}) {
                seen = changed;
            }
            let last = |end: usize, what: bool| {
                let many = usize::from(multiplier);
                end >= many && answers[end - many..end].iter().all(|heard| *heard == what)
            };
            if health == Alive && last(at, false) {
                health = Dead;
            }
            prop_assert_eq!(seen, health);
            if *heard {
                for (_, changed) in watches.answered(&answer("192.0.2.1")) {
                    seen = changed;
                }
                if health == Unknown || last(at + 1, true) {
                    health = Alive;
                }
            }
            prop_assert_eq!(seen, health);
            now += PACE.interval;
        }
    }

    /// Whoever stops to answer, at whatever time, is dead no later than its detection time after its last answer.
    #[test]
    fn death_is_told_within_the_detection_time(multiplier in 2_u8..8, interval in 50_u64..1000, answers in 1_u32..9, delay in 0_u64..30) {
        let begin = Instant::now();
        let pace = Pace { interval: Duration::from_millis(interval), multiplier };
        let mut watches = Watches::default();
        watches.want(begin, &wishes(&[("192.0.2.1", pace)]));
        let mut last = begin;
        for _ in 0..answers {
            let now = watches.deadline().unwrap();
            prop_assert_eq!(watches.tick(now, |_, _| {}), []);
            last = now + Duration::from_millis(delay);
            watches.answered(&answer("192.0.2.1"));
        }
        let (mut asked, mut died) = (0, None);
        while died.is_none() {
            let now = watches.deadline().unwrap();
            died = watches.tick(now, |_, _| asked += 1).pop().map(|(_, health)| (now, health));
        }
        let (at, health) = died.unwrap();
        prop_assert_eq!((health, asked), (Dead, u32::from(multiplier) + 1), "each that may be lost was asked");
        prop_assert!(at <= last + pace.interval * u32::from(multiplier), "{:?}", at - last);
    }
}
