//! Whose packet it is, and sessions that come and go.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::num::NonZeroU8;

use super::*;
use crate::packet::{Diagnostic, State};

const MS: Duration = Duration::from_millis(1);

fn settings() -> Settings {
    Settings {
        transmit: 300 * MS,
        receive: 300 * MS,
        multiplier: NonZeroU8::new(3).unwrap(),
        passive: false,
        shutdown: false,
        minimum_ttl: 250,
        secret: None,
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn key(peer: &str, hops: Hops) -> Key {
    Key { peer: address(peer), local: None, link: None, hops }
}

fn on(link: u32, key: Key) -> Key {
    Key { link: Some(Link { index: link, name: format!("eth{link}").parse().unwrap() }), ..key }
}

fn down(your_discriminator: Option<NonZeroU32>) -> Vec<u8> {
    let packet = Packet {
        diagnostic: Diagnostic::NONE,
        state: State::Down,
        poll: false,
        last: false,
        control_plane_independent: false,
        demand: false,
        multiplier: NonZeroU8::new(3).unwrap(),
        my_discriminator: NonZeroU32::new(77).unwrap(),
        your_discriminator,
        desired_min_tx: 300 * MS,
        required_min_rx: 300 * MS,
        required_min_echo_rx: Duration::ZERO,
        authentication: None,
    };
    packet.encode()
}

fn table(keys: &[Key]) -> (Table, Instant) {
    let now = Instant::now();
    let mut table = Table::new(9);
    table.want(now, &keys.iter().map(|key| (key.clone(), settings())).collect(), &mut Vec::new());
    (table, now)
}

fn arrival<'a>(from: &str, hops: Hops, link: u32, ttl: u8, octets: &'a [u8]) -> Arrival<'a> {
    Arrival { hops, from: address(from), to: Some(address("192.0.2.1")), link, ttl, octets }
}

#[test]
fn a_packet_finds_its_session_or_is_thrown_away() {
    let near = key("192.0.2.2", Hops::Single);
    let far = key("198.51.100.2", Hops::Multi);
    let linked = on(3, key("fe80::2", Hops::Single));
    let (table, _) = table(&[near.clone(), far.clone(), linked.clone()]);
    let number = |key: &Key| Some(table.entries[key].session.discriminator());
    // From, port, link, TTL, whose number it names; which session.
    let rows = [
        ("192.0.2.2", Hops::Single, 2, 255, None, Ok(&near)),
        ("192.0.2.2", Hops::Single, 2, 254, None, Err(Discard::Ttl(254))),
        ("192.0.2.2", Hops::Multi, 2, 255, None, Err(Discard::NoSession)),
        ("192.0.2.3", Hops::Single, 2, 255, None, Err(Discard::NoSession)),
        ("192.0.2.2", Hops::Single, 2, 255, number(&near), Ok(&near)),
        ("192.0.2.2", Hops::Single, 2, 254, number(&near), Err(Discard::Ttl(254))),
        // Knowing the number of a session is not enough to speak for its other side.
        ("192.0.2.3", Hops::Single, 2, 255, number(&near), Err(Discard::NoSession)),
        ("192.0.2.2", Hops::Multi, 2, 255, number(&near), Err(Discard::NoSession)),
        ("192.0.2.2", Hops::Single, 2, 255, NonZeroU32::new(4242), Err(Discard::NoSession)),
        ("198.51.100.2", Hops::Multi, 2, 250, None, Ok(&far)),
        ("198.51.100.2", Hops::Multi, 2, 249, None, Err(Discard::Ttl(249))),
        ("198.51.100.2", Hops::Single, 2, 255, None, Err(Discard::NoSession)),
        ("fe80::2", Hops::Single, 3, 255, None, Ok(&linked)),
        ("fe80::2", Hops::Single, 4, 255, None, Err(Discard::NoSession)),
        ("fe80::2", Hops::Single, 4, 255, number(&linked), Err(Discard::NoSession)),
    ];
    for (row, (from, hops, link, ttl, number, expected)) in rows.into_iter().enumerate() {
        let octets = down(number);
        let found = table.accept(&arrival(from, hops, link, ttl, &octets)).map(|(key, _)| key);
        assert_eq!(found.as_ref(), expected.as_ref().copied(), "row {row}");
    }
}

