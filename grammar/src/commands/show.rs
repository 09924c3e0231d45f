//! `show …`
//!
//! Only the first words; what follows them is in the files below.

mod balancer;
mod bfd;
mod bgp;
mod bmp;
mod interfaces;
mod policy;
mod route;
mod rpki;
mod system;

use nouns::Family;

use super::op::Op;
use super::tree::Step;
use crate::value::ValueKind;

pub(super) static SHOW: Step = Step::word(
    "show",
    "Show what is",
    &[
        &interfaces::ARP,
        &balancer::BALANCER,
        &bfd::BFD,
        &bgp::BGP,
        &bmp::BMP,
        &system::CONFIGURATION,
        &system::DATE,
        &system::HARDWARE,
        &Step::word(
            "history",
            "Commands that were typed",
            &[&NEWEST.op(|a| Some(Op::ShowHistory { lines: a.first() }))],
        )
        .op(|_| Some(Op::ShowHistory { lines: None })),
        &interfaces::INTERFACES,
        &Step::word(
            "ip",
            "Internet Protocol version 4",
            &[&policy::ACCESS_LIST, &bgp::BGP4, &route::FIB, &policy::PREFIX_LIST, &route::ROUTE4],
        )
        .family(Family::Ipv4Unicast),
        &Step::word(
            "ipv6",
            "Internet Protocol version 6",
            &[
                &policy::ACCESS_LIST6,
                &bgp::BGP6,
                &route::FIB,
                &interfaces::NEIGHBORS,
                &policy::PREFIX_LIST6,
                &route::ROUTE6,
            ],
        )
        .family(Family::Ipv6Unicast),
        &Step::word(
            "log",
            "The log of the router",
            &[
                &NEWEST.op(|a| Some(Op::ShowLog { lines: a.first() })),
                &Step::word("tail", "The newest lines", &[&NEWEST.op(|a| Some(Op::ShowLog { lines: a.first() }))])
                    .op(|_| Some(Op::ShowLog { lines: Some(10) })),
            ],
        )
        .op(|_| Some(Op::ShowLog { lines: None })),
        &policy::POLICY,
        &policy::ROUTE_MAP,
        &rpki::RPKI,
        &system::SYSTEM,
        &Step::word("tech-support", "All that a person needs who helps from afar", &[])
            .op(|_| Some(Op::ShowTechSupport)),
        &system::USERS,
        &Step::word("version", "Version of the software, and the machine", &[]).op(|_| Some(Op::ShowVersion)),
    ],
);

/// How many lines.
const NEWEST: Step = Step::value(ValueKind::U32 { min: 1, max: 1_000_000 }, "How many of the newest lines", "100", &[]);
