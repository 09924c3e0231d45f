//! What a peer may hear of a route, and with which attributes (RFC 4271 §5, §9.2; RFC 1997; RFC 4456; RFC 8212).
//!
//! It is a function of the route and of an [`ExportTarget`]: peers with equal targets hear the same of every route, but
//! nobody hears of its own, nor of a path that holds its AS, which it would refuse: peers of many AS numbers may have
//! equal targets, so the caller sees to that. Where the manner says otherwise (`as-override` makes the path acceptable,
//! and some peers want loops), the caller does not; a target with `as-override` names the AS that it is for.
//!
//! Never chooses the route; and the caller never offers one to the peer that it came from.

mod manner;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp_wire::attribute::{Community, NextHop, PathAttributes};
use nouns::{Asn, Marks, Several};

use crate::policy::{Chain, Denial, Draft, NextHopChange, Subject};
use crate::role::Leak;

pub use manner::{Manner, Mute, Private, Unchanged};

/// The bit of an extended community's type that keeps it within an AS (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;

/// Where a route was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// `network` and `redistribute`
    Local,
    /// From a peer of our AS.
    Internal {
        /// The peer is a client of this reflector (RFC 4456 §4).
        client: bool,
        /// Its BGP identifier, which becomes ORIGINATOR_ID where the route has none.
        router_id: Ipv4Addr,
    },
    /// From a peer of another AS of our confederation (RFC 5065).
    Confederation,
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
    /// It was learned from a client of this route server.
    pub from_server_client: bool,
    /// What policies look at besides.
    pub subject: Subject<'a>,
    /// What the router noted about it.
    pub marks: Marks,
}

/// The peer that would hear of it, as far as that matters to what it hears.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExportTarget {
    /// The peer is in our AS.
    pub internal: bool,
    /// The peer is in another AS of our confederation (RFC 5065): never together with `internal`.
    pub confederation: bool,
    /// It is a client of this reflector (RFC 4456 §4), and hears of internal routes, too.
    pub client: bool,
    /// Routes of clients go to other clients (`no-client-to-client-reflection` is not set).
    pub client_to_client: bool,
    /// Our cluster; stands before CLUSTER_LIST of what is reflected.
    pub cluster_id: Ipv4Addr,
    /// The AS that the peer sees us as: the router's, or the session's `local-as`.
    pub local_as: Asn,
    /// The router's AS; stands in the path behind `local_as` where it differs, unless `replace-as` hides it: then it is
    /// `local_as`, too.
    pub router_as: Asn,
    /// Our address for packets of the family.
    pub next_hop: IpAddr,
    /// Our link-local address, for a peer that was found on its link (RFC 2545 §3).
    pub link_local: Option<Ipv6Addr>,
    /// `nexthop-self`: internal peers send to us rather than to the external next hop.
    pub nexthop_self: bool,
    /// LOCAL_PREF for internal peers where the route has none.
    pub default_local_pref: u32,
    /// What it hears of long-lived stale routes.
    pub long_lived: LongLived,
    /// An external peer without an export policy hears nothing (RFC 8212).
    pub requires_policy: bool,
    /// Which paths of a prefix it hears of beside the best one (RFC 7911); the caller chooses them.
    pub several: Option<Several>,
    /// It hears of so many routes and no more; the caller counts them.
    pub at_most: Option<u32>,
    /// Seconds between changes that it is told (RFC 4271 §9.2.1.1), 0 for at once; the caller waits.
    pub interval: u16,
    /// How it is told of paths.
    pub manner: Manner,
    /// What it wants to hear, as it said itself (RFC 5291).
    pub wanted: Option<Chain>,
    /// What routes go through on their way to it.
    pub policy: Chain,
    /// What it hears of although an aggregate covers it; the caller knows what is covered.
    pub unsuppress: Option<Chain>,
    /// What it does not hear of because a condition is not met (`conditionally-advertise`).
    pub held_back: Option<HeldBack>,
    /// What the default route goes through that `default-originate` makes for it.
    pub default_originate: Option<Chain>,
}

