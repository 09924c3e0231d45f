//! The way of a packet, from its link header to the verdict.

use crate::directory::{exact, longest, mapped, rest};
use crate::flow::Words;
use crate::layout::{CLIENT_ONLY, L2, NOWHERE, PASS_EMPTY, PORTS, QUIC, RESOLVED, SLOTS};
use crate::packet::{Maps, Packet, Window};
use crate::reason::Reason;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel takes it, as it is now.
    Pass,
    /// Nobody gets it.
    Drop,
    /// It leaves by the link that it came by.
    Back,
    /// It leaves by the link with this number.
    To(u32),
}

/// 0x0800, as it lies in a packet.
const IPV4: u16 = 0x0008;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Sends a packet on its way.
#[inline(always)]
pub fn go<P: Packet, M: Maps>(packet: &mut P, maps: &M) -> Verdict {
    let _ = (QUIC, NOWHERE);
    let Some(link) = packet.window::<14>(0) else { return pass(maps, Reason::NotIp) };
    match link.le16::<12>() {
        IPV4 => ipv4(packet, maps, 14),
        _ => pass(maps, Reason::NotIp),
    }
}

#[inline(always)]
fn pass<M: Maps>(maps: &M, reason: Reason) -> Verdict {
    maps.count(reason);
    Verdict::Pass
}

#[inline(always)]
fn lose<M: Maps>(maps: &M, reason: Reason) -> Verdict {
    maps.count(reason);
    Verdict::Drop
}

#[inline(always)]
fn ipv4<P: Packet, M: Maps>(packet: &mut P, maps: &M, at: usize) -> Verdict {
    let Some(ip) = packet.window::<20>(at) else { return pass(maps, Reason::NotIp) };
    let Some(directory) = maps.directory() else { return pass(maps, Reason::NoService) };
    let Some(entry) = longest(directory, ip.le32::<16>()) else { return pass(maps, Reason::NoService) };
    if ip.octet::<0>() != 0x45 || ip.le16::<6>() & 0xff3f != 0 {
        return lose(maps, Reason::Malformed);
    }
    let protocol = ip.octet::<9>();
    let mut ports = 0;
    let mut begins = false;
    if protocol == TCP {
        let Some(tcp) = packet.window::<20>(at + 20) else { return lose(maps, Reason::Malformed) };
        ports = tcp.le32::<0>();
        begins = tcp.octet::<13>() & 0x12 == 0x02;
    } else if protocol == UDP {
        let Some(udp) = packet.window::<8>(at + 20) else { return lose(maps, Reason::Malformed) };
        ports = udp.le32::<0>();
    }
    let mut number = entry.service;
    if entry.flags & PORTS != 0 {
        let address = mapped(ip.le32::<16>());
        if let Some(entry) = exact(directory, address, rest((ports >> 16) as u16, protocol, 128)) {
            number = entry.service;
        } else if let Some(entry) = exact(directory, address, rest(0, protocol, 128)) {
            number = entry.service;
        }
    }
    if number == 0 {
        return pass(maps, Reason::NoService);
    }
    let Some(service) = maps.service(number) else { return lose(maps, Reason::Inconsistent) };
    if service.slots == 0 || service.slots as usize > SLOTS {
        return if service.flags & PASS_EMPTY != 0 {
            pass(maps, Reason::NoBackendPass)
        } else {
            lose(maps, Reason::NoBackend)
        };
    }
    let words = Words { source: mapped(ip.le32::<12>()), destination: mapped(ip.le32::<16>()), ports, protocol };
    let hash = words.hash(service.flags & CLIENT_ONLY != 0);
    let Some(slot) = maps.slot(service.table, crate::flow::slot(hash, service.slots)) else {
        return lose(maps, Reason::Inconsistent);
    };
    let chosen = slot.current();
    let Some(backend) = maps.backend(chosen) else { return lose(maps, Reason::Inconsistent) };
    if backend.way != L2 {
        return lose(maps, Reason::NoBackend);
    }
    if backend.flags & RESOLVED == 0 {
        return pass(maps, Reason::Unresolved);
    }
    let ttl = ip.octet::<8>();
    if ttl <= 1 {
        return pass(maps, Reason::TimeExceeded);
    }
    ip.set_octet::<8>(ttl - 1);
    let sum = u32::from(ip.le16::<10>()) + 1;
    ip.set_le16::<10>((sum + u32::from(sum >= 0xffff)) as u16);
    let Some(link) = packet.window::<14>(0) else { return lose(maps, Reason::Malformed) };
    let rest = u64::from_le_bytes(backend.link_rest);
    link.set_le64::<0>(u64::from_le_bytes(backend.link));
    link.set_le32::<8>(rest as u32);
    maps.forwarded(number, chosen, packet.length(), begins);
    let exit = (rest >> 32) as u32;
    if exit == packet.link() { Verdict::Back } else { Verdict::To(exit) }
}
