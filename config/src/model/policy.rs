//! `policy …`: lists and route maps, each of whose values is understood.
//!
//! Names of other lists stand as they were typed: whether they exist is `check`'s. Never applies a rule.

mod lower;
mod reach;
mod set;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use grammar::value::PolicyList;
use nouns::{Access, Family, IfName, PathValidity, Pattern, Prefix, Validity};

pub(super) use lower::lower;
pub use reach::{Filters, changed, route_map_changed};
pub use set::{Additions, MetricChange, NextHopChange, Numbers, Rate, Set};

/// Everything below `policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `access-list`
    pub access_lists: BTreeMap<String, List<AccessRule>>,
    /// `access-list6`
    pub access_lists6: BTreeMap<String, List<AccessRule>>,
    /// `prefix-list`
    pub prefix_lists: BTreeMap<String, List<PrefixRule>>,
    /// `prefix-list6`
    pub prefix_lists6: BTreeMap<String, List<PrefixRule>>,
    /// `as-path-list`
    pub as_path_lists: BTreeMap<String, List<PathRule>>,
    /// `community-list`
    pub community_lists: BTreeMap<String, List<CommunityRule<u32>>>,
    /// `extcommunity-list`
    pub extcommunity_lists: BTreeMap<String, List<CommunityRule<[u8; 8]>>>,
    /// `large-community-list`
    pub large_community_lists: BTreeMap<String, List<CommunityRule<[u32; 3]>>>,
    /// `route-map`
    pub route_maps: BTreeMap<String, List<MapRule>>,
}

impl Policy {
    /// The prefix lists of a family.
    #[must_use]
    pub fn prefix_lists(&self, family: Family) -> &BTreeMap<String, List<PrefixRule>> {
        match family {
            Family::Ipv4Unicast => &self.prefix_lists,
            Family::Ipv6Unicast => &self.prefix_lists6,
        }
    }

    /// The access lists of a family.
    #[must_use]
    pub fn access_lists(&self, family: Family) -> &BTreeMap<String, List<AccessRule>> {
        match family {
            Family::Ipv4Unicast => &self.access_lists,
            Family::Ipv6Unicast => &self.access_lists6,
        }
    }

    /// The names of one kind, in their order.
    #[must_use]
    pub fn names(&self, kind: PolicyList) -> Vec<String> {
        fn keys<R>(lists: &BTreeMap<String, List<R>>) -> Vec<String> {
            lists.keys().cloned().collect()
        }
        match kind {
            PolicyList::AccessList => keys(&self.access_lists),
            PolicyList::AccessList6 => keys(&self.access_lists6),
            PolicyList::AsPathList => keys(&self.as_path_lists),
            PolicyList::CommunityList => keys(&self.community_lists),
            PolicyList::ExtcommunityList => keys(&self.extcommunity_lists),
            PolicyList::LargeCommunityList => keys(&self.large_community_lists),
            PolicyList::PrefixList => keys(&self.prefix_lists),
            PolicyList::PrefixList6 => keys(&self.prefix_lists6),
            PolicyList::RouteMap => keys(&self.route_maps),
        }
    }

    /// Whether a list of this kind and name exists.
    #[must_use]
    pub fn has(&self, kind: PolicyList, name: &str) -> bool {
        match kind {
            PolicyList::AccessList => self.access_lists.contains_key(name),
            PolicyList::AccessList6 => self.access_lists6.contains_key(name),
            PolicyList::AsPathList => self.as_path_lists.contains_key(name),
            PolicyList::CommunityList => self.community_lists.contains_key(name),
            PolicyList::ExtcommunityList => self.extcommunity_lists.contains_key(name),
            PolicyList::LargeCommunityList => self.large_community_lists.contains_key(name),
            PolicyList::PrefixList => self.prefix_lists.contains_key(name),
            PolicyList::PrefixList6 => self.prefix_lists6.contains_key(name),
            PolicyList::RouteMap => self.route_maps.contains_key(name),
        }
    }
}

/// A list: its rules by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<R> {
    /// `description`
    pub description: Option<String>,
    /// `rule N`
    pub rules: BTreeMap<u16, R>,
}

/// What becomes of a route that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Accepted.
    Permit,
    /// Refused.
    Deny,
}

/// A rule of a prefix list: prefixes within `prefix` whose length lies between the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixRule {
    /// `action`
    pub action: Action,
    /// `prefix`
    pub prefix: Prefix,
    /// `ge`
    pub ge: Option<u8>,
    /// `le`
    pub le: Option<u8>,
}

impl PrefixRule {
    /// The least and the greatest length that match: exactly that of the prefix unless `ge` or `le` say more.
    #[must_use]
    pub fn lengths(&self) -> (u8, u8) {
        let longest = if self.prefix.address().is_ipv4() { 32 } else { 128 };
        match (self.ge, self.le) {
            (None, None) => (self.prefix.length(), self.prefix.length()),
            (Some(ge), None) => (ge, longest),
            (ge, Some(le)) => (ge.unwrap_or_else(|| self.prefix.length()), le),
        }
    }
}

