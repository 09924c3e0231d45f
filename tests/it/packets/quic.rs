//! The lines of the table that are about connection IDs of QUIC.

use scenarios::balancer::build::{Datagram, Link, frame, tcp, udp};

use super::plan::{EXIT, NAMED, OTHER, to_node};
use super::table::{Case, Due, case, client, goes, ip};

const ACK: u8 = 16;

/// What seals a packet, and what is in it.
const REST: [u8; 24] = [0xaa; 24];

/// A datagram with a short header and a connection ID of this server, whose first octet is `about`.
fn short(about: u8, server: [u8; 4]) -> Vec<u8> {
    [&[0x40, about], server.as_slice(), &REST].concat()
}

/// One with a long header of this kind and version.
fn long(first: u8, version: [u8; 4], server: [u8; 4]) -> Vec<u8> {
    [&[first], version.as_slice(), &[8, 0x07], &server, &[1, 2, 3], &[0], &REST].concat()
}

/// A line of a packet that goes to the server that its connection ID names.
fn named(sentence: &str, packet: &Datagram) -> Case {
    let link = Link { to: OTHER, ..to_node() };
    case(sentence, packet, Due::To(EXIT, frame(&link, &packet.clone().hop())), None)
}

pub(super) fn cases() -> Vec<Case> {
    const ONE: [u8; 4] = [0, 0, 0, 1];
    const TWO: [u8; 4] = [0x6b, 0x33, 0x43, 0xcf];
    let mut cases = Vec::new();
    for to in ["192.0.2.16", "2001:db8::16"] {
        let from = |port: u16, data: &[u8]| udp((client(to), port), (ip(to), 443), data, true);
        let mine = short(0x07, NAMED);
        cases.push(named(
            &format!("a datagram to {to} goes to the server that its connection ID names"),
            &from(1, &mine),
        ));
        cases.push(named(&format!("so it does to {to} when the client's port has changed"), &from(2, &mine)));
        cases.push(named("a handshake says so, too", &from(1, &long(0xe0, ONE, NAMED))));
        cases.push(named("and one of version 2", &from(1, &long(0xf0, TWO, NAMED))));
        let slots = [
            ("an ID that names nobody goes by its slot", short(0x07, [10, 9, 8, 6])),
            ("an ID that says it cannot be read goes by its slot", short(0xe7, NAMED)),
            ("what the client made up for an Initial names nobody", long(0xc0, ONE, NAMED)),
            ("so it is in version 2, where its number is another", long(0xd0, TWO, NAMED)),
            ("a handshake's ID that is too short names nobody", {
                let mut handshake = long(0xe0, ONE, NAMED);
                handshake.get_mut(5).into_iter().for_each(|length| *length = 4);
                handshake
            }),
            ("a datagram that is too short for QUIC goes by its slot", mine.iter().copied().take(12).collect()),
        ];
        cases.extend(slots.iter().map(|(sentence, data)| {
            let packet = from(1, data);
            goes(sentence, &packet, &packet.clone().hop())
        }));
        let segment = tcp((client(to), 1), (ip(to), 443), ACK, &[], &mine);
        cases.push(goes("a segment of TCP has no connection ID", &segment, &segment.clone().hop()));
    }
    cases
}
