//! The table itself.

use std::net::IpAddr;

use bpf_common::flow::Flow;
use bpf_common::reason::Reason;
use scenarios::balancer::build::{Datagram, Link, datagram, frame, icmp, seal, tcp, udp};

use super::plan::{
    CLIENTS, END, END6, EXIT, FRONT, GUARDED_NODE, NODE, PRIVATE, PRIVATE6, SOURCE, SOURCE6, from_clients, mapped,
    to_node,
};

/// What a packet is due.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// The kernel gets it, like this.
    Pass(Vec<u8>),
    /// Nobody gets it.
    Nobody,
    /// It goes back by the link that it came by, like this.
    Back(Vec<u8>),
    /// It goes by this link, like this.
    To(u32, Vec<u8>),
}

/// A line of the table.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// What is so.
    pub(super) sentence: String,
    /// The packet that comes.
    pub(super) packet: Vec<u8>,
    /// What it is due.
    pub(super) due: Due,
    /// What is counted.
    pub(super) reason: Option<Reason>,
    /// Whether there is a VLAN tag before or after.
    pub(super) tagged: bool,
}

/// SYN, and ACK.
const SYN: u8 = 2;
const ACK: u8 = 16;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
}

/// A client of the family of this address.
pub(super) fn client(of: &str) -> IpAddr {
    ip(if of.contains(':') { "2001:db8:c::5" } else { "198.51.200.5" })
}

/// A packet of a connection to this service.
fn ack(to: &str) -> Datagram {
    tcp((client(to), 40_000), (ip(to), 80), ACK, &[], b"more of it")
}

pub(super) fn case(sentence: &str, packet: &Datagram, due: Due, reason: Option<Reason>) -> Case {
    Case { sentence: sentence.to_owned(), packet: frame(&from_clients(), packet), due, reason, tagged: false }
}

/// A line of a packet that goes to a node, as this.
pub(super) fn goes(sentence: &str, packet: &Datagram, gone: &Datagram) -> Case {
    case(sentence, packet, Due::To(EXIT, frame(&to_node(), gone)), None)
}

/// A line of a packet that nobody gets.
fn lost(sentence: &str, packet: &Datagram, reason: Reason) -> Case {
    case(sentence, packet, Due::Nobody, Some(reason))
}

/// A line of a packet that the kernel gets as it is.
fn passes(sentence: &str, packet: &Datagram, reason: Reason) -> Case {
    case(sentence, packet, Due::Pass(frame(&from_clients(), packet)), Some(reason))
}

fn changed(mut case: Case, change: impl FnOnce(&mut Case)) -> Case {
    change(&mut case);
    case
}

/// The hash of the flow of a packet, with its ports.
fn hash(packet: &Datagram, ports: (u16, u16)) -> u32 {
    let flow = Flow {
        source: mapped(&packet.source.to_string()),
        destination: mapped(&packet.destination.to_string()),
        source_port: ports.0.to_be_bytes(),
        destination_port: ports.1.to_be_bytes(),
        protocol: packet.protocol,
        zero: [0; 3],
    };
    flow.hash(false)
}

/// The port that a tunnel of UDP begins at.
fn begins_at(hash: u32) -> u16 {
    let [low, high] = (hash as u16 ^ (hash >> 16) as u16).to_le_bytes();
    u16::from_be_bytes([low | 0xc0, high])
}

/// A packet within another.
fn within(end: &str, gue: bool, inner: &Datagram, hash: u32) -> Datagram {
    let six = end.contains(':');
    let (source, destination) = (ip(if six { SOURCE6 } else { SOURCE }), ip(end));
    let octets = inner.octets();
    let mut outer = if gue {
        udp((source, begins_at(hash)), (destination, 6080), &octets, false)
    } else {
        datagram(source, destination, if inner.source.is_ipv4() { 4 } else { 41 }, octets)
    };
    outer.ttl = 64;
    outer.class = inner.class;
    outer.identification = 0;
    outer.fragment = 0x4000;
    outer.label = if six { hash & 0xf_ffff } else { 0 };
    outer
}

/// All lines.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(ways());
    cases.extend(by_ports());
    cases.extend(tags());
    cases.extend(translations());
    cases.extend(messages());
    cases.extend(fragments());
    cases.extend(headers());
    cases.extend(sizes());
    cases.extend(nonsense());
    cases.extend(super::quic::cases());
    cases
}

