//! Route maps: rules in their order, each with conditions and changes.
//!
//! A rule that matches and denies ends the map. One that permits makes its changes, asks the map that it calls, and
//! then ends the map or goes on further down; a map that was left by its end has accepted what some rule permitted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::attribute::{LargeCommunity, Origin};
use nouns::{Family, IfName, PathValidity, Validity};

use super::lists::{CommunityList, PathList, PrefixList, denials};
use super::{Change, Denial, Draft, Source, Subject, Trace};

/// A route map.
#[derive(Debug)]
pub struct RouteMap {
    name: String,
    rules: Vec<Rule>,
    denials: HashMap<u16, Denial>,
    unmatched: Denial,
    looks_at_prefix: bool,
    looks_at_interface: bool,
    looks_at_validity: bool,
    looks_at_path_validity: bool,
    looks_at_shares: bool,
}

/// A rule of a map.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number.
    pub number: u16,
    /// Its action.
    pub permit: bool,
    /// All of these have to hold.
    pub conditions: Vec<Condition>,
    /// These are made where the rule permits, in this order.
    pub changes: Vec<Change>,
    /// A map that has to accept the route, too.
    pub call: Option<Arc<RouteMap>>,
    /// Where it goes on.
    pub then: Then,
}

/// Where a map goes on after a rule that permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nowhere.
    Exit,
    /// At the next rule.
    Next,
    /// At the first rule with this number or a greater one.
    Goto(u16),
}

/// One condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The list permits the AS path.
    Path(Arc<PathList>),
    /// The list permits the communities; `true`: and the route has no others.
    Communities(Arc<CommunityList<u32>>, bool),
    /// The list permits the extended communities.
    ExtendedCommunities(Arc<CommunityList<[u8; 8]>>),
    /// The list permits the large communities.
    LargeCommunities(Arc<CommunityList<LargeCommunity>>),
    /// The interface.
    Interface(IfName),
    /// The list permits the destination.
    Prefix(Arc<PrefixList>),
    /// The length of a destination of the family.
    PrefixLength(Family, u8),
    /// The list permits the neighbor.
    RouteSource(Arc<PrefixList>),
    /// The next hop.
    NextHop(IpAddr),
    /// The list permits the next hop.
    NextHopIn(Arc<PrefixList>),
    /// A route of the family that leads nowhere.
    LeadsNowhere(Family),
    /// LOCAL_PREF
    LocalPreference(u32),
    /// MULTI_EXIT_DISC
    Metric(u32),
    /// ORIGIN
    Origin(Origin),
    /// The neighbor; `None` for the router itself.
    Peer(Option<IpAddr>),
    /// The source.
    Source(Source),
    /// What the RPKI says of the path.
    PathValidity(PathValidity),
    /// What the RPKI says of the origin.
    Validity(Validity),
    /// The tag.
    Tag(u32),
}

impl RouteMap {
    /// A map of rules in the order of their numbers.
    #[must_use]
    pub fn new(name: &str, rules: Vec<Rule>) -> Self {
        let looks_at_prefix = rules.iter().any(|rule| {
            rule.conditions.iter().any(|condition| {
                matches!(
                    condition,
                    Condition::Prefix(_)
                        | Condition::PrefixLength(..)
                        | Condition::LeadsNowhere(_)
                        | Condition::Validity(_)
                )
            }) || rule
                .changes
                .iter()
                .any(|change| matches!(change, Change::NextHop(..) | Change::SharedBandwidth { .. }))
                || rule.call.as_ref().is_some_and(|map| map.looks_at_prefix)
        });
        let looks_at_interface = rules.iter().any(|rule| {
            rule.conditions.iter().any(|condition| matches!(condition, Condition::Interface(_)))
                || rule.call.as_ref().is_some_and(|map| map.looks_at_interface)
        });
        let looks_at_validity = rules.iter().any(|rule| {
            rule.conditions.iter().any(|condition| matches!(condition, Condition::Validity(_)))
                || rule.call.as_ref().is_some_and(|map| map.looks_at_validity)
        });
        let looks_at_path_validity = rules.iter().any(|rule| {
            rule.conditions.iter().any(|condition| matches!(condition, Condition::PathValidity(_)))
                || rule.call.as_ref().is_some_and(|map| map.looks_at_path_validity)
        });
        let looks_at_shares = rules.iter().any(|rule| {
            rule.changes.iter().any(|change| matches!(change, Change::SharedBandwidth { .. }))
                || rule.call.as_ref().is_some_and(|map| map.looks_at_shares)
        });
        Self {
            name: name.to_owned(),
            denials: denials(&format!("route-map {name}"), rules.iter().map(|rule| (rule.number, rule.permit))),
            rules,
            unmatched: format!("route-map {name}: no rule matches").into(),
            looks_at_prefix,
            looks_at_interface,
            looks_at_validity,
            looks_at_path_validity,
            looks_at_shares,
        }
    }

