//! How a peer is told of paths beyond what RFC 4271 asks: which AS numbers are hidden, what stays as it came, what is
//! left out.
//!
//! Plain data, and what each of it does to a set of attributes. Never decides whether the peer hears of the route.

use bgp_wire::attribute::{Community, PathAttributes};
use nouns::Asn;

use super::ExportTarget;
use crate::role::Role;

/// How a peer is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Manner {
    /// `as-override`: this AS, the peer's, becomes ours wherever a path holds it.
    pub overridden: Option<Asn>,
    /// `remove-private-as`
    pub private: Private,
    /// What external peers hear as it came: `attribute-unchanged`, or all of it for clients of a route server.
    pub unchanged: Unchanged,
    /// The peer is a client of this route server: it hears what other clients marked for it alone (RFC 7947 §2.2.4).
    pub server_client: bool,
    /// `nexthop-self force`: reflected routes have our next hop, too.
    pub nexthop_self_forced: bool,
    /// `disable-send-community`
    pub mute: Mute,
    /// Traffic shall move away: the peer is told so (RFC 8326 §4).
    pub graceful_shutdown: bool,
    /// What we are to the peer.
    pub role: Option<Role>,
    /// The peer hears of paths that hold its AS as of others.
    pub tells_loops: bool,
}

/// What becomes of private AS numbers (RFC 6996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Private {
    /// They stay.
    #[default]
    Stay,
    /// They go where a path has no others.
    GoAlone,
    /// They go.
    Go,
}

/// Which attributes stay as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unchanged {
    /// Our AS does not come in front of the path.
    pub as_path: bool,
    /// MULTI_EXIT_DISC stays.
    pub med: bool,
    /// The next hop stays.
    pub next_hop: bool,
}

impl Unchanged {
    /// As a route server passes routes on (RFC 7947 §2.2).
    pub const ALL: Self = Self { as_path: true, med: true, next_hop: true };
}

/// Communities that a peer does not hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mute {
    /// RFC 1997
    pub standard: bool,
    /// RFC 4360
    pub extended: bool,
    /// RFC 8092
    pub large: bool,
}

impl Manner {
    /// Whether nobody is spared a path that holds its AS: it is made acceptable, or the peer asks for it.
    #[must_use]
    pub fn spares_loops(&self) -> bool {
        self.overridden.is_none() && !self.tells_loops
    }

    /// What the path loses, and what it has in the place of the peer's AS.
    pub(super) fn hide_numbers(&self, attributes: &mut PathAttributes, ours: Asn) {
        let path = &mut attributes.as_path;
        match self.private {
            Private::Stay => {}
            Private::GoAlone if !path.asns().all(Asn::is_private) => {}
            Private::GoAlone | Private::Go => path.retain(|asn| !asn.is_private()),
        }
        if let Some(theirs) = self.overridden {
            path.replace(theirs, ours);
        }
    }

    /// What is added and left out at the very end.
    pub(super) fn finish(&self, attributes: &mut PathAttributes, to: &ExportTarget) {
        if self.graceful_shutdown {
            let communities = &mut attributes.communities;
            if let Err(place) = communities.binary_search(&Community::GRACEFUL_SHUTDOWN.0) {
                communities.insert(place, Community::GRACEFUL_SHUTDOWN.0);
            }
            if to.is_inside() {
                attributes.local_pref = Some(0);
            }
        }
        if let Some(role) = self.role {
            role.mark_sent(attributes, to.local_as);
        }
        let Mute { standard, extended, large } = self.mute;
        if standard {
            attributes.communities.clear();
        }
        if extended {
            attributes.extended_communities.clear();
        }
        if large {
            attributes.large_communities.clear();
        }
    }
}
