//! What a peer may hear of a route, and with which attributes (RFC 4271 §5, §9.2; RFC 1997; RFC 8212).
//!
//! Never chooses the route; and the caller never offers one to the peer that it came from.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::{Community, NextHop, PathAttributes};
use nouns::Asn;

/// The bit of an extended community's type that keeps it within an AS (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;

/// Where a route was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// `network` and `redistribute`
    Local,
    /// From a peer of our AS.
    Internal,
    /// From a peer of another AS.
    External,
}

/// A route that could be told.
#[derive(Clone, Copy, Debug)]
pub struct Exportable<'a> {
    /// Its attributes as they are used here.
    pub attributes: &'a Arc<PathAttributes>,
    /// Where it was learned.
    pub learned: Learned,
}

/// The peer that would hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportTarget {
    /// The peer is in our AS.
    pub internal: bool,
    /// The AS that the peer sees us as: the router's, or the session's `local-as`.
    pub local_as: Asn,
    /// The router's AS; stands in the path behind `local_as` where it differs.
    pub router_as: Asn,
    /// The peer's AS.
    pub remote_as: Asn,
    /// Our address for packets of the family.
    pub next_hop: IpAddr,
    /// `nexthop-self`: internal peers send to us rather than to the external next hop.
    pub nexthop_self: bool,
    /// LOCAL_PREF for internal peers where the route has none.
    pub default_local_pref: u32,
    /// An external peer without an export policy hears nothing (RFC 8212).
    pub requires_policy: bool,
}

/// The attributes that the peer hears, or `None` when it may not hear of the route.
#[must_use]
pub fn export(route: &Exportable<'_>, to: &ExportTarget) -> Option<PathAttributes> {
    if !may_hear(route, to) {
        return None;
    }
    let mut attributes = PathAttributes::clone(route.attributes);
    attributes.originator_id = None;
    attributes.cluster_list.clear();
    if to.internal {
        attributes.local_pref.get_or_insert(to.default_local_pref);
    } else {
        for_another_as(&mut attributes, route.learned, to);
    }
    if !to.internal || to.nexthop_self || route.learned == Learned::Local {
        attributes.next_hop = NextHop { address: to.next_hop, link_local: None };
    }
    // The link-local address that came with an external next hop has no meaning on another link.
    attributes.next_hop.link_local = None;
    Some(attributes)
}

fn may_hear(route: &Exportable<'_>, to: &ExportTarget) -> bool {
    let has = |community: Community| route.attributes.communities.contains(&community.0);
    if has(Community::NO_ADVERTISE) {
        return false;
    }
    if to.internal {
        // Without reflection, internal routes stay where they were learned (RFC 4271 §9.2).
        return route.learned != Learned::Internal;
    }
    let stays_here = has(Community::NO_EXPORT) || has(Community::LOCAL_AS);
    // A peer refuses a path that contains its AS; to tell it would be noise.
    !to.requires_policy && !stays_here && !route.attributes.as_path.contains(to.remote_as)
}

/// What changes at the border of an AS.
fn for_another_as(attributes: &mut PathAttributes, learned: Learned, to: &ExportTarget) {
    attributes.as_path.0.retain(|segment| !segment.kind.is_confederation());
    attributes.as_path.prepend(to.router_as);
    if to.local_as != to.router_as {
        attributes.as_path.prepend(to.local_as);
    }
    attributes.local_pref = None;
    if learned != Learned::Local {
        attributes.med = None;
    }
    attributes.extended_communities.retain(|[kind, ..]| kind & NON_TRANSITIVE == 0);
}
