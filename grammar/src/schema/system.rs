//! `system …`: the router's own name and time.

use super::{Node, inner, leaf};
use crate::value::ValueKind;

pub(super) static SYSTEM: Node = inner(
    "system",
    "The router itself",
    &[
        &CONFIG_MANAGEMENT,
        &leaf("host-name", "Name of the router", ValueKind::HostName, "router1"),
        &leaf("time-zone", "Time zone of the clock", ValueKind::TimeZone, "Europe/Berlin"),
    ],
);

static CONFIG_MANAGEMENT: Node = inner(
    "config-management",
    "Past configurations",
    &[&leaf(
        "commit-revisions",
        "How many committed configurations are kept",
        ValueKind::U32 { min: 0, max: 65535 },
        "50",
    )
    .default("100")],
);
