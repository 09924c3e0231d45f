//! How communities are shown (RFC 1997, RFC 4360, RFC 8092).
//!
//! Never acts upon a community.

use std::fmt;

use super::LargeCommunity;

/// A community for showing: `64512:100`, or the name of a well-known one (IANA "BGP Well-known Communities").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// Traffic is about to be moved away (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// Discard the traffic (RFC 7999).
    pub const BLACKHOLE: Self = Self(0xffff_029a);
    /// Not beyond this AS or confederation (RFC 1997).
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// To no peer at all (RFC 1997).
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    /// Not beyond this AS (RFC 1997 NO_EXPORT_SUBCONFED).
    pub const LOCAL_AS: Self = Self(0xffff_ff03);
}

const WELL_KNOWN: [(u32, &str); 9] = [
    (Community::GRACEFUL_SHUTDOWN.0, "graceful-shutdown"),
    (0xffff_0001, "accept-own"),
    (0xffff_0006, "llgr-stale"),
    (0xffff_0007, "no-llgr"),
    (Community::BLACKHOLE.0, "blackhole"),
    (Community::NO_EXPORT.0, "no-export"),
    (Community::NO_ADVERTISE.0, "no-advertise"),
    (Community::LOCAL_AS.0, "local-AS"),
    (0xffff_ff04, "no-peer"),
];

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WELL_KNOWN.iter().find(|(value, _)| *value == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff),
        }
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.0, self.1, self.2)
    }
}

/// An extended community for showing: `RT:64512:100`, `SoO:192.0.2.1:7`, or sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub [u8; 8]);

impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, subtype, a, b, c, d, e, g] = self.0;
        let name = match subtype {
            2 => "RT",
            3 => "SoO",
            _ => return write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        };
        let long = u32::from_be_bytes([a, b, c, d]);
        let low = u16::from_be_bytes([e, g]);
        match kind {
            0 => write!(f, "{name}:{}:{}", u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, g])),
            1 => write!(f, "{name}:{}:{low}", std::net::Ipv4Addr::from_bits(long)),
            2 => write!(f, "{name}:{long}:{low}"),
            _ => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_shown_as_routers_show_them() {
        for (value, expect) in [(0xfc00_0064, "64512:100"), (0xffff_ff01, "no-export"), (0xffff_029a, "blackhole")] {
            assert_eq!(Community(value).to_string(), expect);
        }
        assert_eq!(LargeCommunity(64512, 1, 2).to_string(), "64512:1:2");
        for (value, expect) in [
            ([0, 2, 0xfc, 0, 0, 0, 0, 100], "RT:64512:100"),
            ([1, 3, 192, 0, 2, 1, 0, 7], "SoO:192.0.2.1:7"),
            ([2, 2, 0, 1, 0x11, 0x70, 0, 7], "RT:70000:7"),
            ([0x40, 4, 0xfc, 0, 0, 0, 0, 0], "0x4004fc0000000000"),
            ([0x80, 2, 1, 2, 3, 4, 5, 6], "0x8002010203040506"),
        ] {
            assert_eq!(ExtendedCommunity(value).to_string(), expect);
        }
    }
}
