//! A thousand services, a hundred backends of each kind, tables of full size, and a packet for each case.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bpf_common::layout::{Backend, Entry, GUE, IPIP, L2, Mode, PORTS, RESOLVED, SLOTS, Service, Slot};
use scenarios::balancer::build::{Link, frame, tcp, udp};
use scenarios::balancer::kernel::Program;
use scenarios::balancer::world::World;

/// What is measured.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) target: &'static str,
    pub(super) program: Program,
    /// Called one after the other.
    pub(super) packets: Vec<Vec<u8>>,
    /// What the program answers.
    pub(super) action: u32,
}

/// Backends of each kind.
const NODES: u32 = 100;
/// Services that nobody asks, among which those stand that are asked.
const OTHERS: u32 = 1_000;
/// Flows of the cases with many.
const FLOWS: usize = 60_000;
/// The packets leave by the link that they come by.
const LINK: [u8; 4] = 1_u32.to_ne_bytes();

/// Ways, in the order of services: L2, IPIP, GUE, L2 in transition, by port.
const WAYS: [u8; 5] = [L2, IPIP, GUE, L2, L2];

fn service4(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

fn service6(number: u8) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)).into()
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn backend(way: u8, six: bool, number: u32) -> Backend {
    let [a, b, c, d] = LINK;
    let [low, high, ..] = number.to_le_bytes();
    let node: IpAddr = if six {
        Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, number as u16).into()
    } else {
        Ipv4Addr::new(10, 0, high, low).into()
    };
    let own = if six { service6(250) } else { service4(250) };
    Backend {
        link: [2, 0, 0, 1, high, low, 2, 0],
        link_rest: [0, 0, 0, 2, a, b, c, d],
        way,
        flags: RESOLVED,
        mtu: 1500,
        port: 6080_u16.to_be_bytes(),
        address: mapped(node),
        source: mapped(own),
        ..Backend::default()
    }
}

/// What stands in the maps.
pub(super) fn world() -> World {
    let mut world =
        World { services: vec![Service::default()], backends: vec![Backend::default()], ..World::default() };
    world.tables.push(Vec::new());
    for six in [false, true] {
        for (kind, way) in WAYS.iter().enumerate() {
            let first = world.backends.len() as u32;
            world.backends.extend((0..NODES).map(|number| backend(*way, six, number + 1)));
            let mode = if kind == 3 { Mode::Learning } else { Mode::Stable };
            let slot = |place: u32| Slot::new(first + place % NODES, first + (place + 1) % NODES, mode);
            let table = world.tables.len() as u32;
            world.tables.push((0..SLOTS as u32).map(slot).collect());
            let number = world.services.len() as u32;
            world.services.push(Service { table, slots: SLOTS as u32, ..Service::default() });
            let address = mapped(if six { service6(kind as u8 + 1) } else { service4(kind as u8 + 1) });
            let all = Entry { address, length: 128, service: number, ..Entry::default() };
            if kind == 4 {
                world.entries.push(Entry { service: 0, flags: PORTS, ..all });
                world.entries.push(Entry { port: 80_u16.to_be_bytes(), protocol: 6, ..all });
            } else {
                world.entries.push(all);
            }
        }
    }
    for other in 0..OTHERS {
        let [low, high, ..] = other.to_le_bytes();
        let address = mapped(Ipv4Addr::new(203, 0, high, low).into());
        world.entries.push(Entry { address, length: 128, service: 1, ..Entry::default() });
    }
    world
}

fn link() -> Link {
    Link { to: [2, 0, 0, 0, 0, 1], from: [2, 0, 0, 0, 0, 2], tags: Vec::new() }
}

/// The client of a flow.
fn client(six: bool, flow: usize) -> (IpAddr, u16) {
    let [low, middle, high, _] = ((flow as u32).wrapping_mul(0x9e37_79b1)).to_le_bytes();
    let port = 1024 + (flow % 60_000) as u16;
    if six {
        (Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, u16::from(high), 0, u16::from(middle), u16::from(low)).into(), port)
    } else {
        (Ipv4Addr::new(10, high, middle, low).into(), port)
    }
}

fn segments(to: IpAddr, flags: u8, flows: usize) -> Vec<Vec<u8>> {
    let segment = |flow| frame(&link(), &tcp(client(to.is_ipv6(), flow), (to, 80), flags, &[], b"three"));
    (0..flows).map(segment).collect()
}

/// The cases, in the order in which they are told.
pub(super) fn cases() -> Vec<Case> {
    const ACK: u8 = 16;
    const SYN: u8 = 2;
    const TRANSMIT: u32 = 3;
    let xdp = |what, target, packets| Case { what, target, program: Program::Xdp, packets, action: TRANSMIT };
    let datagrams =
        |to: IpAddr| vec![frame(&link(), &udp(client(to.is_ipv6(), 0), (to, 53), b"a question of 24 octets.", true))];
    vec![
        xdp("TCP, IPv4, L2", "<= 85 ns", segments(service4(1), ACK, 1)),
        xdp("TCP, IPv6, L2", "<= 85 ns", segments(service6(1), ACK, 1)),
        xdp("TCP, IPv4 in IPv4", "<= 85 ns", segments(service4(2), ACK, 1)),
        xdp("TCP, IPv6 in IPv6", "<= 85 ns", segments(service6(2), ACK, 1)),
        xdp("TCP, IPv4, L2, a service of one port", "<= 85 ns", segments(service4(5), ACK, 1)),
        xdp("UDP, IPv4, L2", "<= 85 ns", datagrams(service4(1))),
        xdp("UDP, IPv6, L2", "<= 85 ns", datagrams(service6(1))),
        xdp("a connection begins, IPv4, L2", "<= 95 ns", segments(service4(1), SYN, 1)),
        xdp("TCP, IPv4, L2, a slot in transition", "<= 200 ns", segments(service4(4), ACK, 1)),
        xdp("TCP, IPv6, L2, a slot in transition", "<= 200 ns", segments(service6(4), ACK, 1)),
        xdp("TCP, IPv4, GUE", "<= 100 ns", segments(service4(3), ACK, 1)),
        xdp("TCP, IPv6, GUE over IPv6", "<= 100 ns", segments(service6(3), ACK, 1)),
        Case { action: 2, ..xdp("no service, IPv4", "<= 25 ns", segments(service4(200), ACK, 1)) },
        Case { action: 2, ..xdp("no service, IPv6", "<= 25 ns", segments(service6(200), ACK, 1)) },
        xdp("TCP, IPv4, L2, 60,000 flows in turn", "–", segments(service4(1), ACK, FLOWS)),
        xdp("TCP, IPv4 in IPv4, 60,000 flows in turn", "–", segments(service4(2), ACK, FLOWS)),
        xdp("connections begin, IPv4, L2, 60,000 in turn", "–", segments(service4(1), SYN, FLOWS)),
        xdp("TCP, IPv4, L2, slots in transition, 60,000 flows in turn", "–", segments(service4(4), ACK, FLOWS)),
    ]
}
