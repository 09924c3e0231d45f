//! `show ip route …`, `show ip fib …`, and the same of IPv6.

use nouns::Prefix;

use crate::commands::op::{Destination, Op, RouteFilter, RouteSource};
use crate::commands::tree::{Arguments, Make, Step};
use crate::value::ValueKind;

/// The kernel's number of the table that forwards (`RT_TABLE_MAIN`).
const MAIN_TABLE: u32 = 254;

pub(super) static ROUTE4: Step = Step::word(
    "route",
    "Routes",
    &[
        &BY_BGP,
        &BY_CONNECTED,
        &FORWARD,
        &BY_KERNEL,
        &BY_STATIC,
        &SUMMARY,
        &Step::word("supernets-only", "Prefixes shorter than the network of their class", &[])
            .op(|a| routes(a, RouteFilter::SupernetsOnly)),
        &TABLE,
        &Step::value(ValueKind::Ipv4, "Route to an address", "172.16.102.229", &[]).op(route_to),
        &Step::value(ValueKind::Prefix4, "Route to a prefix", "172.16.102.229/32", &[&LONGER]).op(route_to),
    ],
)
.op(|a| routes(a, RouteFilter::All));

pub(super) static ROUTE6: Step = Step::word(
    "route",
    "Routes",
    &[
        &BY_BGP,
        &BY_CONNECTED,
        &FORWARD,
        &BY_KERNEL,
        &BY_STATIC,
        &SUMMARY,
        &TABLE,
        &Step::value(ValueKind::Ipv6, "Route to an address", "2001:db8::1", &[]).op(route_to),
        &Step::value(ValueKind::Prefix6, "Route to a prefix", "2001:db8::/32", &[&LONGER]).op(route_to),
    ],
)
.op(|a| routes(a, RouteFilter::All));

static BY_BGP: Step = source("bgp", "Routes of BGP", |a| routes(a, RouteFilter::Source(RouteSource::Bgp)));
static BY_CONNECTED: Step =
    source("connected", "Networks of the interfaces", |a| routes(a, RouteFilter::Source(RouteSource::Connected)));
static BY_KERNEL: Step =
    source("kernel", "Routes that others put there", |a| routes(a, RouteFilter::Source(RouteSource::Kernel)));
static BY_STATIC: Step = source("static", "Static routes", |a| routes(a, RouteFilter::Source(RouteSource::Static)));
static SUMMARY: Step = source("summary", "Numbers of routes", |a| routes(a, RouteFilter::Summary));
static FORWARD: Step = source("forward", "Routes that the kernel forwards by", |a| {
    Some(Op::ShowKernelRoutes { family: a.family?, table: MAIN_TABLE })
});
static TABLE: Step = Step::word(
    "table",
    "Routes of one of the kernel's tables",
    &[&Step::value(ValueKind::U32 { min: 1, max: u32::MAX }, "Number of the table", "254", &[])
        .op(|a| Some(Op::ShowKernelRoutes { family: a.family?, table: a.first()? }))],
);
static LONGER: Step = Step::word("longer-prefixes", "This prefix and all within it", &[])
    .op(|a| routes(a, RouteFilter::LongerPrefixes(a.first()?)));

pub(super) static FIB: Step = Step::word(
    "fib",
    "What the kernel has, beside what it should have",
    &[&Step::word("summary", "Numbers and settings of the kernel", &[]).op(|a| fib(a, true))],
)
.op(|a| fib(a, false));

const fn source(name: &'static str, help: &'static str, make: Make) -> Step {
    Step::word(name, help, &[]).op(make)
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

/// What was typed, a prefix or an address.
pub(super) fn destination(arguments: &Arguments) -> Option<Destination> {
    let prefix = arguments.first::<Prefix>().map(Destination::Prefix);
    prefix.or_else(|| arguments.first().map(Destination::Address))
}
