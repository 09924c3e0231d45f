//! `show bgp …`, `show ip bgp …`, `show ipv6 bgp …`

use nouns::{Family, community};

use super::route::destination;
use crate::commands::op::{DampingShown, Destination, NeighborRoutes, Op};
use crate::commands::table_filter::TableFilter;
use crate::commands::tree::{Arguments, Make, Step};
use crate::value::{PolicyList, PolicyValue, ValueKind};

/// Of both families, unless a word or an address tells one.
pub(super) static BGP: Step = Step::word(
    "bgp",
    "Border Gateway Protocol",
    &[
        &Step::word("ipv4", "IPv4 unicast routes", OF_IPV4).family(Family::Ipv4Unicast).op(table),
        &Step::word("ipv6", "IPv6 unicast routes", OF_IPV6).family(Family::Ipv6Unicast).op(table),
        &Step::word("neighbors", "Neighbors in detail", &[&ANY_NEIGHBOR, &ON_INTERFACE]).op(neighbors),
        &SUMMARY,
        &ADDRESS4,
        &PREFIX4,
        &ADDRESS6,
        &PREFIX6,
    ],
)
.op(|_| Some(Op::ShowBgpTables));

pub(super) static BGP4: Step = Step::word("bgp", "Border Gateway Protocol", OF_IPV4).op(table);
pub(super) static BGP6: Step = Step::word("bgp", "Border Gateway Protocol", OF_IPV6).op(table);

static OF_IPV4: &[&Step] = &[
    &Step::word("cidr-only", "Prefixes that are no network of their class", &[])
        .op(|a| filtered(a, TableFilter::CidrOnly)),
    &COMMUNITY,
    &COMMUNITY_LIST,
    &DAMPENING,
    &FILTER_LIST,
    &LARGE_COMMUNITY,
    &LARGE_COMMUNITY_LIST,
    &NEIGHBORS,
    &Step::word("prefix-list", "Destinations that a list permits", &[&named(PolicyList::PrefixList, prefix_list)]),
    &REGEXP,
    &ROUTE_MAP,
    &SUMMARY,
    &ADDRESS4,
    &PREFIX4,
];
static OF_IPV6: &[&Step] = &[
    &COMMUNITY,
    &COMMUNITY_LIST,
    &DAMPENING,
    &FILTER_LIST,
    &LARGE_COMMUNITY,
    &LARGE_COMMUNITY_LIST,
    &NEIGHBORS,
    &Step::word("prefix-list", "Destinations that a list permits", &[&named(PolicyList::PrefixList6, prefix_list)]),
    &REGEXP,
    &ROUTE_MAP,
    &SUMMARY,
    &ADDRESS6,
    &PREFIX6,
];

static DAMPENING: Step = Step::word(
    "dampening",
    "Routes that flap",
    &[
        &Step::word("dampened-paths", "Paths that rest", &[]).op(|a| damping(a, DampingShown::Paths)),
        &Step::word("flap-statistics", "All paths that flapped", &[]).op(|a| damping(a, DampingShown::Flaps)),
        &Step::word("parameters", "The numbers in force", &[]).op(|a| damping(a, DampingShown::Parameters)),
    ],
);

fn damping(arguments: &Arguments, which: DampingShown) -> Option<Op> {
    Some(Op::ShowDamping { family: arguments.family?, which })
}

static COMMUNITY: Step = Step::word("community", "Paths with communities", &[&ONE_COMMUNITY]);
static ONE_COMMUNITY: Step = Step::value(
    ValueKind::Policy(PolicyValue::Community),
    "A community that has to be there",
    "64512:100",
    &[&exactly(communities), &ONE_COMMUNITY],
)
.op(communities);
static COMMUNITY_LIST: Step = Step::word(
    "community-list",
    "Paths whose communities a list permits",
    &[&Step::value(
        ValueKind::Policy(PolicyValue::Ref(PolicyList::CommunityList)),
        "Its name",
        "NODES",
        &[&exactly(community_list)],
    )
    .op(community_list)],
);
static FILTER_LIST: Step =
    Step::word("filter-list", "Paths that an AS path list permits", &[&named(PolicyList::AsPathList, filter_list)]);
static LARGE_COMMUNITY: Step = Step::word("large-community", "Paths with large communities", &[&ONE_LARGE_COMMUNITY]);
static ONE_LARGE_COMMUNITY: Step = Step::value(
    ValueKind::Policy(PolicyValue::LargeCommunity),
    "A large community that has to be there",
    "64512:1:2",
    &[&exactly(large_communities), &ONE_LARGE_COMMUNITY],
)
.op(large_communities);
static LARGE_COMMUNITY_LIST: Step = Step::word(
    "large-community-list",
    "Paths whose large communities a list permits",
    &[&Step::value(
        ValueKind::Policy(PolicyValue::Ref(PolicyList::LargeCommunityList)),
        "Its name",
        "NODES",
        &[&exactly(large_community_list)],
    )
    .op(large_community_list)],
);
static REGEXP: Step = Step::word(
    "regexp",
    "Paths whose AS path fits an expression",
    &[&Step::value(ValueKind::Policy(PolicyValue::Regex), "The expression, in quotes", "'^64513_'", &[])
        .op(|a| filtered(a, TableFilter::Regexp(a.after("regexp")?)))],
);
static ROUTE_MAP: Step =
    Step::word("route-map", "Paths that a route map permits", &[&named(PolicyList::RouteMap, route_map)]);

const fn named(list: PolicyList, make: Make) -> Step {
    Step::value(ValueKind::Policy(PolicyValue::Ref(list)), "Its name", "NODES", &[]).op(make)
}

