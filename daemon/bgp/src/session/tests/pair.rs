//! Two sessions wired to each other in virtual time, with broken connections, failed calls and restarts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nouns::Asn;
use proptest::prelude::*;

use crate::session::{ConnId, ExpectedAs, Input, Output, RestartRole, Session, SessionConfig, StateName};
use crate::tests_support::config;

/// How long everything takes to arrive.
const DELAY: Duration = Duration::from_millis(5);
/// How long a call to nobody takes to fail.
const TIMEOUT: Duration = Duration::from_secs(3);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_sessions_find_each_other_after_any_trouble(
        seed: u64,
        troubles in prop::collection::vec((0_u64..40_000, trouble()), 0..20),
        passive in 0_usize..3,
        equal_ids: bool,
    ) {
        let mut pair = Pair::new(seed, passive, equal_ids);
        let mut troubles = troubles;
        troubles.sort_by_key(|(when, _)| *when);
        for (when, trouble) in troubles {
            pair.run_until(Duration::from_millis(when));
            pair.suffer(trouble);
        }
        pair.drop_calls = false;
        pair.run_until(Duration::from_secs(400));
        prop_assert_eq!(pair.states(), [StateName::Established; 2]);
        prop_assert_eq!(pair.sides[0].session.connection(), pair.sides[1].session.connection());
        prop_assert_eq!(pair.lines.len(), 1, "connections left over: {:?}", pair.lines);
        let dropped = pair.sides.iter().map(|side| side.session.counters().dropped).collect::<Vec<_>>();
        pair.run_until(Duration::from_secs(4000));
        prop_assert_eq!(dropped, pair.sides.iter().map(|side| side.session.counters().dropped).collect::<Vec<_>>());
    }
}

#[test]
fn two_that_call_each_other_at_the_same_moment_agree_on_one_connection_at_once() {
    for (seed, equal_ids) in [(0, false), (1, false), (0, true), (1, true)] {
        let mut pair = Pair::new(seed, 2, equal_ids);
        pair.run_until(Duration::from_millis(100));
        assert_eq!(pair.states(), [StateName::Established; 2], "seed {seed}, equal identifiers {equal_ids}");
        let counted = pair.sides.each_ref().map(|side| side.session.counters().clone());
        assert_eq!(counted.map(|counters| (counters.established, counters.dropped)), [(1, 0); 2]);
        assert_eq!(pair.lines.len(), 1);
    }
}

#[derive(Clone, Debug)]
enum Trouble {
    /// Every connection breaks at once, seen by both ends.
    Break,
    /// Calls are dropped from now on, or no longer.
    DropCalls(bool),
    /// A side forgets everything; its host answers old connections with a reset.
    Restart(usize),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Break),
        any::<bool>().prop_map(Trouble::DropCalls),
        (0_usize..2).prop_map(Trouble::Restart),
    ]
}

struct Side {
    session: Session,
    config: SessionConfig,
    seed: u64,
    /// The call under way, so that one given up is not answered.
    call: Option<u64>,
}

/// What arrives at a side.
#[derive(Clone, Debug)]
enum Arrival {
    /// The answer to a call.
    Answer(u64, Input),
    /// Octets for a connection that may be gone by then.
    Line(ConnId, Input),
    /// The other side calls.
    Call(u64),
}

struct Pair {
    begin: Instant,
    now: Instant,
    sides: [Side; 2],
    /// In order of time, then of sending.
    arrivals: BTreeMap<(Instant, u64), (usize, Arrival)>,
    /// Open connections, with the ends that hold them.
    lines: BTreeMap<ConnId, [bool; 2]>,
    number: u64,
    drop_calls: bool,
}

impl Pair {
    fn new(seed: u64, passive: usize, equal_ids: bool) -> Self {
        let begin = Instant::now();
        let side = |index: usize| {
            let asns = [Asn(64512), Asn(64513)];
            let config = SessionConfig {
                local_as: asns[index],
                expected_as: ExpectedAs::Exactly(asns[1 - index]),
                router_id: [10, 0, 0, if equal_ids { 1 } else { u8::try_from(index).unwrap() + 1 }].into(),
                passive: passive == index,
                graceful_restart: if seed & 1 == 0 { RestartRole::Full } else { RestartRole::Disabled },
                ..config()
            };
            let seed = seed.wrapping_add(u64::try_from(index).unwrap());
            Side { session: Session::new(config.clone(), seed), config, seed, call: None }
        };
        let mut pair = Self {
            begin,
            now: begin,
            sides: [side(0), side(1)],
            arrivals: BTreeMap::new(),
            lines: BTreeMap::new(),
            number: 0,
            drop_calls: false,
        };
        pair.give(0, Input::Start);
        pair.give(1, Input::Start);
        pair
    }

