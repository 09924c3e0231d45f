//! `protocols static …`: routes that a person types.

use super::{Node, flag, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static STATIC: Node = inner(
    "static",
    "Static routes",
    &[
        &tag(
            "route",
            "IPv4 route",
            ValueKind::Prefix4,
            "10.0.0.0/8",
            &[
                &BLACKHOLE,
                &DESCRIPTION,
                &ON_LINK,
                &tag("next-hop", "Next router", ValueKind::NextHop4, "192.0.2.1", NEXT_HOP),
            ],
        ),
        &tag(
            "route6",
            "IPv6 route",
            ValueKind::Prefix6,
            "2001:db8::/32",
            &[
                &BLACKHOLE,
                &DESCRIPTION,
                &ON_LINK,
                &tag("next-hop", "Next router", ValueKind::NextHop6, "2001:db8::1", NEXT_HOP),
            ],
        ),
    ],
);

static BLACKHOLE: Node = inner("blackhole", "Drop the packets silently", &[&DISTANCE]).presence();

static DESCRIPTION: Node = leaf("description", "What the route is for", ValueKind::Text { max: 255 }, "to the office");

static DISTANCE: Node =
    leaf("distance", "Administrative distance, lower wins", ValueKind::U32 { min: 1, max: 255 }, "1").default("1");

static ON_LINK: Node =
    tag("interface", "Reach the network directly on an interface", ValueKind::InterfaceName, "eth0", &[&DISTANCE]);

static NEXT_HOP: &[&Node] = &[
    &flag("disable", "Leave this next hop out"),
    &DISTANCE,
    &leaf("interface", "Interface towards the next router", ValueKind::InterfaceName, "eth0"),
];
