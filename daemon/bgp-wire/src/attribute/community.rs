//! How communities are shown (RFC 1997, RFC 4360, RFC 8092).
//!
//! Never acts upon a community.

use std::fmt;

use nouns::Asn;
use nouns::community::WELL_KNOWN;

use super::LargeCommunity;

/// A community for showing: `64512:100`, or the name of a well-known one (IANA "BGP Well-known Communities").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// Traffic is about to be moved away (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// Kept long after its neighbor went away (RFC 9494 §3.2).
    pub const LLGR_STALE: Self = Self(0xffff_0006);
    /// Not to be kept like that (RFC 9494 §3.3).
    pub const NO_LLGR: Self = Self(0xffff_0007);
    /// Not beyond this AS or confederation (RFC 1997).
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// To no peer at all (RFC 1997).
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    /// Not beyond this AS (RFC 1997 NO_EXPORT_SUBCONFED).
    pub const LOCAL_AS: Self = Self(0xffff_ff03);
}

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

impl ExtendedCommunity {
    /// The link bandwidth community of an AS (draft-ietf-idr-linkbandwidth): octets a second as a number of IEEE 754,
    /// passed on to other ASes or not. AS numbers of four octets do not fit, AS_TRANS stands for them (RFC 6793).
    #[must_use]
    pub fn link_bandwidth(asn: Asn, octets_per_second: u64, transitive: bool) -> Self {
        #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "the format has 24 bits of precision")]
        let rate = octets_per_second as f32;
        let [high, low] = u16::try_from(asn.0).unwrap_or(AS_TRANS).to_be_bytes();
        let [a, b, c, d] = rate.to_be_bytes();
        Self([if transitive { 0 } else { NON_TRANSITIVE }, LINK_BANDWIDTH, high, low, a, b, c, d])
    }

    /// The octets a second of a link bandwidth community, transitive or not; `None` for any other, and for what is no
    /// rate: less than nothing, not a number, without end.
    #[must_use]
    pub fn bandwidth(self) -> Option<u64> {
        let [kind, LINK_BANDWIDTH, _, _, a, b, c, d] = self.0 else { return None };
        let rate = f32::from_be_bytes([a, b, c, d]);
        let valid = kind & !NON_TRANSITIVE == 0 && rate.is_finite() && rate.is_sign_positive();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::as_conversions,
            reason = "`as` ends at the largest number, and it is not negative"
        )]
        valid.then_some(rate as u64)
    }
}

/// The subtype of the link bandwidth community.
const LINK_BANDWIDTH: u8 = 4;
/// The bit of the type that keeps a community within its AS (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;
/// RFC 6793 §9
const AS_TRANS: u16 = 23456;

impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, subtype, a, b, c, d, e, g] = self.0;
        let name = match subtype {
            2 => "RT",
            3 => "SoO",
            LINK_BANDWIDTH if self.bandwidth().is_some() => {
                let asn = u16::from_be_bytes([a, b]);
                let megabits = self.bandwidth().unwrap_or(0).saturating_mul(8) / 1_000_000;
                return write!(f, "LB:{asn}:{megabits}Mbps");
            }
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
            ([0x40, 4, 0xfc, 0, 0x4c, 0xee, 0x6b, 0x28], "LB:64512:1000Mbps"),
            ([0x40, 4, 0xfc, 0, 0xbf, 0x80, 0, 0], "0x4004fc00bf800000"),
            ([0x80, 2, 1, 2, 3, 4, 5, 6], "0x8002010203040506"),
        ] {
            assert_eq!(ExtendedCommunity(value).to_string(), expect);
        }
    }

    #[test]
    fn a_link_bandwidth_is_a_rate_in_either_form_and_nothing_else_is() {
        for (rate, transitive) in [(0, true), (125_000_000, false), (1_250_000_000, true), (1 << 40, false)] {
            let made = ExtendedCommunity::link_bandwidth(Asn(64512), rate, transitive);
            assert_eq!(made.bandwidth(), Some(rate), "{made:?}");
            assert_eq!(made.0.first(), Some(&if transitive { 0 } else { 0x40 }));
        }
        let far = ExtendedCommunity::link_bandwidth(Asn(4_200_000_000), 1, true);
        assert_eq!(far.0.get(2..4), Some(&AS_TRANS.to_be_bytes()[..]), "an AS number that does not fit");
        let rate = |rate: f32| {
            let [a, b, c, d] = rate.to_be_bytes();
            ExtendedCommunity([0x40, 4, 0, 1, a, b, c, d]).bandwidth()
        };
        for nonsense in [f32::NAN, f32::INFINITY, -1.0, -0.0] {
            assert_eq!(rate(nonsense), None, "{nonsense}");
        }
        assert_eq!(rate(f32::MAX), Some(u64::MAX), "more than there are numbers for");
        for other in [[0, 2, 0, 1, 0x4c, 0xee, 0x6b, 0x28], [0x80, 4, 0, 1, 0, 0, 0, 0], [1, 4, 0, 1, 0, 0, 0, 0]] {
            assert_eq!(ExtendedCommunity(other).bandwidth(), None, "{other:?}");
        }
    }
}
