//! The session in virtual time: what it says, when, and where it goes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

mod collision;
mod endings;
mod opening;
mod pair;
mod properties;
mod table;
mod timers;
