//! The maps as the programs read them and user space writes them: sizes, offsets and bits, asserted.
//!
//! Never holds a hidden octet: padding has a name and is zero. Numbers are in the order of the machine, addresses and
//! ports in the order of the wire; IPv4 addresses are mapped (`::ffff:a.b.c.d`).
//!
//! How the maps hang together:
//!
//! ```text
//! DIRECTORY[0] -> one Directory   address, port, protocol -> number of a service     replaced as a whole
//! SERVICES[s]                     service -> number of its table, flags              replaced word by word
//! TABLES[t]    -> one Table       slot -> current and former backend, and a mode     see `Slot`
//! BACKENDS[b]                     backend -> how a packet gets there                 see `Backend`
//! FLOWS, FLOWS6                   flow in a slot in transition -> its backend        LRU, written by the programs
//! FRAGMENTS                       datagram -> where its first fragment went           LRU, written by the programs
//! RETURNS[r]                      who answers in another address -> the service's    see `Return`
//! NODES                           hardware address, or link -> 1                     hash, read for guarded prefixes only
//! MARKS                           mark of a packet of our own -> backend             hash, read at the egress
//! CAPTURE[0], CAPTURED            what is captured, and a ring of heads of packets   see `Capture`, `Captured`
//! TOLD                            what senders were told lately                      see `Told`
//! WATCHED[0], XDP_LINKS                           what is watched behind the programs        see `Watched`
//! SERVICE_COUNTS, BACKEND_COUNTS, DROPS                                              one for each processor
//! ```
//!
//! A table is never changed where it is in use but slot by slot, and only its mode: another choice of backends is another
//! table, and the service is led to it by one word. A directory is never changed at all.

/// Slots of a table; a prime, as Maglev asks (NSDI 2016, §3.4).
pub const SLOTS: usize = 65_537;
/// Tables at most; many services share one.
pub const TABLES: usize = 4_096;
/// Services at most; number 0 is no service.
pub const SERVICES: usize = 16_384;
/// Backends at most; number 0 is nobody. Their numbers have to fit a [`Slot`].
pub const BACKENDS: usize = 16_384;
/// Places of the directory; at most half of them are taken.
pub const PLACES: usize = 65_536;
/// An entry of the directory is at most so far behind the place that its hash says.
pub const PROBES: usize = 8;
/// Lengths of prefixes in the directory, of each family.
pub const LENGTHS: usize = 16;
/// Flows that are remembered while their slot is in transition, of each family.
pub const FLOWS: usize = 1 << 20;
/// Datagrams whose fragments are on their way.
pub const FRAGMENTS: usize = 8_192;

/// Backends that answer in their own address ([`NAT`]).
pub const RETURNS: usize = 16_384;
/// Nodes whose packets are guarded.
pub const NODES: usize = 32_768;
/// Octets of the ring of captured packets.
pub const RING: usize = 1 << 20;
/// Octets of a packet that are captured at most.
pub const HEAD: usize = 256;
/// Marks of packets at most: one for each backend that is asked about its health, in one service.
pub const MARKS: usize = 16_384;

/// One slot of a table: whom new flows go to, whom the old ones went to, and what that means.
///
/// Bits 0 to 14 are the current backend, 15 to 29 the former one, 30 and 31 the [`Mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Slot(pub u32);

/// What a packet in a slot is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// The current backend, whoever it is: nothing is looked up and nothing written.
    Stable = 0,
    /// The slot has changed hands. A flow that is remembered goes where it went. One that begins goes to the current
    /// backend, one that went on goes to the former one, and both are remembered.
    Learning = 1,
    /// As [`Mode::Learning`], for flows that are remembered; all others go to the current backend, and none is remembered.
    Settling = 2,
}

const NUMBER: u32 = (1 << 15) - 1;

