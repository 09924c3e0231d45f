//! What the kernel drops before it reaches a socket of ours: programs of classic BPF, which loads in network order, while
//! netlink is in the order of the host.
//!
//! Never drops what could matter to a route that leads somewhere.

use crate::number::{
    AF_INET6, RTA_DST, RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE,
};

const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_OCTET: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_HALF_AT_X: u16 = 0x48; // BPF_LD | BPF_H | BPF_IND
const SET: u16 = 0x00; // BPF_LD | BPF_IMM
const SET_X: u16 = 0x01; // BPF_LDX | BPF_IMM
const TO_X: u16 = 0x07; // BPF_MISC | BPF_TAX
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K
// SKF_AD_OFF + SKF_AD_NLATTR: where behind the offset A the attribute X begins; 0 if it is not there.
const FIND_ATTRIBUTE: u32 = 0xffff_f000 + 12;
const PASS: libc::sock_filter = step(RETURN, 0, 0, u32::MAX);
const DROP: libc::sock_filter = step(RETURN, 0, 0, 0);

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Drops `RTM_NEWROUTE` and `RTM_DELROUTE` whose `nlmsg_pid` is one of `ports`, and those of the local table and to
/// link-local networks (fe80::/16), which every address of every link has some of; everything else passes.
///
/// Next hops of ours pass, because the ledger has to know them.
pub(super) fn route_filter(ports: &[u32]) -> Vec<libc::sock_filter> {
    let mut program = vec![
        step(LOAD_HALF, 0, 0, 4),
        step(JUMP_EQUAL, 2, 0, u32::from(RTM_NEWROUTE.to_be())),
        step(JUMP_EQUAL, 1, 0, u32::from(RTM_DELROUTE.to_be())),
        PASS,
        step(LOAD_WORD, 0, 0, 12),
    ];
    for port in ports {
        program.extend([step(JUMP_EQUAL, 0, 1, port.to_be()), DROP]);
    }
    // `rtm_table`
    program.extend([step(LOAD_OCTET, 0, 0, 20), step(JUMP_EQUAL, 0, 1, u32::from(libc::RT_TABLE_LOCAL)), DROP]);
    // `rtm_family`, then the first octets of `RTA_DST` behind `struct nlmsghdr` and `struct rtmsg`.
    program.extend([step(LOAD_OCTET, 0, 0, 16), step(JUMP_EQUAL, 1, 0, u32::from(AF_INET6)), PASS]);
    program.extend([step(SET, 0, 0, 28), step(SET_X, 0, 0, u32::from(RTA_DST)), step(LOAD_WORD, 0, 0, FIND_ATTRIBUTE)]);
    program.extend([step(JUMP_EQUAL, 0, 1, 0), PASS, step(TO_X, 0, 0, 0), step(LOAD_HALF_AT_X, 0, 0, 4)]);
    program.extend([step(JUMP_EQUAL, 0, 1, 0xfe80), DROP, PASS]);
    program
}

/// The same, and drops what is told of links and of their addresses but of these links.
pub(super) fn bell_filter(ports: &[u32], links: &[u32]) -> Vec<libc::sock_filter> {
    let kinds = [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR];
    let mut program = vec![step(LOAD_HALF, 0, 0, 4)];
    // Each jumps over those behind it and over the jump to the rest.
    program.extend((1..=4).rev().zip(kinds).map(|(behind, kind)| step(JUMP_EQUAL, behind, 0, u32::from(kind.to_be()))));
    // `ifi_index` and `ifa_index` stand at the same place.
    let mut of_links = vec![step(LOAD_WORD, 0, 0, 20)];
    for link in links {
        of_links.extend([step(JUMP_EQUAL, 0, 1, link.to_be()), PASS]);
    }
    of_links.push(DROP);
    program.push(step(JUMP, 0, 0, u32::try_from(of_links.len()).unwrap_or(u32::MAX)));
    program.extend(of_links);
    program.extend(route_filter(ports));
    program
}