/// A rule of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// `action`
    pub action: Action,
    /// `source` and `destination`
    pub access: Access,
}

/// A list of destinations, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destinations {
    /// `prefix-list`
    PrefixList(String),
    /// `access-list`
    AccessList(String),
}

impl Destinations {
    /// Its kind among those of a family.
    #[must_use]
    pub fn kind(&self, family: Family) -> PolicyList {
        match (self, family) {
            (Self::PrefixList(_), Family::Ipv4Unicast) => PolicyList::PrefixList,
            (Self::PrefixList(_), Family::Ipv6Unicast) => PolicyList::PrefixList6,
            (Self::AccessList(_), Family::Ipv4Unicast) => PolicyList::AccessList,
            (Self::AccessList(_), Family::Ipv6Unicast) => PolicyList::AccessList6,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &String {
        match self {
            Self::PrefixList(name) | Self::AccessList(name) => name,
        }
    }
}

/// A rule of an AS path list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    /// `action`
    pub action: Action,
    /// `regex`
    pub regex: Pattern,
}

/// A rule of a community list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityRule<T> {
    /// `action`
    pub action: Action,
    /// `regex`
    pub regex: Communities<T>,
}

/// What a rule of a community list asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Communities<T> {
    /// All of these.
    All(BTreeSet<T>),
    /// That their text fits an expression.
    Fit(Pattern),
}

/// A rule of a route map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRule {
    /// `action`
    pub action: Action,
    /// `match`; all of it has to fit.
    pub matches: Vec<Match>,
    /// `set`, in the order in which it is done.
    pub sets: Vec<Set>,
    /// `call`
    pub call: Option<String>,
    /// `continue` and `on-match`
    pub then: Then,
}

/// Where a route map goes on after a rule that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nowhere: the route is accepted.
    Exit,
    /// At the next rule.
    Next,
    /// At this rule, or the first one behind it.
    Goto(u16),
}

/// One condition of a rule; lists stand by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `as-path`
    AsPath(String),
    /// `community community-list`
    Community {
        /// The list.
        list: String,
        /// `exact-match`
        exact: bool,
    },
    /// `extcommunity`
    ExtendedCommunity(String),
    /// `large-community large-community-list`
    LargeCommunity(String),
    /// `interface`
    Interface(IfName),
    /// `ip|ipv6 address prefix-list|access-list`
    Prefix(Family, Destinations),
    /// `ip|ipv6 address prefix-len`
    PrefixLength(Family, u8),
    /// `ip route-source prefix-list|access-list`
    RouteSource(Destinations),
    /// `ip|ipv6 nexthop address`
    NextHop(IpAddr),
    /// `ip|ipv6 nexthop prefix-list|access-list`
    NextHopIn(Family, Destinations),
    /// `ip|ipv6 nexthop type blackhole`
    LeadsNowhere(Family),
    /// `local-preference`
    LocalPreference(u32),
    /// `metric`
    Metric(u32),
    /// `origin`
    Origin(Origin),
    /// `peer`
    Peer(PeerMatch),
    /// `protocol`
    Protocol(Source),
    /// `aspa`
    PathValidity(PathValidity),
    /// `rpki`
    Validity(Validity),
    /// `tag`
    Tag(u32),
}

/// ORIGIN, as the words spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `igp`
    Igp,
    /// `egp`
    Egp,
    /// `incomplete`
    Incomplete,
}

/// Who announced a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMatch {
    /// The router itself.
    Local,
    /// A neighbor.
    Address(IpAddr),
}

/// Where a route has its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A neighbor.
    Bgp,
    /// An interface.
    Connected,
    /// Somebody else who wrote into the kernel.
    Kernel,
    /// `protocols static`
    Static,
}

/// Why a text is none of the words that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WordError(pub &'static str);

impl FromStr for Action {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "permit" => Ok(Self::Permit),
            "deny" => Ok(Self::Deny),
            _ => Err(WordError("neither permit nor deny")),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        })
    }
}

impl FromStr for Origin {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "igp" => Ok(Self::Igp),
            "egp" => Ok(Self::Egp),
            "incomplete" => Ok(Self::Incomplete),
            _ => Err(WordError("not igp, egp or incomplete")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Igp => "igp",
            Self::Egp => "egp",
            Self::Incomplete => "incomplete",
        })
    }
}

impl FromStr for PeerMatch {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "local" => Ok(Self::Local),
            address => address.parse().map(Self::Address).map_err(|_| WordError("neither an address nor local")),
        }
    }
}

impl FromStr for Source {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "bgp" => Ok(Self::Bgp),
            "connected" => Ok(Self::Connected),
            "kernel" => Ok(Self::Kernel),
            "static" => Ok(Self::Static),
            _ => Err(WordError("not bgp, connected, kernel or static")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bgp => "bgp",
            Self::Connected => "connected",
            Self::Kernel => "kernel",
            Self::Static => "static",
        })
    }
}
