//! `policy route-map NAME rule N …`: what is matched, what is set, and where it goes on.
//!
//! Only words that have an effect stand here.

use super::{ACTION, DESCRIPTION, NAME, RULE};
use crate::schema::{Node, flag, inner, leaf, tag};
use crate::value::{PolicyList, PolicyValue, ValueKind};

pub(super) static ROUTE_MAP: Node = tag(
    "route-map",
    "Map of routes: what is accepted, and with which attributes",
    NAME,
    "FROM-NODES",
    &[
        &DESCRIPTION,
        &tag(
            "rule",
            "Rule of the map, tried in their order",
            RULE,
            "10",
            &[
                &ACTION,
                &leaf("call", "Map that has to accept the route, too", list(PolicyList::RouteMap), "COMMON"),
                &leaf("continue", "Rule to go on with after this one", RULE, "30"),
                &DESCRIPTION,
                &MATCH,
                &inner(
                    "on-match",
                    "Where to go on after this rule",
                    &[&leaf("goto", "At this rule", RULE, "30"), &flag("next", "At the next rule")],
                ),
                &SET,
            ],
        ),
    ],
);

const fn list(list: PolicyList) -> ValueKind {
    ValueKind::Policy(PolicyValue::Ref(list))
}

const ANY_U32: ValueKind = ValueKind::U32 { min: 0, max: u32::MAX };
const TAG: ValueKind = ValueKind::U32 { min: 1, max: u32::MAX };
const ORIGINS: &[(&str, &str)] =
    &[("egp", "Through EGP"), ("igp", "Within the AS that announced it"), ("incomplete", "By other means")];
const VALIDITIES: &[(&str, &str)] = &[
    ("invalid", "Others may announce the prefix, and its origin may not"),
    ("notfound", "Nobody said who may announce the prefix"),
    ("valid", "The origin may announce the prefix"),
];
const PATH_VALIDITIES: &[(&str, &str)] = &[
    ("invalid", "An AS on the way handed on what it had to keep"),
    ("unknown", "Not all on the way say who their providers are"),
    ("valid", "Each step is one to a provider, or from one"),
];
const PROTOCOLS: &[(&str, &str)] = &[
    ("bgp", "Routes of neighbors"),
    ("connected", "Networks of the router's interfaces"),
    ("kernel", "Routes that others put into the kernel"),
    ("static", "Static routes"),
];

const NEXT_HOP_TYPES: &[(&str, &str)] = &[("blackhole", "Nowhere: a static route of blackhole or reject")];

static NEXT_HOP_TYPE: Node =
    leaf("type", "Where a route of this router leads", ValueKind::Choice(NEXT_HOP_TYPES), "blackhole");

static MATCH: Node = inner(
    "match",
    "What the rule is for; all of it has to fit",
    &[
        &leaf("as-path", "AS path list", list(PolicyList::AsPathList), "FROM-ISP"),
        &leaf("aspa", "What the RPKI says of the path (ASPA)", ValueKind::Choice(PATH_VALIDITIES), "invalid"),
        &inner(
            "community",
            "Communities",
            &[
                &leaf("community-list", "Community list", list(PolicyList::CommunityList), "100"),
                &flag("exact-match", "The route has no others"),
            ],
        ),
        &leaf("extcommunity", "Extended community list", list(PolicyList::ExtcommunityList), "TARGETS"),
        &leaf("interface", "Interface that the route was learned or leads through", ValueKind::InterfaceName, "eth0"),
        &inner(
            "ip",
            "IPv4 routes",
            &[
                &inner(
                    "address",
                    "Prefix of the route",
                    &[
                        &leaf("access-list", "Access list", list(PolicyList::AccessList), "10"),
                        &leaf("prefix-len", "Length of the prefix", ValueKind::U32 { min: 0, max: 32 }, "24"),
                        &leaf("prefix-list", "Prefix list", list(PolicyList::PrefixList), "SERVICES"),
                    ],
                ),
                &inner(
                    "nexthop",
                    "Next hop of the route",
                    &[
                        &leaf("access-list", "Access list", list(PolicyList::AccessList), "10"),
                        &leaf("address", "Exactly this address", ValueKind::Ipv4, "192.0.2.1"),
                        &leaf("prefix-list", "Prefix list", list(PolicyList::PrefixList), "NODES"),
                        &NEXT_HOP_TYPE,
                    ],
                ),
                &inner(
                    "route-source",
                    "Neighbor that the route came from",
                    &[
                        &leaf("access-list", "Access list", list(PolicyList::AccessList), "10"),
                        &leaf("prefix-list", "Prefix list", list(PolicyList::PrefixList), "NODES"),
                    ],
                ),
            ],
        ),
        &inner(
            "ipv6",
            "IPv6 routes",
            &[
                &inner(
                    "address",
                    "Prefix of the route",
                    &[
                        &leaf("access-list", "Access list", list(PolicyList::AccessList6), "SERVICES6"),
                        &leaf("prefix-len", "Length of the prefix", ValueKind::U32 { min: 0, max: 128 }, "64"),
                        &leaf("prefix-list", "Prefix list", list(PolicyList::PrefixList6), "SERVICES6"),
                    ],
                ),
                &inner(
                    "nexthop",
                    "Next hop of the route",
                    &[
                        &leaf("access-list", "Access list", list(PolicyList::AccessList6), "NODES6"),
                        &leaf("address", "Exactly this address", ValueKind::Ipv6, "2001:db8::1"),
                        &leaf("prefix-list", "Prefix list", list(PolicyList::PrefixList6), "NODES6"),
                        &NEXT_HOP_TYPE,
                    ],
                ),
            ],
        ),
        &inner(
            "large-community",
            "Large communities",
            &[&leaf("large-community-list", "Large community list", list(PolicyList::LargeCommunityList), "REGIONS")],
        ),
        &leaf("local-preference", "Local preference", ANY_U32, "100"),
        &leaf("metric", "Multi-exit discriminator", ANY_U32, "10"),
        &leaf("origin", "Origin of the route", ValueKind::Choice(ORIGINS), "igp"),
        &leaf("peer", "Neighbor that the route came from", ValueKind::Policy(PolicyValue::Peer), "192.0.2.1"),
        &leaf("protocol", "Source of the route", ValueKind::Choice(PROTOCOLS), "static"),
        &leaf("rpki", "What the RPKI says of the origin (RFC 6811)", ValueKind::Choice(VALIDITIES), "invalid"),
        &leaf("tag", "Tag that a route map gave the route", TAG, "7"),
    ],
);

