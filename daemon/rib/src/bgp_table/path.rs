//! One way to a prefix, in as few octets as it can be: there may be many millions of them.
//!
//! What is the same for most paths stands aside: that import changed or rejected one, notes of the router, a path
//! identifier. Never compares two paths; that is the decision's work.

use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use nouns::Marks;

use crate::world_view::is_link_local;

/// Names a peer within the table; given out by whoever owns the sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl PeerId {
    /// The router itself: networks and redistributed routes.
    pub const LOCAL: Self = Self(0);
}

/// What names a path within its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathKey {
    /// Who announced it.
    pub peer: PeerId,
    /// The path identifier of RFC 7911, 0 without it.
    pub path_id: u32,
}

/// What most paths have no need of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Aside {
    /// The attributes as the peer sent them, where import changed them.
    received: Option<Arc<PathAttributes>>,
    rejected: Option<Arc<str>>,
    marks: Marks,
    path_id: u32,
}

/// What import made of an announcement; made once, it serves every prefix that was announced with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    attributes: Arc<PathAttributes>,
    aside: Option<Arc<Aside>>,
}

impl Inserted {
    /// The attributes after import, those that the peer sent, why import rejected the path, and the router's notes.
    #[must_use]
    pub fn new(
        attributes: Arc<PathAttributes>,
        received: Arc<PathAttributes>,
        rejected: Option<Arc<str>>,
        marks: Marks,
    ) -> Self {
        let changed = !Arc::ptr_eq(&attributes, &received) && attributes != received;
        let aside = Aside { received: changed.then_some(received), rejected, marks, path_id: 0 };
        let aside = (aside != Aside::default()).then(|| Arc::new(aside));
        Self { attributes, aside }
    }

    /// The attributes as the peer sent them.
    #[must_use]
    pub fn received(&self) -> &Arc<PathAttributes> {
        self.aside.as_ref().and_then(|aside| aside.received.as_ref()).unwrap_or(&self.attributes)
    }

    /// The same, but not to be used; what was refused already stays refused for its first reason.
    #[must_use]
    pub fn refused(&self, reason: Arc<str>) -> Self {
        let marks = match &self.aside {
            Some(aside) if aside.rejected.is_some() => return self.clone(),
            aside => aside.as_ref().map_or_else(Marks::default, |aside| aside.marks),
        };
        let received = self.received();
        Self::new(Arc::clone(received), Arc::clone(received), Some(reason), marks)
    }

    /// Whether a path that becomes this is ranked as it was, and packets go where they went: what differs only matters to
    /// who hears of it.
    #[must_use]
    pub fn ranks_as(&self, path: &Path) -> bool {
        let aside = |aside: &Option<Arc<Aside>>| match aside {
            Some(aside) => (aside.rejected.is_none(), aside.marks),
            None => (true, Marks::default()),
        };
        let (before, now) = (aside(&path.aside), aside(&self.aside));
        before.0 && before == now && alike(&path.attributes, &self.attributes)
    }

    /// The path that it makes under a name, since a number of seconds.
    pub(super) fn path(self, key: PathKey, seconds: u32) -> Path {
        let Self { attributes, mut aside } = self;
        if key.path_id != 0 {
            let named = Aside { path_id: key.path_id, ..aside.as_deref().cloned().unwrap_or_default() };
            aside = Some(Arc::new(named));
        }
        let when = When(seconds & !When::MARKS);
        Path { attributes, aside, peer: key.peer, when }
    }
}

/// Whether two sets differ in nothing that the decision, or the sharing of load, looks at.
fn alike(one: &Arc<PathAttributes>, other: &Arc<PathAttributes>) -> bool {
    if Arc::ptr_eq(one, other) {
        return true;
    }
    let PathAttributes {
        origin,
        as_path,
        next_hop,
        med,
        local_pref,
        extended_communities,
        originator_id,
        cluster_list,
        atomic_aggregate: _,
        aggregator: _,
        communities: _,
        large_communities: _,
        unknown: _,
        keep: _,
    } = &**one;
    (*origin, *med, *local_pref, *originator_id) == (other.origin, other.med, other.local_pref, other.originator_id)
        && *next_hop == other.next_hop
        && *as_path == other.as_path
        && *extended_communities == other.extended_communities
        && *cluster_list == other.cluster_list
}

/// Seconds since the table was made, and in the highest bits whether the path is stale, and whether its peer has yet to
/// announce it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct When(u32);

impl When {
    const STALE: u32 = 1 << 31;
    const AWAITED: u32 = 1 << 30;
    const MARKS: u32 = Self::STALE | Self::AWAITED;
}

/// Where the attributes of a path stand and what stands aside, whose it is, and whether it is stale.
pub(crate) type Identity = (*const PathAttributes, Option<*const ()>, PeerId, bool);

/// One way to a prefix.
#[derive(Clone, Debug)]
pub struct Path {
    attributes: Arc<PathAttributes>,
    aside: Option<Arc<Aside>>,
    peer: PeerId,
    when: When,
}

