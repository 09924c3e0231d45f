//! Neighbors that are named by their interface: found by what routers advertise, called with the link, lost with it.

use std::net::SocketAddrV6;

use super::*;
use api::NeighborEffect;
use rib::world::WorldEvent;

const LINES: &str = "set protocols bgp 64512 parameters router-id 192.0.2.1
set protocols bgp 64512 neighbor eth1 interface remote-as external";

const BARE: &str = "set protocols bgp 64512 parameters router-id 192.0.2.1";

/// An engine with one link, its number 2, and a neighbor on it.
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) now: Instant,
}

impl Stage {
    fn new() -> Self {
        Self::with(LINES)
    }

    pub(super) fn with(lines: &str) -> Self {
        let now = Instant::now();
        let mut stage = Self { engine: Engine::new(Moment { instant: now, unix: 0 }, Facts::default()), now };
        let mut out = Vec::new();
        stage.engine.boot(stage.at(), boot(0, lines), &mut out);
        stage.engine.settle(stage.at(), &mut out);
        stage
    }

    fn at(&self) -> Moment {
        Moment { instant: self.now, unix: 0 }
    }

    pub(super) fn take(&mut self, event: Event) -> Vec<Effect> {
        let mut out = Vec::new();
        self.engine.handle(self.at(), event, &mut out);
        self.engine.settle(self.at(), &mut out);
        out
    }

    /// What comes of a second after the other.
    fn wait(&mut self, seconds: u64) -> Vec<Effect> {
        let mut all = Vec::new();
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            all.extend(self.take(Event::Tick));
        }
        all
    }

    fn hears(&mut self, ifindex: u32, address: &str) -> Vec<Effect> {
        self.take(Event::Router { ifindex, address: address.parse().unwrap() })
    }

    fn calls_in(&mut self, ifindex: u32, address: &str) -> bool {
        let remote = SocketAddr::V6(SocketAddrV6::new(address.parse().unwrap(), 40_000, 0, ifindex));
        let local = SocketAddr::V6(SocketAddrV6::new("fe80::ff".parse().unwrap(), 179, 0, ifindex));
        let conn = ConnId(self.now.elapsed().as_nanos() as u64 | 1);
        let effects = self.take(Event::Accepted { conn, local, remote });
        !effects.contains(&Effect::Close(conn))
    }

    fn address(&self) -> String {
        self.engine.peers.on("eth1").unwrap().address.to_string()
    }
}

/// Whom the router calls, and on which link.
pub(super) fn called(effects: &[Effect]) -> Vec<(String, Option<u32>)> {
    let target = |effect: &Effect| match effect {
        Effect::Connect(_, target) => Some((target.remote.ip().to_string(), target.scope)),
        _ => None,
    };
    effects.iter().filter_map(target).collect()
}

fn advertised(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Advertise { ifindex: 2, mtu: 1500, .. })).count()
}

#[test]
fn whoever_advertises_itself_on_the_interface_is_called_there_at_once() {
    let mut stage = Stage::new();
    assert_eq!(called(&stage.wait(60)), [], "nobody is heard");
    assert_eq!(called(&stage.hears(7, "fe80::1")), [], "a link that nobody named");
    assert_eq!(called(&stage.hears(2, "2001:db8::1")), [], "not an address of the link");
    assert_eq!(called(&stage.hears(2, "fe80::1")), [("fe80::1".to_owned(), Some(2))]);
    assert_eq!(called(&stage.hears(2, "fe80::1")), [], "once");
    assert_eq!(called(&stage.hears(2, "fe80::2")), [("fe80::2".to_owned(), Some(2))], "another one in its place");
}

#[test]
fn the_router_advertises_itself_often_at_first_and_seldom_afterwards() {
    let mut stage = Stage::new();
    let first = advertised(&stage.wait(12));
    assert!((3..=5).contains(&first), "{first}");
    let calm = advertised(&stage.wait(100));
    assert!((9..=11).contains(&calm), "{calm}");
    stage.wait(4);
    stage.take(Event::Solicited { ifindex: 2 });
    assert_eq!(advertised(&stage.wait(1)), 1, "whoever asks is answered");
    let down = Link { carrier: false, ..Link::card(2, "eth1".parse().unwrap()) };
    stage.take(Event::World(vec![WorldEvent::Link(down)]));
    assert_eq!(advertised(&stage.wait(30)), 0, "a link that is down hears nothing");
}

