//! `neighbor <address> …` and `peer-group <name> …` share most of their words; they stand here once.
//!
//! A neighbor's own leaf wins over its group's, which wins over the default.

use super::dampening::OF_PEER as DAMPENING;
use crate::schema::{Node, flag, inner, leaf, tag};
use crate::value::{PolicyList, PolicyValue, ValueKind};

pub(super) static NEIGHBOR: Node = tag(
    "neighbor",
    "BGP neighbor",
    ValueKind::Neighbor,
    "192.168.101.201",
    &[
        &ADDPATH_TX_ALL,
        &ADDPATH_TX_BEST,
        &ADDPATH_TX_PER_AS,
        &ADDRESS_FAMILY,
        &ADVERTISEMENT_INTERVAL,
        &ALLOWAS_IN,
        &AS_OVERRIDE,
        &ATTRIBUTE_UNCHANGED,
        &BFD,
        &CAPABILITY,
        &CONDITIONALLY_ADVERTISE,
        &DAMPENING,
        &DEFAULT_ORIGINATE,
        &DESCRIPTION,
        &DISABLE_ADDPATH_RX,
        &DISABLE_CONNECTED_CHECK,
        &DISABLE_SEND_COMMUNITY,
        &DISTRIBUTE_LIST,
        &EBGP_MULTIHOP,
        &ENFORCE_FIRST_AS,
        &FILTER_LIST,
        &GRACEFUL_RESTART,
        &GRACEFUL_SHUTDOWN,
        &INTERFACE,
        &KEY_CHAIN,
        &LIVENESS,
        &LOCAL_AS,
        &LOCAL_ROLE,
        &MAXIMUM_PREFIX,
        &MAXIMUM_PREFIX_OUT,
        &MAXIMUM_PREFIX_RESTART,
        &MAXIMUM_PREFIX_THRESHOLD,
        &MAXIMUM_PREFIX_WARNING_ONLY,
        &NEXTHOP_SELF,
        &PASSIVE,
        &PASSWORD,
        &leaf("peer-group", "Group that the neighbor takes settings from", ValueKind::PeerGroupRef, "nodes"),
        &PORT,
        &PREFIX_LIST,
        &REMOTE_AS,
        &REMOVE_PRIVATE_AS,
        &ROUTE_MAP,
        &ROUTE_REFLECTOR_CLIENT,
        &ROUTE_SERVER_CLIENT,
        &SENDER_AS_PATH_LOOP_DETECTION,
        &SHUTDOWN,
        &SHUTDOWN_MESSAGE,
        &SOFT_RECONFIGURATION,
        &TIMERS,
        &TTL_SECURITY,
        &UNSUPPRESS_MAP,
        &UPDATE_SOURCE,
        &WEIGHT,
    ],
);

pub(super) static PEER_GROUP: Node = tag(
    "peer-group",
    "Settings shared by several neighbors",
    ValueKind::PeerGroupName,
    "nodes",
    &[
        &ADDPATH_TX_ALL,
        &ADDPATH_TX_BEST,
        &ADDPATH_TX_PER_AS,
        &ADDRESS_FAMILY,
        &ADVERTISEMENT_INTERVAL,
        &ALLOWAS_IN,
        &AS_OVERRIDE,
        &ATTRIBUTE_UNCHANGED,
        &BFD,
        &CAPABILITY,
        &CONDITIONALLY_ADVERTISE,
        &DAMPENING,
        &DEFAULT_ORIGINATE,
        &DESCRIPTION,
        &DISABLE_ADDPATH_RX,
        &DISABLE_CONNECTED_CHECK,
        &DISABLE_SEND_COMMUNITY,
        &DISTRIBUTE_LIST,
        &EBGP_MULTIHOP,
        &ENFORCE_FIRST_AS,
        &FILTER_LIST,
        &GRACEFUL_RESTART,
        &GRACEFUL_SHUTDOWN,
        &KEY_CHAIN,
        &LIVENESS,
        &LOCAL_AS,
        &LOCAL_ROLE,
        &MAXIMUM_PREFIX,
        &MAXIMUM_PREFIX_OUT,
        &MAXIMUM_PREFIX_RESTART,
        &MAXIMUM_PREFIX_THRESHOLD,
        &MAXIMUM_PREFIX_WARNING_ONLY,
        &NEXTHOP_SELF,
        &PASSIVE,
        &PASSWORD,
        &PORT,
        &PREFIX_LIST,
        &REMOTE_AS,
        &REMOVE_PRIVATE_AS,
        &ROUTE_MAP,
        &ROUTE_REFLECTOR_CLIENT,
        &ROUTE_SERVER_CLIENT,
        &SENDER_AS_PATH_LOOP_DETECTION,
        &SHUTDOWN,
        &SHUTDOWN_MESSAGE,
        &SOFT_RECONFIGURATION,
        &TIMERS,
        &TTL_SECURITY,
        &UNSUPPRESS_MAP,
        &UPDATE_SOURCE,
        &WEIGHT,
    ],
);

