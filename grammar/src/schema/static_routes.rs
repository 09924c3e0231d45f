//! `protocols static …`: routes and hardware addresses that a person types.

use super::{Node, flag, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static STATIC: Node = inner(
    "static",
    "Static routes",
    &[
        &tag(
            "arp",
            "Hardware address of a host, in place of asking",
            ValueKind::NextHop4,
            "192.0.2.9",
            &[&leaf("hwaddr", "Hardware address of the host", ValueKind::MacAddress, "00:53:00:00:00:09")],
        ),
        &ROUTE,
        &ROUTE6,
        &tag(
            "table",
            "Routes of another table than the main one",
            ValueKind::U32 { min: 1, max: 200 },
            "10",
            &[&leaf("description", "What the table is for", ValueKind::Text { max: 255 }, "guests"), &ROUTE, &ROUTE6],
        ),
    ],
);

static ROUTE: Node = tag(
    "route",
    "IPv4 route",
    ValueKind::Prefix4,
    "10.0.0.0/8",
    &[
        &BLACKHOLE,
        &DESCRIPTION,
        &ON_LINK,
        &tag("next-hop", "Next router", ValueKind::NextHop4, "192.0.2.1", NEXT_HOP),
        &REJECT,
        &TAG,
    ],
);

static ROUTE6: Node = tag(
    "route6",
    "IPv6 route",
    ValueKind::Prefix6,
    "2001:db8::/32",
    &[
        &BLACKHOLE,
        &DESCRIPTION,
        &ON_LINK,
        &tag("next-hop", "Next router", ValueKind::NextHop6, "2001:db8::1", NEXT_HOP),
        &REJECT,
        &TAG,
    ],
);

static BLACKHOLE: Node = inner("blackhole", "Drop the packets silently", &[&DISTANCE]).presence();

static REJECT: Node = inner("reject", "Drop the packets and tell their sender", &[&DISTANCE]).presence();

static DESCRIPTION: Node = leaf("description", "What the route is for", ValueKind::Text { max: 255 }, "to the office");

static TAG: Node = leaf("tag", "Number that policies can match", ValueKind::U32 { min: 1, max: u32::MAX }, "100");

static DISTANCE: Node =
    leaf("distance", "Administrative distance, lower wins", ValueKind::U32 { min: 1, max: 255 }, "1").default("1");

static ON_LINK: Node =
    tag("interface", "Reach the network directly on an interface", ValueKind::InterfaceName, "eth0", &[&DISTANCE]);

static NEXT_HOP: &[&Node] = &[
    &flag("disable", "Leave this next hop out"),
    &DISTANCE,
    &leaf("interface", "Interface towards the next router", ValueKind::InterfaceName, "eth0"),
];
