//! `policy access-list N …` and `policy access-list6 NAME …`: the older lists of destinations.
//!
//! Never knows who uses a list.

use super::{ACTION, DESCRIPTION, NAME, rules};
use crate::schema::{Node, flag, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static ACCESS_LIST: Node = tag(
    "access-list",
    "List of IPv4 addresses, with a number from 1 to 2699",
    ValueKind::U32 { min: 1, max: 2699 },
    "10",
    &[
        &DESCRIPTION,
        &rules(&[
            &ACTION,
            &DESCRIPTION,
            &inner("destination", "Masks of the routes (100-199 and 2000-2699)", ADDRESSES),
            &inner("source", "Addresses of the routes", ADDRESSES),
        ]),
    ],
);

const ADDRESSES: &[&Node] = &[
    &flag("any", "Any"),
    &leaf("host", "Exactly this one", ValueKind::Ipv4, "192.0.2.1"),
    &leaf("inverse-mask", "Bits of the network that do not matter", ValueKind::Ipv4, "0.255.255.255"),
    &leaf("network", "This one, but for the bits of inverse-mask", ValueKind::Ipv4, "10.0.0.0"),
];

pub(super) static ACCESS_LIST6: Node = tag(
    "access-list6",
    "List of IPv6 networks",
    NAME,
    "SERVICES6",
    &[
        &DESCRIPTION,
        &rules(&[
            &ACTION,
            &DESCRIPTION,
            &inner(
                "source",
                "Networks of the routes",
                &[
                    &flag("any", "Any"),
                    &flag("exact-match", "The network itself, not those within it"),
                    &leaf("network", "This one, and those within it", ValueKind::Prefix6, "2001:db8::/32"),
                ],
            ),
        ]),
    ],
);
