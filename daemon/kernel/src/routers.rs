//! Router advertisements (RFC 4861 §4.2): by them routers on a link find each other's link-local address.
//!
//! The socket takes nothing but advertisements and solicitations of the link itself: a filter inside the kernel drops what came
//! through a router, whose hop limit is less than 255 (§6.1.2). Never sends unasked.

mod message;

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::AsFd;

use message::{ADVERTISEMENT, SOLICITATION};

use crate::sys;

pub use message::{Heard, LONGEST, advertisement, read};

/// `ff02::1`
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The hop limit of everything that is of the link itself (RFC 4861 §6.1.2, §6.2).
const HOP_LIMIT: u8 = 255;

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
