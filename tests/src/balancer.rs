//! The balancer's way of a packet, with maps of a test's own: natively, and in the kernel by `BPF_PROG_TEST_RUN`.
//!
//! It never attaches a program to a link, and leaves nothing in the kernel.

pub mod build;
pub mod kernel;
pub mod native;
pub mod world;
