//! `show policy …`, and the words by which others know parts of it.

use nouns::{Prefix, community};

use crate::commands::op::{Op, RouteSource};
use crate::commands::tested::{RouteOrigin, TestedRoute};
use crate::commands::tree::{Arguments, Make, Step};
use crate::value::{PolicyList, PolicyValue, ValueKind};

pub(super) static POLICY: Step = Step::word(
    "policy",
    "Routing policy",
    &[
        &ACCESS_LIST,
        &Step::word("access-list6", "Access lists of IPv6", &[&named(PolicyList::AccessList6, access_lists6)])
            .op(access_lists6),
        &Step::word("as-path-list", "Lists of AS paths", &[&named(PolicyList::AsPathList, as_path_lists)])
            .op(as_path_lists),
        &Step::word("community-list", "Lists of communities", &[&named(PolicyList::CommunityList, community_lists)])
            .op(community_lists),
        &Step::word(
            "extcommunity-list",
            "Lists of extended communities",
            &[&named(PolicyList::ExtcommunityList, extcommunity_lists)],
        )
        .op(extcommunity_lists),
        &Step::word(
            "large-community-list",
            "Lists of large communities",
            &[&named(PolicyList::LargeCommunityList, large_community_lists)],
        )
        .op(large_community_lists),
        &PREFIX_LIST,
        &Step::word("prefix-list6", "Lists of IPv6 prefixes", &[&named(PolicyList::PrefixList6, prefix_lists6)])
            .op(prefix_lists6),
        &ROUTE_MAP,
        &Step::word("test", "What a policy would do to a route", &[&TESTED_MAP]),
    ],
)
.op(|_| Some(Op::ShowPolicy { list: None, name: None }));

/// `show ip access-list`, too.
pub(super) static ACCESS_LIST: Step = Step::word("access-list", "Access lists of IPv4", &[&NUMBERED]).op(access_lists);
static NUMBERED: Step = Step::value(reference(PolicyList::AccessList), "Only this one", "10", &[]).op(access_lists);
/// `show ipv6 access-list`
pub(super) static ACCESS_LIST6: Step =
    Step::word("access-list", "Access lists of IPv6", &[&named(PolicyList::AccessList6, access_lists6)])
        .op(access_lists6);
/// `show ip prefix-list`, too.
pub(super) static PREFIX_LIST: Step =
    Step::word("prefix-list", "Lists of IPv4 prefixes", &[&named(PolicyList::PrefixList, prefix_lists)])
        .op(prefix_lists);
/// `show ipv6 prefix-list`
pub(super) static PREFIX_LIST6: Step =
    Step::word("prefix-list", "Lists of IPv6 prefixes", &[&named(PolicyList::PrefixList6, prefix_lists6)])
        .op(prefix_lists6);
/// `show route-map`, too.
pub(super) static ROUTE_MAP: Step =
    Step::word("route-map", "Route maps", &[&named(PolicyList::RouteMap, route_maps)]).op(route_maps);

static TESTED_MAP: Step = Step::word(
    "route-map",
    "A route map",
    &[&Step::value(
        reference(PolicyList::RouteMap),
        "Its name",
        "FROM-K8S",
        &[&Step::word(
            "prefix",
            "Destination of the route",
            &[&Step::value(ValueKind::Prefix, "Prefix", "172.16.102.229/32", &TEST_OPTIONS).op(test)],
        )],
    )],
);