static ALLOWAS_IN: Node = inner(
    "allowas-in",
    "Accept paths that hold our own AS",
    &[&leaf("number", "How often they may hold it", ValueKind::U32 { min: 1, max: 10 }, "1").default("3")],
)
.presence();

static AS_OVERRIDE: Node = flag("as-override", "Put our AS in the place of the neighbor's in what it hears");

static ATTRIBUTE_UNCHANGED: Node = inner(
    "attribute-unchanged",
    "What stays as it came in routes of others",
    &[
        &flag("as-path", "The AS path, without our own AS"),
        &flag("med", "The multi-exit discriminator"),
        &flag("next-hop", "The next hop"),
    ],
);

static ADDRESS_FAMILY: Node = inner(
    "address-family",
    "Settings of one address family",
    &[
        &inner("ipv4-unicast", "IPv4 unicast routes", FAMILY4).presence(),
        &inner("ipv6-unicast", "IPv6 unicast routes", FAMILY6).presence(),
    ],
);

static ADVERTISEMENT_INTERVAL: Node = leaf(
    "advertisement-interval",
    "Seconds between changes that the neighbor is told",
    ValueKind::U32 { min: 0, max: 600 },
    "30",
)
.inherited("0");

static FAMILY4: &[&Node] = &[
    &ADDPATH_TX_ALL,
    &ADDPATH_TX_BEST,
    &ADDPATH_TX_PER_AS,
    &ALLOWAS_IN,
    &AS_OVERRIDE,
    &ATTRIBUTE_UNCHANGED,
    &CAPABILITY_OF_FAMILY,
    &CONDITIONALLY_ADVERTISE,
    &DEFAULT_ORIGINATE,
    &DISABLE_ADDPATH_RX,
    &DISABLE_SEND_COMMUNITY,
    &DISTRIBUTE_LIST,
    &FILTER_LIST,
    &MAXIMUM_PREFIX,
    &MAXIMUM_PREFIX_OUT,
    &MAXIMUM_PREFIX_RESTART,
    &MAXIMUM_PREFIX_THRESHOLD,
    &MAXIMUM_PREFIX_WARNING_ONLY,
    &NEXTHOP_SELF,
    &PREFIX_LIST,
    &REMOVE_PRIVATE_AS,
    &ROUTE_MAP,
    &ROUTE_REFLECTOR_CLIENT,
    &ROUTE_SERVER_CLIENT,
    &SOFT_RECONFIGURATION,
    &UNSUPPRESS_MAP,
    &WEIGHT,
];

static FAMILY6: &[&Node] = &[
    &ADDPATH_TX_ALL,
    &ADDPATH_TX_BEST,
    &ADDPATH_TX_PER_AS,
    &ALLOWAS_IN,
    &AS_OVERRIDE,
    &ATTRIBUTE_UNCHANGED,
    &CAPABILITY_OF_FAMILY,
    &CONDITIONALLY_ADVERTISE,
    &DEFAULT_ORIGINATE,
    &DISABLE_ADDPATH_RX,
    &DISABLE_SEND_COMMUNITY,
    &DISTRIBUTE_LIST6,
    &FILTER_LIST,
    &MAXIMUM_PREFIX,
    &MAXIMUM_PREFIX_OUT,
    &MAXIMUM_PREFIX_RESTART,
    &MAXIMUM_PREFIX_THRESHOLD,
    &MAXIMUM_PREFIX_WARNING_ONLY,
    &NEXTHOP_SELF,
    &PREFIX_LIST6,
    &REMOVE_PRIVATE_AS,
    &ROUTE_MAP,
    &ROUTE_REFLECTOR_CLIENT,
    &ROUTE_SERVER_CLIENT,
    &SOFT_RECONFIGURATION,
    &UNSUPPRESS_MAP,
    &WEIGHT,
];

