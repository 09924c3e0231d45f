//! Events in any order, sensible or not: the engine never panics, and it always comes to rest.
//!
//! What it makes of them is not judged here.

use bgp_wire::DecodeError;
use bgp_wire::message::Message;
use proptest::prelude::*;
use rib::fib::{FibChange, FibTarget, Refused};
use rib::world::WorldEvent;

use super::octets::{ATTRIBUTES, frame, open};
use super::*;
use crate::StepId;

/// Rounds within one moment after which an engine that still wants to be called never rests.
const ROUNDS: usize = 100;

const LINES: &[&str] = &[
    "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512",
    "set protocols bgp 64512 neighbor 192.0.2.2 passive",
    "set protocols bgp 64512 neighbor 192.0.2.2 shutdown",
    "set protocols bgp 64512 neighbor 192.0.2.3 remote-as external",
    "set protocols bgp 64512 peer-group nodes remote-as 64512",
    "set protocols bgp 64512 listen range 192.0.2.0/24 peer-group nodes",
    "set protocols bgp 64512 redistribute connected",
    "set protocols bgp 64512 network 10.1.0.0/16",
    "set protocols static route 10.1.0.0/16 blackhole",
    "set protocols static route 10.2.0.0/16 next-hop 192.0.2.3",
    "set interfaces ethernet eth1 address 192.0.2.9/24",
    "set interfaces ethernet eth1 mtu 1400",
    "delete protocols bgp 64512",
    "delete protocols bgp 64512 neighbor 192.0.2.2",
    "delete protocols static",
    "delete interfaces",
];

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let keepalive = frame(4, &[]);
    let announced = [&[0, 0, 0, 21][..], ATTRIBUTES, &[16, 10, 3]].concat();
    let opening = [open(), keepalive.clone()].concat();
    prop_oneof![
        4 => Just(opening.clone()),
        4 => Just([opening, frame(2, &announced)].concat()),
        2 => Just(keepalive),
        2 => Just(frame(2, &announced)),
        1 => Just(frame(2, &[0, 3, 16, 10, 3, 0, 0])),
        1 => Just(frame(2, &[0, 0, 0, 0])),
        1 => Just(frame(5, &[0, 1, 0, 1])),
        1 => Just(frame(3, &[6, 2])),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|body| frame(2, &body)),
    ]
}

fn world_event() -> impl Strategy<Value = WorldEvent> {
    let there = LinkAddress { ifindex: 2, address: "192.0.2.1/24".parse().unwrap(), peer: None };
    let link = |up: bool, index: u32| {
        let mut link = boot(0, "").snapshot.links.remove(0);
        (link.carrier, link.index) = (up, index);
        WorldEvent::Link(link)
    };
    prop_oneof![
        (any::<bool>(), 2_u32..4).prop_map(move |(up, index)| link(up, index)),
        (2_u32..4).prop_map(WorldEvent::LinkGone),
        Just(WorldEvent::Address(there)),
        Just(WorldEvent::AddressGone(there)),
        Just(WorldEvent::OurRouteLost("10.1.0.0/16".parse().unwrap())),
        (0x5400_0000_u32..0x5400_0003).prop_map(WorldEvent::OurNextHopLost),
        (0x5500_0000_u32..0x5500_0003).prop_map(WorldEvent::OurNextHopLost),
        Just(WorldEvent::Overrun),
    ]
}

fn refused() -> impl Strategy<Value = Refused> {
    let prefix: nouns::Prefix = "10.1.0.0/16".parse().unwrap();
    let change = prop_oneof![
        Just(FibChange::Route { key: prefix.into(), target: FibTarget::Blackhole }),
        Just(FibChange::RouteGone(prefix.into())),
        (0x5400_0000_u32..0x5500_0003).prop_map(FibChange::NextHopGone),
        Just(FibChange::Group { id: 0x5500_0000, members: vec![(0x5400_0000, 1)] }),
    ];
    change.prop_map(|change| Refused { change, errno: 22, reason: "no".to_owned() })
}

