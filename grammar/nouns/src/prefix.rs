//! Network prefixes of either family, always with their host bits zero.
//!
//! Never stores a prefix that is not canonical, so equality is equality of networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::family::Family;

/// A network prefix: an address whose host bits are zero, and a length.
///
/// Ordered as it is shown: IPv4 before IPv6, then by address, then the shorter first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// Why a text or a pair is not a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Not `ADDRESS/LENGTH`.
    Syntax,
    /// The length exceeds the address.
    Length,
    /// Bits behind the length are set.
    HostBits,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a prefix such as 192.0.2.0/24 or 2001:db8::/32",
            Self::Length => "the prefix length exceeds the address (32 bits for IPv4, 128 for IPv6)",
            Self::HostBits => "the address has bits set behind the prefix length",
        })
    }
}

impl std::error::Error for PrefixError {}

impl Prefix {
    /// Whether no route may lead there: the host itself, its link, or a group (RFC 6890, RFC 1112, RFC 4291 §2.4).
    #[must_use]
    pub fn is_martian(self) -> bool {
        match self.address() {
            _ if self.length() == 0 => false,
            IpAddr::V4(address) => {
                let [first, ..] = address.octets();
                matches!(first, 0 | 127) && self.length() >= 8 || first & 0xf0 == 224 && self.length() >= 4
            }
            IpAddr::V6(address) => {
                let first = address.to_bits() >> 112;
                match self.length() {
                    128 if address.is_unspecified() || address.is_loopback() => true,
                    10.. if first & 0xffc0 == 0xfe80 => true,
                    8.. => first & 0xff00 == 0xff00,
                    _ => false,
                }
            }
        }
    }

    /// The IPv4 default route, `0.0.0.0/0`.
    pub const DEFAULT_V4: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), length: 0 };
    /// The IPv6 default route, `::/0`.
    pub const DEFAULT_V6: Self = Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), length: 0 };

    /// A prefix from an address whose host bits must be zero.
    ///
    /// # Errors
    /// `Length` when too long, `HostBits` when a bit behind `length` is set.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, PrefixError> {
        let prefix = Self::masked(address, length)?;
        if prefix.address == address { Ok(prefix) } else { Err(PrefixError::HostBits) }
    }

    /// A prefix from an address whose host bits are cleared.
    ///
    /// # Errors
    /// `Length` when too long for the family.
    pub fn masked(address: IpAddr, length: u8) -> Result<Self, PrefixError> {
        if length > Family::of(address).bits() {
            return Err(PrefixError::Length);
        }
        Ok(Self { address: mask(address, length), length })
    }

    /// As [`Prefix::masked`], but a length that is too long means the host itself.
    #[must_use]
    pub fn masked_or_host(address: IpAddr, length: u8) -> Self {
        let length = length.min(Family::of(address).bits());
        Self { address: mask(address, length), length }
    }

    /// The prefix that holds one address only: /32 or /128.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self { address, length: Family::of(address).bits() }
    }

    /// The network address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length in bits.
    #[must_use]
    pub fn length(self) -> u8 {
        self.length
    }

    /// The family of the address.
    #[must_use]
    pub fn family(self) -> Family {
        Family::of(self.address)
    }

    /// Whether the prefix is `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub fn is_default(self) -> bool {
        self.length == 0
    }

    /// Whether the prefix is a single address.
    #[must_use]
    pub fn is_host(self) -> bool {
        self.length == self.family().bits()
    }

    /// Whether an address lies within the prefix; never across families.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.family() == Family::of(address) && mask(address, self.length) == self.address
    }

    /// Whether another prefix lies within this one, or is the same.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length && self.contains(other.address)
    }
}

fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let keep = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & keep))
        }
        IpAddr::V6(v6) => {
            let keep = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & keep))
        }
    }
}

/// `ADDRESS/LENGTH` with a decimal length of at most three digits and no sign.
pub(crate) fn split(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((address.parse().ok()?, length.parse().ok()?))
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = split(text).ok_or(PrefixError::Syntax)?;
        Self::new(address, length)
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.length))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefix_texts_are_read_or_refused() {
        for (text, expect) in [
            ("0.0.0.0/0", Ok(())),
            ("172.16.102.229/32", Ok(())),
            ("2001:db8::/32", Ok(())),
            ("10.0.0.1/24", Err(PrefixError::HostBits)),
            ("10.0.0.0/33", Err(PrefixError::Length)),
            ("::/129", Err(PrefixError::Length)),
            ("10.0.0.0", Err(PrefixError::Syntax)),
            ("10.0.0.0/+8", Err(PrefixError::Syntax)),
            ("10.0.0.0/", Err(PrefixError::Syntax)),
            ("x/8", Err(PrefixError::Syntax)),
        ] {
            assert_eq!(text.parse::<Prefix>().map(|_| ()), expect, "{text:?}");
        }
    }

    #[test]
    fn a_prefix_contains_its_own_family_only() {
        assert!(!Prefix::DEFAULT_V4.contains(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert!(Prefix::DEFAULT_V6.contains(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    }

    proptest! {
        #[test]
        fn a_printed_prefix_reads_back(bits: u128, length in 0_u8..=128, v4: bool) {
            let address = if v4 { IpAddr::V4(Ipv4Addr::from_bits(bits as u32)) } else { IpAddr::V6(Ipv6Addr::from_bits(bits)) };
            let prefix = Prefix::masked_or_host(address, length);
            prop_assert_eq!(prefix.to_string().parse::<Prefix>(), Ok(prefix));
            prop_assert!(prefix.contains(address));
        }
    }

    #[test]
    fn some_destinations_are_nobodys() {
        for (text, martian) in [
            ("0.0.0.0/0", false),
            ("0.0.0.0/1", false),
            ("0.0.0.0/8", true),
            ("0.1.0.0/16", true),
            ("127.0.0.0/8", true),
            ("126.0.0.0/7", false),
            ("224.0.0.0/4", true),
            ("239.1.2.3/32", true),
            ("240.0.0.0/4", false),
            ("224.0.0.0/3", false),
            ("10.0.0.0/8", false),
            ("::/0", false),
            ("::/128", true),
            ("::1/128", true),
            ("fe80::/10", true),
            ("fe80:1::/64", true),
            ("fe80::/9", false),
            ("fc00::/7", false),
            ("ff00::/8", true),
            ("ff02::1/128", true),
            ("2001:db8::/32", false),
        ] {
            assert_eq!(text.parse::<Prefix>().map(Prefix::is_martian), Ok(martian), "{text}");
        }
    }
}