fn ways() -> Vec<Case> {
    let mut cases = Vec::new();
    for to in ["192.0.2.1", "2001:db8::1"] {
        let udp = udp((client(to), 5000), (ip(to), 53), b"question", true);
        let syn = tcp((client(to), 40_000), (ip(to), 80), SYN, &[2, 4, 5, 180], &[]);
        for (what, packet) in [("a segment", ack(to)), ("a SYN", syn), ("a datagram", udp)] {
            let sentence = format!("{what} to {to} gets the node's hardware address and has made a hop");
            cases.push(goes(&sentence, &packet, &packet.clone().hop()));
        }
        let other = datagram(client(to), ip(to), 132, vec![7; 40]);
        cases.push(goes(&format!("a packet of SCTP to {to} goes to a node, too"), &other, &other.clone().hop()));
    }
    for (tail, end, gue) in [("2", END, false), ("3", END6, false), ("4", END, true), ("5", END6, true)] {
        for to in [format!("192.0.2.{tail}"), format!("2001:db8::{tail}")] {
            let packet = Datagram { class: 0xb8, ..ack(&to) };
            let outer = within(end, gue, &packet.clone().hop(), hash(&packet, (40_000, 80)));
            let how = if gue { "UDP" } else { "IP" };
            cases.push(goes(&format!("a segment to {to} goes within {how} to {end}"), &packet, &outer));
        }
    }
    for to in ["203.0.113.5", "2001:db8:77:ab::9"] {
        cases.push(goes(&format!("{to} is within a prefix that is a service"), &ack(to), &ack(to).hop()));
    }
    for to in ["203.0.112.5", "2001:db8:78::1", "192.0.3.1"] {
        cases.push(passes(&format!("{to} is no service"), &ack(to), Reason::NoService));
    }
    cases.push(passes(
        "a backend whose hardware address is not known is the kernel's",
        &ack("192.0.2.9"),
        Reason::Unresolved,
    ));
    cases.push(lost("a slot of nobody is nobody's", &ack("192.0.2.10"), Reason::NoBackend));
    cases.push(passes(
        "a service of nobody may leave its packets to the kernel",
        &ack("192.0.2.11"),
        Reason::NoBackendPass,
    ));
    cases.push(lost("or not", &ack("192.0.2.12"), Reason::NoBackend));
    cases
}

fn by_ports() -> Vec<Case> {
    let mut cases = Vec::new();
    for to in ["192.0.2.15", "2001:db8::15"] {
        cases.push(goes(&format!("{to} has a service at TCP 80"), &ack(to), &ack(to).hop()));
        let other = tcp((client(to), 40_000), (ip(to), 81), ACK, &[], &[]);
        cases.push(passes(&format!("{to} has none at TCP 81"), &other, Reason::NoService));
        let any = udp((client(to), 5000), (ip(to), 4433), b"x", true);
        cases.push(goes(&format!("{to} has one at all ports of UDP"), &any, &any.clone().hop()));
        cases.push(changed(
            lost(&format!("a node sends {to} what no service takes"), &other, Reason::Guarded),
            |case| {
                case.packet = frame(&Link { from: GUARDED_NODE, ..from_clients() }, &other);
            },
        ));
    }
    let stray = ack("198.51.100.9");
    cases.push(passes("others may send to a guarded prefix", &stray, Reason::NoService));
    cases.push(changed(lost("a node may not: it would come back", &stray, Reason::Guarded), |case| {
        case.packet = frame(&Link { from: GUARDED_NODE, ..from_clients() }, &stray);
    }));
    cases.push(changed(lost("what a node sends is not sent back to it", &ack("192.0.2.1"), Reason::Guarded), |case| {
        case.packet = frame(&Link { from: NODE, ..from_clients() }, &ack("192.0.2.1"));
    }));
    cases
}

