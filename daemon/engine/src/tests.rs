//! Two engines back to back: nothing of a session, a route or a neighbor may stay inside once it is gone.
//!
//! What can be seen from outside is tried on whole routers in the simulation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and begins at some moment"
)]

mod aggregates;
mod balancer;
mod churn;
mod collectors;
mod damping;
mod dead_paths;
mod dumps;
mod edits;
mod floods;
mod heed;
mod held;
mod intervals;
mod levels;
mod limits;
mod looks;
mod mute;
mod newer;
mod no_fib;
mod octets;
mod own_paths;
mod paths;
mod policies;
mod reach;
mod recovery;
mod refresh;
mod shown;
mod storms;
mod table_map;
mod unnumbered;
mod validation;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use api::{Reply, Request};
use bgp::reception::{Arrived, Codec, Reception};
use bgp::session::ConnId;
use config::edit::{Candidate, Edit};
use config::{Tree, print};
use nouns::Family;
use rib::world::{Link, LinkAddress, Snapshot};

use crate::{AskId, Boot, Caller, ClientId, Effect, Engine, Event, Facts, Moment};

const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

/// Two routers on a wire without delay.
struct Pair {
    now: Instant,
    engines: [Engine; 2],
    /// The other end of each connection.
    wires: [BTreeMap<ConnId, ConnId>; 2],
    /// What decodes for the second router; the first one gets octets.
    receptions: BTreeMap<ConnId, (Reception, Option<Codec>)>,
    events: VecDeque<(usize, Event)>,
    accepted: u64,
    replies: Vec<Reply>,
}

impl Pair {
    fn new(lines: [&str; 2]) -> Self {
        let now = Instant::now();
        let at = Moment { instant: now, unix: 0 };
        let mut pair = Self {
            now,
            engines: [(); 2].map(|()| Engine::new(at, Facts::default())),
            wires: Default::default(),
            receptions: BTreeMap::new(),
            events: VecDeque::new(),
            accepted: 1,
            replies: Vec::new(),
        };
        for (side, lines) in lines.into_iter().enumerate() {
            let mut effects = Vec::new();
            pair.engines[side].boot(at, boot(side, lines), &mut effects);
            pair.engines[side].settle(at, &mut effects);
            pair.carry_out(side, effects);
        }
        pair.run(60);
        pair
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            while let Some((side, event)) = self.events.pop_front() {
                self.handle(side, event);
            }
            for side in 0..2 {
                self.handle(side, Event::Tick);
            }
            self.now += Duration::from_millis(250);
        }
    }

    fn handle(&mut self, side: usize, event: Event) {
        let at = Moment { instant: self.now, unix: 0 };
        let mut effects = Vec::new();
        self.engines[side].handle(at, event, &mut effects);
        self.engines[side].settle(at, &mut effects);
        self.carry_out(side, effects);
    }

    fn carry_out(&mut self, side: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect(conn, target) => self.connect(side, conn, target.remote),
                Effect::Send(conn, octets) => {
                    if let Some(far) = self.wires[side].get(&conn).copied() {
                        self.arrive(1 - side, far, octets.to_vec());
                    }
                }
                Effect::Decode(conn, codec) if side == 1 => {
                    self.receptions.entry(conn).or_default().1 = Some(*codec);
                }
                Effect::Close(conn) => self.close(side, conn),
                Effect::Fib(_) => self.events.push_back((side, Event::FibDone(Vec::new()))),
                Effect::Repair(_) => self.events.push_back((side, Event::Repaired(Vec::new()))),
                Effect::Step(id, _) => self.events.push_back((side, Event::StepDone(id, Ok(())))),
                Effect::Journal(_) => self.events.push_back((side, Event::Journaled(Ok(())))),
                Effect::Remember { .. } => self.events.push_back((side, Event::Remembered)),
                Effect::Answer(_, reply) => self.replies.push(reply),
                _ => {}
            }
        }
    }

    fn arrive(&mut self, side: usize, conn: ConnId, octets: Vec<u8>) {
        if side == 0 {
            self.events.push_back((side, Event::Bytes(conn, octets)));
            return;
        }
        let (reception, codec) = self.receptions.entry(conn).or_default();
        reception.take(&octets, codec.as_ref(), |arrived| {
            self.events.push_back(match arrived {
                Arrived::Octets(octets) => (side, Event::Bytes(conn, octets)),
                Arrived::Messages(messages) => (side, Event::Messages(conn, messages)),
            });
        });
    }

    fn connect(&mut self, side: usize, near: ConnId, remote: SocketAddr) {
        let (far, local) = (ConnId(self.accepted), SocketAddr::new(ADDRESSES[side].parse().unwrap(), 40_000));
        self.accepted += 2;
        self.wires[side].insert(near, far);
        self.wires[1 - side].insert(far, near);
        self.events.push_back((1 - side, Event::Accepted { conn: far, local: remote, remote: local }));
        self.events.push_back((side, Event::Connected(near, local)));
    }

    fn close(&mut self, side: usize, conn: ConnId) {
        if let Some(far) = self.wires[side].remove(&conn) {
            self.wires[1 - side].remove(&far);
            self.events.push_back((1 - side, Event::Closed(far, None)));
        }
    }

    /// Every connection breaks.
    fn break_all(&mut self) {
        for side in 0..2 {
            for conn in std::mem::take(&mut self.wires[side]).into_keys() {
                self.events.push_back((side, Event::Closed(conn, Some("reset".to_owned()))));
            }
        }
    }

    fn commit(&mut self, side: usize, lines: &str) {
        let base = self.engines[side].revision();
        let words = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect();
        let edits = lines
            .lines()
            .map(|line| if line.starts_with("set") { Edit::Set(words(line)) } else { Edit::Delete(words(line)) });
        let candidate = Candidate { base, edits: edits.collect() };
        let ask = AskId { client: ClientId(1), id: 1 };
        self.replies.clear();
        self.handle(side, Event::Ask(ask, admin(), Request::Commit { candidate, comment: None, confirm: None }));
        self.run(1);
        assert!(matches!(self.replies[..], [Reply::Committed(_)]), "{:?}", self.replies);
    }

    fn is_up(&self) -> bool {
        self.engines.iter().all(|engine| engine.peers.iter().any(|peer| peer.session.negotiated().is_some()))
    }
}

