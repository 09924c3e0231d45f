//! `system …`: the router's own name and time.

use super::{Node, inner, leaf};
use crate::value::ValueKind;

pub(super) static SYSTEM: Node = inner(
    "system",
    "The router itself",
    &[
        &leaf("host-name", "Name of the router", ValueKind::HostName, "router1"),
        &leaf("time-zone", "Time zone of the clock", ValueKind::TimeZone, "Europe/Berlin"),
    ],
);
