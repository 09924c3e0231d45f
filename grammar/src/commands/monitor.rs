//! `monitor …`: what happens, until ^C.

use super::op::{Monitored, Op};
use super::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static MONITOR: Step = Step::word(
    "monitor",
    "Show what happens, until ^C",
    &[
        &Step::word("balancer", "Packets of the balancer", &[&CAPTURE]),
        &BGP,
        &Step::word("interfaces", "What goes through the interfaces", &[])
            .op(|_| Some(Op::Monitor(Monitored::Interfaces))),
        &Step::word("log", "New lines of the log", &[]).op(|_| Some(Op::Monitor(Monitored::Log))),
        &Step::word("protocol", "What a routing protocol does", &[&BGP]),
        &Step::word(
            "traffic",
            "Packets, through tcpdump",
            &[&Step::word(
                "interface",
                "Where",
                &[&Step::value(
                    ValueKind::InterfaceName,
                    "Interface",
                    "eth0",
                    &[&Step::word(
                        "filter",
                        "Only some packets",
                        &[&Step::value(ValueKind::Text { max: 500 }, "In the words of tcpdump", "tcp port 179", &[])
                            .op(traffic)],
                    )],
                )
                .op(traffic)],
            )],
        ),
    ],
);

static CAPTURE: Step = Step::word("capture", "As they come and as they go", &CAPTURES).op(capture);

/// Each choice leads back to the others.
static CAPTURES: [&Step; 5] = [
    &Step::word(
        "backend",
        "Only those that go to one node",
        &[&Step::value(ValueKind::BackendRef, "Address of the node", "192.168.101.201", &CAPTURES).op(capture)],
    ),
    &Step::word(
        "every",
        "Only one packet of so many, by chance",
        &[&Step::value(ValueKind::U32 { min: 1, max: 1_000_000 }, "Number", "1000", &CAPTURES).op(capture)],
    ),
    &Step::word(
        "file",
        "Into a file that Wireshark reads (pcapng)",
        &[&Step::value(ValueKind::FileName, "File", "/tmp/web.pcapng", &CAPTURES).op(capture)],
    ),
    &Step::word(
        "reason",
        "Only those that are not forwarded, for one reason",
        &[&Step::value(ValueKind::Choice(NOT_FORWARDED), "Reason", "no-backend", &CAPTURES).op(capture)],
    ),
    &Step::word(
        "service",
        "Only those of one service",
        &[&Step::value(ValueKind::ServiceRef, "Its name or address", "web", &CAPTURES).op(capture)],
    ),
];

/// Why a packet for a service is not forwarded, as `show balancer statistics` has it.
pub const NOT_FORWARDED: &[(&str, &str)] = &[
    ("echo-answered", "An echo request, answered"),
    ("guarded", "From a node, and would go back to nodes"),
    ("inconsistent", "Of another family than the node"),
    ("malformed", "Headers that are cut or contradict each other"),
    ("no-backend", "The service has no node"),
    ("no-backend-routed", "The same, left to the routes of the kernel"),
    ("no-room", "No room for the headers that it needs"),
    ("other-icmp", "ICMP that is not for a node"),
    ("returned", "An answer of a node with mode nat"),
    ("router-option", "Options that each router has to read"),
    ("stray-fragment", "A fragment whose first one was not seen"),
    ("time-exceeded", "TTL or hop limit used up"),
    ("too-big", "Larger than the way carries; its sender is told"),
    ("too-big-untold", "The same, and too many were told lately"),
    ("unresolved", "The hardware address of the next hop is not known"),
];

static BGP: Step = Step::word("bgp", "What BGP sessions do", &[]).op(|_| Some(Op::Monitor(Monitored::Bgp)));

fn capture(arguments: &Arguments) -> Option<Op> {
    Some(Op::MonitorBalancer {
        every: arguments.after("every").unwrap_or(1),
        service: arguments.after("service"),
        backend: arguments.after("backend"),
        reason: arguments.after("reason"),
        file: arguments.after("file"),
    })
}

fn traffic(arguments: &Arguments) -> Option<Op> {
    let filter: Option<String> = arguments.after("filter");
    if filter.as_ref().is_some_and(|filter| filter.trim_start().starts_with('-')) {
        return None;
    }
    Some(Op::MonitorTraffic { interface: arguments.after("interface")?, filter })
}
