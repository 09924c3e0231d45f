//! The balancer's way of a packet, with maps of a test's own: natively, and in the kernel by `BPF_PROG_TEST_RUN`.
//!
//! It leaves nothing in the kernel; only `chain` attaches programs, in a namespace that is made for it.

pub mod build;
pub mod chain;
pub mod kernel;
pub mod native;
pub mod world;