impl Slot {
    /// A slot of these backends; their numbers are cut to 15 bits.
    #[inline(always)]
    #[must_use]
    pub const fn new(current: u32, former: u32, mode: Mode) -> Self {
        Self((current & NUMBER) | ((former & NUMBER) << 15) | ((mode as u32) << 30))
    }

    /// Whom new flows go to.
    #[inline(always)]
    #[must_use]
    pub const fn current(self) -> u32 {
        self.0 & NUMBER
    }

    /// Whom old flows went to.
    #[inline(always)]
    #[must_use]
    pub const fn former(self) -> u32 {
        (self.0 >> 15) & NUMBER
    }

    /// What that means; the fourth pattern of two bits means what the third does.
    #[inline(always)]
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self.0 >> 30 {
            0 => Mode::Stable,
            1 => Mode::Learning,
            _ => Mode::Settling,
        }
    }
}

/// A table of Maglev: the only element of an inner map of `TABLES`.
#[repr(C)]
pub struct Table {
    /// The slots; those behind the number that the service names are not used.
    pub slots: [Slot; SLOTS],
    /// Always zero: the size is a multiple of eight.
    pub zero: u32,
}

/// A line of the directory. All zero is no entry.
///
/// Entries of an address (`port` and `protocol` zero) lead to its service for all ports, if there is one; where there are
/// others, `ports` says so, and they have the full length of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Entry {
    /// The address; bits behind the length are zero.
    pub address: [u8; 16],
    /// The service's port; zero for all.
    pub port: [u8; 2],
    /// The number of the protocol; zero for all.
    pub protocol: u8,
    /// Bits of the address that count, of 128: 96 more than those of an IPv4 prefix. Zero is no entry.
    pub length: u8,
    /// The number of the service; 0: none, and packets to that address are guarded ([`GUARDED`]) or looked up by port.
    pub service: u32,
    /// [`PORTS`], [`GUARDED`]
    pub flags: u32,
    /// Always zero.
    pub zero: u32,
}

/// Bit of [`Entry::flags`]: there are entries of this address with a protocol, or with a protocol and a port.
pub const PORTS: u32 = 1;
/// Bit of [`Entry::flags`]: packets to this prefix that have no service go to nobody if a node sent them.
pub const GUARDED: u32 = 2;

/// Bit of [`Entry::flags`]: echo requests to this address (ICMP, ICMPv6) are answered here; else they are packets as others.
pub const ECHO: u32 = 4;

/// [`Entry::length`] of a backend that answers in its own address ([`NAT`]): its address, its port (or zero for all) and the
/// protocol; [`Entry::service`] is the number of its [`Return`].
pub const ANSWERS: u8 = 129;

/// [`Entry::length`] of a server of QUIC: [`Entry::address`] is what [`server`] says, [`Entry::service`] the number of its
/// backend.
pub const SERVER: u8 = 130;

/// The key of the backend that connection IDs of a service name so: the service's number, then the octets that name it.
#[inline(always)]
#[must_use]
pub const fn server(service: u32, id: u64) -> [u64; 2] {
    [service as u64, id]
}

/// Where each service is found: the only element of an inner map of `DIRECTORY`.
///
/// An entry stands at the place that [`place`] says or at one of the next [`PROBES`] - 1, around the end; there is no hole
/// before it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Directory {
    /// Lengths of IPv4 prefixes that occur, as in [`Entry::length`], longest first; zero behind the last.
    pub lengths: [u8; LENGTHS],
    /// The same of IPv6.
    pub lengths6: [u8; LENGTHS],
    /// How many lines are of [`ANSWERS`]; while it is 0 nobody's source is looked up.
    pub answers: u32,
    /// Always zero.
    pub zero: u32,
    /// The lines.
    pub places: [Entry; PLACES],
}

/// Where the search for an entry begins.
#[inline(always)]
#[must_use]
pub const fn place(address: [u8; 16], port: [u8; 2], protocol: u8, length: u8) -> u32 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address;
    let words = [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])];
    place_of(words, u32::from_le_bytes([port[0], port[1], protocol, length]))
}

