//! What datagrams of QUIC (RFC 9000) say of their connection: whether one begins, and which server has it.
//!
//! Never decrypts anything: a server is named by a connection ID that it chose itself, in the plaintext manner of
//! draft-ietf-quic-load-balancers §5.2. So a client may change its address and port and is still led there.

use crate::directory::{exact, rest};
use crate::layout::{SERVER, SERVER_OCTETS_MOST, server};
use crate::packet::{Maps, Packet, Window};
use crate::protocol::UDP;

/// The number of version 2 (RFC 9369), as it lies there.
const VERSION_2: u32 = 0xcf43_336b;
/// Bit of the first octet: the header is long, and tells version and kind.
const LONG: u8 = 0x80;

/// Whether a datagram begins a connection: a long header of the kind Initial (RFC 9000 §17.2.2), of version 1 or of one that
/// is not known; of version 2 the number of that kind is another (RFC 9369 §3.2).
#[inline(always)]
pub(crate) fn is_initial<P: Packet>(packet: P, behind: usize) -> bool {
    let Some(datagram) = packet.seek::<13>(behind) else { return false };
    let first = datagram.octet::<8>();
    let initial = if datagram.le32::<9>() == VERSION_2 { 0x90 } else { 0x80 };
    first & 0xb0 == initial
}

/// The backend that a datagram's connection ID names; 0: none. `service_and_octets` is the number of the service, then in the
/// low four bits how many octets name a server: the kernel's virtual machine has five registers for arguments.
#[inline(never)]
pub(crate) fn named<P: Packet, M: Maps>(packet: P, maps: M, behind: usize, service_and_octets: u32) -> u32 {
    packet.begin();
    let octets = service_and_octets & 15;
    let Some(directory) = maps.directory() else { return 0 };
    // What is shorter holds no packet of QUIC: behind a connection ID are a packet number and 16 octets that seal it.
    let Some(datagram) = packet.seek::<23>(behind) else { return 0 };
    let first = datagram.octet::<8>();
    let (about, id) = if first & LONG == 0 {
        (datagram.octet::<9>(), datagram.le64::<10>())
    } else {
        // A handshake is the first long header that names what the server chose; others name what the client made up.
        let handshake = if datagram.le32::<9>() == VERSION_2 { 0xb0 } else { 0xa0 };
        if first & 0xb0 != handshake || u32::from(datagram.octet::<13>()) <= octets {
            return 0;
        }
        (datagram.octet::<14>(), datagram.le64::<15>())
    };
    // A connection ID whose first three bits are set says nothing of its server (§3.1 there).
    if octets == 0 || octets > SERVER_OCTETS_MOST || about >> 5 == 7 {
        return 0;
    }
    let id = id & (u64::MAX >> (64 - octets * 8));
    exact(directory, server(service_and_octets >> 4, id), rest(0, UDP, SERVER)).map_or(0, |entry| entry.service)
}
