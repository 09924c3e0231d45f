//! `show …`

use nouns::{Family, Prefix};

use super::op::{ConfigurationForm, Destination, InterfaceClass, NeighborRoutes, Op, RouteFilter, RouteSource};
use super::tree::{Arguments, Make, Step};
use crate::value::ValueKind;

pub(super) static SHOW: Step = Step::word(
    "show",
    "Show what is",
    &[
        &Step::word(
            "bgp",
            "Border Gateway Protocol",
            &[
                &Step::word("ipv4", "IPv4 unicast routes", BGP4).family(Family::Ipv4Unicast).op(bgp_table),
                &Step::word("ipv6", "IPv6 unicast routes", BGP6).family(Family::Ipv6Unicast).op(bgp_table),
                &Step::word("neighbors", "Neighbors in detail", &[&ANY_NEIGHBOR]).op(bgp_neighbors),
                &SUMMARY,
                &ADDRESS4,
                &PREFIX4,
                &ADDRESS6,
                &PREFIX6,
            ],
        )
        .op(|_| Some(Op::ShowBgpTables)),
        &Step::word(
            "configuration",
            "The active configuration",
            &[
                &Step::word("all", "With the defaults", &[])
                    .op(|_| Some(Op::ShowConfiguration { form: ConfigurationForm::All })),
                &Step::word("commands", "As set commands", &[])
                    .op(|_| Some(Op::ShowConfiguration { form: ConfigurationForm::Commands })),
            ],
        )
        .op(|_| Some(Op::ShowConfiguration { form: ConfigurationForm::Braces })),
        &INTERFACES,
        &Step::word(
            "ip",
            "Internet Protocol version 4",
            &[
                &Step::word("bgp", "Border Gateway Protocol", BGP4).op(bgp_table),
                &FIB,
                &Step::word("route", "Routes", ROUTE4).op(|a| routes(a, RouteFilter::All)),
            ],
        )
        .family(Family::Ipv4Unicast),
        &Step::word(
            "ipv6",
            "Internet Protocol version 6",
            &[
                &Step::word("bgp", "Border Gateway Protocol", BGP6).op(bgp_table),
                &FIB,
                &Step::word("route", "Routes", ROUTE6).op(|a| routes(a, RouteFilter::All)),
            ],
        )
        .family(Family::Ipv6Unicast),
        &Step::word(
            "log",
            "The log of the router",
            &[&Step::value(ValueKind::U32 { min: 1, max: 1_000_000 }, "How many of the newest lines", "100", &[])
                .op(|a| Some(Op::ShowLog { lines: a.first() }))],
        )
        .op(|_| Some(Op::ShowLog { lines: None })),
        &Step::word(
            "system",
            "The system",
            &[&Step::word("commit", "Revisions of the configuration", &[]).op(|_| Some(Op::ShowSystemCommit))],
        ),
        &Step::word("version", "Version of the software", &[]).op(|_| Some(Op::ShowVersion)),
    ],
);

static SUMMARY: Step =
    Step::word("summary", "One line for each neighbor", &[]).op(|a| Some(Op::ShowBgpSummary { family: a.family }));

static BGP4: &[&Step] =
    &[&Step::word("neighbors", "Neighbors in detail", &[&NEIGHBOR]).op(bgp_neighbors), &SUMMARY, &ADDRESS4, &PREFIX4];

static BGP6: &[&Step] =
    &[&Step::word("neighbors", "Neighbors in detail", &[&NEIGHBOR]).op(bgp_neighbors), &SUMMARY, &ADDRESS6, &PREFIX6];

static ADDRESS4: Step = destination_of(ValueKind::Ipv4, "172.16.102.229").family(Family::Ipv4Unicast);
static PREFIX4: Step = destination_of(ValueKind::Prefix4, "172.16.102.229/32").family(Family::Ipv4Unicast);
static ADDRESS6: Step = destination_of(ValueKind::Ipv6, "2001:db8::1").family(Family::Ipv6Unicast);
static PREFIX6: Step = destination_of(ValueKind::Prefix6, "2001:db8::/32").family(Family::Ipv6Unicast);

static AND_WHY: &[&Step] = &[&WHY];
static WHY: Step = Step::word("why", "Why each path was chosen or not", &[]).op(bgp_prefix);

/// With one family chosen.
static NEIGHBOR: Step = Step::value(
    ValueKind::NeighborAddress,
    "One neighbor",
    "192.168.101.201",
    &[
        &Step::word("advertised-routes", "Routes sent to it", &[]).op(|a| routes_of(a, NeighborRoutes::Advertised)),
        &Step::word("received-routes", "Routes received from it", &[]).op(|a| routes_of(a, NeighborRoutes::Received)),
        &Step::word("routes", "Routes received from it and accepted", &[])
            .op(|a| routes_of(a, NeighborRoutes::Accepted)),
    ],
)
.op(bgp_neighbors);

