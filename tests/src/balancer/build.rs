//! Packets, put together by their fields; every checksum is computed from the whole.
//!
//! It never uses what it is to test.

use std::net::IpAddr;

/// Hardware addresses and VLAN tags in front of a packet.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whom it is for.
    pub to: [u8; 6],
    /// Who sent it.
    pub from: [u8; 6],
    /// Tags, the outermost first: kind and content.
    pub tags: Vec<(u16, u16)>,
}

/// An IP packet.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it is for.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub class: u8,
    /// The flow label of IPv6.
    pub label: u32,
    /// Options of IPv4, a multiple of four octets.
    pub options: Vec<u8>,
    /// The identification of IPv4.
    pub identification: u16,
    /// Flags and offset of IPv4.
    pub fragment: u16,
    /// What follows.
    pub protocol: u8,
    /// That.
    pub body: Vec<u8>,
}

/// The checksum of the internet over these octets (RFC 1071).
#[must_use]
pub fn checksum(octets: &[u8]) -> u16 {
    let (pairs, rest) = octets.as_chunks::<2>();
    let mut sum: u64 = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum();
    sum += rest.first().map_or(0, |last| u64::from(*last) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The octets of an address.
#[must_use]
pub fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Writes a checksum at this place.
pub fn seal(octets: &mut [u8], at: usize, sum: u16) {
    for (octet, value) in octets.iter_mut().skip(at).zip(sum.to_be_bytes()) {
        *octet = value;
    }
}

/// An IP packet with the usual fields.
#[must_use]
pub fn datagram(source: IpAddr, destination: IpAddr, protocol: u8, body: Vec<u8>) -> Datagram {
    let (options, label) = (Vec::new(), 0);
    let (ttl, class, identification, fragment) = (57, 0, 0x1234, 0);
    Datagram { source, destination, ttl, class, label, options, identification, fragment, protocol, body }
}

/// The pseudo header in front of a body.
fn with_pseudo(source: IpAddr, destination: IpAddr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut covered = [address(source), address(destination)].concat();
    covered.extend((body.len() as u32).to_be_bytes());
    covered.extend([0, 0, 0, protocol]);
    covered.extend(body);
    covered
}

/// A TCP segment; ports stand with the addresses.
#[must_use]
pub fn tcp(from: (IpAddr, u16), to: (IpAddr, u16), flags: u8, options: &[u8], data: &[u8]) -> Datagram {
    let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    body.extend([0, 0, 0, 7, 0, 0, 0, 9, 80 + (options.len() as u8 / 4) * 16, flags, 0xff, 0xff, 0, 0, 0, 0]);
    body.extend(options);
    body.extend(data);
    let sum = checksum(&with_pseudo(from.0, to.0, 6, &body));
    seal(&mut body, 16, sum);
    datagram(from.0, to.0, 6, body)
}

/// A UDP datagram; without a checksum if that is said.
#[must_use]
pub fn udp(from: (IpAddr, u16), to: (IpAddr, u16), data: &[u8], sealed: bool) -> Datagram {
    let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    body.extend((data.len() as u16 + 8).to_be_bytes());
    body.extend([0, 0]);
    body.extend(data);
    if sealed {
        let sum = checksum(&with_pseudo(from.0, to.0, 17, &body));
        seal(&mut body, 6, if sum == 0 { 0xffff } else { sum });
    }
    datagram(from.0, to.0, 17, body)
}

/// An ICMP or ICMPv6 message.
#[must_use]
pub fn icmp(source: IpAddr, destination: IpAddr, kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Datagram {
    let mut body = vec![kind, code, 0, 0];
    body.extend(rest);
    body.extend(data);
    let protocol = if source.is_ipv4() { 1 } else { 58 };
    let sum =
        if protocol == 1 { checksum(&body) } else { checksum(&with_pseudo(source, destination, protocol, &body)) };
    seal(&mut body, 2, sum);
    datagram(source, destination, protocol, body)
}

impl Datagram {
    /// Its octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let addresses = [address(self.source), address(self.destination)].concat();
        if self.source.is_ipv6() {
            let first = (6 << 28) | (u32::from(self.class) << 20) | self.label;
            let mut octets = first.to_be_bytes().to_vec();
            octets.extend((self.body.len() as u16).to_be_bytes());
            octets.extend([self.protocol, self.ttl]);
            octets.extend(addresses);
            octets.extend(&self.body);
            return octets;
        }
        let header = 20 + self.options.len();
        let mut octets = vec![0x40 + (header / 4) as u8, self.class];
        octets.extend(((header + self.body.len()) as u16).to_be_bytes());
        octets.extend(self.identification.to_be_bytes());
        octets.extend(self.fragment.to_be_bytes());
        octets.extend([self.ttl, self.protocol, 0, 0]);
        octets.extend(addresses);
        octets.extend(&self.options);
        let sum = checksum(&octets);
        seal(&mut octets, 10, sum);
        octets.extend(&self.body);
        octets
    }

    /// The same one hop further.
    #[must_use]
    pub fn hop(mut self) -> Self {
        self.ttl -= 1;
        self
    }
}

/// A whole frame.
#[must_use]
pub fn frame(link: &Link, datagram: &Datagram) -> Vec<u8> {
    let mut octets = [link.to, link.from].concat();
    for (kind, content) in &link.tags {
        octets.extend(kind.to_be_bytes());
        octets.extend(content.to_be_bytes());
    }
    octets.extend(if datagram.source.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
    octets.extend(datagram.octets());
    octets
}
