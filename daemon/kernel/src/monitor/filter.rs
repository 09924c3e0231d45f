//! What the kernel drops before it reaches a socket of ours: programs of classic BPF, which loads in network order, while
//! netlink is in the order of the host.
//!
//! Never drops what could matter to a route that leads somewhere.

use std::collections::BTreeSet;

use nouns::IfName;

use crate::number::{
    AF_INET6, IFLA_IFNAME, RT_SCOPE_LINK, RTA_DST, RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK,
    RTM_NEWROUTE,
};

const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_OCTET: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_HALF_AT_X: u16 = 0x48; // BPF_LD | BPF_H | BPF_IND
const LOAD_WORD_AT_X: u16 = 0x40; // BPF_LD | BPF_W | BPF_IND
const LOAD_STORED: u16 = 0x60; // BPF_LD | BPF_W | BPF_MEM
const STORE: u16 = 0x02; // BPF_ST
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

/// How many links and names a program has room for at most; the kernel takes 4,096 steps.
const LINKS: usize = 1024;
const NAMES: usize = 256;
/// How many links one jump leads over.
const REACH: usize = 250;

/// The same, and drops what is told of links and of their link-local addresses, but of these links and of links with these
/// names. `None` where they are too many.
pub(super) fn storm_filter(
    ports: &[u32],
    links: &BTreeSet<u32>,
    names: &BTreeSet<IfName>,
) -> Option<Vec<libc::sock_filter>> {
    if links.len() > LINKS || names.len() > NAMES {
        return None;
    }
    let kinds = |then: u8| {
        let kinds = [(RTM_NEWLINK, 1), (RTM_DELLINK, 0)];
        kinds.map(|(kind, behind)| step(JUMP_EQUAL, then.saturating_add(behind), 0, u32::from(kind.to_be())))
    };
    let mut of_links = Vec::new();
    // Of an address: `ifa_family` and `ifa_scope`. All but link-local ones of IPv6 are networks, to which routes may lead.
    of_links.extend([step(LOAD_OCTET, 0, 0, 16), step(JUMP_EQUAL, 1, 0, u32::from(AF_INET6)), PASS]);
    of_links.extend([step(LOAD_OCTET, 0, 0, 19), step(JUMP_EQUAL, 1, 0, u32::from(RT_SCOPE_LINK)), PASS]);
    let of_addresses_alone = u8::try_from(of_links.len()).ok()?;
    // `ifi_index` and `ifa_index` stand at the same place.
    of_links.push(step(LOAD_WORD, 0, 0, 20));
    let links: Vec<u32> = links.iter().copied().collect();
    for some in links.chunks(REACH) {
        let behind = (1..=u8::try_from(some.len()).ok()?).rev();
        of_links.extend(some.iter().zip(behind).map(|(link, behind)| step(JUMP_EQUAL, behind, 0, link.to_be())));
        of_links.extend([step(JUMP, 0, 0, 1), PASS]);
    }
    of_links.push(step(LOAD_HALF, 0, 0, 4));
    of_links.extend(kinds(1));
    of_links.push(DROP);
    of_links.extend(name_is_one_of(names));
    of_links.push(DROP);
    // In front of it: what kind of message it is.
    let mut program = vec![step(LOAD_HALF, 0, 0, 4)];
    program.extend(kinds(of_addresses_alone.saturating_add(3)));
    program.push(step(JUMP_EQUAL, 2, 0, u32::from(RTM_NEWADDR.to_be())));
    program.push(step(JUMP_EQUAL, 1, 0, u32::from(RTM_DELADDR.to_be())));
    program.push(step(JUMP, 0, 0, u32::try_from(of_links.len()).ok()?));
    program.extend(of_links);
    program.extend(route_filter(ports));
    Some(program)
}

/// Passes a link by its name, and goes on behind itself with any other.
fn name_is_one_of(names: &BTreeSet<IfName>) -> Vec<libc::sock_filter> {
    // `IFLA_IFNAME` behind `struct nlmsghdr` and `struct ifinfomsg`.
    let mut program =
        vec![step(SET, 0, 0, 32), step(SET_X, 0, 0, u32::from(IFLA_IFNAME)), step(LOAD_WORD, 0, 0, FIND_ATTRIBUTE)];
    program.extend([step(JUMP_EQUAL, 0, 1, 0), PASS, step(TO_X, 0, 0, 0)]);
    // The attribute ends with a NUL, and the room up to the next one is filled with them (`nla_reserve`). The next ones are
    // long enough for four words to be there always.
    for word in 0..4 {
        program.extend([step(LOAD_WORD_AT_X, 0, 0, word * 4 + 4), step(STORE, 0, 0, word)]);
    }
    for name in names {
        let octets: Vec<u8> = name.as_str().bytes().chain([0]).collect();
        let words: Vec<u32> = octets.chunks(4).map(word_of).collect();
        let behind = (1..=u8::try_from(words.len()).unwrap_or(4)).rev();
        for ((place, word), behind) in (0..).zip(words).zip(behind) {
            program.extend([step(LOAD_STORED, 0, 0, place), step(JUMP_EQUAL, 0, behind * 2 - 1, word)]);
        }
        program.push(PASS);
    }
    program
}

/// In network order, as the program loads it.
fn word_of(octets: &[u8]) -> u32 {
    let mut word = [0; 4];
    word.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    u32::from_be_bytes(word)
}
