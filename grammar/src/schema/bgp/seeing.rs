//! `protocols bgp <asn> {bmp, dump} …`: who else is told what goes on, and which files it goes into.

use crate::schema::{Node, flag, inner, leaf, tag};
use crate::value::{PolicyValue, ValueKind};

pub(super) static BMP: Node = inner(
    "bmp",
    "Tell collectors of peers and routes (RFC 7854)",
    &[&tag(
        "target",
        "A collector, by a name of your choice",
        ValueKind::Policy(PolicyValue::Name),
        "lab",
        &[
            &leaf("address", "Its address", ValueKind::NeighborAddress, "192.0.2.9"),
            &leaf("max-retry", "Longest rest between attempts, in ms", MILLISECONDS, "720000").default("720000"),
            &leaf("min-retry", "Shortest rest between attempts, in ms", MILLISECONDS, "1000").default("1000"),
            &inner(
                "monitor",
                "Which routes it is told of",
                &[
                    &inner("ipv4-unicast", "IPv4 unicast routes", VIEWS),
                    &inner("ipv6-unicast", "IPv6 unicast routes", VIEWS),
                ],
            ),
            &leaf("port", "Its TCP port", ValueKind::U32 { min: 1, max: 65535 }, "5000").default("5000"),
            &leaf(
                "statistics-interval",
                "Seconds between reports of numbers; 0 for none",
                ValueKind::U32 { min: 0, max: 86400 },
                "60",
            )
            .default("60"),
        ],
    )],
);

const MILLISECONDS: ValueKind = ValueKind::U32 { min: 100, max: 86_400_000 };

static VIEWS: &[&Node] = &[
    &flag("adj-rib-out", "What each neighbor is told (RFC 8671)"),
    &flag("loc-rib", "What the router chose (RFC 9069)"),
    &flag("post-policy", "What became of it behind the import policy"),
    &flag("pre-policy", "What each neighbor says"),
];

pub(super) static DUMP: Node = inner(
    "dump",
    "Write tables and messages into MRT files (RFC 6396)",
    &[
        &inner("table", "The whole table, once each interval", &[&FILE, &INTERVAL]),
        &inner("updates", "What neighbors say, and their comings and goings", &[&FILE, &INTERVAL]),
    ],
);

static FILE: Node = leaf(
    "file",
    "File; %Y %m %d %H %M %S stand for the time in UTC",
    ValueKind::FileName,
    "/var/lib/towpath/mrt/%Y%m%d.%H%M",
);
static INTERVAL: Node =
    leaf("interval", "Seconds until the next file", ValueKind::U32 { min: 10, max: 604_800 }, "3600").default("3600");