/// Each option leads back to the options.
static TEST_OPTIONS: [&Step; 14] = [
    &Step::word("as-path", "AS numbers, the neighbor's first", &[&policy(PolicyValue::AsNumbers, "64513 64514")]),
    &Step::word(
        "aspa",
        "What the RPKI says of the path; looked up if none is given",
        &[
            &Step::word("invalid", "Some AS handed on what it had to keep", &TEST_OPTIONS).op(test),
            &Step::word("unknown", "Not all say who their providers are", &TEST_OPTIONS).op(test),
            &Step::word("valid", "Each step is to or from a provider", &TEST_OPTIONS).op(test),
        ],
    ),
    &Step::word("community", "Communities", &[&policy(PolicyValue::Communities, "64512:100")]),
    &Step::word("extcommunity-rt", "Route targets", &[&policy(PolicyValue::ExtendedCommunities, "64512:100")]),
    &Step::word("interface", "Interface that it leads through", &[&option(ValueKind::InterfaceName, "eth0")]),
    &Step::word("large-community", "Large communities", &[&policy(PolicyValue::LargeCommunities, "64512:1:2")]),
    &Step::word("local-preference", "Local preference", &[&option(ANY_NUMBER, "100")]),
    &Step::word("metric", "Multi-exit discriminator", &[&option(ANY_NUMBER, "10")]),
    &Step::word(
        "neighbor",
        "Neighbor that it came from, if not ourselves",
        &[&option(ValueKind::NeighborAddress, "192.168.101.201")],
    ),
    &Step::word("next-hop", "Next hop", &[&option(ValueKind::Address, "192.168.101.201")]),
    &Step::word(
        "origin",
        "Origin; igp if none is given",
        &[
            &Step::word("egp", "Learned by EGP", &TEST_OPTIONS).op(test),
            &Step::word("igp", "From within an AS", &TEST_OPTIONS).op(test),
            &Step::word("incomplete", "Redistributed", &TEST_OPTIONS).op(test),
        ],
    ),
    &Step::word(
        "protocol",
        "Where it has its source; bgp if none is given",
        &[
            &Step::word("bgp", "BGP", &TEST_OPTIONS).op(test),
            &Step::word("connected", "An interface", &TEST_OPTIONS).op(test),
            &Step::word("kernel", "The kernel", &TEST_OPTIONS).op(test),
            &Step::word("static", "The configuration", &TEST_OPTIONS).op(test),
        ],
    ),
    &Step::word(
        "rpki",
        "What the RPKI says of the origin; looked up if none is given",
        &[
            &Step::word("invalid", "Another AS may announce it", &TEST_OPTIONS).op(test),
            &Step::word("notfound", "Nobody said who may announce it", &TEST_OPTIONS).op(test),
            &Step::word("valid", "Its origin may announce it", &TEST_OPTIONS).op(test),
        ],
    ),
    &Step::word("tag", "Tag", &[&option(ANY_NUMBER, "7")]),
];

const ANY_NUMBER: ValueKind = ValueKind::U32 { min: 0, max: u32::MAX };

const fn reference(list: PolicyList) -> ValueKind {
    ValueKind::Policy(PolicyValue::Ref(list))
}

const fn named(list: PolicyList, make: Make) -> Step {
    Step::value(reference(list), "Only this one", "NODES", &[]).op(make)
}

const fn option(kind: ValueKind, example: &'static str) -> Step {
    Step::value(kind, "Value of the route", example, &TEST_OPTIONS).op(test)
}

const fn policy(kind: PolicyValue, example: &'static str) -> Step {
    Step::value(ValueKind::Policy(kind), "Values of the route, with blanks between them", example, &TEST_OPTIONS)
        .op(test)
}

fn show(list: PolicyList, arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowPolicy { list: Some(list), name: arguments.first() })
}

fn access_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::AccessList, arguments)
}

fn access_lists6(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::AccessList6, arguments)
}

fn as_path_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::AsPathList, arguments)
}

fn community_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::CommunityList, arguments)
}

fn extcommunity_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::ExtcommunityList, arguments)
}

fn large_community_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::LargeCommunityList, arguments)
}

fn prefix_lists(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::PrefixList, arguments)
}

fn prefix_lists6(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::PrefixList6, arguments)
}

fn route_maps(arguments: &Arguments) -> Option<Op> {
    show(PolicyList::RouteMap, arguments)
}

fn test(arguments: &Arguments) -> Option<Op> {
    let route = TestedRoute {
        prefix: arguments.after::<Prefix>("prefix")?,
        neighbor: arguments.after("neighbor"),
        interface: arguments.after("interface"),
        source: [
            ("connected", RouteSource::Connected),
            ("kernel", RouteSource::Kernel),
            ("static", RouteSource::Static),
        ]
        .into_iter()
        .find_map(|(word, source)| arguments.has(word).then_some(source))
        .unwrap_or(RouteSource::Bgp),
        next_hop: arguments.after("next-hop"),
        as_path: values(arguments, "as-path", |text| text.parse().ok()),
        communities: values(arguments, "community", community::standard),
        extended_communities: values(arguments, "extcommunity-rt", |text| community::extended(2, text)),
        large_communities: values(arguments, "large-community", community::large),
        local_preference: arguments.after("local-preference"),
        metric: arguments.after("metric"),
        origin: match arguments {
            _ if arguments.has("incomplete") => RouteOrigin::Incomplete,
            _ if arguments.has("egp") => RouteOrigin::Egp,
            _ => RouteOrigin::Igp,
        },
        path_validity: arguments.chosen("aspa"),
        validity: arguments.chosen("rpki"),
        tag: arguments.after("tag").unwrap_or(0),
    };
    Some(Op::ShowPolicyTest { route_map: arguments.after("route-map")?, route: Box::new(route) })
}

/// Words of one value, each read by itself; what is no value (`additive`, `none`) says nothing of a route.
fn values<T>(arguments: &Arguments, word: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let text = arguments.after::<String>(word).unwrap_or_default();
    text.split_whitespace().filter_map(read).collect()
}
