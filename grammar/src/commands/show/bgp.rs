//! `show bgp …`, `show ip bgp …`, `show ipv6 bgp …`

use nouns::Family;

use super::route::destination;
use crate::commands::op::{NeighborRoutes, Op};
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

/// Of both families, unless a word or an address tells one.
pub(super) static BGP: Step = Step::word(
    "bgp",
    "Border Gateway Protocol",
    &[
        &Step::word("ipv4", "IPv4 unicast routes", OF_IPV4).family(Family::Ipv4Unicast).op(table),
        &Step::word("ipv6", "IPv6 unicast routes", OF_IPV6).family(Family::Ipv6Unicast).op(table),
        &Step::word("neighbors", "Neighbors in detail", &[&ANY_NEIGHBOR]).op(neighbors),
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

static OF_IPV4: &[&Step] = &[&NEIGHBORS, &SUMMARY, &ADDRESS4, &PREFIX4];
static OF_IPV6: &[&Step] = &[&NEIGHBORS, &SUMMARY, &ADDRESS6, &PREFIX6];

static NEIGHBORS: Step = Step::word("neighbors", "Neighbors in detail", &[&NEIGHBOR]).op(neighbors);
static SUMMARY: Step =
    Step::word("summary", "One line for each neighbor", &[]).op(|a| Some(Op::ShowBgpSummary { family: a.family }));

static ADDRESS4: Step = destination_of(ValueKind::Ipv4, "172.16.102.229").family(Family::Ipv4Unicast);
static PREFIX4: Step = destination_of(ValueKind::Prefix4, "172.16.102.229/32").family(Family::Ipv4Unicast);
static ADDRESS6: Step = destination_of(ValueKind::Ipv6, "2001:db8::1").family(Family::Ipv6Unicast);
static PREFIX6: Step = destination_of(ValueKind::Prefix6, "2001:db8::/32").family(Family::Ipv6Unicast);

static AND_WHY: &[&Step] = &[&WHY];
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

/// With no family chosen.
static ANY_NEIGHBOR: Step =
    Step::value(ValueKind::NeighborAddress, "One neighbor", "192.168.101.201", &[]).op(neighbors);

/// Paths to an address or a prefix; the value's form tells the family.
const fn destination_of(kind: ValueKind, example: &'static str) -> Step {
    let help = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => "Longest prefix that holds the address",
        _ => "One prefix",
    };
    Step::value(kind, help, example, AND_WHY).op(prefix)
}

fn table(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpTable { family: arguments.family? })
}

fn prefix(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpPrefix {
        family: arguments.family?,
        destination: destination(arguments)?,
        why: arguments.has("why"),
    })
}

fn neighbors(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBgpNeighbors { family: arguments.family, neighbor: arguments.first() })
}

fn routes_of(arguments: &Arguments, which: NeighborRoutes) -> Option<Op> {
    Some(Op::ShowBgpNeighborRoutes { family: arguments.family?, neighbor: arguments.first()?, which })
}