fn tags() -> Vec<Case> {
    let tagged = |sentence: &str, to: &str, came: &[(u16, u16)], gone: &Datagram, goes: &[(u16, u16)]| Case {
        sentence: sentence.to_owned(),
        packet: frame(&Link { tags: came.to_vec(), ..from_clients() }, &ack(to)),
        due: Due::To(EXIT, frame(&Link { tags: goes.to_vec(), ..to_node() }, gone)),
        reason: None,
        tagged: true,
    };
    let hop = |to: &str| ack(to).hop();
    let packet = ack("192.0.2.8");
    let outer = within(END, false, &packet.clone().hop(), hash(&packet, (40_000, 80)));
    let plain = ack("192.0.2.2");
    let plain_outer = within(END, false, &plain.clone().hop(), hash(&plain, (40_000, 80)));
    vec![
        tagged("a tag is given", "192.0.2.7", &[], &hop("192.0.2.7"), &[(0x8100, 100)]),
        tagged("a tag is taken", "192.0.2.1", &[(0x8100, 5)], &hop("192.0.2.1"), &[]),
        tagged(
            "another tag is given, of the same priority",
            "192.0.2.7",
            &[(0x8100, 0xa005)],
            &hop("192.0.2.7"),
            &[(0x8100, 0xa064)],
        ),
        tagged(
            "two tags become one",
            "192.0.2.7",
            &[(0x88a8, 0x6007), (0x8100, 5)],
            &hop("192.0.2.7"),
            &[(0x8100, 0x6064)],
        ),
        tagged("two tags are taken", "192.0.2.1", &[(0x88a8, 7), (0x8100, 5)], &hop("192.0.2.1"), &[]),
        tagged("a tunnel is tagged", "192.0.2.8", &[], &outer, &[(0x8100, 100)]),
        tagged("a tunnel is tagged anew", "192.0.2.8", &[(0x8100, 3)], &outer, &[(0x8100, 100)]),
        tagged("a tunnel takes the tag", "192.0.2.2", &[(0x8100, 3)], &plain_outer, &[]),
        tagged("the longest prefix is asked", "203.0.113.77", &[], &hop("203.0.113.77"), &[(0x8100, 77)]),
    ]
}

fn translations() -> Vec<Case> {
    let mut cases = Vec::new();
    for (to, private) in [("192.0.2.6", PRIVATE), ("2001:db8::6", PRIVATE6)] {
        let gone = tcp((client(to), 40_000), (ip(private), 8080), ACK, &[], b"more of it").hop();
        cases.push(goes(&format!("a segment to {to} is sent to {private}, port 8080"), &ack(to), &gone));
        for sealed in [true, false] {
            if !sealed && to.contains(':') {
                continue;
            }
            let packet = udp((client(to), 5000), (ip(to), 80), b"odd", sealed);
            let gone = udp((client(to), 5000), (ip(private), 8080), b"odd", sealed).hop();
            let how = if sealed { "with" } else { "without" };
            cases.push(goes(&format!("a datagram {how} a checksum to {to} is sent to {private}"), &packet, &gone));
        }
        let kind = if to.contains(':') { 128 } else { 8 };
        let echo = icmp(client(to), ip(to), kind, 0, [0, 9, 0, 1], b"are you there");
        let gone = icmp(client(to), ip(private), kind, 0, [0, 9, 0, 1], b"are you there").hop();
        cases.push(goes(&format!("an echo request to {to} is sent to {private}"), &echo, &gone));
        let answer = tcp((ip(private), 8080), (client(to), 40_000), ACK, &[], b"answer");
        let named = tcp((ip(to), 80), (client(to), 40_000), ACK, &[], b"answer");
        let returned = Due::Pass(frame(&from_clients(), &named));
        cases.push(case(
            &format!("an answer of {private} is told to be of {to}"),
            &answer,
            returned,
            Some(Reason::Returned),
        ));
        let answer = udp((ip(private), 8080), (client(to), 5000), b"answer", true);
        let named = udp((ip(to), 80), (client(to), 5000), b"answer", true);
        let returned = Due::Pass(frame(&from_clients(), &named));
        cases.push(case(&format!("so is a datagram of {private}"), &answer, returned, Some(Reason::Returned)));
        let other = tcp((ip(private), 22), (client(to), 40_000), ACK, &[], b"of its own");
        cases.push(passes(&format!("what {private} sends from another port is its own"), &other, Reason::NoService));
    }
    cases
}

/// An error about a segment that a service sent, with so much of it.
fn error(about: &str, sender: &str, length: usize) -> Datagram {
    let inside = tcp((ip(about), 80), (client(about), 40_000), ACK, &[], b"what was too large").octets();
    let kind = if about.contains(':') { (2, 0, [0, 0, 5, 0]) } else { (3, 4, [0, 0, 4, 0xb0]) };
    icmp(ip(sender), ip(about), kind.0, kind.1, kind.2, inside.get(..length).unwrap_or(&inside))
}

