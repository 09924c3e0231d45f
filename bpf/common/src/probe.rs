//! Packets of our own that ask a backend how it is: they go to that backend, whatever their flow.
//!
//! Never counted as the service's, and never remembered.

use crate::packet::{Maps, Packet, Window};
use crate::send::send;
use crate::way::{Facts, IPV4, IPV6, Verdict};

/// Sends a packet of our own to this backend. What cannot be sent so goes to nobody: an answer that came another way would
/// prove nothing.
#[inline(always)]
pub fn go<P: Packet, M: Maps>(packet: P, maps: M, number: u32) -> Verdict {
    let Some(link) = packet.window::<34>(0) else { return Verdict::DROP };
    let Some(backend) = maps.backend(number) else { return Verdict::DROP };
    let mut facts = Facts { at: 14, ..Facts::NONE };
    let sent = match link.le16::<12>() {
        IPV4 => {
            facts.total = u32::from(link.be16::<16>());
            facts.class = link.octet::<15>();
            facts.behind = 14 + usize::from(link.octet::<14>() & 15) * 4;
            facts.words.protocol = u32::from(link.octet::<23>());
            send::<false, P>(packet, &facts, backend, 0, true)
        }
        IPV6 => {
            facts.total = u32::from(link.be16::<18>()) + 40;
            facts.class = (link.be16::<14>() >> 4) as u8;
            facts.behind = 54;
            facts.words.protocol = u32::from(link.octet::<20>());
            send::<true, P>(packet, &facts, backend, 0, true)
        }
        _ => return Verdict::DROP,
    };
    sent.map_or(Verdict::DROP, Verdict::to)
}
