//! What a session has to know of its configuration.
//!
//! Plain data that the caller fills; never a place where defaults are decided.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use nouns::{Asn, Family};

/// What a session needs to know of its configuration. A change of any field but
/// `maximum_prefix`, `connect_retry` and `passive` resets the session (`classify`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The neighbor's address, for messages and tie-breaking.
    pub remote_address: IpAddr,
    /// The AS that this session speaks as (`local-as` or the router's).
    pub local_as: Asn,
    /// Which AS the peer may have.
    pub expected_as: ExpectedAs,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// Proposed hold time in seconds, 0 or at least 3.
    pub hold_time: u16,
    /// Keepalive interval in seconds, capped at a third of the negotiated hold time.
    pub keepalive: u16,
    /// Seconds between attempts to connect.
    pub connect_retry: u16,
    /// Never connect, only accept.
    pub passive: bool,
    /// Families to offer.
    pub families: Vec<Family>,
    /// Offer and obey graceful restart as helper (RFC 4724, RFC 8538).
    pub graceful_restart: bool,
    /// `maximum-prefix` of each family.
    pub maximum_prefix: BTreeMap<Family, u32>,
}

/// Which AS a peer may announce in its OPEN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedAs {
    /// This one.
    Exactly(Asn),
    /// Any but this one (`remote-as external`).
    AnyBut(Asn),
}
