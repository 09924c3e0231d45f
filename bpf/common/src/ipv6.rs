//! What an IPv6 packet says of itself (RFC 8200).
//!
//! Never trusts a length: each is compared with what is there before it leads anywhere.

use core::mem::MaybeUninit;

use crate::choose::{Asked, finish, service_of};
use crate::directory::longest6;
use crate::flow::Words;
use crate::layout::ECHO;
use crate::packet::{Maps, Packet, Window};
use crate::protocol::{
    AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ICMPV6, ROUTING, TCP, TCP_ACK, TCP_SYN, UDP,
};
use crate::reason::Reason;
use crate::way::{FIRST, Facts, LATER, Next, Verdict, WHOLE, end};
use crate::{icmp, nat};

/// Extension headers that are read at most.
const EXTENSIONS: usize = 6;
/// Octets of extension headers at most.
const REACH: usize = 512;

/// The way of an IPv6 packet.
#[inline(always)]
pub(crate) fn go<P: Packet, M: Maps>(
    packet: P,
    maps: M,
    at: usize,
    tag: u16,
    memory: &mut MaybeUninit<Facts>,
) -> Verdict {
    let Some(ip) = packet.window::<40>(at) else { return end(maps, Reason::NotIp) };
    let Some(directory) = maps.directory() else { return end(maps, Reason::NoService) };
    let destination = [ip.le64::<24>(), ip.le64::<32>()];
    let Some(entry) = longest6(directory, destination) else {
        if directory.answers != 0 {
            return nat::answer6(packet, maps, at);
        }
        return end(maps, Reason::NoService);
    };
    let asked = Asked { service: entry.service, flags: entry.flags };
    let protocol = ip.octet::<6>();
    let behind = at + 40;
    let total = u32::from(ip.be16::<4>()) + 40;
    let mut facts = Facts {
        at,
        behind,
        words: Words {
            source: [ip.le64::<8>(), ip.le64::<16>()],
            destination,
            ports: 0,
            protocol: u32::from(protocol),
        },
        total,
        tag,
        class: (ip.be16::<0>() >> 4) as u8,
        begins: 0,
        part: WHOLE,
        identification: 0,
        inner: 0,
    };
    if ip.octet::<0>() >> 4 != 6 || !packet.holds(at + total as usize) {
        return end(maps, Reason::Malformed);
    }
    if protocol == TCP {
        let Some(tcp) = packet.window::<20>(behind) else { return end(maps, Reason::Malformed) };
        facts.words.ports = tcp.le32::<0>();
        facts.begins = u8::from(tcp.octet::<13>() & (TCP_SYN | TCP_ACK) == TCP_SYN);
    } else if protocol == UDP {
        let Some(udp) = packet.window::<8>(behind) else { return end(maps, Reason::Malformed) };
        facts.words.ports = udp.le32::<0>();
    } else {
        let memory = memory.write(facts);
        let answers = u32::from(asked.flags & ECHO != 0);
        match packet.look6(memory, answers) {
            Next::FORWARD => facts = Facts { at, total, tag, ..*memory },
            Next::ANSWER => return icmp::answer6(packet, maps, &facts),
            next => return end(maps, next.reason()),
        }
    }
    let Words { ports, protocol, .. } = facts.words;
    let service = service_of(directory, destination, ports, protocol as u8, asked);
    finish::<true, P, M>(packet, maps, facts, Asked { service, flags: asked.flags }, memory)
}

/// What is known of one with extension headers, or of another protocol.
#[inline(always)]
pub fn unusual<P: Packet>(packet: P, facts: &mut Facts, answers: u32) -> Next {
    if let Err(reason) = extensions(packet, facts) {
        return Next::end(reason);
    }
    if facts.part == LATER {
        return Next::FORWARD;
    }
    let behind = facts.behind;
    match facts.words.protocol as u8 {
        TCP => {
            let Some(tcp) = packet.seek::<20>(behind) else { return Next::end(Reason::Malformed) };
            facts.words.ports = tcp.le32::<0>();
            facts.begins = u8::from(tcp.octet::<13>() & (TCP_SYN | TCP_ACK) == TCP_SYN);
        }
        UDP => {
            let Some(udp) = packet.seek::<8>(behind) else { return Next::end(Reason::Malformed) };
            facts.words.ports = udp.le32::<0>();
        }
        ICMPV6 => {
            let Some(icmp) = packet.seek::<8>(behind) else { return Next::end(Reason::Malformed) };
            if icmp.octet::<0>() == icmp::ECHO6 && answers != 0 && behind == facts.at + 40 {
                return Next::ANSWER;
            }
            if let Err(reason) = icmp::flow6(packet, facts) {
                return Next::end(reason);
            }
        }
        _ => {}
    }
    Next::FORWARD
}

/// Goes behind the extension headers, up to a fragment header that has nothing of the next one behind it.
#[inline(always)]
fn extensions<P: Packet>(packet: P, facts: &mut Facts) -> Result<(), Reason> {
    let mut reach = 0_usize;
    let beginning = facts.behind;
    for _ in 0..EXTENSIONS {
        let kind = facts.words.protocol as u8;
        if !matches!(kind, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS) {
            return Ok(());
        }
        if kind == HOP_BY_HOP {
            return Err(Reason::RouterOption);
        }
        if reach > REACH {
            return Err(Reason::Malformed);
        }
        let header = packet.seek::<8>(beginning + reach).ok_or(Reason::Malformed)?;
        facts.words.protocol = u32::from(header.octet::<0>());
        reach += match kind {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(header.octet::<1>()) + 2) * 4,
            _ => (usize::from(header.octet::<1>()) + 1) * 8,
        };
        facts.behind = beginning + reach;
        if kind == FRAGMENT {
            facts.identification = header.le32::<4>();
            // The offset is thirteen bits, more fragments the last one (RFC 8200 §4.5).
            let offset = header.be16::<2>();
            if offset & 0xfff8 != 0 {
                facts.part = LATER;
                return Ok(());
            }
            if offset & 1 != 0 {
                facts.part = FIRST;
            }
        }
    }
    Err(Reason::Malformed)
}
