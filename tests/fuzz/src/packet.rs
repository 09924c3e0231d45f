//! Frames on the balancer's way, in front of services of every kind that hold all addresses.
//!
//! Never judges who gets a packet: the tests of the table do that. Here lengths and checksums have to be right.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::OnceLock;

use bpf_common::flow::Flow;
use bpf_common::frame::{Frame, HEADROOM, Span};
use bpf_common::layout::{
    Backend, Directory, ECHO, Entry, FlowKey, Fragment, FragmentKey, GUE, IPIP, L2, LENGTHS, Mode, NAT, PLACES, Pin,
    QUIC, RESOLVED, Return, Service, Slot, place,
};
use bpf_common::packet::Maps;
use bpf_common::reason::Reason;
use bpf_common::way::{self, Outcome};

/// Sends a frame on its way twice, the second time with what the first one left.
pub fn forward(bytes: &[u8]) {
    let maps = State::default();
    for _ in 0..2 {
        let mut octets = vec![0; HEADROOM];
        octets.extend(bytes);
        let cells: Vec<Cell<u8>> = octets.into_iter().map(Cell::new).collect();
        let span = Span::new(bytes.len());
        maps.reason.set(None);
        let outcome = way::go(Frame::new(&cells, &span, 1), &maps).outcome();
        let gone: Vec<u8> = cells[span.range()].iter().map(Cell::get).collect();
        match outcome {
            Outcome::To(_) | Outcome::Back => judge(bytes, &gone),
            Outcome::Pass if maps.reason.get() == Some(Reason::Returned) => judge(bytes, &gone),
            // A SYN whose offer was cut may be left to the kernel after all.
            Outcome::Pass | Outcome::Drop => assert_eq!(gone.len(), bytes.len()),
        }
    }
}

/// A frame that went: its lengths agree, and what was right is right.
fn judge(came: &[u8], gone: &[u8]) {
    let before = headers(behind_link(came), came).expect("only IP is forwarded");
    let after = headers(behind_link(gone), gone).expect("what is forwarded parses again");
    // What was put around the packet is as it shall be; within it is what came.
    let mut inner = after;
    if after.protocol == 17 && after.destination_port == Some(6080) && gone.len() > came.len() {
        let six = gone[after.behind + 8] >> 4 == 6;
        assert!(after.right, "the header of a tunnel");
        inner = of(after.behind + 8, six, gone).expect("what is within a tunnel parses again");
        assert_eq!(inner.end, after.end, "a tunnel holds all of the packet");
    } else if (after.protocol == 4 || after.protocol == 41) && gone.len() > came.len() {
        assert!(after.right, "the header of a tunnel");
        inner = of(after.behind, after.protocol == 41, gone).expect("what is within a tunnel parses again");
        assert_eq!(inner.end, after.end, "a tunnel holds all of the packet");
    }
    assert!(!before.right || inner.right, "the checksum of a header became wrong");
    assert!(before.content != Some(true) || inner.content != Some(false), "the checksum of the content became wrong");
    assert!(after.end <= gone.len(), "a packet is longer than it is");
}

/// What is known of an IP packet.
#[derive(Clone, Copy, Debug)]
struct Headers {
    behind: usize,
    end: usize,
    protocol: u8,
    destination_port: Option<u16>,
    /// The header's own checksum.
    right: bool,
    /// That of TCP, UDP or ICMP, where all of it is there.
    content: Option<bool>,
}

fn behind_link(frame: &[u8]) -> usize {
    let mut at = 12;
    for _ in 0..2 {
        if matches!(frame[at..at + 2], [0x81, 0x00] | [0x88, 0xa8]) {
            at += 4;
        }
    }
    at + 2
}

fn headers(at: usize, frame: &[u8]) -> Option<Headers> {
    of(at, frame[at - 2..at] == [0x86, 0xdd], frame)
}

