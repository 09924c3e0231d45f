//! The hardware address of an Ethernet link.
//!
//! Never asks which card has it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Six octets, written `00:53:00:00:00:01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// The octets in the order in which they are sent.
    #[must_use]
    pub fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether one station can have it: neither a group's address nor zero (`is_valid_ether_addr` in the kernel).
    #[must_use]
    pub fn is_unicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 0 && self.0 != [0; 6]
    }

    /// The address that it makes in a network of 64 bits (RFC 4291 appendix A).
    #[must_use]
    pub fn eui64(self, network: Ipv6Addr) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        let low = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
        Ipv6Addr::from_bits((network.to_bits() & !u128::from(u64::MAX)) | u128::from(low))
    }
}

impl From<[u8; 6]> for MacAddress {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

/// Why a text is not a hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAddressError;

impl fmt::Display for MacAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hardware address of six octets, such as 00:53:00:00:00:01")
    }
}

impl std::error::Error for MacAddressError {}

impl FromStr for MacAddress {
    type Err = MacAddressError;

    fn from_str(text: &str) -> Result<Self, MacAddressError> {
        let octet = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        };
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        octets.and_then(|octets| <[u8; 6]>::try_from(octets).ok()).map(Self).ok_or(MacAddressError)
    }
}

impl TryFrom<String> for MacAddress {
    type Error = MacAddressError;

    fn try_from(text: String) -> Result<Self, MacAddressError> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_are_read_or_refused() {
        for (text, good) in [
            ("00:53:00:00:00:01", Some("00:53:00:00:00:01")),
            ("AA:BB:CC:DD:EE:0F", Some("aa:bb:cc:dd:ee:0f")),
            ("0:53:0:0:0:1", None),
            ("00:53:00:00:00", None),
            ("00:53:00:00:00:01:02", None),
            ("00-53-00-00-00-01", None),
            ("+0:53:00:00:00:01", None),
            ("", None),
        ] {
            let read = text.parse::<MacAddress>().ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), good, "{text:?}");
        }
    }

    #[test]
    fn the_modified_eui_64_has_its_universal_bit_turned() {
        let address = MacAddress::from([0x00, 0x53, 0, 0, 0, 1]);
        let made = address.eui64("2001:db8:1::".parse().unwrap_or(Ipv6Addr::UNSPECIFIED));
        assert_eq!(made.to_string(), "2001:db8:1:0:253:ff:fe00:1");
        assert!(address.is_unicast() && !MacAddress::from([1, 0, 0, 0, 0, 0]).is_unicast());
    }
}
