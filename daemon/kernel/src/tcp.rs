//! Socket options of BGP's TCP connections, on any socket: MD5 keys, TTL security, marking, queue length.
//!
//! Each is one system call; when to set what is the caller's affair. Obeys RFC 2385 (MD5), RFC 5082 (GTSM),
//! RFC 4271 §B.2 (precedence). Never opens or closes a connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use nouns::Prefix;

use crate::sys::{int_option, output_queue, set_int, set_option};

/// The longest key that the kernel takes (`TCP_MD5SIG_MAXKEYLEN`), in octets.
pub const MD5_KEY_MAX: usize = 80;
/// `linux/tcp.h`
const TCP_MD5SIG_EXT: i32 = 32;
/// The key is for a prefix, not for one address.
const TCP_MD5SIG_FLAG_PREFIX: u8 = 1;
/// What takes a TTL of one's own away again (`net/ipv4/ip_sockglue.c`, `net/ipv6/ipv6_sockglue.c`).
const SYSTEMS_TTL: i32 = -1;
/// The length of `struct sockaddr_storage`.
pub(crate) const SOCKADDR_STORAGE: usize = 128;

/// Signs segments to and from the peers of a prefix with `password` (RFC 2385); on a listening socket too.
///
/// # Errors
/// `InvalidInput` for an empty password or one over [`MD5_KEY_MAX`] octets; `ENOPROTOOPT` when the kernel
/// has no MD5 signatures.
pub fn set_md5_key(socket: impl AsFd, peers: Prefix, password: &str) -> io::Result<()> {
    if password.is_empty() || password.len() > MD5_KEY_MAX {
        let sentence = format!("a TCP MD5 password has 1 to {MD5_KEY_MAX} octets, this one has {}", password.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    md5_option(socket.as_fd(), peers, password.as_bytes())
}

/// Takes the key of a prefix away; no error if there was none.
///
/// # Errors
/// `ENOPROTOOPT` when the kernel has no MD5 signatures.
pub fn clear_md5_key(socket: impl AsFd, peers: Prefix) -> io::Result<()> {
    match md5_option(socket.as_fd(), peers, &[]) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        other => other,
    }
}

/// The TTL or hop limit of what is sent: 255 for TTL security, 1 for a directly connected neighbor; the system's without one.
///
/// # Errors
/// What the kernel answers.
pub fn set_ttl(socket: impl AsFd, ttl: Option<u8>) -> io::Result<()> {
    by_family(
        socket.as_fd(),
        (libc::IPPROTO_IP, libc::IP_TTL),
        (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
        ttl.map_or(SYSTEMS_TTL, i32::from),
    )
}

/// Drops what arrives with a smaller TTL or hop limit (RFC 5082); 0 turns the check off.
///
/// # Errors
/// What the kernel answers.
pub fn set_minimum_ttl(socket: impl AsFd, ttl: u8) -> io::Result<()> {
    by_family(
        socket.as_fd(),
        (libc::IPPROTO_IP, libc::IP_MINTTL),
        (libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT),
        i32::from(ttl),
    )
}

/// Marks packets as CS6, network control (RFC 2474, RFC 4594 §3.1), in either family.
///
/// # Errors
/// What the kernel answers.
pub fn set_network_control(socket: impl AsFd) -> io::Result<()> {
    const CS6: i32 = 0xc0;
    by_family(socket.as_fd(), (libc::IPPROTO_IP, libc::IP_TOS), (libc::IPPROTO_IPV6, libc::IPV6_TCLASS), CS6)
}

/// Marks all packets of a socket (`SO_MARK`), so that programs and rules of the kernel know them.
///
/// # Errors
/// What the kernel answers: `CAP_NET_ADMIN` may be missing.
pub fn set_mark(socket: impl AsFd, mark: u32) -> io::Result<()> {
    crate::sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_MARK, &mark.to_ne_bytes())
}

/// Lets the end of a connection leave nothing behind: it is a reset (`SO_LINGER` of no time).
///
/// # Errors
/// What the kernel answers.
pub fn set_no_linger(socket: impl AsFd) -> io::Result<()> {
    let linger = [1_i32.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    crate::sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_LINGER, &linger)
}

/// Sends small segments at once (`TCP_NODELAY`).
///
/// # Errors
/// What the kernel answers.
pub fn set_no_delay(socket: impl AsFd) -> io::Result<()> {
    set_int(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)
}

/// Lets a listener bind while old connections of its port still linger (`SO_REUSEADDR`).
///
/// # Errors
/// What the kernel answers.
pub fn set_reuse_address(socket: impl AsFd) -> io::Result<()> {
    set_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)
}

