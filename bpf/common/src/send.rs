//! What is done to a packet so that it gets to its backend.
//!
//! Never decides to whom: the backend is given, and all that is written comes from it or from the packet.

use crate::flow::{MAPPED, words};
use crate::layout::{Backend, GUE, IPIP, L2, NAT, NOWHERE, RESOLVED};
use crate::nat;
use crate::packet::{Packet, Room, Window};
use crate::protocol;
use crate::reason::Reason;
use crate::sum::{fold, of_word};
use crate::way::{Facts, IPV4, IPV6, TAGGED};

/// Sends a packet to a backend; says the link that it leaves by. `ours` is a packet of our own, which has made no hop.
#[inline(always)]
pub(crate) fn send<const SIX: bool, P: Packet>(
    packet: P,
    facts: &Facts,
    backend: &Backend,
    hash: u32,
    ours: bool,
) -> Result<u32, Reason> {
    if backend.flags & RESOLVED == 0 {
        return Err(if backend.way == NOWHERE { Reason::NoBackend } else { Reason::Unresolved });
    }
    let over6 = is_ipv6(backend);
    let extra = match (backend.way, over6) {
        (L2 | NAT, _) => 0,
        (IPIP, false) => 20,
        (IPIP, true) => 40,
        (GUE, false) => 28,
        (GUE, true) => 48,
        _ => return Err(Reason::NoBackend),
    };
    if facts.total + extra > u32::from(backend.mtu) && !packet.is_aggregate() {
        return Err(Reason::TooBig);
    }
    if !ours {
        hop::<SIX, P>(packet, facts.at)?;
    }
    match backend.way {
        L2 => {
            if !ours && comes_from(packet, backend) {
                return Err(Reason::Guarded);
            }
            dress(packet, facts, backend, 0, Room::Plain, if SIX { IPV6 } else { IPV4 })?;
        }
        NAT => {
            nat::rewrite::<SIX, P>(packet, facts, backend)?;
            dress(packet, facts, backend, 0, Room::Plain, if SIX { IPV6 } else { IPV4 })?;
        }
        IPIP if over6 => around6::<SIX, 40, P>(packet, facts, backend, hash)?,
        IPIP => around4::<SIX, 20, P>(packet, facts, backend, hash)?,
        _ if over6 => around6::<SIX, 48, P>(packet, facts, backend, hash)?,
        _ => around4::<SIX, 28, P>(packet, facts, backend, hash)?,
    }
    Ok((u64::from_le_bytes(backend.link_rest) >> 32) as u32)
}

/// Takes one from TTL or hop limit; the kernel gets those that would be used up.
#[inline(always)]
fn hop<const SIX: bool, P: Packet>(packet: P, at: usize) -> Result<(), Reason> {
    let ip = packet.window::<20>(at).ok_or(Reason::Malformed)?;
    if SIX {
        let limit = ip.octet::<7>();
        if limit <= 1 {
            return Err(Reason::TimeExceeded);
        }
        ip.set_octet::<7>(limit - 1);
        return Ok(());
    }
    let ttl = ip.octet::<8>();
    if ttl <= 1 {
        return Err(Reason::TimeExceeded);
    }
    ip.set_octet::<8>(ttl - 1);
    // The word that begins with the TTL is smaller by one of its lowest octet: RFC 1624 in its simplest case.
    let sum = u32::from(ip.le16::<10>()) + 1;
    ip.set_le16::<10>((sum + u32::from(sum >= 0xffff)) as u16);
    Ok(())
}

/// Whether the packet was sent by the node that it would go to.
#[inline(always)]
fn comes_from<P: Packet>(packet: P, backend: &Backend) -> bool {
    let Some(link) = packet.window::<14>(0) else { return false };
    let next_hop = u64::from_le_bytes(backend.link);
    link.le32::<6>() == next_hop as u32 && link.le16::<10>() == (next_hop >> 32) as u16
}

/// Makes the link header anew, with so many octets of room behind it; says how long it is.
#[inline(always)]
fn dress<P: Packet>(
    packet: P,
    facts: &Facts,
    backend: &Backend,
    extra: usize,
    room: Room,
    kind: u16,
) -> Result<usize, Reason> {
    let vlan = backend.vlan & 0x0fff;
    let mut at = facts.at;
    let length = if P::TAG_APART {
        if !packet.set_tag(vlan) {
            return Err(Reason::NoRoom);
        }
        // Tags that lay in the link header are gone.
        at = 14;
        14
    } else if vlan == 0 {
        14
    } else {
        18
    };
    let more = (length + extra) as i32 - at as i32;
    if more != 0 && !packet.grow(more, room) {
        return Err(Reason::NoRoom);
    }
    let link = packet.window::<20>(0).ok_or(Reason::Malformed)?;
    link.set_le64::<0>(u64::from_le_bytes(backend.link));
    link.set_le32::<8>(u64::from_le_bytes(backend.link_rest) as u32);
    if length == 14 {
        link.set_le16::<12>(kind);
    } else {
        // The priority stays what it was.
        let tag = (vlan.swap_bytes() & 0xff0f) | (facts.tag & 0x00e0);
        link.set_le32::<12>(u32::from(TAGGED) | (u32::from(tag) << 16));
        link.set_le16::<16>(kind);
    }
    Ok(length)
}

