//! The largest segment that a connection agrees on, made smaller where a tunnel takes room (RFC 9293 §3.7.1).
//!
//! Never makes it larger, and adds no option.

use crate::packet::{Covered, Packet, Window};

/// Cuts the offer of a SYN to so many octets.
#[inline(never)]
pub(crate) fn clamp<P: Packet>(packet: P, behind: usize, most: u32) {
    packet.begin();
    let Some(tcp) = packet.seek::<20>(behind) else { return };
    let header = usize::from(tcp.octet::<12>() >> 4) * 4;
    let mut next = 20;
    for _ in 0..OPTIONS {
        if next + 4 > header {
            break;
        }
        let Some(option) = packet.seek::<4>(behind + next) else { break };
        let (kind, length) = (option.octet::<0>(), option.octet::<1>());
        if kind == 0 {
            break;
        }
        if kind == 2 && length == 4 {
            let offered = option.be16::<2>();
            if u32::from(offered) > most {
                let clamped = most as u16;
                option.set_be16::<2>(clamped);
                // Where the option begins at an odd place, the words of the sum do not begin with it.
                let turned = next & 1 == 0;
                let (before, after) =
                    if turned { (offered.swap_bytes(), clamped.swap_bytes()) } else { (offered, clamped) };
                let _ = packet.mend(behind + 16, u64::from(before), u64::from(after), Covered::Content);
            }
            break;
        }
        next += if kind == 1 { 1 } else { usize::from(length) };
    }
}

/// Options that a header has room for.
const OPTIONS: usize = 40;