    pub(super) fn looks_at_prefix(&self) -> bool {
        self.looks_at_prefix
    }

    pub(super) fn looks_at_interface(&self) -> bool {
        self.looks_at_interface
    }

    pub(super) fn looks_at_path_validity(&self) -> bool {
        self.looks_at_path_validity
    }

    pub(super) fn looks_at_shares(&self) -> bool {
        self.looks_at_shares
    }

    pub(super) fn looks_at_validity(&self) -> bool {
        self.looks_at_validity
    }

    /// Leads a route through.
    pub(super) fn apply(
        &self,
        subject: &Subject<'_>,
        draft: &mut Draft<'_>,
        trace: &mut dyn FnMut(Trace<'_>),
    ) -> Result<(), Denial> {
        let mut permitted = false;
        let mut least = 0;
        for rule in &self.rules {
            if rule.number < least {
                continue;
            }
            if let Some(condition) = rule.conditions.iter().position(|condition| !condition.holds(subject, draft)) {
                trace(Trace::Missed { map: &self.name, rule: rule.number, condition });
                continue;
            }
            trace(Trace::Rule { map: &self.name, rule: rule.number, permit: rule.permit });
            if !rule.permit {
                return Err(Arc::clone(self.denials.get(&rule.number).unwrap_or(&self.unmatched)));
            }
            permitted = true;
            rule.changes.iter().for_each(|change| change.apply(subject, draft));
            if let Some(map) = &rule.call {
                map.apply(subject, draft, trace)?;
            }
            match rule.then {
                Then::Exit => return Ok(()),
                Then::Next => {}
                Then::Goto(number) => least = number,
            }
        }
        if permitted {
            return Ok(());
        }
        trace(Trace::Unmatched { map: &self.name });
        Err(Arc::clone(&self.unmatched))
    }
}

impl Condition {
    fn holds(&self, subject: &Subject<'_>, draft: &Draft<'_>) -> bool {
        let attributes = &draft.attributes;
        match self {
            Self::Path(list) => list.permits(&attributes.as_path),
            Self::Communities(list, exact) => list.permits(&attributes.communities, *exact),
            Self::ExtendedCommunities(list) => list.permits(&attributes.extended_communities, false),
            Self::LargeCommunities(list) => list.permits(&attributes.large_communities, false),
            Self::Interface(name) => subject.interface == Some(name),
            Self::Prefix(list) => list.permits(subject.prefix),
            Self::PrefixLength(family, length) => {
                subject.prefix.family() == *family && subject.prefix.length() == *length
            }
            Self::RouteSource(list) => subject.peer.is_some_and(|peer| list.permits(nouns::Prefix::host(peer))),
            Self::NextHop(address) => attributes.next_hop.address == *address,
            Self::NextHopIn(list) => list.permits(nouns::Prefix::host(attributes.next_hop.address)),
            Self::LeadsNowhere(family) => subject.nowhere && subject.prefix.family() == *family,
            Self::LocalPreference(value) => attributes.local_pref.unwrap_or(draft.default_local_pref) == *value,
            Self::Metric(value) => attributes.med.unwrap_or(0) == *value,
            Self::Origin(origin) => attributes.origin == *origin,
            Self::Peer(peer) => subject.peer == *peer,
            Self::Source(source) => subject.source == *source,
            Self::PathValidity(validity) => subject.path_validity == Some(*validity),
            Self::Validity(validity) => subject.validity == Some(*validity),
            Self::Tag(tag) => draft.marks.tag == *tag,
        }
    }
}
