//! `neighbor <address> …` and `peer-group <name> …` share most of their words; they stand here once.
//!
//! A neighbor's own leaf wins over its group's, which wins over the default.

use crate::schema::{Node, flag, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static NEIGHBOR: Node = tag(
    "neighbor",
    "BGP neighbor",
    ValueKind::NeighborAddress,
    "192.168.101.201",
    &[
        &ADDRESS_FAMILY,
        &DESCRIPTION,
        &EBGP_MULTIHOP,
        &LOCAL_AS,
        &MAXIMUM_PREFIX,
        &NEXTHOP_SELF,
        &PASSIVE,
        &PASSWORD,
        &leaf("peer-group", "Group that the neighbor takes settings from", ValueKind::PeerGroupRef, "nodes"),
        &PORT,
        &REMOTE_AS,
        &SHUTDOWN,
        &SOFT_RECONFIGURATION,
        &TIMERS,
        &TTL_SECURITY,
        &UPDATE_SOURCE,
    ],
);

pub(super) static PEER_GROUP: Node = tag(
    "peer-group",
    "Settings shared by several neighbors",
    ValueKind::PeerGroupName,
    "nodes",
    &[
        &ADDRESS_FAMILY,
        &DESCRIPTION,
        &EBGP_MULTIHOP,
        &LOCAL_AS,
        &MAXIMUM_PREFIX,
        &NEXTHOP_SELF,
        &PASSIVE,
        &PASSWORD,
        &PORT,
        &REMOTE_AS,
        &SHUTDOWN,
        &SOFT_RECONFIGURATION,
        &TIMERS,
        &TTL_SECURITY,
        &UPDATE_SOURCE,
    ],
);

static ADDRESS_FAMILY: Node = inner(
    "address-family",
    "Settings of one address family",
    &[
        &inner("ipv4-unicast", "IPv4 unicast routes", FAMILY).presence(),
        &inner("ipv6-unicast", "IPv6 unicast routes", FAMILY).presence(),
    ],
);

static FAMILY: &[&Node] = &[&MAXIMUM_PREFIX, &NEXTHOP_SELF, &SOFT_RECONFIGURATION];

static DESCRIPTION: Node = leaf("description", "Who the neighbor is", ValueKind::Text { max: 255 }, "node 1");

static EBGP_MULTIHOP: Node =
    leaf("ebgp-multihop", "Hops that an external neighbor may be away", ValueKind::U32 { min: 1, max: 255 }, "2");

static LOCAL_AS: Node = tag(
    "local-as",
    "AS number that the neighbor sees instead of ours",
    ValueKind::Asn,
    "64513",
    &[&flag("no-prepend", "Do not prepend it to received paths")],
)
.single();

static MAXIMUM_PREFIX: Node = leaf(
    "maximum-prefix",
    "Prefixes after which the session is closed",
    ValueKind::U32 { min: 1, max: u32::MAX },
    "1000",
);

static NEXTHOP_SELF: Node = flag("nexthop-self", "Announce this router as the next hop");

static PASSIVE: Node = flag("passive", "Wait for the neighbor to connect");

static PASSWORD: Node =
    leaf("password", "TCP MD5 password of 1 to 80 characters", ValueKind::Password, "s3cret").secret();

static PORT: Node =
    leaf("port", "TCP port of the neighbor", ValueKind::U32 { min: 1, max: 65535 }, "179").inherited("179");

static REMOTE_AS: Node = leaf("remote-as", "AS of the neighbor", ValueKind::RemoteAs, "64512");

static SHUTDOWN: Node = flag("shutdown", "Keep the session down");

static SOFT_RECONFIGURATION: Node = inner(
    "soft-reconfiguration",
    "Received routes are kept for inspection (always done)",
    &[&flag("inbound", "Keep received routes")],
);

static TIMERS: Node = inner(
    "timers",
    "Timers of the session",
    &[
        &leaf("connect", "Seconds between attempts to connect", super::SECONDS, "10").inherited("10"),
        &leaf("holdtime", "Seconds of silence until the neighbor is down", ValueKind::HoldTime, "90").inherited("90"),
        &leaf("keepalive", "Seconds between keepalives", super::SECONDS, "30").inherited("30"),
    ],
);

static TTL_SECURITY: Node = inner(
    "ttl-security",
    "Refuse packets from further away (RFC 5082)",
    &[&leaf("hops", "Hops that the neighbor may be away", ValueKind::U32 { min: 1, max: 254 }, "1")],
);

static UPDATE_SOURCE: Node =
    leaf("update-source", "Local address or interface of the session", ValueKind::AddressOrInterface, "192.168.101.1");