/// Somebody who may do everything.
fn admin() -> Caller {
    Caller { level: api::Level::Admin, ..Caller::default() }
}

fn boot(side: usize, lines: &str) -> Boot {
    let link = Link::card(2, "eth1".parse().unwrap());
    let address = format!("{}/24", ADDRESSES[side]).parse().unwrap();
    let addresses = vec![LinkAddress { ifindex: 2, address, peer: None }];
    let parsed = Tree::parse_set_commands(lines);
    assert_eq!(parsed.problems, Vec::new());
    let snapshot = Snapshot { links: vec![link], addresses, ..Snapshot::default() };
    Boot { text: Some(print::file(&parsed.tree)), snapshot, ..Boot::default() }
}

/// Everything that is kept per neighbor, route or connection, counted.
fn kept(engine: &Engine) -> [usize; 11] {
    let tables = Family::ALL.map(|family| engine.tables.of(family));
    [
        engine.peers.iter().count(),
        engine.peers.connections(),
        tables.iter().map(|table| table.path_count()).sum(),
        tables.iter().map(|table| table.len()).sum(),
        tables.iter().map(|table| table.next_hops().len()).sum(),
        engine.originated.len(),
        engine.next_hops.iter().count(),
        engine.rib.len(),
        engine.fib.iter().count(),
        engine.forgotten.len(),
        engine.boot_steps.len(),
    ]
}

const LEFT: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512";
const RIGHT: &str = "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
set protocols static route 10.1.0.0/16 blackhole
set protocols static route 10.2.0.0/16 blackhole
set protocols bgp 64512 network 10.1.0.0/16
set protocols bgp 64512 network 10.2.0.0/16";

#[test]
fn a_commit_warns_of_what_it_changes_and_not_of_what_stood_before() {
    let mut pair = Pair::new([LEFT, RIGHT]);
    for (lines, warned) in [
        ("set protocols bgp 64512 neighbor 192.0.2.9 remote-as 64513", true),
        ("set system host-name r1", false),
        ("set protocols bgp 64512 neighbor 192.0.2.8 remote-as 64513", true),
    ] {
        pair.commit(0, lines);
        let [Reply::Committed(committed)] = &pair.replies[..] else { panic!("{lines}: {:?}", pair.replies) };
        let messages: Vec<&str> = committed.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(messages.len(), usize::from(warned), "{lines}: {messages:?}");
    }
}

#[test]
fn sessions_that_flap_leave_nothing_inside() {
    let mut pair = Pair::new([LEFT, RIGHT]);
    assert!(pair.is_up());
    let before = pair.engines.each_ref().map(kept);
    for _ in 0..20 {
        pair.break_all();
        pair.run(90);
        assert!(pair.is_up());
    }
    assert_eq!(pair.engines.each_ref().map(kept), before);
}

#[test]
fn neighbors_and_routes_that_come_and_go_leave_nothing_inside() {
    let mut pair = Pair::new([LEFT, RIGHT]);
    let before = pair.engines.each_ref().map(kept);
    for _ in 0..10 {
        pair.commit(0, "delete protocols bgp 64512 neighbor 192.0.2.2");
        pair.commit(1, "delete protocols bgp 64512 network 10.1.0.0/16\ndelete protocols static route 10.2.0.0/16");
        pair.run(5);
        let network = "set protocols bgp 64512 network 10.1.0.0/16\nset protocols static route 10.2.0.0/16 blackhole";
        pair.commit(1, network);
        pair.commit(0, LEFT);
        pair.run(60);
        assert!(pair.is_up());
    }
    assert_eq!(pair.engines.each_ref().map(kept), before);
}

#[test]
fn an_engine_without_bgp_keeps_nothing_of_it() {
    let mut pair = Pair::new([LEFT, RIGHT]);
    for _ in 0..3 {
        pair.commit(0, "delete protocols bgp 64512");
        pair.run(5);
        // The network of the link is all that is left.
        assert_eq!(kept(&pair.engines[0]), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert!(!pair.engines[0].unsettled(), "it sleeps");
        pair.commit(0, LEFT);
        pair.run(60);
        assert!(pair.is_up());
    }
}

#[test]
fn the_same_events_give_the_same_effects() {
    let address: IpAddr = ADDRESSES[1].parse().unwrap();
    let run = |now: Instant| {
        let at = Moment { instant: now, unix: 0 };
        let mut engine = Engine::new(at, Facts::default());
        let mut effects = Vec::new();
        engine.boot(at, boot(0, LEFT), &mut effects);
        let remote = SocketAddr::new(address, 40_000);
        let local = SocketAddr::new(ADDRESSES[0].parse().unwrap(), 179);
        engine.handle(at, Event::Accepted { conn: ConnId(1), local, remote }, &mut effects);
        engine.handle(at, Event::Bytes(ConnId(1), vec![0; 64]), &mut effects);
        engine.settle(at, &mut effects);
        effects
    };
    let now = Instant::now();
    assert_eq!(run(now), run(now));
}