static ADDPATH_TX_ALL: Node = flag("addpath-tx-all", "Announce all usable paths of a prefix (RFC 7911)");

static ADDPATH_TX_BEST: Node =
    leaf("addpath-tx-best", "Announce so many of the best paths", ValueKind::U32 { min: 1, max: 255 }, "2");

static ADDPATH_TX_PER_AS: Node = flag("addpath-tx-per-as", "Announce the best path of each neighboring AS");

static DISABLE_ADDPATH_RX: Node = flag("disable-addpath-rx", "Take one path of a prefix from the neighbor only");

static BFD: Node = inner(
    "bfd",
    "End the session when BFD says that the path is dead",
    &[
        &flag("check-control-plane-failure", "Keep routes when only its control plane may be dead"),
        &leaf("profile", "BFD profile that gives the settings", ValueKind::ProfileRef, "nodes"),
    ],
)
.presence();

static CAPABILITY: Node = inner(
    "capability",
    "Capabilities of the session",
    &[&flag("extended-nexthop", "IPv4 routes may have IPv6 next hops (always offered)"), &OUTBOUND_FILTERS],
);

static CAPABILITY_OF_FAMILY: Node = inner("capability", "Capabilities of the session", &[&OUTBOUND_FILTERS]);

static OUTBOUND_FILTERS: Node = inner(
    "orf",
    "Outbound route filters: what a side wants to hear",
    &[&inner(
        "prefix-list",
        "Filters by prefix",
        &[
            &flag("receive", "The neighbor may say what it wants to hear"),
            &flag("send", "Tell the neighbor what the import prefix-list accepts"),
        ],
    )],
);

static CONDITIONALLY_ADVERTISE: Node = inner(
    "conditionally-advertise",
    "Announce some routes only while others are there, or are not",
    &[
        &leaf("advertise-map", "The routes that it is about", list(PolicyList::RouteMap), "BACKUP"),
        &leaf("exist-map", "Routes of which one has to be there", list(PolicyList::RouteMap), "UPLINK"),
        &leaf("non-exist-map", "Routes of which none may be there", list(PolicyList::RouteMap), "UPLINK"),
    ],
);

static DEFAULT_ORIGINATE: Node = inner(
    "default-originate",
    "Announce a default route, whether there is one or not",
    &[&leaf("route-map", "Map that the default route goes through", list(PolicyList::RouteMap), "DEFAULT")],
)
.presence();

static DESCRIPTION: Node = leaf("description", "Who the neighbor is", ValueKind::Text { max: 255 }, "node 1");

static DISABLE_CONNECTED_CHECK: Node =
    flag("disable-connected-check", "Neighbors one hop away need no common network (holds anyway)");

static DISABLE_SEND_COMMUNITY: Node = inner(
    "disable-send-community",
    "Communities that it does not hear",
    &[
        &flag("extended", "Extended communities (RFC 4360)"),
        &flag("large", "Large communities (RFC 8092)"),
        &flag("standard", "Communities (RFC 1997)"),
    ],
);

static EBGP_MULTIHOP: Node =
    leaf("ebgp-multihop", "Hops that an external neighbor may be away", ValueKind::U32 { min: 1, max: 255 }, "2");

static ENFORCE_FIRST_AS: Node = inner(
    "enforce-first-as",
    "Its paths have to begin with its own AS (the default)",
    &[&flag("disable", "They need not: it is a transparent route server")],
)
.presence();

static DISTRIBUTE_LIST: Node = distribute_list(&[
    &leaf("export", "What it may hear", list(PolicyList::AccessList), "10"),
    &leaf("import", "What is accepted from it", list(PolicyList::AccessList), "10"),
]);

