//! What an IPv4 packet says of itself (RFC 791).
//!
//! Never trusts a length: each is compared with what is there before it leads anywhere.

use core::mem::MaybeUninit;

use crate::choose::{Asked, finish, service_of};
use crate::directory::{longest, mapped};
use crate::flow::{Words, octets};
use crate::layout::{ECHO, FragmentKey};
use crate::packet::{Maps, Packet, Window};
use crate::protocol::{ICMP, TCP, TCP_ACK, TCP_SYN, UDP};
use crate::reason::Reason;
use crate::way::{FIRST, Facts, LATER, Next, Verdict, WHOLE, end};
use crate::{icmp, nat};

/// More fragments, and the offset of this one; as they lie there.
const FRAGMENT: u16 = 0xff3f;
/// The offset alone.
const OFFSET: u16 = 0xff1f;

/// The way of an IPv4 packet.
#[inline(always)]
pub(crate) fn go<P: Packet, M: Maps>(
    packet: P,
    maps: M,
    at: usize,
    tag: u16,
    memory: &mut MaybeUninit<Facts>,
) -> Verdict {
    let Some(ip) = packet.window::<20>(at) else { return end(maps, Reason::NotIp) };
    let Some(directory) = maps.directory() else { return end(maps, Reason::NoService) };
    let Some(entry) = longest(directory, ip.le32::<16>()) else {
        if directory.answers != 0 {
            return nat::answer4(packet, maps, at);
        }
        return end(maps, Reason::NoService);
    };
    let asked = Asked { service: entry.service, flags: entry.flags };
    let protocol = ip.octet::<9>();
    let behind = at + 20;
    let total = u32::from(ip.be16::<2>());
    let mut facts = Facts {
        at,
        behind,
        words: Words {
            source: mapped(ip.le32::<12>()),
            destination: mapped(ip.le32::<16>()),
            ports: 0,
            protocol: u32::from(protocol),
        },
        total,
        tag,
        class: ip.octet::<1>(),
        begins: 0,
        part: WHOLE,
        identification: 0,
        inner: 0,
    };
    if total < 28 || !packet.holds(at + total as usize) {
        return end(maps, Reason::Malformed);
    }
    if ip.octet::<0>() != 0x45 || ip.le16::<6>() & FRAGMENT != 0 || (protocol != TCP && protocol != UDP) {
        let memory = memory.write(facts);
        let answers = u32::from(asked.flags & ECHO != 0);
        match packet.look4(memory, answers) {
            Next::FORWARD => facts = Facts { at, total, tag, ..*memory },
            Next::ANSWER => return icmp::answer4(packet, maps, &facts),
            next => return end(maps, next.reason()),
        }
    } else {
        if protocol == TCP {
            let Some(tcp) = packet.window::<20>(behind) else { return end(maps, Reason::Malformed) };
            facts.words.ports = tcp.le32::<0>();
            facts.begins = u8::from(tcp.octet::<13>() & (TCP_SYN | TCP_ACK) == TCP_SYN);
        } else {
            let Some(udp) = packet.window::<8>(behind) else { return end(maps, Reason::Malformed) };
            facts.words.ports = udp.le32::<0>();
        }
    }
    let Words { destination, ports, protocol, .. } = facts.words;
    let service = service_of(directory, destination, ports, protocol as u8, asked);
    finish::<false, P, M>(packet, maps, facts, Asked { service, flags: asked.flags }, memory)
}

/// What is known of one with options, of a fragment, or of another protocol.
#[inline(always)]
pub fn unusual<P: Packet>(packet: P, facts: &mut Facts, answers: u32) -> Next {
    let Facts { at, total, .. } = *facts;
    let Some(ip) = packet.seek::<20>(at) else { return Next::end(Reason::NotIp) };
    let header = usize::from(ip.octet::<0>() & 15) * 4;
    if ip.octet::<0>() >> 4 != 4 || header < 20 || (total as usize) < header {
        return Next::end(Reason::Malformed);
    }
    if header > 20 && is_for_routers(packet, at, header) {
        return Next::end(Reason::RouterOption);
    }
    let fragment = ip.le16::<6>() & FRAGMENT;
    let identification = ip.le16::<4>();
    facts.behind = at + header;
    if fragment & OFFSET != 0 {
        facts.part = LATER;
        facts.identification = u32::from(identification);
        return Next::FORWARD;
    }
    if fragment != 0 {
        facts.part = FIRST;
        facts.identification = u32::from(identification);
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
        ICMP => {
            let Some(icmp) = packet.seek::<8>(behind) else { return Next::end(Reason::Malformed) };
            if icmp.octet::<0>() == icmp::ECHO4 && answers != 0 && facts.part == WHOLE {
                return Next::ANSWER;
            }
            if let Err(reason) = icmp::flow4(packet, facts) {
                return Next::end(reason);
            }
        }
        _ => {}
    }
    Next::FORWARD
}

/// Whether a router has to read one of the options (RFC 791 §3.1, RFC 2113): routes, timestamps, alerts.
#[inline(always)]
fn is_for_routers<P: Packet>(packet: P, at: usize, header: usize) -> bool {
    let mut next = 20;
    for _ in 20..60 {
        if next >= header {
            break;
        }
        let Some(option) = packet.seek::<2>(at + next) else { break };
        let kind = option.octet::<0>();
        if kind == 0 {
            break;
        }
        if matches!(kind, 7 | 68 | 131 | 137 | 148) {
            return true;
        }
        // One that says it is shorter than itself ends the search: what is behind it cannot be told.
        next += if kind == 1 { 1 } else { usize::from(option.octet::<1>()) };
    }
    false
}

/// The key of a fragment's datagram.
#[inline(always)]
#[must_use]
pub(crate) fn fragment_key(words: &Words, identification: u32) -> FragmentKey {
    FragmentKey {
        source: octets(words.source),
        destination: octets(words.destination),
        identification,
        protocol: words.protocol,
    }
}
