//! Path attributes as values: what an UPDATE says of the routes it carries.
//!
//! Never holds an octet of framing; `decode` and `encode` live beside it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::Asn;

mod as_path;
mod community;
mod keep;
mod only_to_customer;

pub(crate) use as_path::Builder;
pub use as_path::{AsPath, Segment, SegmentKind, Segments};
pub use community::{Community, ExtendedCommunity};
pub use keep::Keep;
pub use thin_vec::{ThinVec, thin_vec};

/// ORIGIN (RFC 4271 §5.1.1), ordered as the decision prefers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Interior to the originating AS.
    Igp,
    /// Learned through EGP.
    Egp,
    /// By some other means.
    Incomplete,
}

impl Origin {
    /// The letter of `show ip bgp`: `i`, `e` or `?`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Igp => 'i',
            Self::Egp => 'e',
            Self::Incomplete => '?',
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Igp => "IGP",
            Self::Egp => "EGP",
            Self::Incomplete => "incomplete",
        })
    }
}

/// Where packets for the route go, as the peer said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHop {
    /// NEXT_HOP, or the global address of MP_REACH_NLRI (RFC 4760, RFC 2545, RFC 8950).
    pub address: IpAddr,
    /// The link-local address that came beside it (RFC 2545 §3).
    pub link_local: Option<Ipv6Addr>,
}

impl NextHop {
    /// Whether no packet can ever go to it (RFC 4271 §6.3, and its like for IPv6).
    #[must_use]
    pub fn is_martian(&self) -> bool {
        match self.address.to_canonical() {
            IpAddr::V4(address) => matches!(address.octets(), [0 | 127 | 224..=255, ..]),
            IpAddr::V6(address) => address.is_unspecified() || address.is_loopback() || address.is_multicast(),
        }
    }
}

/// AGGREGATOR (RFC 4271 §5.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aggregator {
    /// The aggregating AS.
    pub asn: Asn,
    /// The aggregating speaker.
    pub address: Ipv4Addr,
}

/// LARGE_COMMUNITY (RFC 8092): global administrator and two local parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub u32, pub u32, pub u32);

/// An attribute that this speaker does not interpret, passed on when transitive (RFC 4271 §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownAttribute {
    /// The flags as received; Partial is set when it is passed on.
    pub flags: u8,
    /// The type code.
    pub code: u8,
    /// The value.
    pub value: Vec<u8>,
}

/// The attributes of a route, next hop included; routes with equal sets share one.
///
/// A million of them may be kept: lists that are usually empty are one pointer each, and a usual AS path lives within.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathAttributes {
    /// ORIGIN
    pub origin: Origin,
    /// AS_PATH, with AS4_PATH already merged (RFC 6793 §4.2.3).
    pub as_path: AsPath,
    /// NEXT_HOP or the next hop of MP_REACH_NLRI.
    pub next_hop: NextHop,
    /// MULTI_EXIT_DISC
    pub med: Option<u32>,
    /// LOCAL_PREF
    pub local_pref: Option<u32>,
    /// ATOMIC_AGGREGATE
    pub atomic_aggregate: bool,
    /// AGGREGATOR
    pub aggregator: Option<Aggregator>,
    /// COMMUNITIES (RFC 1997), sorted and unique.
    pub communities: ThinVec<u32>,
    /// EXTENDED COMMUNITIES (RFC 4360), sorted and unique.
    pub extended_communities: ThinVec<[u8; 8]>,
    /// LARGE_COMMUNITY (RFC 8092), sorted and unique.
    pub large_communities: ThinVec<LargeCommunity>,
    /// ORIGINATOR_ID (RFC 4456)
    pub originator_id: Option<Ipv4Addr>,
    /// CLUSTER_LIST (RFC 4456)
    pub cluster_list: ThinVec<Ipv4Addr>,
    /// Everything else that has to be passed on; ONLY_TO_CUSTOMER is among it.
    pub unknown: ThinVec<UnknownAttribute>,
    /// What whoever keeps the set notes on it; it says nothing of the route.
    pub keep: Keep,
}

impl PathAttributes {
    /// The mandatory attributes with an empty AS path, and none of the others.
    #[must_use]
    pub fn new(origin: Origin, next_hop: IpAddr) -> Self {
        Self {
            origin,
            as_path: AsPath::default(),
            next_hop: NextHop { address: next_hop, link_local: None },
            med: None,
            local_pref: None,
            atomic_aggregate: false,
            aggregator: None,
            communities: ThinVec::new(),
            extended_communities: ThinVec::new(),
            large_communities: ThinVec::new(),
            originator_id: None,
            cluster_list: ThinVec::new(),
            unknown: ThinVec::new(),
            keep: Keep::default(),
        }
    }
}

impl PathAttributes {
    /// The octets a second of the link bandwidth community, the least where there are several
    /// (draft-ietf-idr-linkbandwidth).
    #[must_use]
    pub fn link_bandwidth(&self) -> Option<u64> {
        let all = self.extended_communities.iter();
        all.filter_map(|community| ExtendedCommunity(*community).bandwidth()).min()
    }
}

impl Hash for PathAttributes {
    /// Every set that is received is hashed, so this takes few and wide steps: what few sets have
    /// is looked at only where there is any of it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let wide = |number: Option<u32>| number.map_or(u64::from(u32::MAX) + 1, u64::from);
        self.as_path.hash(state);
        match self.next_hop.address {
            IpAddr::V4(address) => state.write_u32(address.to_bits()),
            IpAddr::V6(address) => state.write_u128(address.to_bits()),
        }
        state.write_u64(wide(self.med) << 2 | u64::from(self.origin as u8));
        state.write_u64(wide(self.local_pref) << 1 | u64::from(self.atomic_aggregate));
        let rare = [self.next_hop.link_local.is_some(), self.aggregator.is_some(), self.originator_id.is_some()];
        let lists = [
            !self.communities.is_empty(),
            !self.extended_communities.is_empty(),
            !self.large_communities.is_empty(),
            !self.cluster_list.is_empty(),
            !self.unknown.is_empty(),
        ];
        let present = rare.into_iter().chain(lists).fold(0, |bits, present| bits << 1 | u8::from(present));
        state.write_u8(present);
        if present != 0 {
            self.next_hop.link_local.hash(state);
            self.aggregator.hash(state);
            self.communities.hash(state);
            self.extended_communities.hash(state);
            self.large_communities.hash(state);
            self.originator_id.hash(state);
            self.cluster_list.hash(state);
            self.unknown.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_attributes_stays_small() {
        assert_eq!(size_of::<AsPath>(), 24);
        assert_eq!(
            size_of::<PathAttributes>(),
            144,
            "with two counters 160, a size of the allocator's; and what is not empty"
        );
    }
}
