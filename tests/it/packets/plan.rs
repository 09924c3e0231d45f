//! The services of the table: one for each way and family.

use std::net::IpAddr;

use bpf_common::layout::{
    ANSWERS, Backend, ECHO, Entry, GUARDED, GUE, IPIP, L2, Mode, NAT, PASS_EMPTY, PORTS, QUIC, RESOLVED, Return,
    SERVER, SERVER_OCTETS, Service, Slot, node_of_address, server,
};
use scenarios::balancer::build::{Link, address};
use scenarios::balancer::world::World;

/// The hardware address of the next hop of every backend.
pub(super) const NODE: [u8; 6] = [2, 0, 0, 0, 0, 0x0b];
/// Ours, behind which it is.
pub(super) const OURS: [u8; 6] = [2, 0, 0, 0, 0, 0x0a];
/// The router of the clients.
pub(super) const CLIENTS: [u8; 6] = [2, 0, 0, 0, 0, 0x0c];
/// Our address in front of the clients.
pub(super) const FRONT: [u8; 6] = [2, 0, 0, 0, 0, 0x0d];
/// A node whose packets are guarded.
pub(super) const GUARDED_NODE: [u8; 6] = [2, 0, 0, 0, 0, 0x0e];
/// The next hop of the backend that [`NAMED`] names.
pub(super) const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0x1b];
/// The octets of a connection ID of QUIC that name a server.
pub(super) const NAMED: [u8; 4] = [10, 9, 8, 7];
/// The link behind which nodes are.
pub(super) const EXIT: u32 = 7;
/// Where tunnels begin.
pub(super) const SOURCE: &str = "198.18.0.1";
/// The same of IPv6.
pub(super) const SOURCE6: &str = "2001:db8:f::1";
/// Where tunnels end.
pub(super) const END: &str = "198.18.0.9";
/// The same of IPv6.
pub(super) const END6: &str = "2001:db8:f::9";
/// Who knows nothing of the service.
pub(super) const PRIVATE: &str = "10.0.0.9";
/// The same of IPv6.
pub(super) const PRIVATE6: &str = "2001:db8:a::9";

/// The link header of a packet that comes.
pub(super) fn from_clients() -> Link {
    Link { to: FRONT, from: CLIENTS, tags: Vec::new() }
}

/// The link header of a packet that goes.
pub(super) fn to_node() -> Link {
    Link { to: NODE, from: OURS, tags: Vec::new() }
}

/// An address, mapped.
pub(super) fn mapped(text: &str) -> [u8; 16] {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.to_ipv6_mapped().octets(),
        Ok(IpAddr::V6(address)) => address.octets(),
        Err(wrong) => panic!("{text}: {wrong}"),
    }
}

fn at(text: &str) -> Backend {
    let [a, b, c, d, e, f] = NODE;
    let [g, h, i, j, k, l] = OURS;
    let [m, n, o, p] = EXIT.to_ne_bytes();
    Backend {
        link: [a, b, c, d, e, f, g, h],
        link_rest: [i, j, k, l, m, n, o, p],
        way: L2,
        flags: RESOLVED,
        vlan: 0,
        mtu: 1500,
        port: [0; 2],
        address: mapped(text),
        source: mapped(if address(text.parse().unwrap_or(IpAddr::from([0; 4]))).len() == 4 { SOURCE } else { SOURCE6 }),
        zero: [0; 8],
    }
}

/// An address and its length, of 128.
fn prefix(text: &str) -> ([u8; 16], u8) {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let length = length.parse().unwrap_or(if address.contains(':') { 128 } else { 32 });
    (mapped(address), if address.contains(':') { length } else { length + 96 })
}

/// A line of the directory.
pub(super) fn line(text: &str, protocol: u8, port: u16, service: u32, flags: u32) -> Entry {
    let (address, length) = prefix(text);
    Entry { address, port: port.to_be_bytes(), protocol, length, service, flags, zero: 0 }
}

struct Plan(World);

impl Plan {
    /// A backend, of which services are.
    fn backend(&mut self, backend: Backend) -> u32 {
        self.0.backends.push(backend);
        self.0.backends.len() as u32 - 1
    }

    /// A table whose slots are all alike.
    fn table(&mut self, slot: Slot) -> u32 {
        self.0.tables.push(vec![slot; 101]);
        self.0.tables.len() as u32 - 1
    }

    /// A service of this backend; its number.
    fn service(&mut self, backend: Backend, service: Service) -> u32 {
        let number = self.backend(backend);
        let table = self.table(Slot::new(number, 0, Mode::Stable));
        self.0.services.push(Service { table, slots: 101, ..service });
        self.0.services.len() as u32 - 1
    }

    /// A line of the directory.
    fn line(&mut self, text: &str, protocol: u8, port: u16, service: u32, flags: u32) {
        self.0.entries.push(line(text, protocol, port, service, flags));
    }