/// With no family chosen.
static ANY_NEIGHBOR: Step =
    Step::value(ValueKind::NeighborAddress, "One neighbor", "192.168.101.201", &[]).op(bgp_neighbors);

static BY_BGP: Step = source("bgp", "Routes of BGP", |a| routes(a, RouteFilter::Source(RouteSource::Bgp)));
static BY_CONNECTED: Step =
    source("connected", "Networks of the interfaces", |a| routes(a, RouteFilter::Source(RouteSource::Connected)));
static BY_KERNEL: Step =
    source("kernel", "Routes that others put there", |a| routes(a, RouteFilter::Source(RouteSource::Kernel)));
static BY_STATIC: Step = source("static", "Static routes", |a| routes(a, RouteFilter::Source(RouteSource::Static)));
static ROUTE_SUMMARY: Step = source("summary", "Numbers of routes", |a| routes(a, RouteFilter::Summary));

static ROUTE4: &[&Step] = &[
    &BY_BGP,
    &BY_CONNECTED,
    &BY_KERNEL,
    &BY_STATIC,
    &ROUTE_SUMMARY,
    &Step::value(ValueKind::Ipv4, "Route to an address", "172.16.102.229", &[]).op(route_to),
    &Step::value(ValueKind::Prefix4, "Route to a prefix", "172.16.102.229/32", &[]).op(route_to),
];

static ROUTE6: &[&Step] = &[
    &BY_BGP,
    &BY_CONNECTED,
    &BY_KERNEL,
    &BY_STATIC,
    &ROUTE_SUMMARY,
    &Step::value(ValueKind::Ipv6, "Route to an address", "2001:db8::1", &[]).op(route_to),
    &Step::value(ValueKind::Prefix6, "Route to a prefix", "2001:db8::/32", &[]).op(route_to),
];

static FIB: Step = Step::word(
    "fib",
    "What the kernel has, beside what it should have",
    &[&Step::word("summary", "Numbers and settings of the kernel", &[]).op(|a| fib(a, true))],
)
.op(|a| fib(a, false));

static INTERFACES: Step = Step::word(
    "interfaces",
    "Network interfaces",
    &[
        &Step::word(
            "ethernet",
            "Ethernet interfaces",
            &[&Step::value(ValueKind::EthernetName, "One interface", "eth0", &[]).op(interfaces)],
        )
        .op(interfaces),
        &Step::word(
            "loopback",
            "The loopback interface",
            &[&Step::value(ValueKind::LoopbackName, "One interface", "lo", &[]).op(interfaces)],
        )
        .op(interfaces),
        &Step::value(ValueKind::InterfaceName, "One interface", "eth0", &[]).op(interfaces),
    ],
)
.op(interfaces);

/// Paths to an address or a prefix; the value's form tells the family.
const fn destination_of(kind: ValueKind, example: &'static str) -> Step {
    let help = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => "Longest prefix that holds the address",
        _ => "One prefix",
    };
    Step::value(kind, help, example, AND_WHY).op(bgp_prefix)
}

const fn source(name: &'static str, help: &'static str, make: Make) -> Step {
    Step::word(name, help, &[]).op(make)
}

fn bgp_table(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpTable { family: arguments.family? })
}

fn bgp_prefix(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpPrefix {
        family: arguments.family?,
        destination: destination(arguments)?,
        why: arguments.has("why"),
    })
}

fn bgp_neighbors(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpNeighbors { family: arguments.family, neighbor: arguments.first() })
}

fn routes_of(arguments: &Arguments, which: NeighborRoutes) -> Option<Op> {
    Some(Op::ShowBgpNeighborRoutes { family: arguments.family?, neighbor: arguments.first()?, which })
}

fn routes(arguments: &Arguments, filter: RouteFilter) -> Option<Op> {
    Some(Op::ShowRoutes { family: arguments.family?, filter })
}

fn route_to(arguments: &Arguments) -> Option<Op> {
    routes(arguments, RouteFilter::Destination(destination(arguments)?))
}

fn fib(arguments: &Arguments, summary: bool) -> Option<Op> {
    Some(Op::ShowFib { family: arguments.family?, summary })
}

fn interfaces(arguments: &Arguments) -> Option<Op> {
    let class = match (arguments.has("ethernet"), arguments.has("loopback")) {
        (true, _) => Some(InterfaceClass::Ethernet),
        (_, true) => Some(InterfaceClass::Loopback),
        _ => None,
    };
    Some(Op::ShowInterfaces { class, name: arguments.first() })
}

fn destination(arguments: &Arguments) -> Option<Destination> {
    let prefix = arguments.first::<Prefix>().map(Destination::Prefix);
    prefix.or_else(|| arguments.first().map(Destination::Address))
}
