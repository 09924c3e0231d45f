//! Capabilities of OPEN (RFC 5492).
//!
//! What is understood is typed, all else is kept as it came. Never decides what is negotiated.

use nouns::{Asn, Family};

use crate::family::AfiSafi;

mod codec;

pub(crate) use codec::{decode_all, encode_all};

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Multiprotocol extensions for one family (RFC 4760 §8), code 1.
    Multiprotocol(AfiSafi),
    /// Route refresh (RFC 2918), code 2.
    RouteRefresh,
    /// Outbound route filters by prefix (RFC 5291 §5, RFC 5292), code 3: families and 1 receive, 2 send, 3 both.
    OutboundFilter(Vec<(Family, u8)>),
    /// IPv4 routes may have IPv6 next hops (RFC 8950 §4), code 5: the families whose next hop may be IPv6.
    ExtendedNextHop(Vec<Family>),
    /// Messages of up to 65535 octets (RFC 8654), code 6.
    ExtendedMessage,
    /// The sender's role (RFC 9234 §4.1), code 9.
    Role(u8),
    /// Graceful restart (RFC 4724 §3), code 64.
    GracefulRestart {
        /// R bit: the sender has restarted.
        restarting: bool,
        /// N bit: a NOTIFICATION does not end the routes (RFC 8538 §2).
        notification: bool,
        /// Restart time in seconds, 12 bits.
        time: u16,
        /// Families, and whether their forwarding state was kept (F bit).
        families: Vec<(Family, bool)>,
    },
    /// Four-octet AS numbers (RFC 6793 §4.1), code 65, with the sender's AS.
    FourOctetAs(Asn),
    /// Several paths for a destination (RFC 7911 §4), code 69: families and 1 receive, 2 send, 3 both.
    AddPath(Vec<(Family, u8)>),
    /// Enhanced route refresh (RFC 7313), code 70.
    EnhancedRouteRefresh,
    /// Long-lived graceful restart (RFC 9494 §3.1), code 71: families, F bit, stale time in seconds (24 bits).
    LongLivedGracefulRestart(Vec<(Family, bool, u32)>),
    /// Host and domain name of the sender, code 73.
    Fqdn {
        /// Host name; octets that are not UTF-8 are replaced.
        host: String,
        /// Domain name, often empty.
        domain: String,
    },
    /// Name and version of the sender's software, code 75.
    SoftwareVersion(String),
    /// Any other, or one of the above whose value is malformed in a way that is ignored.
    Unknown {
        /// The code.
        code: u8,
        /// The value.
        value: Vec<u8>,
    },
}

impl Capability {
    /// Multiprotocol extensions for a family of ours.
    #[must_use]
    pub fn multiprotocol(family: Family) -> Self {
        Self::Multiprotocol(family.into())
    }

    /// The code (IANA).
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => 1,
            Self::RouteRefresh => 2,
            Self::OutboundFilter(_) => 3,
            Self::ExtendedNextHop(_) => 5,
            Self::ExtendedMessage => 6,
            Self::Role(_) => 9,
            Self::GracefulRestart { .. } => 64,
            Self::FourOctetAs(_) => 65,
            Self::AddPath(_) => 69,
            Self::EnhancedRouteRefresh => 70,
            Self::LongLivedGracefulRestart(_) => 71,
            Self::Fqdn { .. } => 73,
            Self::SoftwareVersion(_) => 75,
            Self::Unknown { code, .. } => *code,
        }
    }
}
