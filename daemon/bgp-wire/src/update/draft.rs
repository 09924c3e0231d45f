//! What the attributes of one UPDATE have said so far, and what they amount to.
//!
//! Never reads octets.

use std::net::{IpAddr, Ipv4Addr};

use nouns::Asn;
use thin_vec::ThinVec;

use super::multiprotocol::Routes;
use super::path;
use crate::attribute::{Aggregator, AsPath, Keep, LargeCommunity, NextHop, Origin, PathAttributes, UnknownAttribute};

/// Attributes seen and sound; all absent at first.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) origin: Option<Origin>,
    pub(super) as_path: Option<AsPath>,
    pub(super) next_hop: Option<Ipv4Addr>,
    pub(super) med: Option<u32>,
    pub(super) local_pref: Option<u32>,
    pub(super) atomic_aggregate: bool,
    pub(super) aggregator: Option<Aggregator>,
    pub(super) communities: ThinVec<u32>,
    pub(super) extended_communities: ThinVec<[u8; 8]>,
    pub(super) large_communities: ThinVec<LargeCommunity>,
    pub(super) originator_id: Option<Ipv4Addr>,
    pub(super) cluster_list: ThinVec<Ipv4Addr>,
    pub(super) unknown: ThinVec<UnknownAttribute>,
    pub(super) as4_path: Option<AsPath>,
    pub(super) as4_aggregator: Option<Aggregator>,
    pub(super) mp_reach: Option<Routes<NextHop>>,
    pub(super) mp_unreach: Option<Routes<()>>,
}

impl Draft {
    /// Takes out the attributes for routes with a next hop; `None` without ORIGIN or AS_PATH.
    pub(super) fn take_attributes(&mut self, next_hop: NextHop) -> Option<PathAttributes> {
        let mut as_path = self.as_path.take()?;
        // A speaker of two-octet numbers that aggregated again has made both AS4 attributes void (RFC 6793 §4.2.3).
        let void = self.as4_aggregator.is_some() && self.aggregator.is_some_and(|found| found.asn != Asn::TRANS);
        if !void {
            if let Some(long) = self.as4_path.take() {
                as_path = path::merge(as_path, &long);
            }
            if self.aggregator.is_some() && self.as4_aggregator.is_some() {
                self.aggregator = self.as4_aggregator;
            }
        }
        // The order of unknown attributes means nothing; sorted, equal sets are equal.
        self.unknown.sort_unstable_by_key(|attribute| attribute.code);
        Some(PathAttributes {
            origin: self.origin?,
            as_path,
            next_hop,
            med: self.med,
            local_pref: self.local_pref,
            atomic_aggregate: self.atomic_aggregate,
            aggregator: self.aggregator,
            communities: std::mem::take(&mut self.communities),
            extended_communities: std::mem::take(&mut self.extended_communities),
            large_communities: std::mem::take(&mut self.large_communities),
            originator_id: self.originator_id,
            cluster_list: std::mem::take(&mut self.cluster_list),
            unknown: std::mem::take(&mut self.unknown),
            keep: Keep::default(),
        })
    }

    /// The next hop of the classic field.
    pub(super) fn classic_next_hop(&self) -> Option<NextHop> {
        self.next_hop.map(|address| NextHop { address: IpAddr::V4(address), link_local: None })
    }
}
