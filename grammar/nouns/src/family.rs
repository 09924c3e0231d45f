//! The two address families of the router.
//!
//! Never holds numbers of a protocol: AFI and SAFI codes belong to the codec.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An address family with its unicast routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4 unicast.
    Ipv4Unicast,
    /// IPv6 unicast.
    Ipv6Unicast,
}

impl Family {
    /// Both families, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Ipv4Unicast, Self::Ipv6Unicast];

    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4Unicast,
            IpAddr::V6(_) => Self::Ipv6Unicast,
        }
    }

    /// The length of an address in bits: 32 or 128.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::Ipv4Unicast => 32,
            Self::Ipv6Unicast => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4Unicast => "IPv4 Unicast",
            Self::Ipv6Unicast => "IPv6 Unicast",
        })
    }
}
