//! `clear …` and `reset …`, which are the same: hands know either.

use nouns::Family;

use super::op::{ClearHow, ClearTarget, Op};
use super::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static CLEAR: Step = Step::word("clear", "Start something afresh", WHAT);
pub(super) static RESET: Step = Step::word("reset", "Start something afresh", WHAT);

static WHAT: &[&Step] = &[
    &Step::word(
        "arp",
        "IPv4 hosts on links",
        &[&HOSTS_OF_LINK, &Step::value(ValueKind::Ipv4, "One host", "192.0.2.1", &[]).op(hosts)],
    )
    .family(Family::Ipv4Unicast)
    .op(hosts),
    &Step::word(
        "balancer",
        "What the balancer has counted",
        &[&Step::word("statistics", "Count from zero", &[]).op(|_| Some(Op::ClearBalancerStatistics))],
    ),
    &Step::word("bgp", "BGP sessions", SESSIONS_OR_FAMILY),
    &Step::word(
        "interfaces",
        "What interfaces have counted",
        &[
            &COUNTERS,
            &Step::word("bonding", "One bond", &[&Step::value(ValueKind::InterfaceName, "Its name", "bond0", COUNTED)]),
            &Step::word("bridge", "One bridge", &[&Step::value(ValueKind::InterfaceName, "Its name", "br0", COUNTED)]),
            &Step::word("dummy", "One dummy", &[&Step::value(ValueKind::InterfaceName, "Its name", "dum0", COUNTED)]),
            &Step::word(
                "ethernet",
                "One Ethernet interface",
                &[&Step::value(ValueKind::EthernetName, "Its name", "eth0", COUNTED)],
            ),
            &Step::value(ValueKind::InterfaceName, "One interface", "eth0", COUNTED),
        ],
    ),
    &Step::word("ip", "Internet Protocol version 4", &[&BGP]).family(Family::Ipv4Unicast),
    &Step::word(
        "ipv6",
        "Internet Protocol version 6",
        &[
            &BGP,
            &Step::word(
                "neighbors",
                "IPv6 hosts on links",
                &[&HOSTS_OF_LINK, &Step::value(ValueKind::Ipv6, "One host", "2001:db8::1", &[]).op(hosts)],
            )
            .op(hosts),
        ],
    )
    .family(Family::Ipv6Unicast),
];

static HOSTS_OF_LINK: Step = Step::word(
    "interface",
    "Only those on one link",
    &[&Step::value(ValueKind::InterfaceName, "The link", "eth0", &[]).op(hosts)],
);

static COUNTED: &[&Step] = &[&COUNTERS];
static COUNTERS: Step = Step::word("counters", "Count from zero", &[])
    .op(|arguments| Some(Op::ClearInterfaceCounters { interface: arguments.first() }));

fn hosts(arguments: &Arguments) -> Option<Op> {
    let interface = arguments.after("interface");
    let address = if interface.is_none() { arguments.first() } else { None };
    Some(Op::ClearNeighborTable { family: arguments.family?, interface, address })
}

static BGP: Step = Step::word("bgp", "BGP sessions", SESSIONS);

static SESSIONS_OR_FAMILY: &[&Step] = &[
    &STAR,
    &ALL,
    &DAMPENING,
    &EXTERNAL,
    &Step::word("ipv4", "IPv4 unicast routes", SESSIONS).family(Family::Ipv4Unicast),
    &Step::word("ipv6", "IPv6 unicast routes", SESSIONS).family(Family::Ipv6Unicast),
    &PEER_GROUP,
    &ADDRESS,
    &AS_NUMBER,
    &INTERFACE,
];

static SESSIONS: &[&Step] = &[&STAR, &ALL, &DAMPENING, &EXTERNAL, &PEER_GROUP, &ADDRESS, &AS_NUMBER, &INTERFACE];

static DAMPENING: Step = Step::word(
    "dampening",
    "Forget routes that flapped, and use them again",
    &[&Step::value(ValueKind::Prefix, "Only those within a prefix", "192.0.2.0/24", &[]).op(damping)],
)
.op(damping);

fn damping(arguments: &Arguments) -> Option<Op> {
    Some(Op::ClearDamping { family: arguments.family, prefix: arguments.first() })
}

static STAR: Step = Step::word("*", "All sessions", HOW).op(clear);
static ALL: Step = Step::word("all", "All sessions", HOW).op(clear);
static EXTERNAL: Step = Step::word("external", "Sessions with other ASes", HOW).op(clear);
static PEER_GROUP: Step = Step::word(
    "peer-group",
    "Sessions of a peer group",
    &[&Step::value(ValueKind::PeerGroupRef, "Name of the group", "nodes", HOW).op(clear)],
);
static ADDRESS: Step =
    Step::value(ValueKind::NeighborAddress, "Session with one neighbor", "192.168.101.201", HOW).op(clear);
static INTERFACE: Step =
    Step::value(ValueKind::InterfaceName, "Session with the neighbor of an interface", "eth1", HOW).op(clear);
static AS_NUMBER: Step = Step::value(ValueKind::Asn, "Sessions with one AS", "64512", HOW).op(clear);

static HOW: &[&Step] = &[
    &Step::word(
        "hard",
        "Close the session, and let nobody keep its routes (RFC 8538)",
        &[&Step::word(
            "message",
            "Tell the neighbor why the session is closed (RFC 9003)",
            &[&Step::value(ValueKind::ShutdownText, "What it is told", "back at 10:00", &[]).op(clear)],
        )],
    )
    .op(clear),
    &Step::word("in", "Ask for the routes again, keep the session", &[]).op(clear),
    &Step::word(
        "message",
        "Tell the neighbor why the session is closed (RFC 9003)",
        &[&Step::value(ValueKind::ShutdownText, "What it is told", "back at 10:00", &[]).op(clear)],
    ),
    &Step::word("out", "Send the routes again, keep the session", &[]).op(clear),
    &Step::word(
        "soft",
        "Exchange the routes again, keep the session",
        &[&Step::word("in", "Only ask for them", &[]).op(clear), &Step::word("out", "Only send them", &[]).op(clear)],
    )
    .op(clear),
];

fn clear(arguments: &Arguments) -> Option<Op> {
    let ways =
        [("in", ClearHow::SoftIn), ("out", ClearHow::SoftOut), ("soft", ClearHow::Soft), ("hard", ClearHow::ForGood)];
    let how = ways.into_iter().find(|(word, _)| arguments.has(word)).map_or(ClearHow::Hard, |(_, how)| how);
    let message = arguments.after("message");
    Some(Op::ClearBgp { family: arguments.family, target: target(arguments)?, how, message })
}

fn target(arguments: &Arguments) -> Option<ClearTarget> {
    if arguments.has("all") || arguments.has("*") {
        return Some(ClearTarget::All);
    }
    if arguments.has("external") {
        return Some(ClearTarget::External);
    }
    if let Some(group) = arguments.after("peer-group") {
        return Some(ClearTarget::Group(group));
    }
    let address = arguments.first().map(ClearTarget::Address);
    let asn = || arguments.first().map(ClearTarget::Asn);
    address.or_else(asn).or_else(|| arguments.first().map(ClearTarget::Interface))
}
