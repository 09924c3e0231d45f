//! One binary for everything that needs real speakers and the real kernel.
//!
//! The modules are the issues a person would raise: the walk-through, other vendors' speakers, bad input, security.
//! Every test builds its own laboratory and is alone in it.
//!
//! It never skips: without root or without a program the tests fail and say what to do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod appliance;
mod bad_input;
mod balancer;
mod bfd;
mod commits;
mod filters;
mod flows;
mod forwarding;
mod guest;
mod interop;
mod laboratory;
mod liveness;
mod offers;
mod operational;
mod packets;
mod paths;
mod pins;
mod policy;
mod privileges;
mod reach;
mod reflection;
mod restarts;
mod robustness;
mod security;
mod seeing;
mod sessions;
mod simulation;
mod system;
mod terminal;
mod truth;
mod unnumbered;
mod validation;
mod walkthrough;
mod weights;
