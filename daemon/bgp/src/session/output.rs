//! What a session wants done, and what it tells of itself.
//!
//! Never a call: whoever drives the session turns these values into sockets, routes and log lines.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bgp_wire::Notification;
use bgp_wire::message::Update;
use bgp_wire::orf::Filters;
use nouns::{Asn, Family};

use super::input::ConnId;
use crate::role::Role;

/// What a session wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection; the answer is `Connected` or `ConnectFailed`.
    Connect,
    /// Give up the attempt to connect.
    CancelConnect,
    /// Write these octets, which other sessions may send, too.
    Send(ConnId, Arc<Vec<u8>>),
    /// Close after all that was sent is written (bounded by the rim).
    Close(ConnId),
    /// The session is Established. The caller sends its routes and then an End-of-RIB of each family.
    Up(Box<Negotiated>),
    /// The session is no longer Established.
    Down(Down),
    /// Routes came.
    Update(Update),
    /// The peer asks for our routes of a family again.
    RefreshRequested(Family),
    /// The peer says what it wants to hear of a family (RFC 5291).
    Filters(Family, Filters),
    /// The peer begins to tell all its routes of a family again (RFC 7313); what it does not tell until
    /// `RefreshEnds` is gone.
    RefreshBegins(Family),
    /// The peer has told them all.
    RefreshEnds(Family),
    /// The state changed, for the log and for `show`.
    State(StateName, StateName),
    /// Something that an operator should read; `Log` says how loud.
    Log(Log),
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The peer's AS.
    pub remote_as: Asn,
    /// The peer's BGP identifier.
    pub remote_router_id: Ipv4Addr,
    /// Our AS equals theirs.
    pub internal: bool,
    /// Negotiated hold time in seconds; `None` when it is zero: no keepalives, no hold timer.
    pub hold_time: Option<u16>,
    /// Seconds between keepalives.
    pub keepalive: Option<u16>,
    /// Families that both sides offered.
    pub families: Vec<Family>,
    /// What the codec needs to know.
    pub codec: bgp_wire::Negotiated,
    /// The peer speaks route refresh.
    pub route_refresh: bool,
    /// Families in which the peer hears what we want to hear (RFC 5291).
    pub filter_send: Vec<Family>,
    /// Families in which it tells what it wants to hear; before it did, or asked for routes, it hears nothing.
    pub filter_receive: Vec<Family>,
    /// The peer tells where a refresh begins and ends (RFC 7313).
    pub enhanced_refresh: bool,
    /// The peer's graceful restart capability, if both sides have it.
    pub graceful_restart: Option<PeerRestart>,
    /// What the peer says that it is to us (RFC 9234 §4.1).
    pub remote_role: Option<Role>,
    /// Capabilities of both sides by name, and whose they are, for `show ip bgp neighbors`.
    pub capabilities: Vec<String>,
    /// The peer's host name and software, where it told them (FQDN and Software-Version capabilities).
    pub hostname: Option<String>,
    /// `GoBGP/3.10.0` and the like.
    pub software: Option<String>,
}

/// The peer's graceful restart capability (RFC 4724 §3, RFC 8538 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRestart {
    /// R bit: the peer has just restarted and waits for our End-of-RIB.
    pub restarting: bool,
    /// N bit on both sides: NOTIFICATIONs do not end the helper role.
    pub notification: bool,
    /// Restart time in seconds.
    pub restart_time: u16,
    /// Families listed, and whether forwarding state was preserved (F bit).
    pub families: Vec<(Family, bool)>,
    /// Families whose routes stay on after that, whether their forwarding state was preserved, and for how many seconds, if
    /// both sides take part in that (RFC 9494 §3.1).
    pub long_lived: Option<Vec<(Family, bool, u32)>>,
}

/// The routes of a peer that stay after its session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Families, and for how many seconds at most they stay as stale (RFC 4724 §4.2, RFC 8538 §4).
    pub stale: Vec<(Family, u16)>,
    /// Those of them that stay on as long-lived stale, and for how many seconds (RFC 9494 §4.2).
    pub long_lived: Vec<(Family, u32)>,
}

/// Why a session left Established (or failed before it), and what the helper may keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// In the words of `show ip bgp neighbors`: `Hold timer expired`, `Peer closed the session`.
    pub reason: String,
    /// The session had been Established.
    pub was_established: bool,
    /// What stays of its routes.
    pub kept: Kept,
}

/// RFC 4271 §8.2.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// Nothing is tried.
    Idle,
    /// A connection is being opened.
    Connect,
    /// Waiting for the peer or for the retry timer.
    Active,
    /// OPEN is sent.
    OpenSent,
    /// OPENs are exchanged.
    OpenConfirm,
    /// Routes flow.
    Established,
}

/// The NOTIFICATION that ended a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// It was ours.
    pub sent: bool,
    /// What it said.
    pub notification: Notification,
}

/// A line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// True for what somebody should act upon.
    pub warning: bool,
    /// One sentence without the neighbor's name.
    pub text: String,
}

/// Counters of a session, for `show ip bgp neighbors`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages sent: opens, notifications, updates, keepalives, route refreshes.
    pub sent: [u64; 5],
    /// Messages received, in the same order.
    pub received: [u64; 5],
    /// Times that Established was reached.
    pub established: u64,
    /// Times that Established was left.
    pub dropped: u64,
    /// Routes that were treated as withdrawn for a malformed attribute (RFC 7606).
    pub treated_as_withdraw: u64,
    /// Attributes discarded (RFC 7606).
    pub attributes_discarded: u64,
    /// UPDATEs of which something was malformed, but did not cost the session (RFC 7606).
    pub malformed_updates: u64,
    /// UPDATEs that cost the session.
    pub fatal_updates: u64,
    /// Routes announced by the peer, each time that they were.
    pub announced: u64,
    /// Routes withdrawn by the peer, those among them that were treated as withdrawn.
    pub withdrawn: u64,
    /// Announced routes dropped by the AS loop check.
    pub as_loops: u64,
    /// Announced routes that were reflected back to us or to our cluster (RFC 4456 §8).
    pub reflection_loops: u64,
}
