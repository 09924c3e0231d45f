//! `show balancer …`

use crate::commands::op::{BalancerShown, Op};
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static BALANCER: Step = Step::word(
    "balancer",
    "Connections spread over nodes",
    &[
        &Step::word("backends", "Nodes, and the way to each", &[]).op(|_| shown(BalancerShown::Backends)),
        &Step::word("connections", "Connections in transition", &[]).op(|_| shown(BalancerShown::Connections)),
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

fn shown(what: BalancerShown) -> Option<Op> {
    Some(Op::ShowBalancer { what, service: None })
}

fn service(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBalancer { what: BalancerShown::Service, service: Some(arguments.first()?) })
}
