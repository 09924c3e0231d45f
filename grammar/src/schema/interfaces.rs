//! `interfaces …`: the links and what is wished of them.

use super::{Node, flag, inner, leaf, multi, tag};
use crate::value::ValueKind;

pub(super) static INTERFACES: Node = inner(
    "interfaces",
    "Network interfaces",
    &[
        &tag("bridge", "Bridge interface", ValueKind::BridgeName, "br0", BRIDGE),
        &tag("dummy", "Dummy interface", ValueKind::DummyName, "dum0", DUMMY),
        &tag("ethernet", "Ethernet interface", ValueKind::EthernetName, "eth0", ETHERNET),
        &tag("loopback", "Loopback interface", ValueKind::LoopbackName, "lo", LOOPBACK),
    ],
);

static ETHERNET: &[&Node] = &[
    &LINK_ADDRESS,
    &BRIDGE_GROUP,
    &DESCRIPTION,
    &DISABLE,
    &leaf("duplex", "Duplex mode, left to the card", AUTO, "auto").default("auto"),
    &leaf("hw-id", "Hardware address of the card this is meant for", ValueKind::MacAddress, "00:53:00:00:00:01"),
    &IP,
    &IPV6,
    &MAC,
    &MTU,
    &leaf("speed", "Speed, left to the card", AUTO, "auto").default("auto"),
    &VIF,
];

static BRIDGE: &[&Node] = &[
    &LINK_ADDRESS,
    &leaf("aging", "Seconds that a silent station is remembered", seconds(10, 1_000_000), "300").default("300"),
    &DESCRIPTION,
    &DISABLE,
    &leaf("forwarding-delay", "Seconds before a port forwards", seconds(2, 30), "15").default("15"),
    &leaf("hello-time", "Seconds between messages of the root", seconds(1, 10), "2").default("2"),
    &IP,
    &IPV6,
    &MAC,
    &leaf("max-age", "Seconds that a message of the root is valid", seconds(6, 40), "20").default("20"),
    &inner(
        "member",
        "Ports of the bridge",
        &[&tag("interface", "Interface that is a port", ValueKind::InterfaceName, "eth1", &[])],
    ),
    &MTU,
    &leaf("priority", "Bridge priority, lower becomes root", ValueKind::U32 { min: 0, max: 65535 }, "32768")
        .default("32768"),
    &leaf("stp", "Spanning tree protocol", TRUE_OR_FALSE, "true").default("false"),
    &VIF,
];

static DUMMY: &[&Node] = &[&ADDRESS, &DESCRIPTION, &DISABLE, &IP, &IPV6, &MAC, &MTU];

static LOOPBACK: &[&Node] = &[&ADDRESS, &DESCRIPTION, &DISABLE, &MTU];

static VIF: Node = tag(
    "vif",
    "Virtual interface of a VLAN (802.1Q)",
    ValueKind::U32 { min: 0, max: 4094 },
    "100",
    &[&LINK_ADDRESS, &BRIDGE_GROUP, &DESCRIPTION, &DISABLE, &IP, &IPV6, &MAC, &MTU],
);

static ADDRESS: Node =
    multi("address", "Address with its prefix length", ValueKind::InterfaceAddress, "192.168.101.1/24");

static LINK_ADDRESS: Node =
    multi("address", "Address with its prefix length, or DHCP", ValueKind::LinkAddress, "192.168.101.1/24");

static BRIDGE_GROUP: Node = inner(
    "bridge-group",
    "Bridge that the interface is a port of",
    &[&leaf("bridge", "Name of the bridge", ValueKind::BridgeName, "br0")],
);

static DESCRIPTION: Node =
    leaf("description", "What the interface is for", ValueKind::Text { max: 255 }, "to the nodes");

static DISABLE: Node = flag("disable", "Take the interface down");

static MAC: Node =
    leaf("mac", "Hardware address in place of the card's own", ValueKind::MacAddress, "00:53:00:00:00:01");

static MTU: Node = leaf("mtu", "Largest packet in octets", ValueKind::U32 { min: 68, max: 16000 }, "1500");

static IP: Node = inner(
    "ip",
    "How the interface handles IPv4",
    &[
        &leaf("arp-cache-timeout", "Seconds an ARP entry is good for", seconds(1, 86400), "30"),
        &flag("disable-arp-filter", "Answer ARP for addresses of other interfaces"),
        &flag("disable-forwarding", "Forward no IPv4 packets from here"),
        &flag("enable-arp-accept", "Learn from ARP that nobody asked for"),
        &flag("enable-arp-announce", "Ask with the best address for the target only"),
        &flag("enable-arp-ignore", "Answer only for addresses of this interface"),
        &flag("enable-proxy-arp", "Answer ARP for hosts behind the router"),
        &flag("proxy-arp-pvlan", "Answer ARP between hosts of this interface"),
        &leaf("source-validation", "Check the way back to the source (RFC 3704)", VALIDATION, "strict"),
    ],
);

static IPV6: Node = inner(
    "ipv6",
    "How the interface handles IPv6",
    &[
        &inner(
            "address",
            "Further IPv6 addresses",
            &[&multi("eui64", "Network to make an address of (RFC 4291)", ValueKind::Prefix6, "2001:db8:1::/64")],
        ),
        &flag("disable-forwarding", "Forward no IPv6 packets from here"),
        &leaf(
            "dup-addr-detect-transmits",
            "Questions before an address is used",
            ValueKind::U32 { min: 0, max: 60 },
            "1",
        ),
    ],
);

const AUTO: ValueKind = ValueKind::Choice(&[("auto", "What the card and its neighbor agree on")]);

const TRUE_OR_FALSE: ValueKind =
    ValueKind::Choice(&[("false", "Take no part in the protocol"), ("true", "Take part in the protocol")]);

const VALIDATION: ValueKind = ValueKind::Choice(&[
    ("disable", "Take packets from any source"),
    ("loose", "The source is reachable by some interface (RFC 3704 2.4)"),
    ("strict", "The way back leads through this interface (RFC 3704 2.2)"),
]);

const fn seconds(min: u32, max: u32) -> ValueKind {
    ValueKind::U32 { min, max }
}