/// The same of an address in two words, and of port, protocol and length in one, as they lie there (little-endian).
#[inline(always)]
#[must_use]
pub const fn place_of(address: [u64; 2], rest: u32) -> u32 {
    // The octets of an IPv4 address that differ most are the highest, whose products reach no lower bit: they are folded down.
    let folded = address[0].rotate_left(29) ^ address[1] ^ (rest as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((folded ^ (folded >> 32)).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 48) as u32 & (PLACES as u32 - 1)
}

/// A service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Service {
    /// The number of its table in `TABLES`.
    pub table: u32,
    /// How many of the table's slots count; 0: the service has nobody, and [`PASS_EMPTY`] decides.
    pub slots: u32,
    /// [`CLIENT_ONLY`] and the others.
    pub flags: u32,
    /// The largest segment that the SYN of a TCP connection may offer, in octets; 0 leaves it.
    pub clamp: u32,
}

/// Bit of [`Service::flags`]: all flows of a client go to one backend.
pub const CLIENT_ONLY: u32 = 1;
/// Bit of [`Service::flags`]: UDP datagrams are QUIC's (RFC 9000): one with a long header that may begin a connection begins a flow.
pub const QUIC: u32 = 2;
/// Bit of [`Service::flags`]: a service without backends leaves its packets to the kernel; else they go to nobody.
pub const PASS_EMPTY: u32 = 4;

/// The lowest bit of the number in [`Service::flags`] of how many octets of QUIC's connection IDs name the server
/// ([`server_octets`]).
pub const SERVER_OCTETS: u32 = 8;
/// Octets that name a server at most.
pub const SERVER_OCTETS_MOST: u32 = 8;

/// How many octets of a connection ID name the server, by [`Service::flags`]; 0: none does.
#[inline(always)]
#[must_use]
pub const fn server_octets(flags: u32) -> u32 {
    (flags >> SERVER_OCTETS) & 15
}

/// How a packet gets to a backend, or to a backend in one mode of forwarding: the same node may be several backends.
///
/// Each of the first three words is written as a whole, so that no packet sees half a hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Backend {
    /// The hardware address of the next hop, then the first two octets of our own there.
    pub link: [u8; 8],
    /// The other four octets of our own; then the number of the link that it leaves by (`u32` in the machine's order).
    pub link_rest: [u8; 8],
    /// What is done to the packet.
    pub way: u8,
    /// [`RESOLVED`]
    pub flags: u8,
    /// The VLAN of the link, in the order of the machine (802.1Q, 12 bits); 0: none.
    pub vlan: u16,
    /// Octets of the largest IP packet that leaves, headers of a tunnel included.
    pub mtu: u16,
    /// The port that it is sent to: the backend's with [`NAT`], that of the tunnel with [`GUE`]; in the order of the wire.
    pub port: [u8; 2],
    /// Whom the packet is sent to: the backend with [`NAT`], the end of the tunnel with a tunnel.
    pub address: [u8; 16],
    /// Our own address, which tunnels begin at.
    pub source: [u8; 16],
    /// Always zero.
    pub zero: [u8; 8],
}

/// [`Backend::way`]: nobody is there; packets go to nobody.
pub const NOWHERE: u8 = 0;
/// [`Backend::way`]: only the addresses of the link are rewritten.
pub const L2: u8 = 1;
/// [`Backend::way`]: within another IP packet (RFC 2003, 2473), of the family of the backend's address.
pub const IPIP: u8 = 2;
/// [`Backend::way`]: within UDP, variant 1 of GUE: the packet follows the UDP header.
pub const GUE: u8 = 3;
/// [`Backend::way`]: to another address and port.
pub const NAT: u8 = 4;