const fn exactly(make: Make) -> Step {
    Step::word("exact-match", "No others may be there", &[]).op(make)
}

static NEIGHBORS: Step = Step::word("neighbors", "Neighbors in detail", &[&NEIGHBOR, &ON_INTERFACE]).op(neighbors);
static SUMMARY: Step =
    Step::word("summary", "One line for each neighbor", &[]).op(|a| Some(Op::ShowBgpSummary { family: a.family }));

static ADDRESS4: Step = destination_of(ValueKind::Ipv4, "172.16.102.229").family(Family::Ipv4Unicast);
static PREFIX4: Step = destination_of(ValueKind::Prefix4, "172.16.102.229/32").family(Family::Ipv4Unicast);
static ADDRESS6: Step = destination_of(ValueKind::Ipv6, "2001:db8::1").family(Family::Ipv6Unicast);
static PREFIX6: Step = destination_of(ValueKind::Prefix6, "2001:db8::/32").family(Family::Ipv6Unicast);

static AND_WHY: &[&Step] = &[&WHY];
static AND_MORE: &[&Step] = &[&LONGER, &WHY];
static LONGER: Step = Step::word("longer-prefixes", "It and all prefixes within it", &[]).op(|a| {
    let Destination::Prefix(prefix) = destination(a)? else { return None };
    filtered(a, TableFilter::LongerPrefixes(prefix))
});
static WHY: Step = Step::word("why", "Why each path was chosen or not", &[]).op(prefix);

/// With one family chosen.
static NEIGHBOR: Step = Step::value(
    ValueKind::NeighborAddress,
    "One neighbor",
    "192.168.101.201",
    &[
        &Step::word("advertised-routes", "Routes sent to it", &[]).op(|a| routes_of(a, NeighborRoutes::Advertised)),
        &Step::word("filtered-routes", "Routes received from it and refused", &[])
            .op(|a| routes_of(a, NeighborRoutes::Filtered)),
        &Step::word("prefix-counts", "How many routes it sent, and what became of them", &[])
            .op(|a| Some(Op::ShowBgpPrefixCounts { family: a.family?, neighbor: a.first()? })),
        &Step::word("received-routes", "Routes received from it", &[]).op(|a| routes_of(a, NeighborRoutes::Received)),
        &Step::word("routes", "Routes received from it and accepted", &[])
            .op(|a| routes_of(a, NeighborRoutes::Accepted)),
    ],
)
.op(neighbors);

static ON_INTERFACE: Step =
    Step::value(ValueKind::InterfaceName, "The neighbor of an interface", "eth1", &[]).op(neighbors);

/// With no family chosen.
static ANY_NEIGHBOR: Step =
    Step::value(ValueKind::NeighborAddress, "One neighbor", "192.168.101.201", &[]).op(neighbors);

/// Paths to an address or a prefix; the value's form tells the family.
const fn destination_of(kind: ValueKind, example: &'static str) -> Step {
    match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => {
            Step::value(kind, "Longest prefix that holds the address", example, AND_WHY).op(prefix)
        }
        _ => Step::value(kind, "One prefix", example, AND_MORE).op(prefix),
    }
}

fn table(arguments: &Arguments) -> Option<Op> {
    filtered(arguments, TableFilter::All)
}

fn filtered(arguments: &Arguments, filter: TableFilter) -> Option<Op> {
    Some(Op::ShowBgpTable { family: arguments.family?, filter })
}

fn communities(arguments: &Arguments) -> Option<Op> {
    let values = arguments.all_after("community").map(community::standard).collect::<Option<_>>()?;
    filtered(arguments, TableFilter::Communities { values, exact: arguments.has("exact-match") })
}

fn large_communities(arguments: &Arguments) -> Option<Op> {
    let values = arguments.all_after("large-community").map(community::large).collect::<Option<_>>()?;
    filtered(arguments, TableFilter::LargeCommunities { values, exact: arguments.has("exact-match") })
}

fn community_list(arguments: &Arguments) -> Option<Op> {
    let (name, exact) = (arguments.after("community-list")?, arguments.has("exact-match"));
    filtered(arguments, TableFilter::CommunityList { name, exact })
}

fn large_community_list(arguments: &Arguments) -> Option<Op> {
    let (name, exact) = (arguments.after("large-community-list")?, arguments.has("exact-match"));
    filtered(arguments, TableFilter::LargeCommunityList { name, exact })
}

fn filter_list(arguments: &Arguments) -> Option<Op> {
    filtered(arguments, TableFilter::AsPathList(arguments.after("filter-list")?))
}

fn prefix_list(arguments: &Arguments) -> Option<Op> {
    filtered(arguments, TableFilter::PrefixList(arguments.after("prefix-list")?))
}

fn route_map(arguments: &Arguments) -> Option<Op> {
    filtered(arguments, TableFilter::RouteMap(arguments.after("route-map")?))
}

fn prefix(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpPrefix {
        family: arguments.family?,
        destination: destination(arguments)?,
        why: arguments.has("why"),
    })
}

fn neighbors(arguments: &Arguments) -> Option<Op> {
    let neighbor = arguments.first();
    let interface = if neighbor.is_none() { arguments.first() } else { None };
    Some(Op::ShowBgpNeighbors { family: arguments.family, neighbor, interface })
}

fn routes_of(arguments: &Arguments, which: NeighborRoutes) -> Option<Op> {
    Some(Op::ShowBgpNeighborRoutes { family: arguments.family?, neighbor: arguments.first()?, which })
}