static DISTRIBUTE_LIST6: Node = distribute_list(&[
    &leaf("export", "What it may hear", list(PolicyList::AccessList6), "SERVICES6"),
    &leaf("import", "What is accepted from it", list(PolicyList::AccessList6), "SERVICES6"),
]);

const fn distribute_list(directions: &'static [&'static Node]) -> Node {
    inner("distribute-list", "Access lists that routes have to pass", directions)
}

static FILTER_LIST: Node = inner(
    "filter-list",
    "AS path lists that routes have to pass",
    &[
        &leaf("export", "What it may hear", list(PolicyList::AsPathList), "OWN"),
        &leaf("import", "What is accepted from it", list(PolicyList::AsPathList), "FROM-ISP"),
    ],
);

static GRACEFUL_RESTART: Node = leaf(
    "graceful-restart",
    "Which part sessions take in graceful restart (RFC 4724)",
    ValueKind::Choice(RESTART_ROLE),
    "restart-helper",
);

const RESTART_ROLE: &[(&str, &str)] = &[
    ("disable", "Neither side keeps routes"),
    ("enable", "Each side keeps routes while the other restarts"),
    ("restart-helper", "Keep its routes, do not ask it to keep ours"),
];

/// The neighbor is whoever advertises itself as a router on the interface; the words below are VyOS's.
static INTERFACE: Node = inner(
    "interface",
    "Neighbor found on the interface by router advertisements",
    &[
        &leaf("peer-group", "Group that the neighbor takes settings from", ValueKind::PeerGroupRef, "nodes"),
        &REMOTE_AS,
        &inner(
            "v6only",
            "Over link-local addresses alone (always so)",
            &[
                &leaf("peer-group", "Group that the neighbor takes settings from", ValueKind::PeerGroupRef, "nodes"),
                &REMOTE_AS,
            ],
        )
        .presence(),
    ],
)
.presence();

static LIVENESS: Node = inner(
    "liveness",
    "End the session when the neighbor answers no probes",
    &[
        &flag("arp", "Ask for its hardware address (ARP, ND)"),
        &flag("icmp", "Send it echo requests"),
        &leaf("interval", "Milliseconds between probes", ValueKind::U32 { min: 50, max: 60000 }, "300")
            .inherited("300"),
        &leaf("multiplier", "Probes that may be lost in a row", ValueKind::U32 { min: 1, max: 255 }, "3")
            .inherited("3"),
        &leaf("tcp", "Open connections to a TCP port", ValueKind::U32 { min: 1, max: 65535 }, "10250"),
    ],
);

static LOCAL_AS: Node = tag(
    "local-as",
    "AS number that the neighbor sees instead of ours",
    ValueKind::Asn,
    "64513",
    &[&inner(
        "no-prepend",
        "Do not prepend it to received paths",
        &[&flag("replace-as", "Let the neighbor see it alone, without our own AS")],
    )
    .presence()],
)
.single();

static GRACEFUL_SHUTDOWN: Node = flag("graceful-shutdown", "Let others move traffic away from it (RFC 8326)");

static LOCAL_ROLE: Node = tag(
    "local-role",
    "What we are to the neighbor (RFC 9234)",
    ValueKind::Choice(&[
        ("customer", "It sells transit to us"),
        ("peer", "Each hears of the other's customers only"),
        ("provider", "We sell transit to it"),
        ("rs-client", "It is a route server, we are its client"),
        ("rs-server", "We are a route server, it is our client"),
    ]),
    "customer",
    &[&flag("strict", "No session without its role")],
)
.single();

static MAXIMUM_PREFIX: Node = leaf(
    "maximum-prefix",
    "Prefixes after which the session is closed",
    ValueKind::U32 { min: 1, max: u32::MAX },
    "1000",
);

static MAXIMUM_PREFIX_OUT: Node = leaf(
    "maximum-prefix-out",
    "Prefixes after which no others are announced",
    ValueKind::U32 { min: 1, max: u32::MAX },
    "1000",
);

static MAXIMUM_PREFIX_RESTART: Node =
    leaf("maximum-prefix-restart", "Minutes until a session that was closed is tried again", super::SECONDS, "30");

