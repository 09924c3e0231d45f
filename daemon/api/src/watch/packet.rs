//! A packet of the balancer as it came or went, told to who captures them.
//!
//! Never believes a length in it: what is not there is not told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A packet at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapturedPacket {
    /// Microseconds since the Unix epoch.
    pub time: u64,
    /// As it left, or else as it came.
    pub leaves: bool,
    /// The link.
    pub interface: String,
    /// The service that it is for.
    pub service: String,
    /// Whom it goes to.
    pub backend: String,
    /// Octets of all of it, link header included.
    pub length: u32,
    /// Its first octets, link header included, two digits each.
    pub octets: String,
}

impl CapturedPacket {
    /// What it is, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { interface, service, backend, length, .. } = self;
        let way = if self.leaves { "out" } else { "in" };
        let what = summary(&self.head()).unwrap_or_else(|| "not IP".to_owned());
        format!("{interface} {way}: {what}, {length} octets, {service} to {backend}")
    }

    /// Its first octets.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let digits = self.octets.as_bytes().as_chunks::<2>().0.iter();
        digits.map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }
}

/// `10.9.0.2.4711 > 172.16.102.229.80 tcp S`
fn summary(frame: &[u8]) -> Option<String> {
    let mut at = 12;
    if frame.get(at..at + 2)? == [0x81, 0x00] {
        at += 4;
    }
    match frame.get(at..at + 2)? {
        [0x08, 0x00] => ipv4(frame.get(at + 2..)?),
        [0x86, 0xdd] => ipv6(frame.get(at + 2..)?),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<String> {
    let address = |at: usize| Some(IpAddr::V4(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?)));
    let header = usize::from(packet.first()? & 0xf) * 4;
    // The ports of a datagram are in its first fragment.
    let first = packet.get(6)? & 0x1f == 0 && *packet.get(7)? == 0;
    let behind = if first { packet.get(header..).unwrap_or_default() } else { &[] };
    Some(conversation(address(12)?, address(16)?, *packet.get(9)?, behind))
}

fn ipv6(packet: &[u8]) -> Option<String> {
    let address = |at: usize| Some(IpAddr::V6(Ipv6Addr::from(*packet.get(at..)?.first_chunk::<16>()?)));
    Some(conversation(address(8)?, address(24)?, *packet.get(6)?, packet.get(40..).unwrap_or_default()))
}

fn conversation(from: IpAddr, to: IpAddr, protocol: u8, behind: &[u8]) -> String {
    let port =
        |at: usize| behind.get(at..).and_then(|octets| octets.first_chunk::<2>()).map(|port| u16::from_be_bytes(*port));
    let ports = port(0).zip(port(2)).filter(|_| matches!(protocol, 6 | 17));
    let flags = behind.get(13).filter(|_| protocol == 6).map(|flags| letters(*flags)).unwrap_or_default();
    let name = match protocol {
        1 | 58 => "icmp".to_owned(),
        4 | 41 => "ipip".to_owned(),
        6 => format!("tcp {flags}").trim_end().to_owned(),
        17 => "udp".to_owned(),
        44 => "fragment".to_owned(),
        number => format!("protocol {number}"),
    };
    match ports {
        Some((source, destination)) => format!("{from}.{source} > {to}.{destination} {name}"),
        None => format!("{from} > {to} {name}"),
    }
}

/// `S`, `F.`, as tcpdump has them.
fn letters(flags: u8) -> String {
    let all = [(2, 'S'), (1, 'F'), (4, 'R'), (8, 'P'), (16, '.')];
    all.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, letter)| letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: &str = "0253000000010253000000020800\
        4500003c00004000400600000a090002ac1066e5\
        12670050000000000000000050020000";

    fn captured(octets: &str) -> CapturedPacket {
        CapturedPacket {
            time: 1_609_935_533_000_000,
            leaves: false,
            interface: "eth0".to_owned(),
            service: "web".to_owned(),
            backend: "192.0.2.1".to_owned(),
            length: 74,
            octets: octets.replace(char::is_whitespace, ""),
        }
    }

    #[test]
    fn a_packet_is_told_in_one_sentence_however_little_of_it_is_there() {
        let whole = captured(SYN);
        assert_eq!(whole.sentence(), "eth0 in: 10.9.0.2.4711 > 172.16.102.229.80 tcp S, 74 octets, web to 192.0.2.1");
        for octets in 0..whole.octets.len() / 2 {
            let cut = captured(whole.octets.get(..octets * 2).unwrap_or_default());
            assert!(cut.sentence().starts_with("eth0 in: "), "{}", cut.sentence());
        }
        assert!(captured("zz").head().is_empty());
    }
}