impl ExportTarget {
    /// Whether LOCAL_PREF and MED go to the peer, and the next hop as it came: it is in our AS or confederation.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.internal || self.confederation
    }
}

/// What a peer hears of long-lived stale routes (RFC 9494 §4.3, §4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LongLived {
    /// Nothing: it knows nothing of them.
    #[default]
    Nothing,
    /// As the last of all, and not beyond this AS: it knows nothing of them, and is in our AS.
    Last,
    /// All: it knows what the community means.
    All,
}

/// Routes of which a peer does not hear because a condition is not met.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeldBack {
    /// What lets them through.
    pub routes: Chain,
    /// Whether the condition is known not to be met; else the caller leaves them as they are.
    pub known: bool,
}

/// Why a peer does not hear of a route, as a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// RFC 1997
    #[error("the community no-advertise keeps it here")]
    NoAdvertise,
    /// RFC 1997
    #[error("a community keeps it within this AS")]
    NoExport,
    /// RFC 4271 §9.2
    #[error("it was learned from an internal neighbor, and this one is internal, too")]
    Internal,
    /// RFC 4456 §6, where clients are fully meshed.
    #[error("it was learned from a client, and clients hear of each other themselves (no-client-to-client-reflection)")]
    ClientToClient,
    /// RFC 9234 §5
    #[error("ONLY_TO_CUSTOMER of AS {0} keeps it from providers and peers (RFC 9234)")]
    OnlyToCustomer(Asn),
    /// RFC 9494 §4.3
    #[error("it is long-lived stale, which the neighbor knows nothing of (RFC 9494)")]
    LongLivedStale,
    /// RFC 8212
    #[error("external neighbor without export policy (RFC 8212)")]
    NoPolicy,
    /// `conditionally-advertise`
    #[error("its condition is not met (conditionally-advertise)")]
    Condition,
    /// A policy said so.
    #[error("{0}")]
    Policy(Denial),
}

/// The attributes that the peer hears.
///
/// Policies see the route as it is used here, before it is made ready for another AS; what they set is kept.
///
/// # Errors
/// Why the peer may not hear of the route.
pub fn export(route: &Exportable<'_>, to: &ExportTarget) -> Result<PathAttributes, Withheld> {
    may_hear(route, to)?;
    if to.held_back.as_ref().is_some_and(|held| passes(&held.routes, route, to)) {
        return Err(Withheld::Condition);
    }
    let mut draft = Draft::new(route.attributes, route.marks, to.default_local_pref);
    if let Some(wanted) = &to.wanted {
        wanted.apply(&route.subject, &mut draft).map_err(Withheld::Policy)?;
    }
    if to.is_inside() && draft.attributes.local_pref.is_none() {
        draft.attributes.to_mut().local_pref = Some(to.default_local_pref);
    }
    to.policy.apply(&route.subject, &mut draft).map_err(Withheld::Policy)?;
    let Draft { attributes, next_hop, set_med, .. } = draft;
    let mut attributes = attributes.into_owned();
    match route.learned {
        Learned::Internal { router_id, .. } if to.internal => reflected(&mut attributes, router_id, to.cluster_id),
        _ => {
            attributes.originator_id = None;
            attributes.cluster_list.clear();
        }
    }
    if route.marks.long_lived && to.long_lived == LongLived::Last {
        attributes.local_pref = Some(0);
        if !attributes.communities.contains(&Community::NO_EXPORT.0) {
            attributes.communities.push(Community::NO_EXPORT.0);
        }
    }
    if to.confederation {
        attributes.as_path.prepend_member(to.router_as);
    } else if !to.internal {
        let keep_med = set_med || route.learned == Learned::Local || to.manner.unchanged.med;
        for_another_as(&mut attributes, keep_med, to);
    }
    to.manner.finish(&mut attributes, to);
    let address = chosen_next_hop(route, to, next_hop);
    attributes.next_hop = NextHop { address, link_local: to.link_local.filter(|_| address == to.next_hop) };
    Ok(attributes)
}

