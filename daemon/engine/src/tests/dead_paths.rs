//! What BFD is asked to watch, and what a dead path costs: the legs at once, the session, and what graceful restart kept.

use std::num::{NonZeroU8, NonZeroU32};

use bfd::liveness::{Health, Question, Target, Wishes};
use bfd::{Change, Diagnostic, Hops, Key, State, Told};
use bgp::session::StateName;

use super::octets::{ATTRIBUTES, frame, open};
use super::*;
use crate::effect::Recall;
use crate::paths::Watched;

const WITH_BFD: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.2 passive
set protocols bgp 64512 neighbor 192.0.2.3 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.3 passive
set protocols bgp 64512 neighbor 192.0.2.2 bfd";

fn conn(last: u8) -> ConnId {
    ConnId(u64::from(last) * 2 + 1)
}

struct Watching {
    at: Moment,
    engine: Engine,
    watched: Vec<Watched>,
    asked: Vec<Wishes>,
    /// What else was wanted, in order.
    effects: Vec<Effect>,
}

impl Watching {
    fn new(lines: &str) -> Self {
        let at = Moment { instant: Instant::now(), unix: 0 };
        let engine = Engine::new(at, Facts::default());
        let mut watching = Self { at, engine, watched: Vec::new(), asked: Vec::new(), effects: Vec::new() };
        let mut effects = Vec::new();
        watching.engine.boot(at, boot(0, lines), &mut effects);
        watching.carry_out(effects);
        watching
    }