fn messages() -> Vec<Case> {
    let mut cases = Vec::new();
    for (to, router, header) in [("192.0.2.1", "198.51.200.1", 20), ("2001:db8::1", "2001:db8:c::1", 40)] {
        for length in [header + 8, 500] {
            let packet = error(to, router, length);
            cases.push(goes(
                &format!(
                    "an error about a packet of {to}, of which it has {length} octets, goes to the node of its flow"
                ),
                &packet,
                &packet.clone().hop(),
            ));
        }
        let short = error(to, router, header + 4);
        cases.push(passes(&format!("an error without ports of {to} is the kernel's"), &short, Reason::OtherIcmp));
        let kind = if to.contains(':') { 128 } else { 8 };
        let echo = icmp(client(to), ip(to), kind, 0, [0, 9, 0, 1], b"are you there");
        cases.push(goes(&format!("an echo request to {to} is a flow"), &echo, &echo.clone().hop()));
    }
    // The outer header of a tunnel says by its flow label whose flow an error belongs to.
    let packet = error("192.0.2.3", "198.51.200.1", 28);
    let flow = hash(&ack("192.0.2.3"), (40_000, 80));
    cases.push(goes(
        "an error goes the way of the flow that it is about",
        &packet,
        &within(END6, false, &packet.clone().hop(), flow),
    ));
    for (to, private, header) in [("192.0.2.6", PRIVATE, 20), ("2001:db8::6", PRIVATE6, 40)] {
        let router = if to.contains(':') { "2001:db8:c::1" } else { "198.51.200.1" };
        let packet = error(to, router, header + 8);
        // Inside, the backend finds itself as the sender; the checksum there is not whole, and stays.
        let sent = tcp((ip(private), 8080), (client(to), 40_000), ACK, &[], b"what was too large").octets();
        let was = tcp((ip(to), 80), (client(to), 40_000), ACK, &[], b"what was too large").octets();
        let inside: Vec<u8> =
            sent.iter().take(header + 4).chain(was.iter().skip(header + 4).take(4)).copied().collect();
        let kind = if to.contains(':') { (2, 0, [0, 0, 5, 0]) } else { (3, 4, [0, 0, 4, 0xb0]) };
        let gone = icmp(ip(router), ip(private), kind.0, kind.1, kind.2, &inside).hop();
        cases.push(goes(&format!("an error about {to} is about {private} for the node"), &packet, &gone));
    }
    for to in ["192.0.2.15", "2001:db8::15"] {
        let (ask, tell) = if to.contains(':') { (128, 129) } else { (8, 0) };
        let echo = icmp(client(to), ip(to), ask, 0, [0, 9, 0, 1], b"are you there");
        let mut answer = icmp(ip(to), client(to), tell, 0, [0, 9, 0, 1], b"are you there");
        answer.ttl = 64;
        let back = Due::Back(frame(&Link { to: CLIENTS, from: FRONT, tags: Vec::new() }, &answer));
        cases.push(case(&format!("an echo request to {to} is answered"), &echo, back, Some(Reason::EchoAnswered)));
    }
    let solicitation = icmp(client("::"), ip("2001:db8::1"), 135, 0, [0; 4], &[0; 16]);
    cases.push(passes("Neighbor Discovery is the kernel's", &solicitation, Reason::OtherIcmp));
    cases
}

/// An IPv6 packet with a fragment header.
fn fragment6(to: &str, offset_and_more: u16, body: Vec<u8>) -> Datagram {
    let mut extended = vec![17, 0];
    extended.extend(offset_and_more.to_be_bytes());
    extended.extend([1, 2, 3, 4]);
    extended.extend(body);
    datagram(client(to), ip(to), 44, extended)
}