    fn states(&self) -> [StateName; 2] {
        [self.sides[0].session.state(), self.sides[1].session.state()]
    }

    fn run_until(&mut self, after: Duration) {
        let end = self.begin + after;
        loop {
            let arrival = self.arrivals.first_key_value().map(|(key, _)| key.0);
            let ticks = [0, 1].map(|side: usize| self.sides[side].session.deadline());
            let Some(next) = ticks.into_iter().flatten().chain(arrival).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (side, arrival)) = self.arrivals.pop_first().unwrap();
                self.arrive(side, arrival);
            } else {
                let due = usize::from(ticks[0] != Some(next));
                self.give(due, Input::Tick);
            }
        }
        self.now = end;
    }

    fn suffer(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::DropCalls(drop) => self.drop_calls = drop,
            Trouble::Break => {
                for conn in self.lines.keys().copied().collect::<Vec<_>>() {
                    self.release(0, conn);
                    self.release(1, conn);
                }
            }
            Trouble::Restart(side) => {
                let fresh = &mut self.sides[side];
                fresh.seed = fresh.seed.wrapping_mul(31).wrapping_add(7);
                fresh.session = Session::new(fresh.config.clone(), fresh.seed);
                fresh.call = None;
                // The host of the fresh side knows none of the old connections; the other side finds out when it
                // sends something.
                for held in self.lines.values_mut() {
                    held[side] = false;
                }
                self.lines.retain(|_, held| held[0] || held[1]);
                self.give(side, Input::Start);
            }
        }
    }

    /// An end of a connection breaks.
    fn release(&mut self, side: usize, conn: ConnId) {
        let Some(held) = self.lines.get_mut(&conn) else { return };
        let was_held = std::mem::replace(&mut held[side], false);
        if *held == [false; 2] {
            self.lines.remove(&conn);
        }
        if was_held {
            self.give(side, Input::Closed(conn, Some("connection reset".to_owned())));
        }
    }

    fn arrive(&mut self, side: usize, arrival: Arrival) {
        match arrival {
            Arrival::Answer(call, input) => {
                if self.sides[side].call == Some(call) {
                    self.sides[side].call = None;
                    self.give(side, input);
                } else if let Input::Connected(conn) = input {
                    self.hang_up(side, conn);
                }
            }
            Arrival::Line(conn, input) => {
                if self.lines.get(&conn).is_some_and(|held| held[side]) {
                    if matches!(input, Input::Closed(..)) {
                        self.lines.get_mut(&conn).unwrap()[side] = false;
                        self.lines.retain(|_, held| held[0] || held[1]);
                    }
                    self.give(side, input);
                } else if !matches!(input, Input::Closed(..)) {
                    // Nobody holds this end: the host answers with a reset.
                    self.send(1 - side, DELAY, Arrival::Line(conn, Input::Closed(conn, Some("reset".to_owned()))));
                }
            }
            Arrival::Call(call) => {
                let conn = ConnId(self.next());
                self.lines.insert(conn, [true; 2]);
                self.send(1 - side, DELAY, Arrival::Answer(call, Input::Connected(conn)));
                self.give(side, Input::Accepted(conn));
            }
        }
    }

    fn give(&mut self, side: usize, input: Input) {
        let mut out = Vec::new();
        self.sides[side].session.handle(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Connect => {
                    let call = self.next();
                    self.sides[side].call = Some(call);
                    if self.drop_calls {
                        let failed = Input::ConnectFailed("timed out".to_owned());
                        self.send(side, TIMEOUT, Arrival::Answer(call, failed));
                    } else {
                        self.send(1 - side, DELAY, Arrival::Call(call));
                    }
                }
                Output::CancelConnect => self.sides[side].call = None,
                Output::Send(conn, bytes) => {
                    self.send(1 - side, DELAY, Arrival::Line(conn, Input::Bytes(conn, bytes.to_vec())));
                }
                Output::Close(conn) => self.hang_up(side, conn),
                _ => {}
            }
        }
    }

    fn hang_up(&mut self, side: usize, conn: ConnId) {
        if let Some(held) = self.lines.get_mut(&conn) {
            held[side] = false;
        }
        self.lines.retain(|_, held| held[0] || held[1]);
        self.send(1 - side, DELAY, Arrival::Line(conn, Input::Closed(conn, None)));
    }

    fn send(&mut self, to: usize, delay: Duration, arrival: Arrival) {
        let number = self.next();
        self.arrivals.insert((self.now + delay, number), (to, arrival));
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}
