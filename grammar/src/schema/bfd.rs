//! `protocols bfd …`: whether paths to neighbors work (RFC 5880), and how fast that is noticed.

use super::{Node, flag, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static BFD: Node = inner(
    "bfd",
    "Bidirectional Forwarding Detection",
    &[
        &tag(
            "peer",
            "Router or host that is watched",
            ValueKind::NeighborAddress,
            "192.168.101.201",
            &[
                &inner(
                    "authentication",
                    "How both sides prove who they are (RFC 5880)",
                    &[
                        &leaf("key-id", "Number of the secret", ValueKind::U32 { min: 0, max: 255 }, "1").default("1"),
                        &leaf("keyed-md5", "Secret of MD5 digests, 1 to 16 octets", ValueKind::Password, "s3cret")
                            .secret(),
                        &leaf("keyed-sha1", "Secret of SHA1 digests, 1 to 20 octets", ValueKind::Password, "s3cret")
                            .secret(),
                        &leaf("meticulous-keyed-md5", "The same, each number once", ValueKind::Password, "s3cret")
                            .secret(),
                        &leaf("meticulous-keyed-sha1", "The same, each number once", ValueKind::Password, "s3cret")
                            .secret(),
                        &leaf("simple-password", "Password of 1 to 16 octets", ValueKind::Password, "s3cret").secret(),
                    ],
                ),
                &INTERVAL,
                &MINIMUM_TTL,
                &flag("multihop", "The peer is behind other routers"),
                &PASSIVE,
                &leaf("profile", "Profile that gives its settings", ValueKind::ProfileRef, "nodes"),
                &SHUTDOWN,
                &inner(
                    "source",
                    "Where the session starts",
                    &[
                        &leaf("address", "Address of this router", ValueKind::Address, "192.168.101.1"),
                        &leaf("interface", "Interface towards the peer", ValueKind::InterfaceName, "eth1"),
                    ],
                ),
            ],
        ),
        &tag(
            "profile",
            "Settings shared by several sessions",
            ValueKind::ProfileName,
            "nodes",
            &[&INTERVAL, &MINIMUM_TTL, &PASSIVE, &SHUTDOWN],
        ),
    ],
);

const MILLISECONDS: ValueKind = ValueKind::U32 { min: 10, max: 60000 };

static INTERVAL: Node = inner(
    "interval",
    "How often packets go, in milliseconds",
    &[
        &leaf("multiplier", "Packets that may be lost in a row", ValueKind::U32 { min: 1, max: 255 }, "3")
            .inherited("3"),
        &leaf("receive", "Shortest interval of received packets", MILLISECONDS, "300").inherited("300"),
        &leaf("transmit", "Shortest interval of sent packets", MILLISECONDS, "300").inherited("300"),
    ],
);

static MINIMUM_TTL: Node =
    leaf("minimum-ttl", "Least TTL of packets from behind routers", ValueKind::U32 { min: 1, max: 254 }, "250")
        .inherited("254");

static PASSIVE: Node = flag("passive", "Wait until the peer begins");
static SHUTDOWN: Node = flag("shutdown", "Hold the session down");
