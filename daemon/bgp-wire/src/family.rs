//! Address family numbers on the wire (RFC 4760 §3).
//!
//! The noun `Family` knows no numbers; here they are. Never decides which families are negotiated.

use std::fmt;

use nouns::Family;

use crate::reader::Reader;

/// AFI of IPv4.
pub(crate) const AFI_IPV4: u16 = 1;
/// AFI of IPv6.
pub(crate) const AFI_IPV6: u16 = 2;
/// SAFI of unicast.
const SAFI_UNICAST: u8 = 1;

/// An AFI and SAFI as they came, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AfiSafi {
    /// Address Family Identifier (IANA).
    pub afi: u16,
    /// Subsequent Address Family Identifier (IANA).
    pub safi: u8,
}

impl AfiSafi {
    /// The family, if it is one that this router speaks.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        match (self.afi, self.safi) {
            (AFI_IPV4, SAFI_UNICAST) => Some(Family::Ipv4Unicast),
            (AFI_IPV6, SAFI_UNICAST) => Some(Family::Ipv6Unicast),
            _ => None,
        }
    }

    /// Reads AFI (two octets) and SAFI (one octet), as in MP_REACH_NLRI.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { afi: reader.u16()?, safi: reader.u8()? })
    }

    /// Reads AFI, a reserved octet and SAFI, as in the capability and ROUTE-REFRESH.
    pub(crate) fn read_with_gap(reader: &mut Reader<'_>) -> Option<(Self, u8)> {
        let afi = reader.u16()?;
        let gap = reader.u8()?;
        let safi = reader.u8()?;
        Some((Self { afi, safi }, gap))
    }
}

impl From<Family> for AfiSafi {
    fn from(family: Family) -> Self {
        let afi = match family {
            Family::Ipv4Unicast => AFI_IPV4,
            Family::Ipv6Unicast => AFI_IPV6,
        };
        Self { afi, safi: SAFI_UNICAST }
    }
}

impl fmt::Display for AfiSafi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family() {
            Some(family) => family.fmt(f),
            None => write!(f, "AFI {} SAFI {}", self.afi, self.safi),
        }
    }
}