/// 64, as TTL or hop limit of a tunnel.
const HOPS: u8 = 64;

/// The port that a tunnel of UDP begins at: from the flow, so that links and queues are shared (RFC 8085 §5.1.1).
#[inline(always)]
fn port_of(hash: u32) -> u16 {
    (hash as u16 ^ (hash >> 16) as u16) | 0x00c0
}

/// Puts IPv4 around the packet, and UDP where the room is for it.
#[inline(always)]
fn around4<const SIX: bool, const ROOM: usize, P: Packet>(
    packet: P,
    facts: &Facts,
    backend: &Backend,
    hash: u32,
) -> Result<(), Reason> {
    let room = if ROOM == 28 { Room::Udp } else { Room::Ipv4 };
    let at = dress(packet, facts, backend, ROOM, room, IPV4)?;
    let outer = packet.window::<28>(at).ok_or(Reason::Malformed)?;
    let inner = if SIX { protocol::IPV6 } else { protocol::IPIP };
    let length = (facts.total + ROOM as u32) as u16;
    let first = 0x45 | (u32::from(facts.class) << 8) | (u32::from(length.swap_bytes()) << 16);
    // Not to be fragmented, and so without an identification (RFC 6864 §4.1): only packets that fit are sent.
    let second = 0x0040_0000_u32;
    let protocol = if ROOM == 28 { protocol::UDP } else { inner };
    let third = u32::from(HOPS) | (u32::from(protocol) << 8);
    let source = (words(backend.source)[1] >> 32) as u32;
    let destination = (words(backend.address)[1] >> 32) as u32;
    let sum = u64::from(first) + u64::from(second) + u64::from(third) + u64::from(source) + u64::from(destination);
    outer.set_le64::<0>(u64::from(first) | (u64::from(second) << 32));
    outer.set_le64::<8>(u64::from(third | (u32::from(!fold(sum)) << 16)) | (u64::from(source) << 32));
    outer.set_le32::<16>(destination);
    if ROOM == 28 {
        let ports = u32::from(port_of(hash)) | (u32::from(u16::from_le_bytes(backend.port)) << 16);
        let length = (facts.total + 8) as u16;
        outer.set_le32::<20>(ports);
        outer.set_le32::<24>(u32::from(length.swap_bytes()));
    }
    Ok(())
}

/// Puts IPv6 around the packet, and UDP where the room is for it; without a checksum of UDP (RFC 6935).
#[inline(always)]
fn around6<const SIX: bool, const ROOM: usize, P: Packet>(
    packet: P,
    facts: &Facts,
    backend: &Backend,
    hash: u32,
) -> Result<(), Reason> {
    let room = if ROOM == 48 { Room::Udp6 } else { Room::Ipv6 };
    let at = dress(packet, facts, backend, ROOM, room, IPV6)?;
    let outer = packet.window::<48>(at).ok_or(Reason::Malformed)?;
    let inner = if SIX { protocol::IPV6 } else { protocol::IPIP };
    let protocol = if ROOM == 48 { protocol::UDP } else { inner };
    // The flow label is the flow's (RFC 6438).
    let first = ((6 << 28) | (u32::from(facts.class) << 20) | (hash & 0x000f_ffff)).swap_bytes();
    let length = (facts.total + ROOM as u32 - 40) as u16;
    let second = u32::from(length.swap_bytes()) | (u32::from(protocol) << 16) | (u32::from(HOPS) << 24);
    outer.set_le64::<0>(u64::from(first) | (u64::from(second) << 32));
    let [upper, lower] = words(backend.source);
    outer.set_le64::<8>(upper);
    outer.set_le64::<16>(lower);
    let [upper, lower] = words(backend.address);
    outer.set_le64::<24>(upper);
    outer.set_le64::<32>(lower);
    if ROOM == 48 {
        let ports = u32::from(port_of(hash)) | (u32::from(u16::from_le_bytes(backend.port)) << 16);
        outer.set_le32::<40>(ports);
        outer.set_le32::<44>(u32::from(length.swap_bytes()));
    }
    Ok(())
}

/// Whether the other end of a tunnel has an IPv6 address.
#[inline(always)]
#[must_use]
pub(crate) fn is_ipv6(backend: &Backend) -> bool {
    let [upper, lower] = words(backend.address);
    upper != 0 || lower as u32 != MAPPED as u32
}

/// The sum of an address's words.
#[inline(always)]
#[must_use]
pub(crate) fn sum_of(address: [u64; 2]) -> u64 {
    of_word(address[0]) + of_word(address[1])
}