#[test]
fn commit_check_tells_of_neighbors_of_interfaces_what_becomes_of_them_and_why_they_are_not_found() {
    let neighbor = "set protocols bgp 64512 neighbor";
    for (base, line, effect, warning) in [
        (LINES, "eth1 timers holdtime 30", Some(("eth1", NeighborEffect::Reset)), None),
        (LINES, "eth1 shutdown", Some(("eth1", NeighborEffect::Shutdown)), None),
        (LINES, "eth1 description text", None, None),
        (LINES, "eth9 interface remote-as external", Some(("eth9", NeighborEffect::New)), Some("eth9 does not exist")),
        (
            BARE,
            "eth1 interface remote-as external",
            Some(("eth1", NeighborEffect::New)),
            Some("eth1 has no link-local"),
        ),
    ] {
        let mut stage = Stage::with(base);
        let words = format!("{neighbor} {line}").split(' ').skip(1).map(str::to_owned).collect();
        let candidate = Candidate { base: stage.engine.revision(), edits: vec![Edit::Set(words)] };
        let ask = AskId { client: ClientId(1), id: 1 };
        let effects = stage.take(Event::Ask(ask, admin(), Request::Check { candidate }));
        let Some(Effect::Answer(_, Reply::Checked(plan))) =
            effects.into_iter().find(|effect| matches!(effect, Effect::Answer(..)))
        else {
            panic!("{line}: no plan");
        };
        let told: Vec<_> = plan.neighbors.iter().map(|change| (change.address.as_str(), change.effect)).collect();
        assert_eq!(told, effect.into_iter().collect::<Vec<_>>(), "{line}");
        let warned: Vec<&str> = plan.warnings.iter().map(|problem| problem.message.as_str()).collect();
        let about = |part: &str| warned.iter().any(|message| message.contains(part));
        assert_eq!(warning.is_some_and(about), warning.is_some(), "{line}: {warned:?}");
        assert!(warning.is_some() || !about("link-local") && !about("does not exist"), "{line}: {warned:?}");
    }
}

#[test]
fn whatever_happens_on_a_link_three_seconds_lie_between_advertisements() {
    let mut stage = Stage::new();
    let card =
        |carrier| Event::World(vec![WorldEvent::Link(Link { carrier, ..Link::card(2, "eth1".parse().unwrap()) })]);
    let mut sent: Vec<u64> = Vec::new();
    for second in 0..600u64 {
        // Questions, other routers in turns, a link that flaps.
        let mut effects = stage.take(Event::Solicited { ifindex: 2 });
        effects.extend(stage.hears(2, if second % 2 == 0 { "fe80::1" } else { "fe80::2" }));
        if second % 7 == 0 {
            effects.extend(stage.take(card(false)));
            effects.extend(stage.take(card(true)));
        }
        effects.extend(stage.wait(1));
        sent.extend((0..advertised(&effects)).map(|_| second));
    }
    assert!(sent.len() > 150, "{}", sent.len());
    let close: Vec<_> = sent.windows(2).filter(|pair| pair[1] - pair[0] < 3).collect();
    assert!(close.is_empty(), "{close:?}");
}

#[test]
fn a_neighbor_that_calls_by_its_link_local_address_is_known_by_the_link() {
    let mut stage = Stage::new();
    assert!(!stage.calls_in(7, "fe80::9"), "another link");
    assert!(stage.calls_in(2, "fe80::9"));
    assert_eq!(stage.address(), "fe80::9");
    stage.hears(2, "fe80::a");
    assert_eq!(stage.address(), "fe80::9", "whoever has a session stays");
}

#[test]
fn a_link_that_goes_takes_its_neighbor_along_and_another_of_its_number_is_not_taken_for_it() {
    let mut stage = Stage::new();
    stage.hears(2, "fe80::1");
    let gone = stage.take(Event::World(vec![WorldEvent::LinkGone(2)]));
    assert_eq!((called(&gone), stage.address().as_str()), (Vec::new(), "::"));
    stage.take(Event::World(vec![WorldEvent::Link(Link::card(2, "other".parse().unwrap()))]));
    assert_eq!(called(&stage.hears(2, "fe80::1")), [], "the number is another link's now");
    stage.take(Event::World(vec![WorldEvent::Link(Link::card(3, "eth1".parse().unwrap()))]));
    assert_eq!(called(&stage.hears(3, "fe80::1")), [("fe80::1".to_owned(), Some(3))]);
}

#[test]
fn neighbors_with_one_address_on_two_links_have_a_bfd_session_each() {
    let lines = "set protocols bgp 64512 neighbor eth1 bfd\nset protocols bgp 64512 neighbor eth2 bfd";
    let mut stage = Stage::with(&format!("{LINES}\n{lines}\n{}", LINES.replace("eth1", "eth2")));
    stage.take(Event::World(vec![WorldEvent::Link(Link::card(3, "eth2".parse().unwrap()))]));
    stage.hears(2, "fe80::1");
    let effects = stage.hears(3, "fe80::1");
    let watched = effects.iter().rev().find_map(|effect| match effect {
        Effect::WatchPaths(watched) => Some(watched.keys().cloned().collect::<Vec<_>>()),
        _ => None,
    });
    let keys = watched.expect("sessions are wanted");
    let links: Vec<u32> = keys.iter().filter_map(|key| Some(key.link.as_ref()?.index)).collect();
    assert_eq!(links, [2, 3]);
    let change = |from, to| bfd::Change { from, to, diagnostic: bfd::Diagnostic::TIME_EXPIRED, told: None };
    for key in &keys {
        stage.take(Event::Paths(vec![(key.clone(), change(bfd::State::Down, bfd::State::Up))]));
    }
    stage.take(Event::Paths(vec![(keys[0].clone(), change(bfd::State::Up, bfd::State::Down))]));
    let state = |name: &str| {
        let peer = stage.engine.peers.on(name).unwrap();
        stage.engine.paths.session(stage.engine.place_of(peer)).map(|known| known.state)
    };
    assert_eq!((state("eth1"), state("eth2")), (Some(bfd::State::Down), Some(bfd::State::Up)));
}
