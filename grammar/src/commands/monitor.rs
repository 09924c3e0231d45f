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

static CAPTURE: Step = Step::word(
    "capture",
    "As they come and as they go",
    &[
        &Step::word(
            "every",
            "Only one packet of so many, by chance",
            &[&Step::value(ValueKind::U32 { min: 1, max: 1_000_000 }, "Number", "1000", &[&FILE]).op(capture)],
        ),
        &FILE,
    ],
)
.op(capture);

static FILE: Step = Step::word(
    "file",
    "Into a file that Wireshark reads (pcapng)",
    &[&Step::value(ValueKind::FileName, "File", "/tmp/web.pcapng", &[]).op(capture)],
);

static BGP: Step = Step::word("bgp", "What BGP sessions do", &[]).op(|_| Some(Op::Monitor(Monitored::Bgp)));

fn capture(arguments: &Arguments) -> Option<Op> {
    Some(Op::MonitorBalancer { every: arguments.after("every").unwrap_or(1), file: arguments.after("file") })
}

fn traffic(arguments: &Arguments) -> Option<Op> {
    let filter: Option<String> = arguments.after("filter");
    if filter.as_ref().is_some_and(|filter| filter.trim_start().starts_with('-')) {
        return None;
    }
    Some(Op::MonitorTraffic { interface: arguments.after("interface")?, filter })
}
