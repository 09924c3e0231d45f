//! `show balancer …`

use std::net::IpAddr;

use crate::commands::op::{BalancerShown, Op};
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static BALANCER: Step = Step::word(
    "balancer",
    "Connections spread over nodes",
    &[
        &Step::word("backends", "Nodes, and the way to each", &[]).op(|_| shown(BalancerShown::Backends)),
        &Step::word("connections", "Slots in transition, remembered flows", &CONNECTIONS).op(connections),
        &Step::word(
            "explain",
            "What becomes of a flow, and why",
            &[
                &PCAP,
                &Step::value(
                    ValueKind::Address,
                    "Address of the client",
                    "198.51.100.7",
                    &[&Step::value(
                        PORT,
                        "Port of the client",
                        "40000",
                        &[&Step::value(
                            ValueKind::Address,
                            "Address of the service",
                            "203.0.113.80",
                            &[&Step::value(
                                PORT,
                                "Port of the service",
                                "443",
                                &[&Step::value(ValueKind::Choice(PROTOCOLS), "Protocol", "tcp", &[]).op(explain)],
                            )],
                        )],
                    )],
                ),
            ],
        ),
        &Step::word(
            "service",
            "One service in detail",
            &[&Step::value(ValueKind::ServiceRef, "Its name or address", "web", &[]).op(service)],
        ),
        &Step::word("services", "One line for each service", &[]).op(|_| shown(BalancerShown::Services)),
        &Step::word("statistics", "What was counted", &[]).op(|_| shown(BalancerShown::Statistics)),
    ],
)
.op(|_| shown(BalancerShown::Summary));

/// Each choice leads back to the others.
static CONNECTIONS: [&Step; 3] = [
    &Step::word(
        "backend",
        "Only flows of one node",
        &[&Step::value(ValueKind::BackendRef, "Address of the node", "192.168.101.201", &CONNECTIONS).op(connections)],
    ),
    &Step::word(
        "client",
        "Only flows of one client",
        &[&Step::value(ValueKind::Address, "Address of the client", "198.51.100.7", &CONNECTIONS).op(connections)],
    ),
    &Step::word(
        "service",
        "Only flows of one service",
        &[&Step::value(ValueKind::ServiceRef, "Its name or address", "web", &CONNECTIONS).op(connections)],
    ),
];

static PCAP: Step = Step::word(
    "pcap",
    "What becomes of the packets of a capture (pcap, pcapng)",
    &[&Step::value(ValueKind::FileName, "File", "/tmp/web.pcapng", &[])
        .op(|arguments| Some(Op::ExplainBalancerPackets { file: arguments.first()? }))],
);

const PORT: ValueKind = ValueKind::U32 { min: 0, max: 65_535 };
const PROTOCOLS: &[(&str, &str)] = &[("icmp", "ICMP of the family"), ("tcp", "TCP"), ("udp", "UDP")];

fn explain(arguments: &Arguments) -> Option<Op> {
    let mut values = arguments.all_after("explain");
    let source: IpAddr = values.next()?.parse().ok()?;
    let source_port = values.next()?.parse().ok()?;
    let destination: IpAddr = values.next()?.parse().ok()?;
    let destination_port = values.next()?.parse().ok()?;
    let protocol = match (values.next()?, destination) {
        ("tcp", _) => 6,
        ("udp", _) => 17,
        (_, IpAddr::V4(_)) => 1,
        (_, IpAddr::V6(_)) => 58,
    };
    // A flow is of one family.
    let same = source.is_ipv4() == destination.is_ipv4();
    same.then_some(Op::ExplainBalancer { source, source_port, destination, destination_port, protocol })
}

fn shown(what: BalancerShown) -> Option<Op> {
    Some(Op::ShowBalancer { what, service: None, node: None, client: None })
}

fn service(arguments: &Arguments) -> Option<Op> {
    let service = Some(arguments.first()?);
    Some(Op::ShowBalancer { what: BalancerShown::Service, service, node: None, client: None })
}

fn connections(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBalancer {
        what: BalancerShown::Connections,
        service: arguments.after("service"),
        node: arguments.after("backend"),
        client: arguments.after("client"),
    })
}
