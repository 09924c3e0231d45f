//! What a session has to know of its configuration.
//!
//! Plain data that the caller fills; never a place where defaults are decided.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use nouns::{Asn, Family};

use crate::role::Role;

/// What a session needs to know of its configuration. `classify` says which changes reset the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The neighbor's address, for messages and tie-breaking.
    pub remote_address: IpAddr,
    /// The AS that this session speaks as (`local-as` or the router's).
    pub local_as: Asn,
    /// The peer is in another AS of our confederation (RFC 5065).
    pub confederation: bool,
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
    /// The part taken in graceful restart (RFC 4724, RFC 8538).
    pub graceful_restart: RestartRole,
    /// Seconds, at most 4095, that the peer is asked to wait for us to come back; heard with the next session.
    pub restart_time: u16,
    /// Seconds, at most 16,777,215, that the peer is asked to keep our routes beyond that (RFC 9494); without it nothing is
    /// kept for so long on either side.
    pub long_lived: Option<u32>,
    /// Families in which several paths of a prefix are offered to the peer (RFC 7911).
    pub add_path_send: Vec<Family>,
    /// Families in which several paths of a prefix are taken from it.
    pub add_path_receive: Vec<Family>,
    /// Families in which the peer is told what we want to hear (RFC 5291).
    pub filter_send: Vec<Family>,
    /// Families in which the peer may tell what it wants to hear.
    pub filter_receive: Vec<Family>,
    /// What we tell an external peer that we are to it (RFC 9234 §4.1).
    pub role: Option<Role>,
    /// An external peer that tells no role of its own is refused (RFC 9234 §4.2).
    pub role_strict: bool,
    /// `maximum-prefix` of each family.
    pub maximum_prefix: BTreeMap<Family, PrefixLimit>,
}

/// How many prefixes of a family a peer may announce; of several paths of a prefix each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLimit {
    /// More of them end the session.
    pub limit: u32,
    /// Percent of the limit; the operator is warned of more.
    pub threshold: u8,
    /// More than the limit is told and ends nothing.
    pub warning_only: bool,
    /// Minutes until a session that was ended for it is tried again; without it a person has to ask.
    pub restart: Option<u16>,
}

/// How many prefixes there are, as far as a limit cares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Few enough.
    #[default]
    Low,
    /// More than the threshold.
    High,
    /// More than the limit.
    Over,
}

impl PrefixLimit {
    /// The level of a count; one that was reached is left when a tenth less are there, so that a route that comes and
    /// goes is not told of each time.
    pub(crate) fn level(&self, count: u32, before: Level) -> Level {
        let level = |count: u64| {
            if count > u64::from(self.limit) {
                Level::Over
            } else if count.saturating_mul(100) > u64::from(self.limit).saturating_mul(u64::from(self.threshold)) {
                Level::High
            } else {
                Level::Low
            }
        };
        let count = u64::from(count);
        level(count).max(before.min(level(count.saturating_mul(10).div_ceil(9))))
    }
}

/// The part that a session takes in graceful restart (RFC 4724).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RestartRole {
    /// None: the capability is not offered, and nothing is kept for the peer.
    Disabled,
    /// Routes of a peer that restarts are kept; the peer is not asked to keep ours.
    Helper,
    /// The peer is asked to keep our routes, too.
    Full,
}

/// What our OPEN says of our own restart; true of the daemon, and no part of its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnRestart {
    /// R bit: we have restarted, our routes are not complete yet, and nobody shall wait for them (RFC 4724 §3).
    pub restarting: bool,
    /// F bits: what we announced before is still forwarded.
    pub forwarding: bool,
}

/// Which AS a peer may announce in its OPEN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedAs {
    /// This one.
    Exactly(Asn),
    /// Any but this one (`remote-as external`).
    AnyBut(Asn),
}