fn sum(octets: impl IntoIterator<Item = u8>) -> u16 {
    let octets: Vec<u8> = octets.into_iter().collect();
    let mut sum: u64 =
        octets.chunks(2).map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn of(at: usize, six: bool, frame: &[u8]) -> Option<Headers> {
    let ip = frame.get(at..)?;
    let number = |at: usize| Some(u16::from_be_bytes([*ip.get(at)?, *ip.get(at + 1)?]));
    let (header, length, protocol, addresses, whole) = if six {
        ip.get(39)?;
        (40, usize::from(number(4)?) + 40, ip[6], 8..40, true)
    } else {
        ip.get(19)?;
        let header = usize::from(ip[0] & 15) * 4;
        (header, usize::from(number(2)?), ip[9], 12..20, number(6)? & 0x3fff == 0)
    };
    if ip[0] >> 4 != if six { 6 } else { 4 } || header < 20 || length < header || length > ip.len() {
        return None;
    }
    let body = ip.get(header..length)?;
    let pseudo = [ip[addresses].to_vec(), (body.len() as u32).to_be_bytes().to_vec(), vec![0, 0, 0, protocol]].concat();
    let covered = |with: &[u8]| sum(with.iter().copied().chain(body.iter().copied())) == 0xffff;
    let content = match protocol {
        _ if !whole => None,
        6 if body.len() >= 20 => Some(covered(&pseudo)),
        17 if body.len() >= 8 && body[6..8] != [0, 0] => Some(covered(&pseudo)),
        58 if six && body.len() >= 8 => Some(covered(&pseudo)),
        1 if !six && body.len() >= 8 => Some(covered(&[])),
        _ => None,
    };
    let right = six || sum(ip[..header].iter().copied()) == 0xffff;
    let destination_port = body.get(2..4).map(|port| u16::from_be_bytes([port[0], port[1]]));
    Some(Headers { behind: at + header, end: at + length, protocol, destination_port, right, content })
}

const NOTHING: Entry = Entry { address: [0; 16], port: [0; 2], protocol: 0, length: 0, service: 0, flags: 0, zero: 0 };
static EMPTY: Directory =
    Directory { lengths: [0; LENGTHS], lengths6: [0; LENGTHS], answers: 1, zero: 0, places: [NOTHING; PLACES] };

/// Ways of the services, by the first two bits of the address; what begins with three ones is no service.
const WAYS: [(u8, bool); 4] = [(L2, false), (IPIP, false), (GUE, true), (NAT, false)];

fn directory() -> &'static [Directory] {
    static FILLED: OnceLock<Box<[Directory]>> = OnceLock::new();
    FILLED.get_or_init(|| {
        let mut filled: Box<[Directory]> = Box::from(std::slice::from_ref(&EMPTY));
        let mut add = |address: [u8; 16], length: u8, service: u32| {
            let flags = if service % 2 == 0 { ECHO } else { 0 };
            let at = place(address, [0; 2], 0, length) as usize;
            filled[0].places[at] = Entry { address, length, service, flags, ..NOTHING };
        };
        for number in 0..4_u8 {
            let first = number << 6;
            let mut address = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, first, 0, 0, 0];
            add(address, 98, u32::from(number) + 1);
            address = [0; 16];
            address[0] = first;
            add(address, 2, u32::from(number) + 5);
        }
        filled[0].lengths[0] = 98;
        filled[0].lengths6[0] = 2;
        filled
    })
}

#[derive(Default)]
struct State {
    pins: RefCell<HashMap<FlowKey, Pin>>,
    pins6: RefCell<HashMap<Flow, Pin>>,
    fragments: RefCell<HashMap<FragmentKey, Fragment>>,
    reason: Cell<Option<Reason>>,
}

const fn backend(way: u8, six: bool) -> Backend {
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 8, 7];
    let real = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    Backend {
        link: [2, 0, 0, 0, 0, 1, 2, 0],
        link_rest: [0, 0, 0, 2, 7, 0, 0, 0],
        way,
        flags: RESOLVED,
        vlan: if way == IPIP { 5 } else { 0 },
        mtu: 1500,
        port: 6080_u16.to_be_bytes(),
        address: if six { real } else { mapped },
        source: if six { real } else { mapped },
        zero: [0; 8],
    }
}

const fn all(six: bool) -> [Backend; 4] {
    let [a, b, c, d] = WAYS;
    // The families of packets and of ends of tunnels are mixed, those of NAT are not.
    [backend(a.0, a.1), backend(b.0, b.1 != six), backend(c.0, c.1 != six), backend(d.0, six)]
}

static BACKENDS: [[Backend; 4]; 2] = [all(false), all(true)];
static SERVICE: Service = Service { table: 1, slots: 1, flags: QUIC, clamp: 1200 };

impl Maps for &State {
    fn directory(&self) -> Option<&Directory> {
        directory().first()
    }

    fn service(&self, number: u32) -> Option<&Service> {
        static SERVICES: OnceLock<Vec<Service>> = OnceLock::new();
        SERVICES.get_or_init(|| (0..9).map(|table| Service { table, ..SERVICE }).collect()).get(number as usize)
    }

    fn slot(&self, table: u32, _: u32) -> Option<Slot> {
        Some(Slot::new(table, table, if table % 2 == 0 { Mode::Learning } else { Mode::Stable }))
    }

    fn backend(&self, number: u32) -> Option<&Backend> {
        let index = number.checked_sub(1)? as usize;
        BACKENDS.get(index / 4)?.get(index % 4)
    }

    fn answer(&self, _: u32) -> Option<&Return> {
        None
    }

    fn is_captured(&self, _: u32) -> bool {
        true
    }

    fn is_node(&self, _: u64) -> bool {
        false
    }

    fn pin(&self, flow: &FlowKey, _: u32) -> Option<u32> {
        self.pins.borrow().get(flow).map(|pin| pin.backend)
    }

    fn set_pin(&self, flow: &FlowKey, pin: Pin) {
        self.pins.borrow_mut().insert(*flow, pin);
    }

    fn pin6(&self, flow: &Flow, _: u32) -> Option<u32> {
        self.pins6.borrow().get(flow).map(|pin| pin.backend)
    }

    fn set_pin6(&self, flow: &Flow, pin: Pin) {
        self.pins6.borrow_mut().insert(*flow, pin);
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        self.fragments.borrow().get(key).copied()
    }

    fn set_fragment(&self, key: &FragmentKey, fragment: Fragment) {
        self.fragments.borrow_mut().insert(*key, fragment);
    }

    fn now(&self) -> u32 {
        7
    }

    fn forwarded(&self, _: u32, _: u32, _: u32, _: bool) {}

    fn tracked(&self, _: u32) {}

    fn may_tell(&self, place: u32, _: u32) -> bool {
        place % 4 != 3
    }

    fn count(&self, reason: Reason) {
        self.reason.set(Some(reason));
    }
}