fn commit_event(lines: Vec<&str>, base: u64) -> Event {
    let words = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect();
    let edit = |line: &str| if line.starts_with("set") { Edit::Set(words(line)) } else { Edit::Delete(words(line)) };
    let candidate = Candidate { base: nouns::Revision(base), edits: lines.into_iter().map(edit).collect() };
    let ask = AskId { client: ClientId(1), id: 1 };
    Event::Ask(ask, super::admin(), Request::Commit { candidate, comment: None, confirm: None })
}

/// An event, and the milliseconds that pass before it.
fn event() -> impl Strategy<Value = (u64, Event)> {
    let conn = || (0_u64..8).prop_map(ConnId);
    let end = |last: u8| SocketAddr::new([192, 0, 2, last].into(), 179);
    let lines = prop::collection::vec(prop::sample::select(LINES), 1..4);
    let event = prop_oneof![
        3 => Just(Event::Tick),
        4 => (lines, 0_u64..6).prop_map(|(lines, base)| commit_event(lines, base)),
        3 => prop::collection::vec(world_event(), 1..3).prop_map(Event::World),
        1 => Just(Event::Snapshot(Box::new(boot(0, "").snapshot))),
        1 => Just(Event::Audited(Box::default())),
        2 => prop::collection::vec(refused(), 0..2).prop_map(Event::FibDone),
        6 => (0_u64..12, any::<bool>())
            .prop_map(|(id, good)| Event::StepDone(StepId(id), if good { Ok(()) } else { Err("no".to_owned()) })),
        6 => any::<bool>().prop_map(|good| Event::Journaled(if good { Ok(()) } else { Err("no".to_owned()) })),
        4 => conn().prop_map(move |conn| Event::Connected(conn, end(1))),
        1 => conn().prop_map(|conn| Event::ConnectFailed(conn, "refused".to_owned())),
        4 => (conn(), 2_u8..5)
            .prop_map(move |(conn, last)| Event::Accepted { conn, local: end(1), remote: end(last) }),
        12 => (conn(), octets()).prop_map(|(conn, octets)| Event::Bytes(conn, octets)),
        12 => (conn(), octets()).prop_map(|(conn, octets)| Event::Messages(conn, decoded(&octets))),
        2 => (conn(), any::<bool>()).prop_map(|(conn, orderly)| Event::Closed(conn, (!orderly).then(|| "lost".to_owned()))),
        1 => (conn(), 0_usize..100).prop_map(|(conn, left)| Event::SendQueue(conn, left)),
    ];
    (prop_oneof![4 => 0_u64..50, 1 => 0_u64..200_000], event)
}

/// What a reading task makes of octets.
fn decoded(octets: &[u8]) -> Vec<Result<Message, DecodeError>> {
    let codec = Codec { four_octet_as: true, internal: true, families: Family::ALL.to_vec(), ..Codec::default() };
    let mut all = Vec::new();
    Reception::default().take(octets, Some(&codec), |arrived| match arrived {
        Arrived::Messages(messages) => all.extend(messages),
        Arrived::Octets(octets) => panic!("{octets:?} are not decoded"),
    });
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_order_of_events_stops_it_or_keeps_it_awake(events in prop::collection::vec(event(), 1..60)) {
        let mut now = Instant::now();
        let at = |instant| Moment { instant, unix: 0 };
        let mut engine = Engine::new(at(now), Facts::default());
        let mut effects = Vec::new();
        let mut boot = boot(0, LEFT);
        boot.snapshot.ours.routes.insert("10.9.0.0/16".parse().unwrap(), FibTarget::Blackhole);
        engine.boot(at(now), boot, &mut effects);
        engine.settle(at(now), &mut effects);
        for (pause, event) in events {
            now += Duration::from_millis(pause);
            engine.handle(at(now), event, &mut effects);
            engine.settle(at(now), &mut effects);
            let mut rounds = 0;
            while engine.deadline().is_some_and(|due| due <= now) {
                rounds += 1;
                prop_assert!(rounds < ROUNDS, "it never rests; log: {:?}", engine.log.newest(5).collect::<Vec<_>>());
                engine.handle(at(now), Event::Tick, &mut effects);
                engine.settle(at(now), &mut effects);
            }
            effects.clear();
        }
    }
}