    fn take(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.engine.handle(self.at, event, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, mut effects: Vec<Effect>) {
        self.engine.settle(self.at, &mut effects);
        for effect in effects {
            match effect {
                Effect::Step(id, _) => self.take(Event::StepDone(id, Ok(()))),
                Effect::Journal(_) => self.take(Event::Journaled(Ok(()))),
                Effect::Fib(_) => self.take(Event::FibDone(Vec::new())),
                Effect::WatchPaths(watched) => self.watched.push(watched),
                Effect::Probe(wishes) => self.asked.push(wishes),
                other => self.effects.push(other),
            }
        }
    }

    /// Two neighbors with graceful restart that have announced the same service; the first one has BFD.
    fn establish(&mut self) {
        let end = |last: u8, port| SocketAddr::new([192, 0, 2, last].into(), port);
        for last in [2, 3] {
            let conn = conn(last);
            self.take(Event::Accepted { conn, local: end(1, 179), remote: end(last, 40_000) });
            let mut attributes = ATTRIBUTES.to_vec();
            attributes[13] = last;
            let body = [&[0, 0, 0, 21][..], &attributes, &[32, 198, 51, 100, 7]].concat();
            for octets in [open(), frame(4, &[]), frame(2, &body)] {
                self.take(Event::Bytes(conn, octets));
            }
        }
        self.take(Event::Tick);
        assert_eq!(self.state(), StateName::Established);
        self.effects.clear();
    }

    fn state(&self) -> StateName {
        self.engine.peers.iter().next().unwrap().session.state()
    }

    fn stale(&self) -> bool {
        !self.engine.peers.iter().next().unwrap().stale_until.is_empty()
    }

    fn paths(&self) -> usize {
        let peer = self.engine.peers.iter().next().unwrap().id;
        self.engine.tables.of(Family::Ipv4Unicast).received_count(peer)
    }

    /// BFD says something of the neighbor.
    fn bfd(&mut self, from: State, to: State, told: State, independent: bool) {
        let told = Told {
            discriminator: NonZeroU32::MIN,
            state: told,
            diagnostic: Diagnostic::NONE,
            control_plane_independent: independent,
            demand: false,
            multiplier: NonZeroU8::MIN,
            desired_min_tx: Duration::from_millis(300),
            required_min_rx: Duration::from_millis(300),
            required_min_echo_rx: Duration::ZERO,
        };
        let change = Change { from, to, diagnostic: Diagnostic::TIME_EXPIRED, told: Some(told) };
        let key = self.watched.last().unwrap().keys().next().unwrap().clone();
        self.take(Event::Paths(vec![(key, change)]));
    }
}

fn key(peer: &str, hops: Hops) -> Key {
    Key { peer: peer.parse().unwrap(), local: None, link: None, hops }
}

#[test]
fn a_dead_path_takes_the_legs_first_and_then_the_session_whatever_was_agreed_on() {
    let mut router = Watching::new(WITH_BFD);
    router.establish();
    router.bfd(State::Down, State::Up, State::Up, true);
    router.bfd(State::Up, State::Down, State::Up, false);
    let repair = router.effects.iter().position(|effect| matches!(effect, Effect::Repair(_))).unwrap();
    let closed = router.effects.iter().position(|effect| matches!(effect, Effect::Close(_))).unwrap();
    let told = router.effects.iter().find_map(|effect| match effect {
        Effect::Send(_, octets) => Some(octets.clone()),
        _ => None,
    });
    // A Hard Reset that holds Cease/BFD Down, because NOTIFICATIONs alone would spare the routes (RFC 8538 §3).
    assert_eq!(told.unwrap()[18..], [3, 6, 9, 6, 10]);
    assert!(closed < router.effects.len() && repair < router.effects.len());
    assert_ne!(router.state(), StateName::Established);
    assert!(!router.stale());
    assert_eq!(router.paths(), 0);
    let reason = router.engine.peers.iter().next().unwrap().session.last_down().unwrap().1.to_owned();
    assert_eq!(reason, "BFD down (control detection time expired)");
}

#[test]
fn routes_that_graceful_restart_keeps_go_when_the_path_dies() {
    let mut router = Watching::new(WITH_BFD);
    router.establish();
    router.bfd(State::Down, State::Up, State::Up, true);
    // Both, so that the kernel still has the stale ones.
    for last in [2, 3] {
        router.take(Event::Closed(conn(last), None));
    }
    assert!(router.stale() && router.paths() == 1);
    router.effects.clear();
    router.bfd(State::Up, State::Down, State::Up, true);
    assert!(router.effects.iter().any(|effect| matches!(effect, Effect::Repair(_))));
    assert!(!router.stale());
    assert_eq!(router.paths(), 0);
}

#[test]
fn what_is_no_failure_ends_nothing() {
    let rows = [
        ("the other side holds it down", "", State::Up, State::Down, State::AdminDown, true),
        ("we hold it down", "", State::Up, State::AdminDown, State::Up, true),
        ("it never was up", "", State::Init, State::Down, State::Down, true),
        (
            "its control plane may be all that is dead",
            "check-control-plane-failure",
            State::Up,
            State::Down,
            State::Up,
            false,
        ),
    ];
    for (name, word, from, to, told, independent) in rows {
        let mut router = Watching::new(&format!("{WITH_BFD} {word}"));
        router.establish();
        router.bfd(from, to, told, independent);
        assert_eq!(router.state(), StateName::Established, "{name}");
        assert_eq!(router.paths(), 1, "{name}");
    }
    let mut router = Watching::new(&format!("{WITH_BFD} check-control-plane-failure"));
    router.establish();
    router.bfd(State::Up, State::Down, State::Up, true);
    assert_eq!(router.paths(), 0, "its BFD does not share the fate of its control plane, so its forwarding is dead");
}

#[test]
fn who_is_watched_follows_from_the_configuration_and_from_where_neighbors_are() {
    let router = Watching::new(
        "set protocols bfd peer 192.0.2.9 interval receive 100
         set protocols bfd peer 198.51.100.9 multihop
         set protocols bfd peer 192.0.2.8 source interface eth9
         set protocols bfd profile fast interval transmit 50
         set protocols bgp 64512 peer-group near bfd profile fast
         set protocols bgp 64512 peer-group near remote-as internal
         set protocols bgp 64512 neighbor 192.0.2.2 peer-group near
         set protocols bgp 64512 neighbor 198.51.100.2 peer-group near
         set protocols bgp 64512 neighbor 192.0.2.3 remote-as external
         set protocols bgp 64512 neighbor 192.0.2.4 remote-as external
         set protocols bgp 64512 neighbor 192.0.2.4 bfd
         set protocols bgp 64512 neighbor 192.0.2.4 shutdown
         set protocols bgp 64512 neighbor 203.0.113.5 remote-as external
         set protocols bgp 64512 neighbor 203.0.113.5 ebgp-multihop 3
         set protocols bgp 64512 neighbor 203.0.113.5 bfd",
    );
    let watched = router.watched.last().unwrap();
    let expected = [
        key("192.0.2.2", Hops::Single),
        key("192.0.2.9", Hops::Single),
        // Internal, and on no network of ours.
        key("198.51.100.2", Hops::Multi),
        key("198.51.100.9", Hops::Multi),
        key("203.0.113.5", Hops::Multi),
    ];
    assert_eq!(watched.keys().cloned().collect::<Vec<_>>(), expected, "eth9 is not there, and who is shut down rests");
    assert_eq!(watched[&expected[0]].transmit, Duration::from_millis(50));
    assert_eq!(watched[&expected[1]].receive, Duration::from_millis(100));
}

#[test]
fn a_neighbor_whose_network_is_gone_stays_the_one_that_it_was() {
    let mut router = Watching::new(WITH_BFD);
    let known = router.watched.len();
    let lost = LinkAddress { ifindex: 2, address: "192.0.2.1/24".parse().unwrap(), peer: None };
    router.take(Event::World(vec![rib::world::WorldEvent::AddressGone(lost)]));
    assert_eq!(router.watched.len(), known, "nothing new is wanted");
}

#[test]
fn show_lists_who_is_wanted_and_asks_the_rim_how_it_is() {
    let mut router = Watching::new(&format!("{WITH_BFD}\nset protocols bfd peer 192.0.2.8 source interface eth9"));
    let ask = AskId { client: ClientId(1), id: 1 };
    let show = |brief, peer| Request::Show(api::request::Show::BfdPeers { brief, peer });
    router.take(Event::Ask(ask, Caller::default(), show(false, None)));
    let Some(Effect::Recall(_, Recall::BfdPeers(view))) = router.effects.pop() else { unreachable!("it asks the rim") };
    let peers: Vec<_> = view.peers.iter().map(|peer| (peer.peer.to_string(), peer.clients.join(" "))).collect();
    assert_eq!(
        peers,
        [("192.0.2.2".to_owned(), "bgp".to_owned()), ("192.0.2.8".to_owned(), "configuration".to_owned())]
    );
    router.take(Event::Ask(ask, Caller::default(), show(false, Some("192.0.2.77".parse().unwrap()))));
    assert!(
        matches!(router.effects.pop(), Some(Effect::Answer(_, Reply::Error(error))) if error.code == "no-bfd-peer")
    );
}

const WITH_LIVENESS: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.2 passive
set protocols bgp 64512 neighbor 192.0.2.3 remote-as 64512
set protocols bgp 64512 neighbor 192.0.2.3 passive
set protocols bgp 64512 neighbor 192.0.2.2 liveness icmp";

impl Watching {
    fn health(&mut self, health: Health) {
        let target = *self.asked.last().unwrap().keys().next().unwrap();
        self.take(Event::Health(vec![(target, health)]));
    }
}

#[test]
fn who_answers_no_probe_any_more_is_as_dead_as_if_bfd_said_so() {
    for kept in [false, true] {
        let mut router = Watching::new(WITH_LIVENESS);
        router.establish();
        router.health(Health::Alive);
        assert_eq!((router.state(), router.paths()), (StateName::Established, 1), "an answer changes nothing");
        if kept {
            for last in [2, 3] {
                router.take(Event::Closed(conn(last), None));
            }
            assert!(router.stale());
        }
        router.effects.clear();
        router.health(Health::Dead);
        assert!(router.effects.iter().any(|effect| matches!(effect, Effect::Repair(_))), "the legs go at once");
        assert_ne!(router.state(), StateName::Established);
        assert_eq!((router.stale(), router.paths()), (false, 0));
        if !kept {
            let reason = router.engine.peers.iter().next().unwrap().session.last_down().unwrap().1.to_owned();
            assert_eq!(reason, "no answer to ICMP echo");
        }
    }
}

#[test]
fn who_is_asked_follows_from_the_configuration() {
    let router = Watching::new(
        "set protocols bgp 64512 peer-group nodes liveness icmp
         set protocols bgp 64512 peer-group nodes liveness interval 1000
         set protocols bgp 64512 peer-group nodes remote-as internal
         set protocols bgp 64512 neighbor 192.0.2.2 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.3 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.3 liveness tcp 10250
         set protocols bgp 64512 neighbor 192.0.2.4 peer-group nodes
         set protocols bgp 64512 neighbor 192.0.2.4 shutdown
         set protocols bgp 64512 neighbor 192.0.2.5 remote-as internal",
    );
    let asked = router.asked.last().unwrap();
    let target = |host: &str, question| Target { host: host.parse().unwrap(), question, link: None };
    let expected = [target("192.0.2.2", Question::Echo), target("192.0.2.3", Question::Connection(10250))];
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), expected);
    assert!(asked.values().all(|wish| wish.pace.interval == Duration::from_secs(1) && wish.pace.multiplier == 3));
}