#[test]
fn the_session_that_asks_for_more_is_the_one_that_is_meant() {
    let wide = key("192.0.2.2", Hops::Single);
    let narrow = on(3, wide.clone());
    let (table, _) = table(&[wide.clone(), narrow.clone()]);
    let octets = down(None);
    for (link, expected) in [(3, &narrow), (4, &wide)] {
        let (found, _) = table.accept(&arrival("192.0.2.2", Hops::Single, link, 255, &octets)).unwrap();
        assert_eq!(&found, expected);
    }
}

#[test]
fn a_session_that_stays_is_not_disturbed_by_others_that_come_and_go() {
    let (stays, goes, comes) =
        (key("192.0.2.2", Hops::Single), key("192.0.2.3", Hops::Single), key("192.0.2.4", Hops::Single));
    let (mut table, now) = table(&[stays.clone(), goes.clone()]);
    let mut out = Vec::new();
    let octets = down(None);
    table.receive(now, &arrival("192.0.2.2", Hops::Single, 2, 255, &octets), &mut out).unwrap();
    table.receive(now, &arrival("192.0.2.3", Hops::Single, 2, 255, &octets), &mut out).unwrap();
    let number = table.entries[&stays].session.discriminator();
    out.clear();
    table.want(now, &[(stays.clone(), settings()), (comes.clone(), settings())].into(), &mut out);
    assert_eq!(table.entries[&stays].session.discriminator(), number);
    assert_eq!(table.entries[&stays].session.state(), State::Init);
    // Who goes says that this is no failure, and nobody waits for news of it.
    let said: Vec<State> = out
        .iter()
        .filter_map(|output| match output {
            Output::Send(key, octets) if *key == goes => Some(Packet::parse(octets).unwrap().state),
            _ => None,
        })
        .collect();
    assert_eq!(said, [State::AdminDown]);
    assert_eq!(table.reports().map(|report| report.key).collect::<Vec<_>>(), [stays, comes]);
}

#[test]
fn a_session_that_goes_is_over_after_a_detection_time_and_may_come_back_before() {
    let goes = key("192.0.2.3", Hops::Single);
    for comes_back in [false, true] {
        let (mut table, now) = table(std::slice::from_ref(&goes));
        let octets = down(None);
        table.receive(now, &arrival("192.0.2.3", Hops::Single, 2, 255, &octets), &mut Vec::new()).unwrap();
        table.want(now, &BTreeMap::new(), &mut Vec::new());
        let mut out = Vec::new();
        if comes_back {
            table.want(now + 100 * MS, &[(goes.clone(), settings())].into(), &mut out);
        }
        let mut last = now;
        while let Some(due) = table.deadline().filter(|due| *due < now + Duration::from_secs(20)) {
            last = due;
            table.tick(due, &mut out);
        }
        assert_eq!(out.contains(&Output::Over(goes.clone())), !comes_back);
        assert_eq!(table.reports().count(), usize::from(comes_back));
        if !comes_back {
            assert_eq!(last, now + Duration::from_secs(3));
            assert!(table.by_discriminator.is_empty() && table.deadlines.is_empty() && table.due.is_empty());
        }
    }
}

#[test]
fn nobody_waits_for_a_session_that_was_never_heard_of() {
    let (mut table, now) = table(&[key("192.0.2.3", Hops::Single)]);
    table.want(now, &BTreeMap::new(), &mut Vec::new());
    let mut out = Vec::new();
    table.tick(now, &mut out);
    assert!(matches!(out[..], [Output::Over(_)]), "{out:?}");
}
