//! `protocols bgp <asn> …`: the speaker as a whole; its neighbors and groups stand in `bgp/peer.rs`.

mod dampening;
mod peer;
mod seeing;

use super::{Node, flag, inner, leaf, multi, tag};
use crate::value::{PolicyList, PolicyValue, ValueKind};

pub(super) static BGP: Node = tag(
    "bgp",
    "Border Gateway Protocol",
    ValueKind::Asn,
    "64512",
    &[
        &inner(
            "address-family",
            "Settings of one address family",
            &[
                &inner("ipv4-unicast", "IPv4 unicast routes", &[&TABLE_MAP]),
                &inner(
                    "ipv6-unicast",
                    "IPv6 unicast routes",
                    &[
                        &tag(
                            "aggregate-address",
                            "Prefix announced while it covers others",
                            ValueKind::Prefix6,
                            "2001:db8::/32",
                            AGGREGATE,
                        ),
                        &tag("network", "Prefix to announce", ValueKind::Prefix6, "2001:db8::/32", NETWORK),
                        &REDISTRIBUTE,
                        &TABLE_MAP,
                    ],
                ),
            ],
        ),
        &AGGREGATE_ADDRESS,
        &seeing::BMP,
        &seeing::DUMP,
        &inner(
            "listen",
            "Neighbors that need not be configured one by one",
            &[
                &leaf("limit", "How many such neighbors there may be", ValueKind::U32 { min: 1, max: 5000 }, "100")
                    .default("100"),
                &tag(
                    "range",
                    "Network whose hosts are accepted as neighbors",
                    ValueKind::Prefix,
                    "192.168.101.0/24",
                    &[
                        &leaf("limit", "How many of them there may be", ValueKind::U32 { min: 1, max: 5000 }, "50"),
                        &leaf("peer-group", "Group that gives their settings", ValueKind::PeerGroupRef, "nodes"),
                    ],
                ),
            ],
        ),
        &inner(
            "maximum-paths",
            "How many equal paths share the traffic",
            &[
                &leaf("ebgp", "Paths from external neighbors", PATHS, "64").default("64"),
                &leaf("ibgp", "Paths from internal neighbors", PATHS, "64").default("64"),
            ],
        ),
        &peer::NEIGHBOR,
        &tag("network", "Prefix to announce", ValueKind::Prefix4, "192.0.2.0/24", NETWORK),
        &PARAMETERS,
        &peer::PEER_GROUP,
        &REDISTRIBUTE,
        &TABLE_MAP,
        &inner(
            "timers",
            "Timers of all neighbors",
            &[
                &leaf("holdtime", "Seconds of silence until a neighbor is down", ValueKind::HoldTime, "90")
                    .default("90"),
                &leaf("keepalive", "Seconds between keepalives", SECONDS, "30").default("30"),
            ],
        ),
    ],
)
.single();

const PATHS: ValueKind = ValueKind::U32 { min: 1, max: 256 };
const SECONDS: ValueKind = ValueKind::U32 { min: 1, max: 65535 };
const DISTANCE: ValueKind = ValueKind::U32 { min: 1, max: 255 };
const ANY_POSITIVE: ValueKind = ValueKind::U32 { min: 1, max: u32::MAX };
const ANY_U32: ValueKind = ValueKind::U32 { min: 0, max: u32::MAX };

static REDISTRIBUTE: Node = inner(
    "redistribute",
    "Announce routes of other origin",
    &[
        &inner("connected", "Networks of the router's interfaces", SOURCE).presence(),
        &inner("kernel", "Routes that others put into the kernel", SOURCE).presence(),
        &inner("static", "Static routes", SOURCE).presence(),
    ],
);

static TABLE_MAP: Node = leaf(
    "table-map",
    "Map that lets routes into the route table and the kernel",
    ValueKind::Policy(PolicyValue::Ref(PolicyList::RouteMap)),
    "FIB",
);

static SOURCE: &[&Node] = &[&leaf("metric", "Multi-exit discriminator of these routes", ANY_U32, "10"), &OWN_ROUTE_MAP];
static AGGREGATE_ADDRESS: Node =
    tag("aggregate-address", "Prefix announced while it covers others", ValueKind::Prefix4, "192.0.2.0/24", AGGREGATE);
static AGGREGATE: &[&Node] = &[
    &flag("as-set", "Tell the AS numbers of what it covers (against RFC 9774)"),
    &OWN_ROUTE_MAP,
    &flag("summary-only", "Do not announce what it covers"),
];
static NETWORK: &[&Node] = &[&OWN_ROUTE_MAP];
static OWN_ROUTE_MAP: Node = leaf(
    "route-map",
    "Map that the routes go through first",
    ValueKind::Policy(PolicyValue::Ref(PolicyList::RouteMap)),
    "OWN",
);

const ENABLE_DISABLE: &[(&str, &str)] = &[
    ("disable", "External neighbors need no policy"),
    ("enable", "External neighbors exchange nothing without a policy"),
];

const BANDWIDTH: &[(&str, &str)] = &[
    ("default-weight-for-missing", "Paths that tell no bandwidth get the least share"),
    ("ignore", "All paths get equal shares"),
    ("skip-missing", "Paths that tell no bandwidth get nothing"),
];