    /// A service for all that an address gets.
    fn all(&mut self, text: &str, backend: Backend) {
        let number = self.service(backend, Service::default());
        self.line(text, 0, 0, number, 0);
    }
}

/// All of it.
pub(super) fn world() -> World {
    let mut plan = Plan(World::default());
    plan.backend(Backend::default());
    plan.0.services.push(Service::default());
    plan.0.tables.push(Vec::new());
    plan.0.returns.push(Return::default());

    plan.all("192.0.2.1", at(END));
    plan.all("2001:db8::1", at(END6));
    for (four, six, way, end) in [
        ("192.0.2.2", "2001:db8::2", IPIP, END),
        ("192.0.2.3", "2001:db8::3", IPIP, END6),
        ("192.0.2.4", "2001:db8::4", GUE, END),
        ("192.0.2.5", "2001:db8::5", GUE, END6),
    ] {
        let port = 6080_u16.to_be_bytes();
        plan.all(four, Backend { way, port, ..at(end) });
        plan.all(six, Backend { way, port, ..at(end) });
    }
    translated(&mut plan, "192.0.2.6", PRIVATE);
    translated(&mut plan, "2001:db8::6", PRIVATE6);

    plan.all("192.0.2.7", Backend { vlan: 100, ..at(END) });
    plan.all("192.0.2.8", Backend { vlan: 100, way: IPIP, ..at(END) });
    plan.all("192.0.2.9", Backend { flags: 0, ..at(END) });
    plan.all("192.0.2.10", Backend::default());
    let empty = plan.0.services.len() as u32;
    plan.0.services.push(Service { flags: PASS_EMPTY, ..Service::default() });
    plan.0.services.push(Service::default());
    plan.line("192.0.2.11", 0, 0, empty, 0);
    plan.line("192.0.2.12", 0, 0, empty + 1, 0);
    let clamped = plan.service(Backend { way: IPIP, ..at(END) }, Service { clamp: 1400, ..Service::default() });
    plan.line("192.0.2.13", 0, 0, clamped, 0);
    plan.line("2001:db8::13", 0, 0, clamped, 0);
    plan.all("192.0.2.14", Backend { mtu: 9000, ..at(END) });
    // By ports: TCP 80 and all of UDP, echoes answered; nothing else of this address is anybody's.
    let web = plan.service(at(END), Service::default());
    for text in ["192.0.2.15", "2001:db8::15"] {
        plan.line(text, 0, 0, 0, PORTS | ECHO | GUARDED);
        plan.line(text, 6, 80, web, 0);
        plan.line(text, 17, 0, web, 0);
    }
    // A prefix of which one address is another's, and what is guarded.
    plan.all("203.0.113.0/24", at(END));
    plan.all("203.0.113.77", Backend { vlan: 77, ..at(END) });
    plan.all("2001:db8:77::/56", at(END6));
    plan.line("198.51.100.0/24", 0, 0, 0, GUARDED);
    // Of QUIC: the slot is one node's, and four octets of a connection ID name another.
    let other = plan.backend(Backend { vlan: 0, link: [2, 0, 0, 0, 0, 0x1b, 2, 0], ..at(END) });
    let quic = QUIC | (4 << SERVER_OCTETS);
    for text in ["192.0.2.16", "2001:db8::16"] {
        let number = plan.service(at(END), Service { flags: quic, ..Service::default() });
        plan.line(text, 0, 0, number, 0);
        let [first, second] = server(number, u64::from(u32::from_le_bytes(NAMED))).map(u64::to_le_bytes);
        let mut address = [0; 16];
        address.iter_mut().zip(first.into_iter().chain(second)).for_each(|(place, octet)| *place = octet);
        plan.0.entries.push(Entry { address, protocol: 17, length: SERVER, service: other, ..Entry::default() });
    }
    plan.0.nodes.push(node_of_address(GUARDED_NODE));
    plan.0
}

/// A service of TCP 80, UDP 53 and ICMP whose backend knows nothing of it, and the way back.
fn translated(plan: &mut Plan, text: &str, private: &str) {
    let service = plan.service(Backend { way: NAT, port: 8080_u16.to_be_bytes(), ..at(private) }, Service::default());
    plan.line(text, 0, 0, service, 0);
    let number = plan.0.returns.len() as u32;
    plan.0.returns.push(Return { address: mapped(text), port: 80_u16.to_be_bytes(), zero: [0; 6] });
    for protocol in [6, 17] {
        plan.line(&format!("{private}/{}", if private.contains(':') { 128 } else { 32 }), protocol, 8080, number, 0);
        if let Some(entry) = plan.0.entries.last_mut() {
            entry.length = ANSWERS;
        }
    }
}
