//! What becomes of packets, as a view shows it.
//!
//! Never sends one: their octets are an argument, and what they become is an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use api::digits;
use api::request::HeldPacket;
use api::view::{BalancerExplained, BalancerPacket};
use bpf_tables::reason::Reason;
use bpf_tables::state::Traced;
use bpf_tables::way::Outcome;
use engine::effect::AskedFlow;

use super::explained;

/// Octets of a packet that goes which are told.
const TOLD: usize = 128;
/// Octets of a packet at most: what a jumbo frame has.
const LONGEST: usize = 9_216;

/// The octets of a packet; those that the file did not keep are zero.
pub(super) fn octets(packet: &HeldPacket) -> Vec<u8> {
    let mut octets: Vec<u8> = digits::octets(&packet.head).take(LONGEST).collect();
    let length = usize::try_from(packet.length).unwrap_or(usize::MAX).min(LONGEST);
    octets.resize(length.max(octets.len()), 0);
    octets
}

/// The view of one packet; `interface` names a link.
pub(super) fn view(
    number: usize,
    came: &[u8],
    traced: Traced,
    interface: impl Fn(u32) -> Option<String>,
) -> BalancerPacket {
    let outcome = match traced.outcome {
        Outcome::Pass => "kernel",
        Outcome::Drop => "dropped",
        Outcome::Back => "answered",
        Outcome::To(_) => "forwarded",
    };
    let reason = traced.reason;
    let goes = matches!(traced.outcome, Outcome::Back | Outcome::To(_));
    let link = traced.explanation.backend.as_ref().and_then(|backend| backend.exit).map(|exit| exit.link);
    let length = |octets: &[u8]| u32::try_from(octets.len()).unwrap_or(u32::MAX);
    let explained = match flow_of(came) {
        Some(asked) => explained::view(&asked, traced.explanation, link.and_then(interface)),
        None => BalancerExplained { flow: "no packet of IP".to_owned(), ..BalancerExplained::default() },
    };
    let explained = match reason {
        Some(reason) => BalancerExplained { why: words(reason).to_owned(), ..explained },
        None => explained,
    };
    BalancerPacket {
        number: u32::try_from(number + 1).unwrap_or(u32::MAX),
        length: length(came),
        outcome: outcome.to_owned(),
        reason: reason.map(|reason| reason.word().to_owned()),
        sent_length: goes.then(|| length(&traced.packet)),
        sent: goes.then(|| digits::of(traced.packet.get(..TOLD).unwrap_or(&traced.packet))),
        explained,
    }
}

/// The flow of a packet, as its headers have it; ports are 0 where there are none.
fn flow_of(packet: &[u8]) -> Option<AskedFlow> {
    let mut at = 12;
    // Tags of VLANs.
    while matches!(word(packet, at)?, 0x8100 | 0x88a8) && at < 20 {
        at += 4;
    }
    let ip = packet.get(at + 2..)?;
    let (source, destination, protocol, behind): (IpAddr, IpAddr, u8, Option<usize>) = match word(packet, at)? {
        0x0800 => {
            let address = |at: usize| Some(Ipv4Addr::from(*ip.get(at..)?.first_chunk::<4>()?));
            let first = word(ip, 6)? & 0x1fff == 0;
            let header = usize::from(ip.first()? & 15) * 4;
            (address(12)?.into(), address(16)?.into(), *ip.get(9)?, first.then_some(header))
        }
        0x86dd => {
            let address = |at: usize| Some(Ipv6Addr::from(*ip.get(at..)?.first_chunk::<16>()?));
            (address(8)?.into(), address(24)?.into(), *ip.get(6)?, Some(40))
        }
        _ => return None,
    };
    let behind = behind.filter(|_| matches!(protocol, 6 | 17));
    let port = |more: usize| behind.and_then(|behind| word(ip, behind + more)).unwrap_or_default();
    Some(AskedFlow { source, source_port: port(0), destination, destination_port: port(2), protocol })
}

fn word(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk::<2>().map(|word| u16::from_be_bytes(*word))
}

/// Why a packet is not forwarded.
fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::NoService => "it is for no service: the kernel takes it",
        Reason::NotIp => "it is no packet of IP: the kernel takes it",
        Reason::TimeExceeded => "its TTL ends here: the kernel tells its sender",
        Reason::RouterOption => "each router has to read its options: the kernel does",
        Reason::Unresolved => "the hardware address of the next hop is not known: the kernel finds out",
        Reason::NoBackendPass => "the service has no node: the routes of the kernel decide",
        Reason::Returned => "it is a node's answer: it gets the service's address, and the kernel sends it on",
        Reason::OtherIcmp => "it is a message of ICMP that is for no node: the kernel takes it",
        Reason::EchoAnswered => "it asks whether the service is there: it is",
        Reason::TooBig => "it is larger than the way to the node carries: its sender is told, if it may be",
        Reason::NoBackend => "the service has no node: it goes to nobody",
        Reason::Malformed => "its headers are cut, or contradict each other: it goes to nobody",
        Reason::StrayFragment => "it is a fragment whose first one has not come before: it goes to nobody",
        Reason::Guarded => "it comes from a node and would go back there: it goes to nobody",
        Reason::NoRoom => "there is no room for the headers that it needs: it goes to nobody",
        Reason::TooBigUntold => {
            "it is larger than the way to the node carries, and too many senders were told so lately: it goes to nobody"
        }
        Reason::NotSent => "the driver of the link that it leaves by does not send it: it goes to nobody",
        Reason::QueueFull => "the driver of the link that it leaves by has no room for it: it goes to nobody",
        Reason::Inconsistent => "it cannot be given the backend's address: it goes to nobody",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_did_not_keep_is_zero_and_nonsense_ends_a_packet() {
        let packet = |length, head: &str| octets(&HeldPacket { length, head: head.to_owned() });
        assert_eq!(packet(4, "0102"), [1, 2, 0, 0]);
        assert_eq!(packet(0, "01zz02"), [1]);
        assert_eq!(packet(u32::MAX, "").len(), LONGEST);
    }

    #[test]
    fn a_flow_is_read_behind_tags_and_not_out_of_a_later_fragment() {
        let mut packet = vec![0; 12];
        packet.extend([0x81, 0, 0, 5, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0]);
        packet.extend([192, 0, 2, 1, 198, 51, 100, 2, 0, 53, 1, 187]);
        let flow = flow_of(&packet);
        let ports = |flow: &Option<AskedFlow>| flow.as_ref().map(|flow| (flow.source_port, flow.destination_port));
        assert_eq!(ports(&flow), Some((53, 443)));
        assert_eq!(flow.map(|flow| flow.destination), Some(IpAddr::from([198, 51, 100, 2])));
        packet.get_mut(25).into_iter().for_each(|octet| *octet = 1);
        assert_eq!(ports(&flow_of(&packet)), Some((0, 0)));
        assert!(flow_of(&[0; 14]).is_none());
        for length in 0..34 {
            let _ = flow_of(packet.get(..length).unwrap_or_default());
        }
    }
}