impl Path {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> PathKey {
        PathKey { peer: self.peer, path_id: self.aside.as_ref().map_or(0, |aside| aside.path_id) }
    }

    /// Who announced it.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The attributes after import.
    #[must_use]
    pub fn attributes(&self) -> &Arc<PathAttributes> {
        &self.attributes
    }

    /// The attributes after import are all that is left of it.
    #[must_use]
    pub fn into_attributes(self) -> Arc<PathAttributes> {
        self.attributes
    }

    /// The attributes as the peer sent them; the same set when import changed nothing.
    #[must_use]
    pub fn received(&self) -> &Arc<PathAttributes> {
        self.aside.as_ref().and_then(|aside| aside.received.as_ref()).unwrap_or(&self.attributes)
    }

    /// Why import rejected it: kept and shown, never used.
    #[must_use]
    pub fn rejected(&self) -> Option<&Arc<str>> {
        self.aside.as_ref()?.rejected.as_ref()
    }

    /// What the router noted about it.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.aside.as_ref().map_or_else(Marks::default, |aside| aside.marks)
    }

    /// Kept for a peer that restarts (RFC 4724 §4.2): loses to any live path.
    #[must_use]
    pub fn stale(&self) -> bool {
        self.when.0 & When::STALE != 0
    }

    /// The address that packets are sent to: the link-local one where no global one was given (RFC 2545 §3).
    #[must_use]
    pub fn next_hop(&self) -> IpAddr {
        let next_hop = self.attributes.next_hop;
        match next_hop.link_local {
            Some(link_local) if next_hop.address.is_unspecified() => IpAddr::V6(link_local),
            _ => next_hop.address,
        }
    }

    /// Whether the router itself made the path.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.peer == PeerId::LOCAL
    }

    /// Where packets are sent on the link of the peer: the link-local address where one was given.
    pub(super) fn next_hop_on_link(&self) -> IpAddr {
        self.attributes.next_hop.link_local.map_or_else(|| self.next_hop(), IpAddr::V6)
    }

    /// Whether the next hop may mean something on the link of the peer alone.
    pub(super) fn may_need_link(&self) -> bool {
        self.attributes.next_hop.link_local.is_some() || is_link_local(self.next_hop())
    }

    /// Whether its next hop has to resolve; not that of one that is never used.
    pub(super) fn is_tracked(&self) -> bool {
        self.rejected().is_none() && !self.is_local()
    }

    /// What the decision looks at, by where it stands: two paths that are there at the same time and have the same are chosen
    /// alike.
    pub(crate) fn identity(&self) -> Identity {
        let aside = self.aside.as_ref().map(|aside| Arc::as_ptr(aside).cast());
        (Arc::as_ptr(&self.attributes), aside, self.peer, self.stale())
    }

    /// Whether both have the very same sets, and the same beside them: then a rule makes the same of both.
    #[must_use]
    pub fn shares_all_with(&self, other: &Self) -> bool {
        let asides = match (&self.aside, &other.aside) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        asides && Arc::ptr_eq(&self.attributes, &other.attributes)
    }

    /// Whether both, of one peer, are counted alike: as usable or not, and through which next hop.
    pub(super) fn counts_as(&self, other: &Self) -> bool {
        let usable = |path: &Self| path.rejected().is_none();
        usable(self) == usable(other) && self.attributes.next_hop == other.attributes.next_hop
    }

    pub(super) fn seconds(&self) -> u32 {
        self.when.0 & !When::MARKS
    }

    pub(super) fn set_stale(&mut self, stale: bool) {
        self.mark(When::STALE, stale);
    }

    /// The peer tells all its routes again (RFC 7313 §4), and has not told this one yet.
    pub(super) fn awaited(&self) -> bool {
        self.when.0 & When::AWAITED != 0
    }

    pub(super) fn set_awaited(&mut self, awaited: bool) {
        self.mark(When::AWAITED, awaited);
    }

    fn mark(&mut self, mark: u32, set: bool) {
        self.when.0 = self.when.0 & !mark | if set { mark } else { 0 };
    }

    /// Takes over the age of the path whose place it takes, and whether that was stale.
    pub(super) fn succeed(&mut self, old: &Self) {
        self.when = old.when;
    }

    /// As `same_route`, of paths whose sets are of one store.
    pub(super) fn same_sets(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.attributes, &other.attributes) && self.same_route(other)
    }

    /// Whether both say the same, however old they are.
    pub(super) fn same_route(&self, other: &Self) -> bool {
        let same = |a: &Arc<PathAttributes>, b: &Arc<PathAttributes>| Arc::ptr_eq(a, b) || a == b;
        let asides = match (&self.aside, &other.aside) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            _ => false,
        };
        asides && same(&self.attributes, &other.attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_three_words() {
        assert!(size_of::<Path>() <= 24, "{} octets, and there may be millions", size_of::<Path>());
    }
}
