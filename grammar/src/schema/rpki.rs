//! `protocols rpki …`: caches that tell who may announce which prefix.

use super::{Node, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static RPKI: Node = inner(
    "rpki",
    "Resource Public Key Infrastructure",
    &[
        &tag(
            "cache",
            "Cache that is asked over TCP (RFC 8210)",
            ValueKind::Address,
            "192.0.2.53",
            &[
                &leaf("port", "TCP port of the cache", ValueKind::U32 { min: 1, max: 65535 }, "323").default("323"),
                &leaf("preference", "The lower one is preferred", ValueKind::U32 { min: 1, max: 255 }, "1")
                    .default("1"),
            ],
        ),
        &leaf(
            "expire-interval",
            "Seconds until unconfirmed data counts no more",
            ValueKind::U32 { min: 600, max: 172_800 },
            "7200",
        ),
        &leaf(
            "polling-period",
            "Seconds between polls; the cache's wish if unset",
            ValueKind::U32 { min: 1, max: 86_400 },
            "300",
        ),
        &leaf(
            "retry-interval",
            "Seconds after a failure until the next attempt",
            ValueKind::U32 { min: 1, max: 7200 },
            "600",
        ),
    ],
);
