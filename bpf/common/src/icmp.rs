//! ICMP and ICMPv6 to a service (RFC 792, RFC 4443): echoes are answered or are flows, errors follow the flow they are about.
//!
//! Never answers an error, nor what was sent to more than one.

use crate::directory::mapped;
use crate::packet::{Maps, Packet, Window};
use crate::protocol::{ICMP, ICMPV6, TCP, UDP};
use crate::reason::Reason;
use crate::sum::updated;
use crate::way::{ERROR, Facts, Verdict, end};

/// An echo request.
pub(crate) const ECHO4: u8 = 8;
/// An echo request of ICMPv6.
pub(crate) const ECHO6: u8 = 128;

/// The flow that an ICMP message belongs to.
#[inline(always)]
pub(crate) fn flow4<P: Packet>(packet: P, facts: &mut Facts) -> Result<(), Reason> {
    let icmp = packet.seek::<8>(facts.behind).ok_or(Reason::Malformed)?;
    match icmp.octet::<0>() {
        // Echo and its answer: the identifier (RFC 792).
        0 | ECHO4 => facts.words.ports = u32::from(icmp.le16::<4>()),
        // Unreachable, source quench, time exceeded, parameter problem: the packet that they are about.
        3 | 4 | 11 | 12 => {
            let inner = facts.behind + 8;
            let ip = packet.seek::<20>(inner).ok_or(Reason::OtherIcmp)?;
            let header = usize::from(ip.octet::<0>() & 15) * 4;
            if ip.octet::<0>() >> 4 != 4 || header < 20 || ip.le16::<6>() & 0xff1f != 0 {
                return Err(Reason::OtherIcmp);
            }
            if mapped(ip.le32::<12>()) != facts.words.destination {
                return Err(Reason::OtherIcmp);
            }
            facts.words.source = mapped(ip.le32::<16>());
            facts.words.protocol = u32::from(ip.octet::<9>());
            facts.words.ports = inner_ports(packet, inner + header, ip.octet::<9>())?;
            facts.part = ERROR;
            facts.inner = inner;
        }
        _ => {}
    }
    Ok(())
}

/// The flow that an ICMPv6 message belongs to.
#[inline(always)]
pub(crate) fn flow6<P: Packet>(packet: P, facts: &mut Facts) -> Result<(), Reason> {
    let icmp = packet.seek::<8>(facts.behind).ok_or(Reason::Malformed)?;
    match icmp.octet::<0>() {
        ECHO6 | 129 => facts.words.ports = u32::from(icmp.le16::<4>()),
        1..=4 => {
            let inner = facts.behind + 8;
            let ip = packet.seek::<40>(inner).ok_or(Reason::OtherIcmp)?;
            if ip.octet::<0>() >> 4 != 6 || [ip.le64::<8>(), ip.le64::<16>()] != facts.words.destination {
                return Err(Reason::OtherIcmp);
            }
            facts.words.source = [ip.le64::<24>(), ip.le64::<32>()];
            facts.words.protocol = u32::from(ip.octet::<6>());
            facts.words.ports = inner_ports(packet, inner + 40, ip.octet::<6>())?;
            facts.part = ERROR;
            facts.inner = inner;
        }
        // Listeners and neighbors (RFC 2710, RFC 4861) are the kernel's.
        130..=137 => return Err(Reason::OtherIcmp),
        _ => {}
    }
    Ok(())
}

/// The ports of a packet that the service sent, the client's first. Eight octets of it are enough.
#[inline(always)]
fn inner_ports<P: Packet>(packet: P, at: usize, protocol: u8) -> Result<u32, Reason> {
    let header = packet.seek::<8>(at).ok_or(Reason::OtherIcmp)?;
    match protocol {
        TCP | UDP => Ok(header.le32::<0>().rotate_left(16)),
        ICMP | ICMPV6 => Ok(u32::from(header.le16::<4>())),
        _ => Ok(0),
    }
}

/// Answers an echo request.
#[inline(always)]
pub(crate) fn answer4<P: Packet, M: Maps>(packet: P, maps: M, facts: &Facts) -> Verdict {
    let (Some(ip), Some(icmp)) = (packet.seek::<20>(facts.at), packet.seek::<8>(facts.behind)) else {
        return end(maps, Reason::Malformed);
    };
    let (source, destination) = (ip.le32::<12>(), ip.le32::<16>());
    ip.set_le32::<12>(destination);
    ip.set_le32::<16>(source);
    let before = ip.le16::<8>();
    let after = (before & 0xff00) | 64;
    ip.set_le16::<8>(after);
    ip.set_le16::<10>(updated(ip.le16::<10>(), u64::from(before), u64::from(after)));
    icmp.set_octet::<0>(0);
    icmp.set_le16::<2>(updated(icmp.le16::<2>(), u64::from(ECHO4), 0));
    turn_back(packet, maps)
}

/// Answers an echo request of ICMPv6.
#[inline(always)]
pub(crate) fn answer6<P: Packet, M: Maps>(packet: P, maps: M, facts: &Facts) -> Verdict {
    let (Some(ip), Some(icmp)) = (packet.seek::<40>(facts.at), packet.seek::<8>(facts.behind)) else {
        return end(maps, Reason::Malformed);
    };
    let (upper, lower) = (ip.le64::<8>(), ip.le64::<16>());
    ip.set_le64::<8>(ip.le64::<24>());
    ip.set_le64::<16>(ip.le64::<32>());
    ip.set_le64::<24>(upper);
    ip.set_le64::<32>(lower);
    ip.set_octet::<7>(64);
    icmp.set_octet::<0>(129);
    icmp.set_le16::<2>(updated(icmp.le16::<2>(), u64::from(ECHO6), 129));
    turn_back(packet, maps)
}

/// Sends the packet to whom it came from on the link.
#[inline(always)]
fn turn_back<P: Packet, M: Maps>(packet: P, maps: M) -> Verdict {
    let Some(link) = packet.window::<14>(0) else { return end(maps, Reason::Malformed) };
    let (first, second) = (link.le64::<0>(), link.le32::<8>());
    link.set_le64::<0>(turned(first, second).0);
    link.set_le32::<8>(turned(first, second).1);
    maps.count(Reason::EchoAnswered);
    Verdict::answered(Reason::EchoAnswered)
}

/// The first twelve octets of a link header, source and destination exchanged.
#[inline(always)]
#[must_use]
pub(crate) fn turned(first: u64, second: u32) -> (u64, u32) {
    let destination = first & 0xffff_ffff_ffff;
    let source = (first >> 48) | (u64::from(second) << 16);
    (source | (destination << 48), (destination >> 16) as u32)
}
