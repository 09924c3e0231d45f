//! What a router notes about a route for itself; no neighbor ever hears of it.
//!
//! Never part of a path's attributes.

/// Notes of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marks {
    /// The first comparison of the decision; higher wins.
    pub weight: u32,
    /// A number for later policies; 0 for none.
    pub tag: u32,
    /// The administrative distance, where a policy set one.
    pub distance: Option<u8>,
    /// Long-lived stale (RFC 9494 §4.3): it loses to every route that is not.
    pub long_lived: bool,
}

impl Marks {
    /// The weight of routes of the router's own, as all its relatives have it.
    pub const OWN_WEIGHT: u32 = 32768;
}