static PARAMETERS: Node = inner(
    "parameters",
    "Settings of the speaker as a whole",
    &[
        &flag("allow-martian-nexthop", "Use next hops that no packet can be sent to, if they resolve"),
        &flag("always-compare-med", "Compare MED across neighboring ASes too"),
        &inner(
            "bestpath",
            "How the best path is chosen",
            &[
                &inner(
                    "as-path",
                    "Rules about AS paths",
                    &[
                        &flag("confed", "Members of the confederation count in the length"),
                        &flag("ignore", "Do not compare the length"),
                        &flag("multipath-relax", "Share traffic over different paths of equal length"),
                    ],
                ),
                &leaf("bandwidth", "Shares of paths by their link bandwidth", ValueKind::Choice(BANDWIDTH), "ignore"),
                &flag("compare-routerid", "Compare identifiers of external neighbors (always done)"),
                &inner(
                    "med",
                    "Rules about the multi-exit discriminator",
                    &[
                        &flag("confed", "Compare it between members of the confederation"),
                        &flag("missing-as-worst", "A path without one loses to every other"),
                    ],
                ),
                &inner(
                    "peer-type",
                    "Rules about the kinds of neighbors",
                    &[&flag("multipath-relax", "Share traffic between external and internal paths")],
                ),
            ],
        ),
        &leaf(
            "cluster-id",
            "Cluster that this reflector serves; the router id if unset",
            ValueKind::RouterId,
            "192.0.2.1",
        ),
        &inner(
            "confederation",
            "This AS is one of several that look like one (RFC 5065)",
            &[
                &leaf("identifier", "AS number that others see", ValueKind::Asn, "65000"),
                &multi("peers", "Other ASes of the confederation", ValueKind::Asn, "64513"),
            ],
        ),
        &dampening::OF_SPEAKER,
        &inner(
            "default",
            "Defaults of routes",
            &[&leaf("local-pref", "Local preference, higher wins", ANY_U32, "100").default("100")],
        ),
        &flag("deterministic-med", "The order of arrival decides nothing (always so)"),
        &inner(
            "distance",
            "Administrative distances",
            &[&inner(
                "global",
                "Distances of all routes",
                &[
                    &leaf("external", "Routes of external neighbors", DISTANCE, "20").default("20"),
                    &leaf("internal", "Routes of internal neighbors", DISTANCE, "200").default("200"),
                ],
            )],
        ),
        &leaf(
            "ebgp-requires-policy",
            "Whether external neighbors need a policy (RFC 8212)",
            ValueKind::Choice(ENABLE_DISABLE),
            "disable",
        )
        .default("enable"),
        &inner(
            "enforce-first-as",
            "Paths begin with the AS of the neighbor (the default)",
            &[&flag("disable", "They need not")],
        )
        .presence(),
        &inner(
            "graceful-restart",
            "Keep routes while one side restarts (RFC 4724)",
            &[
                &flag("disable", "Drop the routes of a neighbor at once"),
                &inner(
                    "long-lived",
                    "Keep routes long after a restart failed (RFC 9494)",
                    &[
                        &flag("partial-deployment", "Internal neighbors hear of them that know nothing of it"),
                        &leaf(
                            "stale-time",
                            "Seconds for which neighbors keep our routes then",
                            ValueKind::U32 { min: 1, max: 0xff_ffff },
                            "86400",
                        ),
                    ],
                ),
                &leaf(
                    "restart-time",
                    "Seconds for which neighbors keep our routes",
                    ValueKind::U32 { min: 1, max: 4095 },
                    "120",
                )
                .default("120"),
                &leaf(
                    "select-defer-time",
                    "Longest time in seconds to await neighbors after a restart",
                    ValueKind::U32 { min: 1, max: 3600 },
                    "300",
                )
                .default("300"),
                &leaf(
                    "stalepath-time",
                    "Longest time in seconds to keep its routes",
                    ValueKind::U32 { min: 1, max: 3600 },
                    "360",
                )
                .default("360"),
            ],
        )
        .presence(),
        &flag("graceful-shutdown", "Let all neighbors move traffic away (RFC 8326)"),
        &inner(
            "limit",
            "How much all neighbors together may make the router keep",
            &[
                &leaf("memory", "MiB of memory; four fifths of the machine's if unset", ANY_POSITIVE, "4096"),
                &leaf("paths", "Paths of all neighbors, refused ones too", ANY_POSITIVE, "10000000"),
            ],
        ),
        &flag("log-neighbor-changes", "Log neighbors that come and go (done anyway)"),
        &flag("no-client-to-client-reflection", "Clients hear of each other without this router"),
        &flag("no-fib-install", "Keep BGP routes out of the route table and the kernel"),
        &flag("no-log-neighbor-changes", "Do not log neighbors that come and go"),
        &inner(
            "reject-as-sets",
            "Refuse paths with sets of AS numbers, RFC 9774 (the default)",
            &[&flag("disable", "Accept them")],
        )
        .presence(),
        &leaf("router-id", "Identifier of this speaker", ValueKind::RouterId, "192.168.101.1"),
    ],
);