fn fragments() -> Vec<Case> {
    let mut cases = Vec::new();
    let whole = udp((client("192.0.2.1"), 5000), (ip("192.0.2.1"), 53), &[9; 64], true);
    let first = Datagram { fragment: 0x2000, ..whole.clone() };
    let stray = Datagram { fragment: 0x0005, identification: 0x7777, body: vec![9; 16], ..whole.clone() };
    let later = Datagram { fragment: 0x0005, body: vec![9; 16], ..whole };
    cases.push(lost("a fragment whose first one was not seen is nobody's", &stray, Reason::StrayFragment));
    cases.push(goes("a first fragment goes by its ports", &first, &first.clone().hop()));
    cases.push(goes("a later one follows it", &later, &later.clone().hop()));
    let body = udp((client("2001:db8::1"), 5000), (ip("2001:db8::1"), 53), &[9; 64], true).body;
    let later = fragment6("2001:db8::1", 0x0028, vec![9; 16]);
    cases.push(lost("the same of IPv6", &later, Reason::StrayFragment));
    let first = fragment6("2001:db8::1", 1, body.clone());
    cases.push(goes("a first fragment of IPv6 goes by its ports", &first, &first.clone().hop()));
    cases.push(goes("a later one of IPv6 follows it", &later, &later.clone().hop()));
    let only = fragment6("2001:db8::1", 0, body);
    cases.push(goes("a datagram in one fragment is whole", &only, &only.clone().hop()));
    let first =
        Datagram { fragment: 0x2000, ..udp((client("192.0.2.6"), 5000), (ip("192.0.2.6"), 80), &[9; 64], true) };
    let gone = Datagram { fragment: 0x2000, ..udp((client("192.0.2.6"), 5000), (ip(PRIVATE), 8080), &[9; 64], true) };
    cases.push(goes("a first fragment is translated with its checksum", &first, &gone.clone().hop()));
    let later = Datagram { fragment: 0x0009, body: vec![9; 16], ..first };
    let gone = Datagram { fragment: 0x0009, body: vec![9; 16], ..gone };
    cases.push(goes("a later one without", &later, &gone.hop()));
    cases
}

