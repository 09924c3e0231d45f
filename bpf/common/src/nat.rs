//! Backends that know nothing of the service: packets get their address, and answers the service's.
//!
//! Never between families, and no flow is remembered: who answers in which name is found by address and port.

use crate::directory::{exact, mapped, rest};
use crate::flow::words;
use crate::layout::{ANSWERS, Backend, Return};
use crate::packet::{Covered, Maps, Packet, Window};
use crate::protocol::{ICMP, ICMPV6, TCP, UDP};
use crate::reason::Reason;
use crate::send::sum_of;
use crate::way::{ERROR, Facts, LATER, Verdict, end, within};

/// Which of the two addresses, and of the two ports.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
}

/// Gives a packet for the service the backend's address and port.
#[inline(never)]
pub(crate) fn rewrite<const SIX: bool, P: Packet>(packet: P, facts: &Facts, backend: &Backend) -> Result<(), Reason> {
    packet.begin();
    let address = words(backend.address);
    let port = u16::from_le_bytes(backend.port);
    if SIX == (address[0] == 0 && address[1] as u32 == mapped(0)[1] as u32) {
        return Err(Reason::Inconsistent);
    }
    let (at, behind) = (within(facts.at), within(facts.behind));
    match facts.part {
        ERROR => error::<SIX, P>(packet, at, behind, within(facts.inner), address, port),
        LATER => set_address::<SIX, P>(packet, at, Side::Destination, address).map(|_| ()),
        _ => whole::<SIX, P>(packet, at, behind, facts.words.protocol as u8, Side::Destination, address, port),
    }
    .ok_or(Reason::Malformed)
}

/// Writes one of the addresses, and its port where it is not zero.
#[inline(always)]
fn whole<const SIX: bool, P: Packet>(
    packet: P,
    at: usize,
    behind: usize,
    protocol: u8,
    side: Side,
    address: [u64; 2],
    port: u16,
) -> Option<()> {
    let old = set_address::<SIX, P>(packet, at, side, address)?;
    let checksum = behind
        + match protocol {
            TCP => 16,
            UDP => 6,
            ICMPV6 => 2,
            _ => return Some(()),
        };
    let covered = if protocol == UDP { Covered::PseudoUdp } else { Covered::Pseudo };
    packet.mend(checksum, sum_of(old), sum_of(address), covered)?;
    if port == 0 || protocol == ICMPV6 {
        return Some(());
    }
    let place = behind + if side == Side::Source { 0 } else { 2 };
    let ports = packet.seek::<2>(place)?;
    let before = ports.le16::<0>();
    ports.set_le16::<0>(port);
    let covered = if protocol == UDP { Covered::Udp } else { Covered::Content };
    packet.mend(checksum, u64::from(before), u64::from(port), covered)
}

/// Writes one of the addresses; says what it was. The header's own checksum follows.
#[inline(always)]
fn set_address<const SIX: bool, P: Packet>(packet: P, at: usize, side: Side, address: [u64; 2]) -> Option<[u64; 2]> {
    if SIX {
        let place = at + if side == Side::Source { 8 } else { 24 };
        let field = packet.seek::<16>(place)?;
        let old = [field.le64::<0>(), field.le64::<8>()];
        field.set_le64::<0>(address[0]);
        field.set_le64::<8>(address[1]);
        return Some(old);
    }
    let ip = packet.seek::<20>(at)?;
    let new = (address[1] >> 32) as u32;
    let old = if side == Side::Source { ip.le32::<12>() } else { ip.le32::<16>() };
    ip.set_le16::<10>(crate::sum::updated(ip.le16::<10>(), u64::from(old), u64::from(new)));
    if side == Side::Source {
        ip.set_le32::<12>(new)
    } else {
        ip.set_le32::<16>(new)
    }
    Some(mapped(old))
}

/// An ICMP message about a packet that the service sent: inside stands the service as its source, which the backend knows
/// as itself.
#[inline(always)]
fn error<const SIX: bool, P: Packet>(
    packet: P,
    at: usize,
    behind: usize,
    inner: usize,
    address: [u64; 2],
    port: u16,
) -> Option<()> {
    let old = set_address::<SIX, P>(packet, at, Side::Destination, address)?;
    let (header, protocol) = if SIX {
        (40, packet.seek::<8>(inner)?.octet::<6>())
    } else {
        let ip = packet.seek::<20>(inner)?;
        (usize::from(ip.octet::<0>() & 15) * 4, ip.octet::<9>())
    };
    let inside = set_address::<SIX, P>(packet, inner, Side::Source, address)?;
    if SIX {
        packet.mend(behind + 2, sum_of(old) + sum_of(inside), sum_of(address) + sum_of(address), Covered::Pseudo)?;
    }
    if port == 0 || (protocol != TCP && protocol != UDP) {
        return Some(());
    }
    let ports = packet.seek::<2>(inner + header)?;
    let before = ports.le16::<0>();
    ports.set_le16::<0>(port);
    packet.mend(behind + 2, u64::from(before), u64::from(port), Covered::Content)
}

/// The way of an IPv4 packet for no service: if a backend sent it in its own name, it gets the service's.
#[inline(never)]
pub(crate) fn answer4<P: Packet, M: Maps>(packet: P, maps: M, at: usize) -> Verdict {
    packet.begin();
    let Some(ip) = packet.seek::<20>(at) else { return end(maps, Reason::NoService) };
    let header = usize::from(ip.octet::<0>() & 15) * 4;
    // A later fragment has no ports.
    if ip.octet::<0>() >> 4 != 4 || header < 20 || ip.le16::<6>() & 0xff1f != 0 {
        return end(maps, Reason::NoService);
    }
    answer::<false, P, M>(packet, maps, at, at + header, ip.octet::<9>())
}

/// The same of IPv6, without extension headers.
#[inline(never)]
pub(crate) fn answer6<P: Packet, M: Maps>(packet: P, maps: M, at: usize) -> Verdict {
    packet.begin();
    let Some(ip) = packet.seek::<40>(at) else { return end(maps, Reason::NoService) };
    answer::<true, P, M>(packet, maps, at, at + 40, ip.octet::<6>())
}

#[inline(always)]
fn answer<const SIX: bool, P: Packet, M: Maps>(packet: P, maps: M, at: usize, behind: usize, protocol: u8) -> Verdict {
    let source = if SIX {
        packet.seek::<24>(at).map(|ip| [ip.le64::<8>(), ip.le64::<16>()])
    } else {
        packet.seek::<20>(at).map(|ip| mapped(ip.le32::<12>()))
    };
    let port = match protocol {
        TCP | UDP => packet.seek::<8>(behind).map(|header| header.le16::<0>()),
        ICMP | ICMPV6 => Some(0),
        _ => None,
    };
    let (Some(source), Some(port), Some(directory)) = (source, port, maps.directory()) else {
        return end(maps, Reason::NoService);
    };
    let entry = exact(directory, source, rest(port, protocol, ANSWERS))
        .or_else(|| exact(directory, source, rest(0, protocol, ANSWERS)));
    let Some(answer) = entry.and_then(|entry| maps.answer(entry.service)) else {
        return end(maps, Reason::NoService);
    };
    let Return { address, port, .. } = *answer;
    let changed = whole::<SIX, P>(packet, at, behind, protocol, Side::Source, words(address), u16::from_le_bytes(port));
    end(maps, if changed.is_some() { Reason::Returned } else { Reason::Malformed })
}
