//! Keys of TCP-AO (RFC 5925) on sockets, for kernels that have it (Linux 6.7 with `CONFIG_TCP_AO`).
//!
//! The layouts are those of `struct tcp_ao_add` and `struct tcp_ao_del` of `linux/tcp.h`. Never keeps a key.

#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use nouns::Prefix;

use crate::sys::{self, set_option};
use crate::tcp::{SOCKADDR_STORAGE, peers_address};

/// The longest key that the kernel takes (`TCP_AO_MAXKEYLEN`), in octets.
pub const KEY_MAX: usize = 80;
const TCP_AO_ADD_KEY: i32 = 38;
const TCP_AO_DEL_KEY: i32 = 39;
/// The length of the kernel's field for the name of an algorithm.
const ALGORITHM: usize = 64;
/// Octets of the authentication code: 96 bits of either algorithm (RFC 5926 §3.2).
const MAC: u8 = 12;

/// How segments are signed (RFC 5926 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1-96
    HmacSha1,
    /// AES-128-CMAC-96; the kernel makes 128 bits of a key of any length.
    Aes128Cmac,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "hmac(sha1)",
            Self::Aes128Cmac => "cmac(aes128)",
        }
    }
}

/// A key and its numbers.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// The KeyID of segments that are sent.
    pub send_id: u8,
    /// The KeyID of segments that are received.
    pub recv_id: u8,
    /// How segments are signed.
    pub algorithm: Algorithm,
    /// 1 to [`KEY_MAX`] octets.
    pub secret: &'a [u8],
}

/// Adds a key for the peers of a prefix. `current` is for the key that a connection begins with: it is sent with, and
/// asked for; a listening socket has no such key.
///
/// # Errors
/// `InvalidInput` for a key without octets or with too many; `ENOPROTOOPT` when the kernel has no TCP-AO.
pub fn add(socket: impl AsFd, peers: Prefix, key: Key<'_>, current: bool) -> io::Result<()> {
    if key.secret.is_empty() || key.secret.len() > KEY_MAX {
        let sentence = format!("a key of TCP-AO has 1 to {KEY_MAX} octets, this one has {}", key.secret.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    let address = peers_address(socket.as_fd(), peers)?;
    set_option(socket.as_fd(), libc::IPPROTO_TCP, TCP_AO_ADD_KEY, &added(&address, peers.length(), key, current))
}

/// Takes the key with these numbers away from the peers of a prefix; no error if there was none.
///
/// # Errors
/// What the kernel answers.
pub fn remove(socket: impl AsFd, peers: Prefix, (send_id, recv_id): (u8, u8)) -> io::Result<()> {
    let address = peers_address(socket.as_fd(), peers)?;
    let octets = removed(&address, peers.length(), (send_id, recv_id));
    match set_option(socket.as_fd(), libc::IPPROTO_TCP, TCP_AO_DEL_KEY, &octets) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        other => other,
    }
}

/// Whether the kernel has it; only its not knowing the option counts.
pub(crate) fn is_there() -> bool {
    let asked = |socket: BorrowedFd<'_>| {
        let key = Key { send_id: 1, recv_id: 1, algorithm: Algorithm::HmacSha1, secret: b"probe" };
        add(socket, Prefix::host(IpAddr::from([192, 0, 2, 1])), key, false)
    };
    match sys::stream_socket(libc::AF_INET).and_then(|socket| asked(socket.as_fd())) {
        Err(error) => error.raw_os_error() != Some(libc::ENOPROTOOPT),
        Ok(()) => true,
    }
}

/// `struct tcp_ao_add`: address, algorithm, interface, flags, padding, prefix length, numbers, length of the code, flags,
/// key.
fn added(address: &[u8], length: u8, key: Key<'_>, current: bool) -> Vec<u8> {
    let mut octets = address.to_vec();
    octets.resize(SOCKADDR_STORAGE, 0);
    octets.extend_from_slice(key.algorithm.name().as_bytes());
    octets.resize(SOCKADDR_STORAGE + ALGORITHM, 0);
    octets.extend_from_slice(&0_i32.to_ne_bytes());
    octets.extend_from_slice(&if current { flags(&[0, 1]) } else { flags(&[]) }.to_ne_bytes());
    let secret = u8::try_from(key.secret.len()).unwrap_or(u8::MAX);
    octets.extend_from_slice(&[0, 0, length, key.send_id, key.recv_id, MAC, 0, secret]);
    let end = octets.len().saturating_add(KEY_MAX);
    octets.extend_from_slice(key.secret);
    octets.resize(end, 0);
    octets
}

/// `struct tcp_ao_del`: address, interface, flags, padding, prefix length, numbers, the keys to go on with, flags.
fn removed(address: &[u8], length: u8, (send_id, recv_id): (u8, u8)) -> Vec<u8> {
    let mut octets = address.to_vec();
    octets.resize(SOCKADDR_STORAGE, 0);
    octets.extend_from_slice(&0_i32.to_ne_bytes());
    octets.extend_from_slice(&flags(&[]).to_ne_bytes());
    octets.extend_from_slice(&[0, 0, length, send_id, recv_id, 0, 0, 0]);
    octets
}

/// Bit fields of C, the first of which is the lowest bit on little-endian machines and the highest one on others.
fn flags(bits: &[u32]) -> u32 {
    let bit = |number: u32| if cfg!(target_endian = "little") { 1_u32 << number } else { 1_u32 << (31 - number) };
    bits.iter().fold(0, |all, number| all | bit(*number))
}
