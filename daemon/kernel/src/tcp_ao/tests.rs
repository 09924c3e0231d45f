//! The octets of keys, held against the C structures as `linux/tcp.h` draws them, and the kernel's word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::mem::{align_of, offset_of, size_of};

use super::*;
use crate::tcp::socket_address;

/// `struct tcp_ao_add`, field by field; the bit fields as the one number that they share.
#[repr(C, align(8))]
struct Add {
    addr: [u8; SOCKADDR_STORAGE],
    alg_name: [u8; ALGORITHM],
    ifindex: i32,
    set_current_set_rnext: u32,
    reserved2: u16,
    prefix: u8,
    sndid: u8,
    rcvid: u8,
    maclen: u8,
    keyflags: u8,
    keylen: u8,
    key: [u8; KEY_MAX],
}

/// `struct tcp_ao_del`
#[repr(C, align(8))]
struct Del {
    addr: [u8; SOCKADDR_STORAGE],
    ifindex: i32,
    set_current_set_rnext_del_async: u32,
    reserved2: u16,
    prefix: u8,
    sndid: u8,
    rcvid: u8,
    current_key: u8,
    rnext: u8,
    keyflags: u8,
}

const KEY: Key<'_> = Key { send_id: 7, recv_id: 9, algorithm: Algorithm::Aes128Cmac, secret: b"s3cret" };

#[test]
fn a_key_has_the_octets_of_the_kernels_structure() {
    assert_eq!((size_of::<Add>(), size_of::<Del>(), align_of::<Add>()), (288, 144, 8));
    let address = socket_address([192, 0, 2, 0].into(), 0);
    let octets = added(&address, 24, KEY, true);
    assert_eq!(octets.len(), size_of::<Add>());
    assert_eq!(octets[..8], [2, 0, 0, 0, 192, 0, 2, 0]);
    let at = |offset: usize, length: usize| octets[offset..offset + length].to_vec();
    assert_eq!(at(offset_of!(Add, alg_name), 13), b"cmac(aes128)\0");
    assert_eq!(at(offset_of!(Add, ifindex), 4), [0; 4]);
    assert_eq!(at(offset_of!(Add, set_current_set_rnext), 4), 3_u32.to_le_bytes());
    assert_eq!(at(offset_of!(Add, reserved2), 2), [0; 2]);
    assert_eq!(octets[offset_of!(Add, prefix)], 24);
    assert_eq!(octets[offset_of!(Add, sndid)], 7);
    assert_eq!(octets[offset_of!(Add, rcvid)], 9);
    assert_eq!(octets[offset_of!(Add, maclen)], 12, "96 bits");
    assert_eq!(octets[offset_of!(Add, keyflags)], 0, "TCP options are signed");
    assert_eq!(octets[offset_of!(Add, keylen)], 6);
    assert_eq!(at(offset_of!(Add, key), 8), b"s3cret\0\0");
    let listening = added(&address, 24, KEY, false);
    assert_eq!(listening[offset_of!(Add, set_current_set_rnext)..][..4], [0; 4]);
}

#[test]
fn a_key_is_taken_away_by_its_numbers() {
    let octets = removed(&socket_address([192, 0, 2, 0].into(), 0), 24, (7, 9));
    assert_eq!(octets.len(), size_of::<Del>());
    assert_eq!(octets[offset_of!(Del, prefix)..], [24, 7, 9, 0, 0, 0]);
    assert_eq!(offset_of!(Del, ifindex), SOCKADDR_STORAGE);
}

#[test]
fn a_key_without_octets_or_with_too_many_is_refused_before_the_kernel_sees_it() {
    let socket = sys::stream_socket(libc::AF_INET).unwrap();
    let peers = Prefix::host([192, 0, 2, 1].into());
    for secret in [&[][..], &[b'x'; KEY_MAX + 1]] {
        let error = add(&socket, peers, Key { secret, ..KEY }, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn the_kernel_takes_a_key_exactly_where_it_knows_the_option() {
    let socket = sys::stream_socket(libc::AF_INET).unwrap();
    let peers = Prefix::host([192, 0, 2, 1].into());
    match add(&socket, peers, KEY, false) {
        Ok(()) => {
            assert!(is_there());
            assert!(add(&socket, peers, KEY, false).is_err(), "the same numbers twice");
            remove(&socket, peers, (7, 9)).unwrap();
            remove(&socket, peers, (7, 9)).unwrap();
        }
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT));
            assert!(!is_there());
        }
    }
}