/// Bit of [`Backend::flags`]: the hardware address is known. Without it the packet is left to the kernel, which resolves
/// it.
pub const RESOLVED: u8 = 1;

/// The key of an IPv4 flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct FlowKey {
    /// The client.
    pub source: [u8; 4],
    /// The service.
    pub destination: [u8; 4],
    /// The client's port.
    pub source_port: [u8; 2],
    /// The service's port.
    pub destination_port: [u8; 2],
    /// The number of the protocol.
    pub protocol: u32,
}

/// What is remembered of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Pin {
    /// Its backend.
    pub backend: u32,
    /// When it was seen last, in units of 2^30 ns of `CLOCK_MONOTONIC_COARSE`; written only when it has changed.
    pub seen: u32,
}

/// The key of a datagram that comes in fragments; IPv4 addresses are mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct FragmentKey {
    /// Who sent it.
    pub source: [u8; 16],
    /// The service.
    pub destination: [u8; 16],
    /// Its identification, as it lies there (16 bits of IPv4, 32 of IPv6).
    pub identification: u32,
    /// The number of the protocol.
    pub protocol: u32,
}

/// What is remembered of a datagram that comes in fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Fragment {
    /// The backend of the first one.
    pub backend: u32,
    /// The service.
    pub service: u32,
}

/// What an answer of a backend with [`NAT`] shall come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Return {
    /// The service's address.
    pub address: [u8; 16],
    /// Its port; zero leaves that of the backend.
    pub port: [u8; 2],
    /// Always zero.
    pub zero: [u8; 6],
}

/// The key of `NODES` for a hardware address: it in the low 48 bits, its first octet lowest.
#[inline(always)]
#[must_use]
pub const fn node_of_address(address: [u8; 6]) -> u64 {
    let [a, b, c, d, e, f] = address;
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

/// The key of `NODES` for a link on which only nodes are.
#[inline(always)]
#[must_use]
pub const fn node_of_link(link: u32) -> u64 {
    (1 << 63) | link as u64
}

/// What is captured: the only element of `CAPTURE`. All zero is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Capture {
    /// One packet of so many; 0: none at all.
    pub every: u32,
    /// Of this service only; 0: of all.
    pub service: u32,
    /// To this backend only; 0: to all.
    pub backend: u32,
    /// Those that are not forwarded for these reasons, a bit for each number; 0: all, forwarded or not.
    pub reasons: u32,
}

impl Capture {
    /// Whether a packet is wanted that is forwarded.
    #[inline(always)]
    #[must_use]
    pub const fn wants(&self, service: u32, backend: u32) -> bool {
        self.every != 0
            && self.reasons == 0
            && (self.service == 0 || self.service == service)
            && (self.backend == 0 || self.backend == backend)
    }

    /// Whether one is wanted that is not forwarded, for the reason of this number.
    #[inline(always)]
    #[must_use]
    pub const fn wants_lost(&self, service: u32, reason: u32) -> bool {
        self.every != 0
            && self.backend == 0
            && (self.service == 0 || self.service == service)
            && (self.reasons == 0 || (self.reasons >> (reason & 31)) & 1 != 0)
    }
}

/// An element of `CAPTURED`: one packet at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Captured {
    /// Nanoseconds since the machine started (`CLOCK_MONOTONIC`).
    pub at: u64,
    /// Octets of the whole packet, link header included.
    pub length: u32,
    /// How many of them are in `head`.
    pub kept: u32,
    /// The service.
    pub service: u32,
    /// The backend.
    pub backend: u32,
    /// The link that it came by, or goes by.
    pub link: u32,
    /// [`CAME`], [`WENT`] or [`LOST`]
    pub moment: u32,
    /// With [`LOST`], the number of the reason.
    pub reason: u32,
    /// Always zero.
    pub zero: u32,
    /// Its first octets.
    pub head: [u8; HEAD],
}

impl Captured {
    /// As it goes, or else as it came.
    #[must_use]
    pub const fn leaves(&self) -> bool {
        self.moment == WENT
    }

