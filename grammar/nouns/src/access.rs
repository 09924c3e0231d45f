//! Which destinations a rule of an access list is for.
//!
//! A list of IPv4 looks at the destination's address, and an extended one at its mask, too, as routers have used them for
//! filters of routes since before there were prefix lists. Never decides what becomes of a destination.

use std::net::{IpAddr, Ipv4Addr};

use crate::Prefix;

/// An IPv4 address of which some bits do not matter: `any`, `host A`, or `network A inverse-mask M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wildcard {
    bits: u32,
    ignored: u32,
}

impl Wildcard {
    /// Every address.
    pub const ANY: Self = Self { bits: 0, ignored: u32::MAX };

    /// This address alone.
    #[must_use]
    pub fn host(address: Ipv4Addr) -> Self {
        Self::network(address, Ipv4Addr::UNSPECIFIED)
    }

    /// Addresses that are equal where the inverse mask has no bit.
    #[must_use]
    pub fn network(address: Ipv4Addr, inverse_mask: Ipv4Addr) -> Self {
        let ignored = inverse_mask.to_bits();
        Self { bits: address.to_bits() & !ignored, ignored }
    }

    fn matches(self, address: u32) -> bool {
        address & !self.ignored == self.bits
    }
}

impl std::fmt::Display for Wildcard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = Ipv4Addr::from_bits(self.bits);
        match self.ignored {
            u32::MAX => f.write_str("any"),
            0 => write!(f, "host {address}"),
            ignored => write!(f, "{address} {}", Ipv4Addr::from_bits(ignored)),
        }
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// The address of a destination of IPv4 (`source`), and its mask as if that were an address, too (`destination`).
    Ipv4 {
        /// The address.
        source: Wildcard,
        /// The mask; any for standard lists.
        destination: Wildcard,
    },
    /// Destinations within this one, or this one alone.
    Within {
        /// The destination around them.
        prefix: Prefix,
        /// `exact-match`
        exact: bool,
    },
}

impl Access {
    /// Whether a rule is for a destination.
    #[must_use]
    pub fn matches(self, destination: Prefix) -> bool {
        match (self, destination.address()) {
            (Self::Ipv4 { source, destination: mask }, IpAddr::V4(address)) => {
                let bits = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(destination.length()))).unwrap_or(0);
                source.matches(address.to_bits()) && mask.matches(bits)
            }
            (Self::Ipv4 { .. }, IpAddr::V6(_)) => false,
            (Self::Within { prefix, exact: true }, _) => prefix == destination,
            (Self::Within { prefix, exact: false }, _) => prefix.covers(destination),
        }
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ipv4 { source, destination } if *destination == Wildcard::ANY => source.fmt(f),
            Self::Ipv4 { source, destination } => write!(f, "{source} {destination}"),
            Self::Within { prefix, exact } if prefix.length() == 0 && !exact => f.write_str("any"),
            Self::Within { prefix, exact } => write!(f, "{prefix}{}", if *exact { " exact-match" } else { "" }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn network(address: &str, inverse_mask: &str) -> Wildcard {
        Wildcard::network(address.parse().unwrap(), inverse_mask.parse().unwrap())
    }

    #[test]
    fn a_rule_looks_at_the_address_and_where_it_is_extended_at_the_mask() {
        let ten = network("10.0.0.0", "0.255.255.255");
        let standard = |source| Access::Ipv4 { source, destination: Wildcard::ANY };
        let slash16 = Access::Ipv4 { source: ten, destination: Wildcard::host([255, 255, 0, 0].into()) };
        let odd = standard(network("10.0.1.0", "0.255.0.255"));
        let within = |text: &str, exact| Access::Within { prefix: text.parse().unwrap(), exact };
        for (rule, prefix, expected) in [
            (standard(Wildcard::ANY), "10.1.0.0/16", true),
            (standard(Wildcard::ANY), "0.0.0.0/0", true),
            (standard(Wildcard::ANY), "2001:db8::/32", false),
            (standard(ten), "10.0.0.0/8", true),
            (standard(ten), "10.1.2.0/24", true),
            (standard(ten), "10.0.0.0/7", true),
            (standard(ten), "11.0.0.0/8", false),
            (standard(Wildcard::host([10, 1, 2, 0].into())), "10.1.2.0/24", true),
            (standard(Wildcard::host([10, 1, 2, 0].into())), "10.1.3.0/24", false),
            (slash16, "10.7.0.0/16", true),
            (slash16, "10.7.0.0/17", false),
            (slash16, "11.7.0.0/16", false),
            (odd, "10.9.1.0/24", true),
            (odd, "10.9.2.0/24", false),
            (within("2001:db8::/32", false), "2001:db8:1::/48", true),
            (within("2001:db8::/32", false), "2001::/16", false),
            (within("2001:db8::/32", true), "2001:db8::/32", true),
            (within("2001:db8::/32", true), "2001:db8:1::/48", false),
            (within("::/0", false), "2001:db8::/32", true),
            (within("::/0", false), "10.0.0.0/8", false),
        ] {
            assert_eq!(rule.matches(prefix.parse().unwrap()), expected, "{rule} {prefix}");
        }
    }

    #[test]
    fn rules_are_told_as_they_are_typed() {
        let ten = network("10.9.9.9", "0.255.255.255");
        let rule = |destination| Access::Ipv4 { source: ten, destination };
        assert_eq!(rule(Wildcard::ANY).to_string(), "10.0.0.0 0.255.255.255");
        assert_eq!(rule(Wildcard::host([255, 0, 0, 0].into())).to_string(), "10.0.0.0 0.255.255.255 host 255.0.0.0");
        let within = |text: &str, exact| Access::Within { prefix: text.parse().unwrap(), exact }.to_string();
        assert_eq!(within("::/0", false), "any");
        assert_eq!(within("2001:db8::/32", true), "2001:db8::/32 exact-match");
    }
}