/// Keeps IPv4 away from an IPv6 listener, so that each family has its own (`IPV6_V6ONLY`).
///
/// # Errors
/// What the kernel answers.
pub fn set_ipv6_only(socket: impl AsFd) -> io::Result<()> {
    set_int(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)
}

/// Octets written but not yet acknowledged by the peer (`SIOCOUTQ`).
///
/// While it shrinks the peer reads; when it stays, the send hold timer runs (RFC 9687).
///
/// # Errors
/// What the kernel answers.
pub fn unacknowledged_octets(socket: impl AsFd) -> io::Result<usize> {
    let octets = output_queue(socket.as_fd())?;
    usize::try_from(octets).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// `struct tcp_md5sig`: an address, flags, prefix length, key length, interface, key.
fn md5_option(socket: BorrowedFd<'_>, peers: Prefix, key: &[u8]) -> io::Result<()> {
    let mut octets = peers_address(socket, peers)?;
    octets.resize(SOCKADDR_STORAGE, 0);
    octets.extend_from_slice(&[TCP_MD5SIG_FLAG_PREFIX, peers.length()]);
    octets.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_ne_bytes());
    octets.extend_from_slice(&0_i32.to_ne_bytes());
    octets.extend_from_slice(key);
    octets.resize(SOCKADDR_STORAGE + 8 + MD5_KEY_MAX, 0);
    set_option(socket, libc::IPPROTO_TCP, TCP_MD5SIG_EXT, &octets)
}

/// The address of peers as a socket knows them: one of IPv6 sees IPv4 mapped.
pub(crate) fn peers_address(socket: BorrowedFd<'_>, peers: Prefix) -> io::Result<Vec<u8>> {
    let address = match peers.address() {
        IpAddr::V4(v4) if is_ipv6(socket)? => v4.to_ipv6_mapped().into(),
        address => address,
    };
    Ok(socket_address(address, 0))
}

/// `struct sockaddr_in` or `sockaddr_in6`.
pub(crate) fn socket_address(address: IpAddr, port: u16) -> Vec<u8> {
    let port = port.to_be_bytes();
    match address {
        IpAddr::V4(v4) => [family_octets(libc::AF_INET).as_slice(), &port, &v4.octets(), &[0; 8]].concat(),
        // Flow information and scope are zero.
        IpAddr::V6(v6) => [family_octets(libc::AF_INET6).as_slice(), &port, &[0; 4], &v6.octets(), &[0; 4]].concat(),
    }
}

/// The same, with the link where the address is of one.
pub(crate) fn scoped_address(address: SocketAddr) -> Vec<u8> {
    let mut octets = socket_address(address.ip(), address.port());
    if let SocketAddr::V6(v6) = address {
        octets.truncate(octets.len().saturating_sub(4));
        octets.extend(v6.scope_id().to_ne_bytes());
    }
    octets
}

fn family_octets(family: i32) -> Vec<u8> {
    u16::try_from(family).unwrap_or_default().to_ne_bytes().to_vec()
}

fn is_ipv6(socket: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(int_option(socket, libc::SOL_SOCKET, libc::SO_DOMAIN)? == libc::AF_INET6)
}

/// An IPv6 socket may carry an IPv4 connection (a mapped one), so there both options are set.
fn by_family(socket: BorrowedFd<'_>, v4: (i32, i32), v6: (i32, i32), value: i32) -> io::Result<()> {
    if is_ipv6(socket)? {
        set_int(socket, v6.0, v6.1, value)?;
    }
    set_int(socket, v4.0, v4.1, value)
}
