//! `dampening …`, of the speaker and of a neighbor: routes that flap are not used.
//!
//! Never says what a penalty is: that is a convention of RFC 2439.

use crate::schema::{Node, flag, inner, leaf};
use crate::value::ValueKind;

const PENALTY: ValueKind = ValueKind::U32 { min: 1, max: 20_000 };

static HALF_LIFE: Node =
    leaf("half-life", "Minutes in which a penalty halves", ValueKind::U32 { min: 1, max: 45 }, "15");
static MAX_SUPPRESS_TIME: Node =
    leaf("max-suppress-time", "Longest rest in minutes", ValueKind::U32 { min: 1, max: 255 }, "60");
static RE_USE: Node = leaf("re-use", "Penalty below which a route is used again", PENALTY, "750");
static START_SUPPRESS_TIME: Node = leaf("start-suppress-time", "Penalty above which a route rests", PENALTY, "6000");

/// `parameters dampening`
pub(super) static OF_SPEAKER: Node = inner(
    "dampening",
    "Routes of external neighbors that flap are not used",
    &[&HALF_LIFE, &MAX_SUPPRESS_TIME, &RE_USE, &START_SUPPRESS_TIME],
);

/// `neighbor <address> dampening`
pub(super) static OF_PEER: Node = inner(
    "dampening",
    "Routes that flap are not used, as for no other neighbor",
    &[
        &flag("disable", "They are used, whatever the parameters say"),
        &HALF_LIFE,
        &MAX_SUPPRESS_TIME,
        &RE_USE,
        &START_SUPPRESS_TIME,
    ],
);