static MAXIMUM_PREFIX_THRESHOLD: Node = leaf(
    "maximum-prefix-threshold",
    "Percent of maximum-prefix after which the log warns",
    ValueKind::U32 { min: 1, max: 100 },
    "75",
)
.inherited("75");

static MAXIMUM_PREFIX_WARNING_ONLY: Node =
    flag("maximum-prefix-warning-only", "Log more than maximum-prefix and close nothing");

static NEXTHOP_SELF: Node =
    inner("nexthop-self", "Announce this router as the next hop", &[&flag("force", "Of reflected routes, too")])
        .presence();

static KEY_CHAIN: Node = leaf("key-chain", "Keys of its connections (TCP-AO, RFC 5925)", ValueKind::KeyName, "CORE");

static PASSIVE: Node = flag("passive", "Wait for the neighbor to connect");

static PASSWORD: Node =
    leaf("password", "TCP MD5 password of 1 to 80 characters", ValueKind::Password, "s3cret").secret();

static PORT: Node =
    leaf("port", "TCP port of the neighbor", ValueKind::U32 { min: 1, max: 65535 }, "179").inherited("179");

static PREFIX_LIST: Node = prefix_list(&[
    &leaf("export", "What it may hear", list(PolicyList::PrefixList), "NODES"),
    &leaf("import", "What is accepted from it", list(PolicyList::PrefixList), "SERVICES"),
]);

static PREFIX_LIST6: Node = prefix_list(&[
    &leaf("export", "What it may hear", list(PolicyList::PrefixList6), "NODES6"),
    &leaf("import", "What is accepted from it", list(PolicyList::PrefixList6), "SERVICES6"),
]);

const fn prefix_list(directions: &'static [&'static Node]) -> Node {
    inner("prefix-list", "Prefix lists that routes have to pass", directions)
}

static REMOTE_AS: Node = leaf("remote-as", "AS of the neighbor", ValueKind::RemoteAs, "64512");

static REMOVE_PRIVATE_AS: Node = inner(
    "remove-private-as",
    "Announce paths of private AS numbers without them",
    &[&flag("all", "Private numbers among others, too")],
)
.presence();

static ROUTE_MAP: Node = inner(
    "route-map",
    "Route maps that routes go through",
    &[
        &leaf("export", "What it may hear, and how", list(PolicyList::RouteMap), "TO-NODES"),
        &leaf("import", "What is accepted from it, and how", list(PolicyList::RouteMap), "FROM-NODES"),
    ],
);

static ROUTE_REFLECTOR_CLIENT: Node =
    flag("route-reflector-client", "Pass routes of the AS on to and from it (RFC 4456)");

static ROUTE_SERVER_CLIENT: Node = flag("route-server-client", "Pass routes on to it as they came (RFC 7947)");

static SENDER_AS_PATH_LOOP_DETECTION: Node = leaf(
    "sender-as-path-loop-detection",
    "Whether paths that hold its AS are kept from it",
    ValueKind::Choice(&[
        ("disable", "It hears them, and may accept them (allowas-in)"),
        ("enable", "It would refuse them, so it never hears them"),
    ]),
    "disable",
)
.inherited("enable");

static SHUTDOWN: Node = flag("shutdown", "Keep the session down");

static SHUTDOWN_MESSAGE: Node =
    leaf("shutdown-message", "What the neighbor is told with it (RFC 9003)", ValueKind::ShutdownText, "back at 10:00")
        .yielding();

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

static UNSUPPRESS_MAP: Node =
    leaf("unsuppress-map", "What it hears of although an aggregate covers it", list(PolicyList::RouteMap), "SPECIFICS");

static UPDATE_SOURCE: Node =
    leaf("update-source", "Local address or interface of the session", ValueKind::AddressOrInterface, "192.168.101.1");

static WEIGHT: Node = leaf("weight", "Weight of its routes, higher wins", ValueKind::U32 { min: 1, max: 65535 }, "100");

const fn list(list: PolicyList) -> ValueKind {
    ValueKind::Policy(PolicyValue::Ref(list))
}
