//! Policies as they run: what a route goes through on its way in, out, or into the table.
//!
//! Everything is looked up when a policy is made, so that a route costs comparisons only; rules go forward and maps
//! end, so every route gets its verdict. Never knows how a policy was typed, and never reads a table.

mod change;
mod lists;
mod route_map;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::PathAttributes;
use nouns::{IfName, Marks, PathValidity, Prefix, Validity};

pub use change::{Change, MetricChange, NextHopChange};
pub use lists::{AccessRule, Ask, CommunityList, PathList, PrefixList, PrefixRule, Spelled};
pub use route_map::{Condition, RouteMap, Rule, Then};

/// Where a route has its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A neighbor.
    Bgp,
    /// An interface.
    Connected,
    /// Somebody else who wrote into the kernel.
    Kernel,
    /// The configuration.
    Static,
}

/// What a policy has to know of a route besides its attributes.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The destination.
    pub prefix: Prefix,
    /// Where it has its source.
    pub source: Source,
    /// The neighbor that announced it; `None` for the router itself.
    pub peer: Option<IpAddr>,
    /// The interface that it was learned through, or leads through.
    pub interface: Option<&'a IfName>,
    /// A route of the router itself that leads nowhere.
    pub nowhere: bool,
    /// What the RPKI says of the route as it came; `None` where nobody looked it up.
    pub validity: Option<Validity>,
    /// What the RPKI says of its path; `None` where nobody looked it up, or nobody knows which way the route came.
    pub path_validity: Option<PathValidity>,
    /// The paths that share the load of the destination; `None` where nobody looked.
    pub shares: Option<Shares>,
}

/// What the paths have together that share the load of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// How many they are.
    pub paths: u32,
    /// Octets a second of those that tell a bandwidth; `None` where none does.
    pub told: Option<u64>,
}

impl Shares {
    /// One more path, with the bandwidth that it tells.
    #[must_use]
    pub fn and(self, told: Option<u64>) -> Self {
        let sum = self.told.into_iter().chain(told).reduce(u64::saturating_add);
        Self { paths: self.paths.saturating_add(1), told: sum }
    }

    /// Octets a second: so many for each path, or what they tell.
    fn rate(self, each: Option<u64>) -> Option<u64> {
        each.map_or(self.told, |each| Some(each.saturating_mul(u64::from(self.paths))))
    }
}

impl Subject<'_> {
    /// A route of the router itself, of which nobody knows any more.
    #[must_use]
    pub fn new(prefix: Prefix, source: Source) -> Self {
        Self {
            prefix,
            source,
            peer: None,
            interface: None,
            nowhere: false,
            validity: None,
            path_validity: None,
            shares: None,
        }
    }
}

/// A route on its way through a policy.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Its attributes; owned from the first change on.
    pub attributes: Cow<'a, PathAttributes>,
    /// Its marks.
    pub marks: Marks,
    /// The LOCAL_PREF of a route that has none.
    pub default_local_pref: u32,
    /// The next hop that the policy wants, where it wants one.
    pub next_hop: Option<NextHopChange>,
    /// The policy set MULTI_EXIT_DISC, so that it may leave the AS.
    pub set_med: bool,
}

impl<'a> Draft<'a> {
    /// A route as it comes.
    #[must_use]
    pub fn new(attributes: &'a PathAttributes, marks: Marks, default_local_pref: u32) -> Self {
        Self { attributes: Cow::Borrowed(attributes), marks, default_local_pref, next_hop: None, set_med: false }
    }
}

/// Why a policy refused a route, as a sentence.
pub type Denial = Arc<str>;

/// Something that happened on the way, for whoever wants to know which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace<'a> {
    /// A list had its say; the rule is `None` when none matched.
    List {
        /// `prefix-list NAME` or `as-path-list NAME`
        list: &'a str,
        /// The rule that matched.
        rule: Option<u16>,
        /// Whether the route passed.
        permit: bool,
    },
    /// A rule of a map matched.
    Rule {
        /// The map.
        map: &'a str,
        /// The rule.
        rule: u16,
        /// Its action.
        permit: bool,
    },
    /// A rule of a map did not match.
    Missed {
        /// The map.
        map: &'a str,
        /// The rule.
        rule: u16,
        /// The place of the first of its conditions that did not hold.
        condition: usize,
    },
    /// No rule of a map matched.
    Unmatched {
        /// The map.
        map: &'a str,
    },
}

/// What routes of one direction go through; all of it has to accept them.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// First this one,
    pub prefix_list: Option<Arc<PrefixList>>,
    /// then this one,
    pub path_list: Option<Arc<PathList>>,
    /// at last this one.
    pub route_map: Option<Arc<RouteMap>>,
}

/// Chains are equal when they go through the same lists and maps, not through others that happen to say the same.
impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Chain {
    /// Where its lists and its map stand in memory, which no two share while they live.
    fn identity(&self) -> [Option<usize>; 3] {
        [
            self.prefix_list.as_ref().map(|list| Arc::as_ptr(list).addr()),
            self.path_list.as_ref().map(|list| Arc::as_ptr(list).addr()),
            self.route_map.as_ref().map(|map| Arc::as_ptr(map).addr()),
        ]
    }

    /// Whether it accepts everything as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prefix_list.is_none() && self.path_list.is_none() && self.route_map.is_none()
    }

    /// Whether its verdict may differ between routes of equal attributes.
    #[must_use]
    pub fn looks_at_prefix(&self) -> bool {
        self.prefix_list.is_some() || self.route_map.as_ref().is_some_and(|map| map.looks_at_prefix())
    }

    /// Whether it asks for the interface, which has to be looked up.
    #[must_use]
    pub fn looks_at_interface(&self) -> bool {
        self.route_map.as_ref().is_some_and(|map| map.looks_at_interface())
    }

    /// Whether it asks for the paths that share the load, which others of the destination make another.
    #[must_use]
    pub fn looks_at_shares(&self) -> bool {
        self.route_map.as_ref().is_some_and(|map| map.looks_at_shares())
    }

    /// Whether it asks what the RPKI says of a route, which has to be looked up and may become another.
    #[must_use]
    pub fn looks_at_validity(&self) -> bool {
        self.route_map.as_ref().is_some_and(|map| map.looks_at_validity())
    }

    /// Whether it asks what the RPKI says of the path.
    #[must_use]
    pub fn looks_at_path_validity(&self) -> bool {
        self.route_map.as_ref().is_some_and(|map| map.looks_at_path_validity())
    }

    /// Whether it asks the RPKI anything.
    #[must_use]
    pub fn asks_the_rpki(&self) -> bool {
        self.looks_at_validity() || self.looks_at_path_validity()
    }

    /// Leads a route through.
    ///
    /// # Errors
    /// Why it is refused; the draft is not to be used then.
    pub fn apply(&self, subject: &Subject<'_>, draft: &mut Draft<'_>) -> Result<(), Denial> {
        self.apply_traced(subject, draft, &mut |_| ())
    }

    /// As `apply`, and tells what happened.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn apply_traced(
        &self,
        subject: &Subject<'_>,
        draft: &mut Draft<'_>,
        trace: &mut dyn FnMut(Trace<'_>),
    ) -> Result<(), Denial> {
        if let Some(list) = &self.prefix_list {
            list.pass(subject.prefix, trace)?;
        }
        if let Some(list) = &self.path_list {
            list.pass(&draft.attributes.as_path, trace)?;
        }
        match &self.route_map {
            Some(map) => map.apply(subject, draft, trace),
            None => Ok(()),
        }
    }
}