fn headers() -> Vec<Case> {
    let mut cases = Vec::new();
    for ttl in [0, 1] {
        for to in ["192.0.2.1", "2001:db8::2"] {
            let packet = Datagram { ttl, ..ack(to) };
            cases.push(passes(
                &format!("with {ttl} hops left {to} is out of reach, which the kernel says"),
                &packet,
                Reason::TimeExceeded,
            ));
        }
    }
    let with = |options: &[u8]| Datagram { options: options.to_vec(), ..ack("192.0.2.1") };
    for (what, options) in [("a route", &[7, 7, 4, 0, 0, 0, 0, 0][..]), ("an alert", &[1, 1, 148, 4, 0, 0, 0, 0])] {
        cases.push(passes(
            &format!("an option that records {what} is the kernel's"),
            &with(options),
            Reason::RouterOption,
        ));
    }
    for options in [&[1, 1, 1, 0][..], &[0x86, 8, 7, 7, 68, 148, 131, 137], &[94, 0, 7, 7]] {
        let packet = with(options);
        cases.push(goes("an option that routers need not read stays", &packet, &packet.clone().hop()));
    }
    let extended = |first: u8, header: &[u8]| {
        let segment = ack("2001:db8::1");
        datagram(segment.source, segment.destination, first, [header, &segment.body].concat())
    };
    for (what, first, header) in [
        ("destination options", 60, &[6, 0, 1, 4, 0, 0, 0, 0][..]),
        ("a routing header", 43, &[6, 0, 4, 0, 0, 0, 0, 0]),
        ("an authentication header", 51, &[6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("two headers", 60, &[43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 4, 0, 0, 0, 0, 0]),
    ] {
        let packet = extended(first, header);
        cases.push(goes(&format!("the flow is found behind {what}"), &packet, &packet.clone().hop()));
    }
    let packet = extended(0, &[6, 0, 5, 2, 0, 0, 1, 0]);
    cases.push(passes("hop-by-hop options are the kernel's", &packet, Reason::RouterOption));
    let packet = extended(60, &[60, 0, 1, 4, 0, 0, 0, 0].repeat(9));
    cases.push(lost("too many headers are nobody's", &packet, Reason::Malformed));
    cases
}

fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    let back = Link { to: CLIENTS, from: FRONT, tags: Vec::new() };
    let of = |to: &str, octets: usize| tcp((client(to), 40_000), (ip(to), 80), ACK, &[], &vec![0x5a; octets]);
    for (to, room, header) in
        [("192.0.2.1", 0, 40), ("192.0.2.2", 20, 40), ("192.0.2.5", 48, 40), ("2001:db8::3", 40, 60)]
    {
        let fits = 1500 - room - header;
        let packet = of(to, fits);
        let flow = hash(&packet, (40_000, 80));
        let hop = packet.clone().hop();
        let gone = match to {
            "192.0.2.1" => hop,
            "192.0.2.2" => within(END, false, &hop, flow),
            "192.0.2.5" => within(END6, true, &hop, flow),
            _ => within(END6, false, &hop, flow),
        };
        cases.push(goes(&format!("{} octets to {to} fit", fits + header), &packet, &gone));
        let packet = of(to, fits + 1);
        let told = (1500 - room) as u16;
        let [high, low] = told.to_be_bytes();
        let octets = packet.octets();
        let answer = if to.contains(':') {
            let quote = octets.get(..1232).unwrap_or(&octets);
            Datagram { ttl: 64, ..icmp(ip(to), client(to), 2, 0, [0, 0, high, low], quote) }
        } else {
            let quote = octets.get(..528).unwrap_or(&octets);
            let answer = icmp(ip(to), client(to), 3, 4, [0, 0, high, low], quote);
            Datagram { ttl: 64, identification: 0, fragment: 0x4000, ..answer }
        };
        let told = Due::Back(frame(&back, &answer));
        cases.push(case(
            &format!("one more does not, and {told:.0?} is told").replace("told is told", "its sender is told"),
            &packet,
            told,
            Some(Reason::TooBig),
        ));
    }
    let packet = of("192.0.2.14", 8960);
    cases.push(goes("a jumbo frame fits where there is room", &packet, &packet.clone().hop()));
    for (to, end) in [("192.0.2.13", END), ("2001:db8::13", END)] {
        for (what, options, clamped) in [
            ("a SYN that offers more", &[2, 4, 5, 180][..], &[2, 4, 5, 120][..]),
            ("one that offers it at an odd place", &[1, 2, 4, 5, 180, 0, 0, 0], &[1, 2, 4, 5, 120, 0, 0, 0]),
            ("one that offers it behind others", &[4, 2, 1, 1, 2, 4, 5, 180], &[4, 2, 1, 1, 2, 4, 5, 120]),
            ("one that offers less", &[2, 4, 2, 0], &[2, 4, 2, 0]),
            ("one that offers nothing", &[1, 1, 1, 0], &[1, 1, 1, 0]),
        ] {
            let syn = |options: &[u8]| tcp((client(to), 40_000), (ip(to), 80), SYN, options, &[]);
            let gone = within(end, false, &syn(clamped).hop(), hash(&syn(options), (40_000, 80)));
            cases.push(goes(&format!("{what} to {to} offers 1,400 at most"), &syn(options), &gone));
        }
    }
    cases
}

fn nonsense() -> Vec<Case> {
    let mut cases = Vec::new();
    let cut = |sentence: &str, packet: &Datagram, length: usize, due: Option<Reason>, reason: Reason| {
        changed(lost(sentence, packet, reason), |case| {
            case.packet.truncate(length);
            if due.is_none() {
                case.due = Due::Pass(case.packet.clone());
            }
        })
    };
    for (to, header) in [("192.0.2.1", 34), ("2001:db8::1", 54)] {
        for length in [0, 5, 13, 20, header - 1] {
            cases.push(cut("a packet without its IP header is the kernel's", &ack(to), length, None, Reason::NotIp));
        }
        for length in [header, header + 7, header + 19, header + 25] {
            cases.push(cut(
                "a packet without all of its content is nobody's",
                &ack(to),
                length,
                Some(Reason::Malformed),
                Reason::Malformed,
            ));
        }
    }
    let set = |sentence: &str, to: &str, at: usize, value: u16, reason: Reason| {
        changed(lost(sentence, &ack(to), reason), |case| seal(&mut case.packet, at, value))
    };
    cases.push(set("a length below that of the headers is nobody's", "192.0.2.1", 16, 19, Reason::Malformed));
    cases.push(set("a length above that of the packet is nobody's", "192.0.2.1", 16, 2000, Reason::Malformed));
    cases.push(set("the same of IPv6", "2001:db8::1", 18, 2000, Reason::Malformed));
    cases.push(set("a header of sixteen octets is nobody's", "192.0.2.1", 14, 0x4400, Reason::Malformed));
    cases.push(set("another version is nobody's", "192.0.2.1", 14, 0x5500, Reason::Malformed));
    cases.push(set("the same of IPv6", "2001:db8::1", 14, 0x5000, Reason::Malformed));
    let arp = changed(passes("ARP is the kernel's", &ack("192.0.2.1"), Reason::NotIp), |case| {
        seal(&mut case.packet, 12, 0x0806);
        case.due = Due::Pass(case.packet.clone());
    });
    cases.push(arp);
    cases.push(passes(
        "without a service nothing is read of the rest",
        &Datagram { fragment: 0x2000, ..ack("192.0.3.9") },
        Reason::NoService,
    ));
    cases
}
