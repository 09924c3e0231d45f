//! What a sender is told whose packet is larger than the way to its backend carries (RFC 1191, RFC 8201).
//!
//! Never more of the packet than fits into an answer that everybody can receive; the answer comes from the service.

use crate::icmp::turned;
use crate::layout::{Backend, GUE, IPIP, TOLD, TOLD_ALL, TOLD_ONE, Told};
use crate::packet::{Maps, Packet, Room, Window};
use crate::protocol::{ICMP, ICMPV6};
use crate::reason::Reason;
use crate::send::{is_ipv6, sum_of};
use crate::sum::{fold, of_word};
use crate::way::{ERROR, LATER, Verdict, end, within};

/// Octets of the packet that are told, IPv4: with the headers in front of them 556, where 576 is what everybody receives.
const QUOTE4: usize = 528;
/// IPv6: with the headers in front of them the 1,280 that everybody receives (RFC 4443 §3.2).
const QUOTE6: usize = 1232;

/// Tells the sender of a packet what fits.
#[inline(never)]
pub(crate) fn tell<const SIX: bool, P: Packet, M: Maps>(
    packet: P,
    maps: M,
    backend: &Backend,
    at: usize,
    part: u32,
) -> Verdict {
    packet.begin();
    // Nobody is told of what went wrong with an error or a fragment (RFC 1122 §3.2.2).
    if part == ERROR || part == LATER {
        return end(maps, Reason::TooBig);
    }
    let at = within(at);
    if !may_tell::<SIX, P, M>(packet, maps, at) {
        return end(maps, Reason::TooBigUntold);
    }
    let extra = match (backend.way, is_ipv6(backend)) {
        (IPIP, false) => 20,
        (IPIP, true) => 40,
        (GUE, false) => 28,
        (GUE, true) => 48,
        _ => 0,
    };
    let fits = backend.mtu.saturating_sub(extra);
    let told = if SIX { answer6(packet, at, fits) } else { answer4(packet, at, fits) };
    if told.is_none() {
        return end(maps, Reason::NoRoom);
    }
    maps.count(Reason::TooBig);
    Verdict::answered(Reason::TooBig)
}

/// Whether the sender may be told: not more often than the kernel would (RFC 1812 §4.3.2.8, RFC 4443 §2.4 f).
#[inline(always)]
fn may_tell<const SIX: bool, P: Packet, M: Maps>(packet: P, maps: M, at: usize) -> bool {
    let client = if SIX {
        packet.seek::<40>(at).map(|ip| ip.le64::<8>())
    } else {
        packet.seek::<20>(at).map(|ip| u64::from(ip.le32::<12>()))
    };
    client
        .is_some_and(|client| maps.may_tell(Told::place(client), TOLD_ONE) && maps.may_tell(TOLD as u32 - 1, TOLD_ALL))
}

/// Cuts the packet, makes room in front of it, and gives it its link header back, turned round.
#[inline(always)]
fn make_room<P: Packet>(packet: P, at: usize, quote: usize, room: i32) -> Option<()> {
    let link = packet.window::<22>(0)?;
    let (first, second) = turned(link.le64::<0>(), link.le32::<8>());
    let (kinds, rest) = (link.le64::<12>(), link.le16::<20>());
    (packet.cut((at + quote) as u32) && packet.grow(room, Room::Plain)).then_some(())?;
    let link = packet.window::<22>(0)?;
    link.set_le64::<0>(first);
    link.set_le32::<8>(second);
    link.set_le64::<12>(kinds);
    link.set_le16::<20>(rest);
    Some(())
}

/// The sum of so many octets, a multiple of eight.
#[inline(always)]
fn sum<P: Packet>(packet: P, at: usize, octets: usize) -> Option<u64> {
    let mut sum = 0;
    for word in 0..octets / 8 {
        sum += of_word(packet.seek::<8>(at + word * 8)?.le64::<0>());
    }
    Some(sum)
}

/// Fragmentation needed (type 3, code 4).
#[inline(always)]
fn answer4<P: Packet>(packet: P, at: usize, fits: u16) -> Option<()> {
    let ip = packet.seek::<20>(at)?;
    let (client, service) = (ip.le32::<12>(), ip.le32::<16>());
    make_room(packet, at, QUOTE4, 28)?;
    let quoted = sum(packet, at + 28, QUOTE4)?;
    let ip = packet.seek::<28>(at)?;
    let length = (QUOTE4 + 28) as u16;
    let first = 0x45 | (u32::from(length.swap_bytes()) << 16);
    let second = 0x0040_0000_u32;
    let third = 64 | (u32::from(ICMP) << 8);
    let header = u64::from(first) + u64::from(second) + u64::from(third) + u64::from(client) + u64::from(service);
    ip.set_le64::<0>(u64::from(first) | (u64::from(second) << 32));
    ip.set_le64::<8>(u64::from(third | (u32::from(!fold(header)) << 16)) | (u64::from(service) << 32));
    ip.set_le32::<16>(client);
    let kind = 3 | (4 << 8);
    let hop = u32::from(fits.swap_bytes()) << 16;
    ip.set_le32::<20>(kind | (u32::from(!fold(quoted + u64::from(kind) + u64::from(hop))) << 16));
    ip.set_le32::<24>(hop);
    Some(())
}

/// Packet too big (type 2).
#[inline(always)]
fn answer6<P: Packet>(packet: P, at: usize, fits: u16) -> Option<()> {
    let ip = packet.seek::<40>(at)?;
    let (client, service) = ([ip.le64::<8>(), ip.le64::<16>()], [ip.le64::<24>(), ip.le64::<32>()]);
    make_room(packet, at, QUOTE6, 48)?;
    let quoted = sum(packet, at + 48, QUOTE6)?;
    let ip = packet.seek::<48>(at)?;
    let length = u32::from(((QUOTE6 + 8) as u16).swap_bytes());
    ip.set_le64::<0>(0x60 | (u64::from(length | (u32::from(ICMPV6) << 16) | (64 << 24)) << 32));
    ip.set_le64::<8>(service[0]);
    ip.set_le64::<16>(service[1]);
    ip.set_le64::<24>(client[0]);
    ip.set_le64::<32>(client[1]);
    let kind = 2_u32;
    let hop = u32::from(fits).swap_bytes();
    // The pseudo header (RFC 8200 §8.1) has the length and the protocol in words of four octets.
    let pseudo = sum_of(client) + sum_of(service) + u64::from(length) + (u64::from(ICMPV6) << 8);
    ip.set_le32::<40>(kind | (u32::from(!fold(quoted + pseudo + u64::from(kind) + u64::from(hop))) << 16));
    ip.set_le32::<44>(hop);
    Some(())
}
