//! Router advertisements (RFC 4861 §4.2): by them routers on a link find each other's link-local address.
//!
//! The codec is pure. The socket takes nothing but advertisements and solicitations of the link itself: a filter inside
//! the kernel drops what came through a router, whose hop limit is less than 255 (§6.1.2). Never sends unasked.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::AsFd;

use crate::sys;

/// The most that is read of a message: an Ethernet frame.
pub const LONGEST: usize = 1500;
/// ICMPv6 Router Solicitation.
const SOLICITATION: u8 = 133;
/// ICMPv6 Router Advertisement.
const ADVERTISEMENT: u8 = 134;
/// Option: the sender's hardware address.
const SOURCE_LINK_ADDRESS: u8 = 1;
/// Option: the MTU of the link.
const MTU: u8 = 5;
/// `ff02::1`
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The hop limit of everything that is of the link itself (RFC 4861 §6.1.2, §6.2).
const HOP_LIMIT: u8 = 255;

/// What a router or a host on the link said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A router tells that it is there.
    Advertisement {
        /// Seconds for which it is a default router; 0 when it is none.
        lifetime: u16,
    },
    /// A host or router asks who is there.
    Solicitation,
}

/// The advertisement of a router that is no default router for anybody: its lifetime is 0.
///
/// `mac` is left out where it is not of 6 octets, `mtu` where it is 0.
#[must_use]
pub fn advertisement(mac: &[u8], mtu: u32) -> Vec<u8> {
    // Type, code, checksum (the kernel's work), hop limit unspecified, no flags, lifetime 0, no timers.
    let mut octets = vec![ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0];
    octets.extend_from_slice(&[0; 8]);
    if mac.len() == 6 {
        octets.extend_from_slice(&[SOURCE_LINK_ADDRESS, 1]);
        octets.extend_from_slice(mac);
    }
    if mtu > 0 {
        octets.extend_from_slice(&[MTU, 1, 0, 0]);
        octets.extend_from_slice(&mtu.to_be_bytes());
    }
    octets
}

/// Reads a message whose checksum and hop limit the kernel has judged; `None` for one that has to be dropped
/// (RFC 4861 §6.1.1, §6.1.2).
#[must_use]
pub fn read(octets: &[u8], from: Ipv6Addr) -> Option<Heard> {
    let [kind, 0, _, _, ..] = *octets else { return None };
    let (heard, options) = match kind {
        SOLICITATION => (Heard::Solicitation, octets.get(8..)?),
        ADVERTISEMENT if from.is_unicast_link_local() => {
            let lifetime = u16::from_be_bytes(octets.get(6..8)?.try_into().ok()?);
            (Heard::Advertisement { lifetime }, octets.get(16..)?)
        }
        _ => return None,
    };
    are_sound(options).then_some(heard)
}

/// Whether every option has a length and ends within the message.
fn are_sound(mut options: &[u8]) -> bool {
    while let [_, length, ..] = *options {
        let octets = usize::from(length).saturating_mul(8);
        match options.get(octets..) {
            Some(rest) if octets > 0 => options = rest,
            _ => return false,
        }
    }
    options.is_empty()
}

/// Opens the socket, in the network namespace of the calling thread. It is raw and speaks ICMPv6; what is received
/// comes without the IPv6 header, from an address with its link as scope.
///
/// # Errors
/// When the kernel gives none: without `CAP_NET_RAW`, or without IPv6.
pub fn open() -> io::Result<UdpSocket> {
    let socket = sys::icmp6_socket()?;
    sys::attach_filter(socket.as_fd(), &mut filter())?;
    for option in [libc::IPV6_MULTICAST_HOPS, libc::IPV6_UNICAST_HOPS] {
        sys::set_int(socket.as_fd(), libc::IPPROTO_IPV6, option, i32::from(HOP_LIMIT))?;
    }
    sys::set_int(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP, 0)?;
    let socket = UdpSocket::from(socket);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// All nodes of a link: where advertisements go.
#[must_use]
pub fn all_nodes(ifindex: u32) -> SocketAddrV6 {
    SocketAddrV6::new(ALL_NODES, 0, 0, ifindex)
}

/// Passes advertisements and solicitations with hop limit 255. The packet begins with the ICMPv6 header; the IPv6 header
/// is found from where the kernel knows it to be (`SKF_NET_OFF`).
fn filter() -> Vec<libc::sock_filter> {
    const LOAD_OCTET: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
    const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const NETWORK_HEADER: u32 = 0xfff0_0000; // SKF_NET_OFF
    const HOP_LIMIT_AT: u32 = 7;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    vec![
        step(LOAD_OCTET, 0, 0, NETWORK_HEADER | HOP_LIMIT_AT),
        step(JUMP_EQUAL, 0, 4, u32::from(HOP_LIMIT)),
        step(LOAD_OCTET, 0, 0, 0),
        step(JUMP_EQUAL, 1, 0, u32::from(ADVERTISEMENT)),
        step(JUMP_EQUAL, 0, 1, u32::from(SOLICITATION)),
        step(RETURN, 0, 0, u32::MAX),
        step(RETURN, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

    #[test]
    fn what_is_sent_is_read_as_a_router_that_is_nobodys_default() {
        for (mac, mtu, length) in [(&[2, 0, 0, 0, 0, 1][..], 1500, 32), (&[], 1500, 24), (&[1, 2, 3], 0, 16)] {
            let sent = advertisement(mac, mtu);
            assert_eq!((sent.len(), read(&sent, ROUTER)), (length, Some(Heard::Advertisement { lifetime: 0 })));
        }
        assert_eq!(
            advertisement(&[2, 0, 0, 0, 0, 1], 1500),
            [134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 5, 220]
        );
    }

    #[test]
    fn messages_that_break_the_rules_are_dropped() {
        let good = advertisement(&[2, 0, 0, 0, 0, 1], 1500);
        let with = |place: usize, octet: u8| {
            let mut octets = good.clone();
            if let Some(place) = octets.get_mut(place) {
                *place = octet;
            }
            read(&octets, ROUTER)
        };
        assert_eq!(with(1, 1), None, "another code");
        assert_eq!(with(0, 135), None, "another type");
        assert_eq!(with(17, 0), None, "an option without a length");
        assert_eq!(with(17, 9), None, "an option that is longer than the message");
        assert_eq!(with(6, 7), Some(Heard::Advertisement { lifetime: 0x700 }));
        assert_eq!(read(&good, "2001:db8::1".parse().unwrap_or(ALL_NODES)), None, "not from a link-local address");
        for cut in 0..good.len() {
            let whole = [16, 24].contains(&cut);
            assert_eq!(read(good.get(..cut).unwrap_or_default(), ROUTER).is_some(), whole, "{cut} octets");
        }
        assert_eq!(read(&[133, 0, 0, 0, 0, 0, 0, 0], Ipv6Addr::UNSPECIFIED), Some(Heard::Solicitation));
        assert_eq!(read(&[133, 0, 0, 0], ROUTER), None);
    }
}
