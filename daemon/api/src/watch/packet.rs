//! A packet of the balancer as it came or went, told to who captures them.
//!
//! Never believes a length in it: what is not there is not told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::digits;

/// Which packets of the balancer are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WantedPackets {
    /// One of so many, by chance; 0 is as 1.
    pub every: u32,
    /// Only those of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only those that go to this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<IpAddr>,
    /// Only those that are not forwarded for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl WantedPackets {
    /// Whether a packet is among them.
    #[must_use]
    pub fn wants(&self, packet: &CapturedPacket) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let node = self.backend.is_none_or(|wanted| packet.backend == Some(wanted));
        node && is(&self.service, &packet.service) && is(&self.reason, &packet.reason)
    }

    /// Those that these or others want, or more than those.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        fn same<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<T> {
            one.clone().filter(|_| one == other)
        }
        Self {
            every: self.every.max(1).min(others.every.max(1)),
            service: same(&self.service, &others.service),
            backend: same(&self.backend, &others.backend),
            reason: same(&self.reason, &others.reason),
        }
    }
}

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
    /// The service that it is for, as far as that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whom it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<IpAddr>,
    /// Why it is not forwarded; it is then as it was when that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Octets of all of it, link header included.
    pub length: u32,
    /// Its first octets, link header included, two digits each.
    pub octets: String,
}

impl CapturedPacket {
    /// What it is, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { interface, length, .. } = self;
        let way = match &self.reason {
            Some(reason) => format!("not forwarded ({reason})"),
            None if self.leaves => "out".to_owned(),
            None => "in".to_owned(),
        };
        let what = summary(&self.head()).unwrap_or_else(|| "not IP".to_owned());
        let service = self.service.iter().map(|service| format!(", {service}")).collect::<String>();
        let backend = self.backend.iter().map(|backend| format!(" to {backend}")).collect::<String>();
        format!("{interface} {way}: {what}, {length} octets{service}{backend}")
    }

    /// Its first octets.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        digits::octets(&self.octets).collect()
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
            service: Some("web".to_owned()),
            backend: Some(IpAddr::from([192, 0, 2, 1])),
            reason: None,
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
        let lost = CapturedPacket { backend: None, reason: Some("no-backend".to_owned()), ..whole };
        let words = "eth0 not forwarded (no-backend): 10.9.0.2.4711 > 172.16.102.229.80 tcp S, 74 octets, web";
        assert_eq!(lost.sentence(), words);
    }

    #[test]
    fn what_two_want_contains_what_each_of_them_wants() {
        let all = WantedPackets::default();
        let web = WantedPackets { every: 10, service: Some("web".to_owned()), ..WantedPackets::default() };
        let node = WantedPackets { backend: Some(IpAddr::from([192, 0, 2, 1])), ..web.clone() };
        let other = WantedPackets { service: Some("shop".to_owned()), ..node.clone() };
        let reason = WantedPackets { reason: Some("guarded".to_owned()), ..web.clone() };
        let packet = captured(SYN);
        assert_eq!(
            [&all, &web, &node, &other, &reason].map(|wanted| wanted.wants(&packet)),
            [true, true, true, false, false]
        );
        for one in [&all, &web, &node, &other, &reason] {
            for two in [&all, &web, &node, &other, &reason] {
                let both = one.or(two);
                assert!(both.wants(&packet) || !(one.wants(&packet) || two.wants(&packet)), "{one:?} {two:?}");
                assert_eq!(both, two.or(one));
            }
        }
        assert_eq!((web.or(&web).every, web.or(&all).every), (10, 1));
        assert_eq!(node.or(&web), web, "what only one of them says is not said");
    }
}
