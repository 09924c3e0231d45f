//! What becomes of paths on their way in and out: of their AS numbers, next hops, communities.
//!
//! By family; a neighbor's own words come on top of its group's. Never judges whether words go together.

use std::str::FromStr;

use crate::model::reader::Reader;

/// The words of a neighbor that shape paths, in one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathRules {
    /// `allowas-in`: how often a path may hold our own AS.
    pub allowas_in: Option<u8>,
    /// `as-override`
    pub as_override: bool,
    /// `attribute-unchanged`
    pub unchanged: Unchanged,
    /// `disable-send-community`
    pub mute: Mute,
    /// `nexthop-self force`
    pub nexthop_self_force: bool,
    /// `remove-private-as`
    pub remove_private: Option<RemovePrivate>,
    /// `route-server-client` (RFC 7947)
    pub route_server_client: bool,
}

/// `attribute-unchanged`: what external neighbors hear as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unchanged {
    /// `as-path`
    pub as_path: bool,
    /// `med`
    pub med: bool,
    /// `next-hop`
    pub next_hop: bool,
}

/// `disable-send-community`: the kinds that a neighbor does not hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mute {
    /// `extended`
    pub extended: bool,
    /// `large`
    pub large: bool,
    /// `standard`
    pub standard: bool,
}

/// `remove-private-as [all]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovePrivate {
    /// Where a path has no others.
    Alone,
    /// `all`: wherever they are.
    All,
}

/// What we are to a neighbor (RFC 9234 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `customer`
    Customer,
    /// `peer`
    Peer,
    /// `provider`
    Provider,
    /// `rs-client`
    RouteServerClient,
    /// `rs-server`
    RouteServer,
}

/// `local-role <role> [strict]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRole {
    /// The role.
    pub role: Role,
    /// A neighbor that says nothing of its own is refused.
    pub strict: bool,
}

/// Why a text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: customer, peer, provider, rs-client or rs-server")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "customer" => Ok(Self::Customer),
            "peer" => Ok(Self::Peer),
            "provider" => Ok(Self::Provider),
            "rs-client" => Ok(Self::RouteServerClient),
            "rs-server" => Ok(Self::RouteServer),
            _ => Err(RoleError),
        }
    }
}

impl LocalRole {
    pub(super) fn read(place: &Reader<'_>) -> Option<Self> {
        let roles = place.instances::<Role>("local-role").into_iter();
        roles.map(|(role, place)| Self { role, strict: place.flag("strict") }).next()
    }
}

/// `enforce-first-as [disable]`, where it says anything.
pub(super) fn first_as(place: &Reader<'_>) -> Option<bool> {
    let disabled = place.at("enforce-first-as").flag("disable");
    place.is_set("enforce-first-as").then_some(!disabled)
}

impl PathRules {
    /// What a place says of one family.
    pub(super) fn read(place: &Reader<'_>) -> Self {
        let (unchanged, mute) = (place.at("attribute-unchanged"), place.at("disable-send-community"));
        let number = place.at("allowas-in").leaf_or_default("number");
        let all = place.at("remove-private-as").flag("all");
        Self {
            allowas_in: place.is_set("allowas-in").then_some(number),
            as_override: place.flag("as-override"),
            unchanged: Unchanged {
                as_path: unchanged.flag("as-path"),
                med: unchanged.flag("med"),
                next_hop: unchanged.flag("next-hop"),
            },
            mute: Mute { extended: mute.flag("extended"), large: mute.flag("large"), standard: mute.flag("standard") },
            nexthop_self_force: place.at("nexthop-self").flag("force"),
            remove_private: place.is_set("remove-private-as").then_some(if all {
                RemovePrivate::All
            } else {
                RemovePrivate::Alone
            }),
            route_server_client: place.flag("route-server-client"),
        }
    }

    /// These words on top of others.
    pub(super) fn over(self, other: Self) -> Self {
        Self {
            allowas_in: self.allowas_in.or(other.allowas_in),
            as_override: self.as_override || other.as_override,
            unchanged: Unchanged {
                as_path: self.unchanged.as_path || other.unchanged.as_path,
                med: self.unchanged.med || other.unchanged.med,
                next_hop: self.unchanged.next_hop || other.unchanged.next_hop,
            },
            mute: Mute {
                extended: self.mute.extended || other.mute.extended,
                large: self.mute.large || other.mute.large,
                standard: self.mute.standard || other.mute.standard,
            },
            nexthop_self_force: self.nexthop_self_force || other.nexthop_self_force,
            remove_private: self.remove_private.or(other.remove_private),
            route_server_client: self.route_server_client || other.route_server_client,
        }
    }
}