/// Whether a map lets a route through; what it would set does not matter.
#[must_use]
pub fn passes(map: &Chain, route: &Exportable<'_>, to: &ExportTarget) -> bool {
    let mut draft = Draft::new(route.attributes, route.marks, to.default_local_pref);
    map.apply(&route.subject, &mut draft).is_ok()
}

/// What a route of our AS says of its way through it (RFC 4456 §8).
fn reflected(attributes: &mut PathAttributes, from: Ipv4Addr, cluster_id: Ipv4Addr) {
    attributes.originator_id.get_or_insert(from);
    attributes.cluster_list.insert(0, cluster_id);
}

/// The next hop that a policy chose, else the one that the session asks for; `nexthop-self` does not count for what is
/// reflected (RFC 4456 §10) unless it is forced. The link-local address that came with an
/// external next hop has no meaning on another link.
fn chosen_next_hop(route: &Exportable<'_>, to: &ExportTarget, change: Option<NextHopChange>) -> IpAddr {
    let came_with = route.attributes.next_hop.address;
    let reflected = to.internal && matches!(route.learned, Learned::Internal { .. });
    match change {
        Some(NextHopChange::Address(address)) => address,
        Some(NextHopChange::PeerAddress | NextHopChange::ThisRouter) => to.next_hop,
        Some(NextHopChange::Unchanged) if !came_with.is_unspecified() => came_with,
        // A link-local next hop means nothing beyond the link that it came from.
        _ if matches!(came_with, IpAddr::V6(v6) if v6.is_unicast_link_local()) => to.next_hop,
        _ if to.manner.unchanged.next_hop && !came_with.is_unspecified() => came_with,
        _ if to.manner.nexthop_self_forced => to.next_hop,
        _ if reflected => came_with,
        _ if !to.is_inside() || to.nexthop_self || route.learned == Learned::Local => to.next_hop,
        _ => came_with,
    }
}

fn may_hear(route: &Exportable<'_>, to: &ExportTarget) -> Result<(), Withheld> {
    let has = |community: Community| route.attributes.communities.contains(&community.0);
    if has(Community::NO_ADVERTISE) {
        return Err(Withheld::NoAdvertise);
    }
    if route.marks.long_lived && to.long_lived == LongLived::Nothing {
        return Err(Withheld::LongLivedStale);
    }
    if to.internal {
        return match route.learned {
            Learned::Local | Learned::Confederation | Learned::External => Ok(()),
            Learned::Internal { client: true, .. } if to.client && !to.client_to_client => {
                Err(Withheld::ClientToClient)
            }
            Learned::Internal { client, .. } if client || to.client => Ok(()),
            // Without reflection, internal routes stay where they were learned (RFC 4271 §9.2).
            Learned::Internal { .. } => Err(Withheld::Internal),
        };
    }
    if to.confederation {
        return if has(Community::LOCAL_AS) { Err(Withheld::NoExport) } else { Ok(()) };
    }
    if to.requires_policy {
        return Err(Withheld::NoPolicy);
    }
    // Communities between the clients of a route server are not its own affair (RFC 7947 §2.2.4).
    let between_clients = to.manner.server_client && route.from_server_client;
    if !between_clients && (has(Community::NO_EXPORT) || has(Community::LOCAL_AS)) {
        return Err(Withheld::NoExport);
    }
    match to.manner.role.map_or(Ok(()), |role| role.release(route.attributes)) {
        Ok(()) => Ok(()),
        Err(Leak(marked)) => Err(Withheld::OnlyToCustomer(marked)),
    }
}

/// What changes at the border of an AS.
fn for_another_as(attributes: &mut PathAttributes, keep_med: bool, to: &ExportTarget) {
    attributes.as_path.drop_confederations();
    to.manner.hide_numbers(attributes, to.local_as);
    // A route of our own has to begin with somebody.
    if !to.manner.unchanged.as_path || attributes.as_path.is_empty() {
        attributes.as_path.prepend(to.router_as);
        if to.local_as != to.router_as {
            attributes.as_path.prepend(to.local_as);
        }
    }
    attributes.local_pref = None;
    if !keep_med {
        attributes.med = None;
    }
    attributes.extended_communities.retain(|[kind, ..]| kind & NON_TRANSITIVE == 0);
}