static SET: Node = inner(
    "set",
    "What the rule changes",
    &[
        &inner(
            "aggregator",
            "Aggregator of the route; both words are needed",
            &[&leaf("as", "Its AS", ValueKind::Asn, "64512"), &leaf("ip", "Its address", ValueKind::Ipv4, "192.0.2.1")],
        ),
        &leaf("as-path-exclude", "AS numbers taken out of the path", AS_NUMBERS, "64512"),
        &leaf("as-path-prepend", "AS numbers put in front of the path", AS_NUMBERS, "64512 64512"),
        &leaf(
            "as-path-prepend-last-as",
            "How often the first AS of the path is repeated",
            ValueKind::U32 { min: 1, max: 10 },
            "2",
        ),
        &flag("atomic-aggregate", "The path may lack AS numbers"),
        &inner(
            "comm-list",
            "Communities taken away; both words are needed",
            &[
                &leaf("comm-list", "Community list", list(PolicyList::CommunityList), "100"),
                &flag("delete", "Take away what the list permits"),
            ],
        ),
        &leaf(
            "community",
            "Communities, in place of the others or additive",
            ValueKind::Policy(PolicyValue::Communities),
            "64512:100 additive",
        ),
        &leaf("distance", "Administrative distance", ValueKind::U32 { min: 1, max: 255 }, "150"),
        &leaf(
            "extcommunity-bandwidth",
            "Link bandwidth in Mbit/s, by which paths share the load",
            ValueKind::Policy(PolicyValue::Bandwidth),
            "10000",
        ),
        &flag("extcommunity-bandwidth-non-transitive", "Other ASes do not hear of the bandwidth"),
        &flag("extcommunity-none", "All extended communities are taken away first"),
        &leaf("extcommunity-rt", "Route targets added", EXTENDED, "64512:100"),
        &leaf("extcommunity-soo", "Sites of origin added", EXTENDED, "64512:100"),
        &leaf("ip-next-hop", "Next hop of IPv4 routes", ValueKind::Policy(PolicyValue::NextHop), "192.0.2.1"),
        &inner(
            "ipv6-next-hop",
            "Next hop of IPv6 routes",
            &[
                &leaf("global", "This address", ValueKind::NextHop6, "2001:db8::1"),
                &flag("peer-address", "Address of the neighbor, or ours towards it"),
                &flag("self", "Address of this router"),
                &flag("unchanged", "Next hop that the route came with"),
            ],
        ),
        &inner(
            "large-comm-list",
            "Large communities taken away; both words are needed",
            &[
                &flag("delete", "Take away what the list permits"),
                &leaf("large-comm-list", "Large community list", list(PolicyList::LargeCommunityList), "REGIONS"),
            ],
        ),
        &leaf(
            "large-community",
            "Large communities, in place of the others or additive",
            ValueKind::Policy(PolicyValue::LargeCommunities),
            "64512:1:2",
        ),
        &leaf("local-preference", "Local preference, higher wins", ANY_U32, "200"),
        &leaf("metric", "Multi-exit discriminator, or a change of it", ValueKind::Policy(PolicyValue::Metric), "+10"),
        &leaf("origin", "Origin of the route", ValueKind::Choice(ORIGINS), "igp"),
        &leaf(
            "originator-id",
            "Who announced the route first within the AS (RFC 4456)",
            ValueKind::RouterId,
            "192.0.2.1",
        ),
        &leaf("tag", "Tag that other route maps can match", TAG, "7"),
        &leaf("weight", "Weight within this router, higher wins", ANY_U32, "100"),
    ],
);

const AS_NUMBERS: ValueKind = ValueKind::Policy(PolicyValue::AsNumbers);
const EXTENDED: ValueKind = ValueKind::Policy(PolicyValue::ExtendedCommunities);
