//! May a received route be used, and what becomes of its attributes on the way in (RFC 4271 §9.1.1, §9.1.2).
//!
//! Never looks at a destination: one judgement serves all routes of an UPDATE. What is rejected stays with the
//! caller, for `received-routes` and for "why".

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use nouns::Asn;
use thiserror::Error;

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
    /// An external peer without an import policy gives nothing (RFC 8212).
    pub requires_policy: bool,
}

/// Why a route is not used, as a sentence for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// Our own AS is in the path (RFC 4271 §9.1.2).
    #[error("AS loop: the path contains our AS {0}")]
    AsLoop(Asn),
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
    check_loops(attributes, rules)?;
    if rules.internal {
        return Ok(Arc::clone(attributes));
    }
    check_first_as(attributes, rules)?;
    if rules.requires_policy {
        return Err(Reject::NoPolicy);
    }
    if !rules.prepend_local_as && attributes.local_pref.is_none() {
        return Ok(Arc::clone(attributes));
    }
    let mut changed = PathAttributes::clone(attributes);
    // What another AS prefers has no meaning here.
    changed.local_pref = None;
    if rules.prepend_local_as {
        changed.as_path.prepend(rules.local_as);
    }
    Ok(Arc::new(changed))
}

fn check_loops(attributes: &PathAttributes, rules: &ImportRules) -> Result<(), Reject> {
    for own in [rules.router_as, rules.local_as] {
        if attributes.as_path.contains(own) {
            return Err(Reject::AsLoop(own));
        }
    }
    if attributes.originator_id == Some(rules.router_id) {
        return Err(Reject::OwnOriginator(rules.router_id));
    }
    if attributes.cluster_list.contains(&rules.cluster_id) {
        return Err(Reject::ClusterLoop(rules.cluster_id));
    }
    Ok(())
}

fn check_first_as(attributes: &PathAttributes, rules: &ImportRules) -> Result<(), Reject> {
    match attributes.as_path.first() {
        Some(first) if first == rules.remote_as => Ok(()),
        Some(found) => Err(Reject::FirstAs { found, expected: rules.remote_as }),
        None => Err(Reject::NoFirstAs(rules.remote_as)),
    }
}
