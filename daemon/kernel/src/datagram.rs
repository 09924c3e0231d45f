//! Datagrams with what the network layer says of them: where they came in, and how far they had to go.
//!
//! Never looks into one. Obeys RFC 5881 §4 (ports) and RFC 5082 §3 (TTL) in what it sends.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::sys;
use crate::tcp;

/// The TTL of what is sent.
const FULL_TTL: u8 = 255;
/// The ports that a session may send from.
const PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;
/// How many of them are tried.
const ATTEMPTS: u16 = 64;
/// Octets for what the kernel says of a datagram: TTL and link, each with its header.
const CONTROL: usize = 256;
/// `struct sockaddr_in6`
const SENDER: usize = 28;

/// A port on which datagrams come in, of one family.
#[derive(Debug)]
pub struct Port {
    fd: OwnedFd,
}

/// A datagram that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its octets in the buffer.
    pub length: usize,
    /// Who sent it.
    pub from: IpAddr,
    /// To which of our addresses.
    pub to: Option<IpAddr>,
    /// Over which link, by its number; 0 if the kernel does not say.
    pub link: u32,
    /// TTL or hop limit; 0 if the kernel does not say.
    pub ttl: u8,
}

impl Port {
    /// Opens a UDP port for all addresses of a family.
    ///
    /// # Errors
    /// `EADDRINUSE` when another program has it; what else the kernel answers.
    pub fn open(any: IpAddr, port: u16) -> io::Result<Self> {
        let domain = if any.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let fd = sys::datagram_socket(domain)?;
        let socket = fd.as_fd();
        if any.is_ipv4() {
            sys::set_int(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
            sys::set_int(socket, libc::IPPROTO_IP, libc::IP_RECVTTL, 1)?;
        } else {
            tcp::set_ipv6_only(socket)?;
            sys::set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
            sys::set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
        }
        sys::bind(socket, &tcp::socket_address(any, port))?;
        Ok(Self { fd })
    }

    /// The next datagram, if one waits.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn receive(&self, octets: &mut [u8]) -> io::Result<Option<Arrived>> {
        let (mut sender, mut control) = ([0; SENDER], [0; CONTROL]);
        let received = sys::receive_message(self.fd.as_fd(), octets, &mut sender, &mut control);
        let (length, named, said) = match received {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            other => other?,
        };
        let Some(from) = sender.get(..named).and_then(sender_address) else { return Ok(None) };
        let mut arrived = Arrived { length, from, to: None, link: 0, ttl: 0 };
        read_control(control.get(..said).unwrap_or_default(), &mut arrived);
        Ok(Some(arrived))
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A socket to send from with the full TTL, as network control: over a link if one is named, from an address, and from a
/// port of RFC 5881 §4, the first free one behind the `wish`.
///
/// # Errors
/// When the address is not there, the link is not, or no port is free.
pub fn sender(peer: IpAddr, local: Option<IpAddr>, link: Option<(u32, &str)>, wish: u16) -> io::Result<UdpSocket> {
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = local.unwrap_or(any);
    let span = PORTS.end() - PORTS.start();
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for attempt in 0..ATTEMPTS {
        let port = PORTS.start() + wish.wrapping_add(attempt) % span;
        let socket = match UdpSocket::bind(with_scope(from, port, link)) {
            Ok(socket) => socket,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                last = error;
                continue;
            }
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        tcp::set_ttl(&socket, Some(FULL_TTL))?;
        tcp::set_network_control(&socket)?;
        if let Some((_, name)) = link {
            sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name.as_bytes())?;
        }
        return Ok(socket);
    }
    Err(last)
}

/// An address with a port, and with the link where the address is of one.
#[must_use]
pub fn with_scope(address: IpAddr, port: u16, link: Option<(u32, &str)>) -> SocketAddr {
    let mut address = SocketAddr::new(address, port);
    if let (SocketAddr::V6(v6), Some((index, _))) = (&mut address, link)
        && v6.ip().is_unicast_link_local()
    {
        v6.set_scope_id(index);
    }
    address
}

/// Waits until one of several descriptors can be read, or one of others written, for a time at most.
///
/// # Errors
/// What the kernel answers; `Interrupted` is no failure.
pub fn wait(readable: &[BorrowedFd<'_>], writable: &[BorrowedFd<'_>], at_most: Option<Duration>) -> io::Result<()> {
    sys::wait(readable, writable, at_most)
}

/// `struct sockaddr_in` or `sockaddr_in6`
fn sender_address(octets: &[u8]) -> Option<IpAddr> {
    let (family, rest) = octets.split_first_chunk::<2>()?;
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => rest.get(2..)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        libc::AF_INET6 => rest.get(6..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}

/// `struct cmsghdr` and what follows it, one after the other.
fn read_control(mut octets: &[u8], arrived: &mut Arrived) {
    const WORD: usize = size_of::<usize>();
    const HEADER: usize = WORD + 8;
    while let Some((length, rest)) = octets.split_first_chunk::<WORD>() {
        let length = usize::from_ne_bytes(*length);
        let (Some(level), Some(kind)) = (number(rest), rest.get(4..).and_then(number)) else { return };
        let Some(data) = octets.get(HEADER..length) else { return };
        match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                arrived.ttl = number(data).and_then(|ttl| u8::try_from(ttl).ok()).unwrap_or_default();
            }
            // `struct in_pktinfo`: link, our address for the route, the header's destination.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                arrived.link = number(data).and_then(|link| u32::try_from(link).ok()).unwrap_or_default();
                arrived.to = data.get(8..).and_then(|rest| rest.first_chunk::<4>()).map(|octets| IpAddr::from(*octets));
            }
            // `struct in6_pktinfo`: the destination, link.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                arrived.to = data.first_chunk::<16>().map(|octets| IpAddr::from(*octets));
                let link = data.get(16..).and_then(number).and_then(|link| u32::try_from(link).ok());
                arrived.link = link.unwrap_or_default();
            }
            _ => {}
        }
        octets = octets.get(length.next_multiple_of(WORD)..).unwrap_or_default();
    }
}

