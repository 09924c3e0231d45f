//! Interface names and the addresses that stand on interfaces.
//!
//! Never asks the kernel whether an interface exists.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::prefix::{Prefix, PrefixError};

/// The name of a network interface: 1 to 15 octets, no slash, no white space (`dev_valid_name` in the kernel).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(Box<str>);

impl IfName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the VLAN of this number on a link: `eth0.100`; `None` where it would be too long.
    #[must_use]
    pub fn vif(&self, id: u16) -> Option<Self> {
        format!("{}.{id}", self.0).parse().ok()
    }

    /// Whether it is named as the VLAN of another link is.
    #[must_use]
    pub fn is_vif(&self) -> bool {
        self.0.rsplit_once('.').is_some_and(|(_, id)| id.parse::<u16>().is_ok())
    }
}

/// Why a text is not an interface name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfNameError;

impl fmt::Display for IfNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an interface name of 1 to 15 letters, digits and signs, without slash or white space")
    }
}

impl std::error::Error for IfNameError {}

impl FromStr for IfName {
    type Err = IfNameError;

    fn from_str(text: &str) -> Result<Self, IfNameError> {
        let wrong = text.is_empty()
            || text.len() > 15
            || text == "."
            || text == ".."
            || text.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
        if wrong { Err(IfNameError) } else { Ok(Self(text.into())) }
    }
}

impl TryFrom<String> for IfName {
    type Error = IfNameError;

    fn try_from(text: String) -> Result<Self, IfNameError> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An address with the length of its network, host bits kept: `192.168.101.1/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceAddress {
    address: IpAddr,
    length: u8,
}

/// Why a text is not an address with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddressError;

impl fmt::Display for InterfaceAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an address with a prefix length, such as 192.0.2.1/24 or 2001:db8::1/64")
    }
}

impl std::error::Error for InterfaceAddressError {}

impl InterfaceAddress {
    /// An address on a network of `length` bits.
    ///
    /// # Errors
    /// When `length` is longer than the address.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, InterfaceAddressError> {
        match Prefix::masked(address, length) {
            Ok(_) => Ok(Self { address, length }),
            Err(PrefixError::Length | PrefixError::HostBits | PrefixError::Syntax) => Err(InterfaceAddressError),
        }
    }

    /// The address itself.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the network in bits.
    #[must_use]
    pub fn length(self) -> u8 {
        self.length
    }

    /// The network that the address stands in.
    #[must_use]
    pub fn network(self) -> Prefix {
        Prefix::masked_or_host(self.address, self.length)
    }
}

impl FromStr for InterfaceAddress {
    type Err = InterfaceAddressError;

    fn from_str(text: &str) -> Result<Self, InterfaceAddressError> {
        let (address, length) = crate::prefix::split(text).ok_or(InterfaceAddressError)?;
        Self::new(address, length)
    }
}

impl TryFrom<String> for InterfaceAddress {
    type Error = InterfaceAddressError;

    fn try_from(text: String) -> Result<Self, InterfaceAddressError> {
        text.parse()
    }
}

impl From<InterfaceAddress> for String {
    fn from(value: InterfaceAddress) -> Self {
        value.to_string()
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_are_read_or_refused() {
        for (text, good) in [
            ("eth0", true),
            ("lo", true),
            ("eth0.100", true),
            ("abcdefghijklmno", true),
            ("abcdefghijklmnop", false),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("..", false),
        ] {
            assert_eq!(text.parse::<IfName>().is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn an_interface_address_keeps_its_host_bits_and_knows_its_network() {
        let address = "192.168.101.1/24".parse::<InterfaceAddress>();
        assert_eq!(address.map(|address| address.to_string()), Ok("192.168.101.1/24".to_owned()));
        assert_eq!(address.map(|address| address.network().to_string()), Ok("192.168.101.0/24".to_owned()));
        assert!("192.168.101.1".parse::<InterfaceAddress>().is_err());
        assert!("192.168.101.1/33".parse::<InterfaceAddress>().is_err());
    }
}