    /// As it was when it was found that it is not forwarded.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.moment == LOST
    }
}

/// [`Captured::moment`]: as it came.
pub const CAME: u32 = 1;
/// [`Captured::moment`]: as it goes.
pub const WENT: u32 = 2;
/// [`Captured::moment`]: as it was when it was found that it is not forwarded.
pub const LOST: u32 = 3;

/// What senders were told lately, on each processor: an element of `TOLD`. The last one is of all clients, the others are each
/// of those clients whose addresses have one hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Told {
    /// When, as [`Pin::seen`].
    pub at: u32,
    /// How often.
    pub count: u32,
}

/// Elements of `TOLD`.
pub const TOLD: usize = 1025;
/// What is told to one client within one unit of [`Told::at`], on one processor (as the kernel: `icmp_ratelimit` and its burst).
pub const TOLD_ONE: u32 = 6;
/// What is told to all clients together (as the kernel: `icmp_msgs_per_sec`).
pub const TOLD_ALL: u32 = 1000;

impl Told {
    /// Whether one more may be told now, which then has been.
    #[inline(always)]
    #[must_use]
    pub fn take(&mut self, now: u32, most: u32) -> bool {
        if self.at != now {
            *self = Self { at: now, count: 0 };
        }
        let may = self.count < most;
        self.count += may as u32;
        may
    }

    /// The element of a client: half of an IPv6 address, or an IPv4 address.
    #[inline(always)]
    #[must_use]
    pub const fn place(client: u64) -> u32 {
        (client.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as u32
    }
}

/// What is ours of that which the kernel tells of packets that were not sent, and where in its structures that stands, in octets:
/// the only element of `WATCHED`. All zero is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Watched {
    /// The number of the network namespace.
    pub namespace: u32,
    /// The number of the program for XDP.
    pub program: u32,
    /// `net_device.ifindex`
    pub device_index: u32,
    /// `net_device.nd_net`
    pub device_net: u32,
    /// `net.ns.inum`
    pub net_number: u32,
    /// `bpf_prog.aux`
    pub program_aux: u32,
    /// `bpf_prog_aux.id`
    pub aux_id: u32,
    /// Always zero.
    pub zero: u32,
}

/// Links with a program for XDP at most.
pub const XDP_LINKS: usize = 1_024;

/// Packets and octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Octets, link headers included and padding not, as they came.
    pub octets: u64,
}

/// What is counted of a service, on each processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ServiceCount {
    /// All that was forwarded.
    pub forwarded: Count,
    /// SYNs of TCP, and first datagrams where flows are remembered.
    pub new_flows: u64,
    /// Flows that were remembered.
    pub tracked: u64,
}

const _: () = {
    assert!(BACKENDS <= 1 << 15 && SERVICES.is_power_of_two() && PLACES.is_power_of_two());
    assert!(size_of::<Slot>() == 4 && size_of::<Table>() == 4 * SLOTS + 4 && size_of::<Table>().is_multiple_of(8));
    assert!(size_of::<Entry>() == 32 && size_of::<Directory>() == 40 + 32 * PLACES);
    assert!(size_of::<Service>() == 16 && size_of::<Backend>() == 64);
    assert!(size_of::<FragmentKey>() == 40 && size_of::<Return>() == 24 && size_of::<Fragment>() == 8);
    assert!(size_of::<Capture>() == 16 && size_of::<Captured>() == 40 + HEAD && size_of::<Told>() == 8);
    assert!(size_of::<Watched>() == 32);
    assert!(Told::place(u64::MAX) < TOLD as u32 - 1 && TOLD - 1 == 1 << 10);
    assert!(size_of::<FlowKey>() == 16 && size_of::<Pin>() == 8);
    assert!(size_of::<Count>() == 16 && size_of::<ServiceCount>() == 32);
};
