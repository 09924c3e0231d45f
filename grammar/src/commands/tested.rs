//! A route that nobody announced, made up to see what a policy does to it.
//!
//! Never meets a table.

use std::net::IpAddr;

use nouns::{Asn, IfName, PathValidity, Prefix, Validity};
use serde::{Deserialize, Serialize};

use super::op::RouteSource;

/// What a policy may look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedRoute {
    /// Where it leads.
    pub prefix: Prefix,
    /// Who announced it; absent for the router itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbor: Option<IpAddr>,
    /// What it leads through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<IfName>,
    /// Where it has its source.
    pub source: RouteSource,
    /// NEXT_HOP
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<IpAddr>,
    /// AS_PATH, the neighbor's AS first.
    #[serde(default)]
    pub as_path: Vec<Asn>,
    /// COMMUNITIES
    #[serde(default)]
    pub communities: Vec<u32>,
    /// EXTENDED COMMUNITIES
    #[serde(default)]
    pub extended_communities: Vec<[u8; 8]>,
    /// LARGE_COMMUNITY
    #[serde(default)]
    pub large_communities: Vec<[u32; 3]>,
    /// LOCAL_PREF
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_preference: Option<u32>,
    /// MULTI_EXIT_DISC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// ORIGIN
    pub origin: RouteOrigin,
    /// What the RPKI is made to say of the path; absent for what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_validity: Option<PathValidity>,
    /// What the RPKI is made to say of the origin; absent for what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The tag.
    #[serde(default)]
    pub tag: u32,
}

/// ORIGIN of a route that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOrigin {
    /// `igp`
    Igp,
    /// `egp`
    Egp,
    /// `incomplete`
    Incomplete,
}
