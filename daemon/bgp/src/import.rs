//! May a received route be used, and what becomes of its attributes on the way in (RFC 4271 §9.1.1, §9.1.2).
//!
//! Never looks at a destination: one judgement serves all routes of an UPDATE. What is rejected stays with the
//! caller, for `received-routes` and for "why".

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bgp_wire::attribute::{Community, PathAttributes, SegmentKind};
use nouns::{Asn, Prefix};
use thiserror::Error;

use crate::role::{Leak, Role};

/// What a peer's routes are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRules {
    /// The router's AS.
    pub router_as: Asn,
    /// The AS that the peer sees us as: the router's, or the session's `local-as`.
    pub local_as: Asn,
    /// External routes get `local_as` in front of their path (`local-as` without `no-prepend`).
    pub prepend_local_as: bool,
    /// The peer's AS.
    pub remote_as: Asn,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// Our cluster's identifier.
    pub cluster_id: Ipv4Addr,
    /// The peer is in our AS.
    pub internal: bool,
    /// The AS that our confederation is seen as (RFC 5065), where this AS is a member of one.
    pub confederation: Option<Asn>,
    /// The peer is in another AS of our confederation.
    pub member: bool,
    /// An external peer without an import policy gives nothing (RFC 8212).
    pub requires_policy: bool,
    /// Paths with sets of AS numbers are refused (RFC 9774).
    pub reject_as_sets: bool,
    /// Next hops that are no host's are used if they resolve.
    pub allow_martian_next_hops: bool,
    /// `allowas-in`: how often a path may hold an AS of ours.
    pub own_as_allowed: u8,
    /// Paths of an external peer begin with its AS (`enforce-first-as`).
    pub enforce_first_as: bool,
    /// The session is being shut down: what comes over it is the last choice (RFC 8326 §4.1).
    pub graceful_shutdown: bool,
    /// What we are to an external peer.
    pub role: Option<Role>,
}

/// Why a route is not used, as a sentence for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// Our own AS is in the path (RFC 4271 §9.1.2).
    #[error("AS loop: the path contains our AS {0}")]
    AsLoop(Asn),
    /// A set of AS numbers is in the path (RFC 9774).
    #[error("the path holds a set of AS numbers (RFC 9774): 'parameters reject-as-sets disable' accepts it")]
    AsSet,
    /// No packet can go to the next hop (RFC 4271 §6.3).
    #[error("the next hop {0} is not the address of a host")]
    MartianNextHop(IpAddr),
    /// Packets to the destination never leave a host or a link.
    #[error("no route leads to {0}: such addresses stay on the host or the link, or are groups")]
    MartianPrefix(Prefix),
    /// The route was ours before it was reflected (RFC 4456 §8).
    #[error("this router originated the route: ORIGINATOR_ID is {0}")]
    OwnOriginator(Ipv4Addr),
    /// The route was reflected by our own cluster (RFC 4456 §8).
    #[error("cluster loop: CLUSTER_LIST contains {0}")]
    ClusterLoop(Ipv4Addr),
    /// An external peer has to put its own AS first (RFC 4271 §6.3).
    #[error("the path begins with AS {found}, not with the neighbor's AS {expected}")]
    FirstAs {
        /// The first AS of the path.
        found: Asn,
        /// The neighbor's AS.
        expected: Asn,
    },
    /// The path of an external peer is empty, or begins with a set.
    #[error("the path does not begin with the neighbor's AS {0}")]
    NoFirstAs(Asn),
    /// The route was to go to customers only, and came from one, or around one (RFC 9234 §5).
    #[error("route leak: ONLY_TO_CUSTOMER of AS {0} came from where no such route may come (RFC 9234)")]
    Leak(Asn),
    /// RFC 8212
    #[error(
        "external neighbor without policy (RFC 8212): \
         'set protocols bgp <as> parameters ebgp-requires-policy disable' accepts its routes"
    )]
    NoPolicy,
}

