//! The octets of router advertisements and solicitations (RFC 4861 §4.1, §4.2).
//!
//! Uses the standard library alone, so that the fuzz target reads this very file without the crate around it. Never opens
//! a socket.

use std::net::Ipv6Addr;

/// The most that is read of a message: an Ethernet frame.
pub const LONGEST: usize = 1500;
/// ICMPv6 Router Solicitation.
pub(super) const SOLICITATION: u8 = 133;
/// ICMPv6 Router Advertisement.
pub(super) const ADVERTISEMENT: u8 = 134;
/// Option: the sender's hardware address.
const SOURCE_LINK_ADDRESS: u8 = 1;
/// Option: the MTU of the link.
const MTU: u8 = 5;

/// What a router or a host on the link said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A router tells that it is there.
    Advertisement {
        /// Seconds for which it is a default router; 0 when it is none.
        lifetime: u16,
    },
    /// A host or router asks who is there.
    Solicitation,
}

/// The advertisement of a router that is no default router for anybody: its lifetime is 0.
///
/// `mac` is left out where it is not of 6 octets, `mtu` where it is 0.
#[must_use]
pub fn advertisement(mac: &[u8], mtu: u32) -> Vec<u8> {
    // Type, code, checksum (the kernel's work), hop limit unspecified, no flags, lifetime 0, no timers.
    let mut octets = vec![ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0];
    octets.extend_from_slice(&[0; 8]);
    if mac.len() == 6 {
        octets.extend_from_slice(&[SOURCE_LINK_ADDRESS, 1]);
        octets.extend_from_slice(mac);
    }
    if mtu > 0 {
        octets.extend_from_slice(&[MTU, 1, 0, 0]);
        octets.extend_from_slice(&mtu.to_be_bytes());
    }
    octets
}

/// Reads a message whose checksum and hop limit the kernel has judged; `None` for one that has to be dropped
/// (RFC 4861 §6.1.1, §6.1.2).
#[must_use]
pub fn read(octets: &[u8], from: Ipv6Addr) -> Option<Heard> {
    let [kind, 0, _, _, ..] = *octets else { return None };
    let (heard, options) = match kind {
        SOLICITATION => (Heard::Solicitation, octets.get(8..)?),
        ADVERTISEMENT if from.is_unicast_link_local() => {
            let lifetime = u16::from_be_bytes(octets.get(6..8)?.try_into().ok()?);
            (Heard::Advertisement { lifetime }, octets.get(16..)?)
        }
        _ => return None,
    };
    are_sound(options).then_some(heard)
}

/// Whether every option has a length and ends within the message.
fn are_sound(mut options: &[u8]) -> bool {
    while let [_, length, ..] = *options {
        let octets = usize::from(length).saturating_mul(8);
        match options.get(octets..) {
            Some(rest) if octets > 0 => options = rest,
            _ => return false,
        }
    }
    options.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

    #[test]
    fn what_is_sent_is_read_as_a_router_that_is_nobodys_default() {
        for (mac, mtu, length) in [(&[2, 0, 0, 0, 0, 1][..], 1500, 32), (&[], 1500, 24), (&[1, 2, 3], 0, 16)] {
            let sent = advertisement(mac, mtu);
            assert_eq!((sent.len(), read(&sent, ROUTER)), (length, Some(Heard::Advertisement { lifetime: 0 })));
        }
        assert_eq!(
            advertisement(&[2, 0, 0, 0, 0, 1], 1500),
            [134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 5, 220]
        );
    }

    #[test]
    fn messages_that_break_the_rules_are_dropped() {
        let good = advertisement(&[2, 0, 0, 0, 0, 1], 1500);
        let with = |place: usize, octet: u8| {
            let mut octets = good.clone();
            if let Some(place) = octets.get_mut(place) {
                *place = octet;
            }
            read(&octets, ROUTER)
        };
        assert_eq!(with(1, 1), None, "another code");
        assert_eq!(with(0, 135), None, "another type");
        assert_eq!(with(17, 0), None, "an option without a length");
        assert_eq!(with(17, 9), None, "an option that is longer than the message");
        assert_eq!(with(6, 7), Some(Heard::Advertisement { lifetime: 0x700 }));
        assert_eq!(
            read(&good, "2001:db8::1".parse().unwrap_or(Ipv6Addr::LOCALHOST)),
            None,
            "not from a link-local address"
        );
        for cut in 0..good.len() {
            let whole = [16, 24].contains(&cut);
            assert_eq!(read(good.get(..cut).unwrap_or_default(), ROUTER).is_some(), whole, "{cut} octets");
        }
        assert_eq!(read(&[133, 0, 0, 0, 0, 0, 0, 0], Ipv6Addr::UNSPECIFIED), Some(Heard::Solicitation));
        assert_eq!(read(&[133, 0, 0, 0], ROUTER), None);
    }
}
