//! What holds for one neighbor, or for the members of a range, with its group and the defaults already folded in.
//!
//! Never knows what other neighbors have.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use nouns::{Asn, Family, IfName, IfNameError};

use super::flows::PeerFlows;
use super::liveness::Liveness;
use super::paths::{LocalRole, PathRules};
use super::{PeerDampening, RestartRole};
use crate::model::key_chain::{KeyChain, Secret};
use crate::model::policy::Filters;

/// The effective settings of a neighbor or of a range's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// `remote-as`
    pub remote_as: RemoteAs,
    /// `description`
    pub description: Option<String>,
    /// `shutdown`
    pub shutdown: bool,
    /// `shutdown-message`: what the neighbor is told with it (RFC 9003), 1 to 255 octets.
    pub shutdown_message: Option<String>,
    /// `passive`: never open, only accept.
    pub passive: bool,
    /// `password`: TCP MD5 (RFC 2385), 1 to 80 octets.
    pub password: Option<String>,
    /// `key-chain`: TCP-AO (RFC 5925).
    pub key_chain: Option<KeyChain>,
    /// `port` to dial, 179 by default.
    pub port: u16,
    /// `timers holdtime` in seconds, 0 or at least 3, 90 by default.
    pub hold_time: u16,
    /// `timers keepalive` in seconds, 30 by default; a third of the negotiated hold time when that is less.
    pub keepalive: u16,
    /// `advertisement-interval` in seconds, up to 600, 0 by default: changes are told at least so far apart.
    pub advertisement_interval: u16,
    /// `timers connect` in seconds, 120 by default in the RFC, 10 here.
    pub connect_retry: u16,
    /// `graceful-restart`; without it the speaker's.
    pub graceful_restart: Option<RestartRole>,
    /// `ebgp-multihop`: the TTL, absent for directly connected external peers (TTL 1).
    pub ebgp_multihop: Option<u8>,
    /// `ttl-security hops` (RFC 5082).
    pub ttl_security_hops: Option<u8>,
    /// `update-source`
    pub update_source: Option<UpdateSource>,
    /// `local-as`
    pub local_as: Option<LocalAs>,
    /// `local-role`
    pub local_role: Option<LocalRole>,
    /// `enforce-first-as`, where the neighbor or its group says so.
    pub enforce_first_as: Option<bool>,
    /// `graceful-shutdown`
    pub graceful_shutdown: bool,
    /// `dampening`; without it the speaker's.
    pub dampening: Option<PeerDampening>,
    /// Paths that hold the neighbor's AS are kept from it unless `sender-as-path-loop-detection` is disabled.
    pub keeps_loops_back: bool,
    /// `nexthop-self` of each family.
    pub nexthop_self: BTreeSet<Family>,
    /// `route-reflector-client` of each family.
    pub reflector_client: BTreeSet<Family>,
    /// `bfd`: the session ends when BFD says that the path is dead.
    pub bfd: Option<PeerBfd>,
    /// `liveness`: the session ends when probes are not answered any more.
    pub liveness: Option<Liveness>,
    /// What its routes go through.
    pub policies: PeerPolicies,
    /// What flows over its session.
    pub flows: PeerFlows,
}

impl PeerSettings {
    /// What its connections are signed with; a chain goes before a password.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        let chain = self.key_chain.as_ref().map(|chain| Secret::Ao(Arc::clone(&chain.keys)));
        chain.or_else(|| self.password.clone().map(Secret::Md5))
    }
}

/// `bfd` of a neighbor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerBfd {
    /// `profile`
    pub profile: Option<String>,
    /// `check-control-plane-failure`: BFD of a neighbor that shares the fate of its control plane does not end graceful
    /// restart (RFC 5882 §4.3).
    pub check_control_plane_failure: bool,
}

/// The policies of a neighbor by family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerPolicies {
    pub(super) ipv4: PeerPolicy,
    pub(super) ipv6: PeerPolicy,
}

/// The policies of a neighbor in one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerPolicy {
    /// What it says.
    pub import: Filters,
    /// What it may hear.
    pub export: Filters,
    /// `default-originate`
    pub default_originate: Option<DefaultOriginate>,
    /// `weight` of what it says.
    pub weight: Option<u32>,
    /// What becomes of paths.
    pub paths: PathRules,
    /// `unsuppress-map`: what it hears of although an aggregate covers it.
    pub unsuppress: Option<String>,
    /// `conditionally-advertise`
    pub conditional: Option<Conditional>,
}

/// `conditionally-advertise`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// `advertise-map`: the routes that it is about.
    pub advertise: String,
    /// `exist-map` or `non-exist-map`: the routes that decide.
    pub map: String,
    /// Whether one of them has to be there, else none may be.
    pub exist: bool,
}

/// `default-originate [route-map]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultOriginate {
    /// The map that the default route goes through.
    pub route_map: Option<String>,
}

impl PeerPolicies {
    /// Those of a family.
    #[must_use]
    pub fn of(&self, family: Family) -> &PeerPolicy {
        match family {
            Family::Ipv4Unicast => &self.ipv4,
            Family::Ipv6Unicast => &self.ipv6,
        }
    }
}

/// `remote-as`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    /// A number.
    Asn(Asn),
    /// The local AS.
    Internal,
    /// Any AS but the local one.
    External,
}

/// `update-source`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateSource {
    /// A local address.
    Address(IpAddr),
    /// The address of an interface.
    Interface(IfName),
}

/// `local-as <asn> [no-prepend [replace-as]]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAs {
    /// The AS that the peer sees.
    pub asn: Asn,
    /// Received paths do not get the local AS prepended.
    pub no_prepend: bool,
    /// The neighbor does not see the router's own AS behind it.
    pub replace_as: bool,
}

impl RemoteAs {
    /// Whether a peer of this AS is internal to `local`.
    #[must_use]
    pub fn is_internal(self, local: Asn) -> bool {
        match self {
            Self::Asn(asn) => asn == local,
            Self::Internal => true,
            Self::External => false,
        }
    }
}

/// Why a text is not a `remote-as`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an AS number from 1 to 4294967294, 'internal' or 'external'")]
pub struct RemoteAsError;

impl FromStr for RemoteAs {
    type Err = RemoteAsError;

    fn from_str(text: &str) -> Result<Self, RemoteAsError> {
        match text {
            "internal" => Ok(Self::Internal),
            "external" => Ok(Self::External),
            number => number.parse().map(Self::Asn).map_err(|_| RemoteAsError),
        }
    }
}

impl FromStr for UpdateSource {
    type Err = IfNameError;

    fn from_str(text: &str) -> Result<Self, IfNameError> {
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => text.parse().map(Self::Interface),
        }
    }
}