/// The attributes with which a received route is used: the same set where nothing has to change, as a rule. Without
/// LOCAL_PREF it has the default one wherever it is asked for.
///
/// # Errors
/// `Reject` when the route may not be used.
pub fn check(attributes: &Arc<PathAttributes>, rules: &ImportRules) -> Result<Arc<PathAttributes>, Reject> {
    if rules.reject_as_sets && attributes.as_path.has_sets() {
        return Err(Reject::AsSet);
    }
    if !rules.allow_martian_next_hops && attributes.next_hop.is_martian() {
        return Err(Reject::MartianNextHop(attributes.next_hop.address));
    }
    check_loops(attributes, rules)?;
    if rules.internal {
        return Ok(Arc::clone(attributes));
    }
    if rules.enforce_first_as {
        check_first_as(attributes, rules)?;
    }
    if rules.member {
        return Ok(Arc::clone(attributes));
    }
    if rules.requires_policy {
        return Err(Reject::NoPolicy);
    }
    if let Some(role) = rules.role {
        role.admit(attributes, rules.remote_as).map_err(|Leak(marked)| Reject::Leak(marked))?;
    }
    let last_choice = rules.graceful_shutdown || announces_shutdown(attributes);
    let local_pref = last_choice.then_some(0);
    let marks = rules.role.is_some_and(|role| role.marks_received(attributes));
    if !rules.prepend_local_as && !marks && attributes.local_pref == local_pref {
        return Ok(Arc::clone(attributes));
    }
    let mut changed = PathAttributes::clone(attributes);
    // What another AS prefers has no meaning here.
    changed.local_pref = local_pref;
    if rules.prepend_local_as {
        changed.as_path.prepend(rules.local_as);
    }
    if marks {
        changed.mark_only_to_customer(rules.remote_as);
    }
    Ok(Arc::new(changed))
}

/// The peer says that the path will be gone soon (RFC 8326 §4.2). Communities are in order, and hardly one is greater.
fn announces_shutdown(attributes: &PathAttributes) -> bool {
    let value = Community::GRACEFUL_SHUTDOWN.0;
    attributes.communities.last().is_some_and(|last| *last >= value) && attributes.communities.contains(&value)
}

fn check_loops(attributes: &PathAttributes, rules: &ImportRules) -> Result<(), Reject> {
    if let Some(own) = looped(attributes, rules) {
        return Err(Reject::AsLoop(own));
    }
    if attributes.originator_id == Some(rules.router_id) {
        return Err(Reject::OwnOriginator(rules.router_id));
    }
    if attributes.cluster_list.contains(&rules.cluster_id) {
        return Err(Reject::ClusterLoop(rules.cluster_id));
    }
    Ok(())
}

/// The AS of ours that a path holds too often. Members of a confederation know each other by the segments of their own,
/// and others know the confederation by its identifier (RFC 5065 §4).
fn looped(attributes: &PathAttributes, rules: &ImportRules) -> Option<Asn> {
    let (path, allowed) = (&attributes.as_path, usize::from(rules.own_as_allowed));
    let own = [rules.router_as, rules.local_as, rules.confederation.unwrap_or(rules.local_as)];
    own.into_iter().find(|own| {
        let counts =
            |kind: SegmentKind| rules.confederation.is_none() || kind.is_confederation() == (*own == rules.router_as);
        path.contains(*own) && path.count(*own, counts) > allowed
    })
}

fn check_first_as(attributes: &PathAttributes, rules: &ImportRules) -> Result<(), Reject> {
    let path = &attributes.as_path;
    match if rules.member { path.first_member() } else { path.first() } {
        Some(first) if first == rules.remote_as => Ok(()),
        Some(found) => Err(Reject::FirstAs { found, expected: rules.remote_as }),
        None => Err(Reject::NoFirstAs(rules.remote_as)),
    }
}