fn number(octets: &[u8]) -> Option<i32> {
    octets.first_chunk::<4>().map(|four| i32::from_ne_bytes(*four))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_datagram_tells_its_sender_its_link_and_its_ttl() {
        for any in [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)] {
            let here = if any.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
            // Any free port will do.
            let Some((port, number)) =
                (20_000..20_100).find_map(|number| Some((Port::open(any, number).ok()?, number)))
            else {
                assert!(any.is_ipv6(), "IPv4 is everywhere");
                continue;
            };
            let socket = sender(here, Some(here), None, 7).unwrap();
            assert!(PORTS.contains(&socket.local_addr().unwrap().port()));
            socket.send_to(b"hello", (here, number)).unwrap();
            wait(&[port.as_fd()], &[], Some(Duration::from_secs(5))).unwrap();
            let mut octets = [0; 64];
            let arrived = port.receive(&mut octets).unwrap().unwrap();
            assert_eq!((arrived.length, arrived.from, arrived.to, arrived.ttl), (5, here, Some(here), 255));
            assert_ne!(arrived.link, 0);
            assert_eq!(port.receive(&mut octets).unwrap(), None);
        }
    }

    #[test]
    fn what_the_kernel_says_may_be_cut_short_anywhere() {
        let mut whole = Vec::new();
        whole.extend(20_usize.to_ne_bytes());
        whole.extend(libc::IPPROTO_IP.to_ne_bytes());
        whole.extend(libc::IP_TTL.to_ne_bytes());
        whole.extend(255_i32.to_ne_bytes());
        for end in 0..=whole.len() {
            let mut arrived = Arrived { length: 0, from: Ipv4Addr::LOCALHOST.into(), to: None, link: 0, ttl: 0 };
            read_control(whole.get(..end).unwrap(), &mut arrived);
            assert_eq!(arrived.ttl == 255, end == whole.len());
        }
    }
}
