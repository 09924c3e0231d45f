//! The kernel crate against the real kernel, each test in a network namespace of its own.
//!
//! They need root, and say so when they have it not; they never touch the network of the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod fib;
mod monitor;
mod settings;
mod sockets;
mod world;
