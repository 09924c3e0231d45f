//! Numbers of protocols and bits of their headers, as IANA lists them.

/// ICMP.
pub const ICMP: u8 = 1;
/// IPv4 within IP.
pub const IPIP: u8 = 4;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// IPv6 within IP.
pub const IPV6: u8 = 41;
/// ICMPv6.
pub const ICMPV6: u8 = 58;

/// Hop-by-hop options of IPv6: each router reads them.
pub const HOP_BY_HOP: u8 = 0;
/// The routing header of IPv6.
pub const ROUTING: u8 = 43;
/// The fragment header of IPv6.
pub const FRAGMENT: u8 = 44;
/// The authentication header.
pub const AUTHENTICATION: u8 = 51;
/// Destination options of IPv6.
pub const DESTINATION_OPTIONS: u8 = 60;

/// SYN, in the flags of TCP.
pub const TCP_SYN: u8 = 0x02;
/// ACK, in the flags of TCP.
pub const TCP_ACK: u8 = 0x10;
