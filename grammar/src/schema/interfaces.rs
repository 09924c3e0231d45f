//! `interfaces …`: the links and what is wished of them.

use super::{Node, flag, inner, leaf, multi, tag};
use crate::value::ValueKind;

pub(super) static INTERFACES: Node = inner(
    "interfaces",
    "Network interfaces",
    &[
        &tag("ethernet", "Ethernet interface", ValueKind::EthernetName, "eth0", LINK),
        &tag("loopback", "Loopback interface", ValueKind::LoopbackName, "lo", LINK),
    ],
);

static LINK: &[&Node] = &[
    &multi("address", "Address with its prefix length", ValueKind::InterfaceAddress, "192.168.101.1/24"),
    &leaf("description", "What the interface is for", ValueKind::Text { max: 255 }, "to the nodes"),
    &flag("disable", "Take the interface down"),
    &leaf("mtu", "Largest packet in octets", ValueKind::U32 { min: 68, max: 16000 }, "1500"),
];
