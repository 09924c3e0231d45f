//! Netlink, sysctls and socket options: the only crate that talks to the kernel.
//!
//! Routes and next hops are encoded here by hand, because the hot path wants hundreds of changes in one
//! `send` and each failure back at its own change; links and addresses change seldom and go through
//! `rtnetlink`. What the kernel says comes back as plain data of crate `rib`.
//!
//! This crate never decides: it does not choose a route, retry a refused one, or repair what was lost.
//! It only ever touches routes and next hops of protocol [`rib::fib::RTPROT_TOWPATH`].

mod attribute;
pub mod datagram;
mod decode;
pub mod encode;
pub mod express;
pub mod features;
mod fib_writer;
pub mod filters;
pub mod host;
pub mod hosts;
mod ledger;
pub mod links;
pub mod look;
mod lookout;
pub mod messages;
mod monitor;
mod number;
pub mod probe;
pub mod routers;
mod snapshot;
mod socket;
mod sys;
pub mod sysctl;
pub mod tcp;
pub mod tcp_ao;

pub use encode::{Datagram, Datagrams};
pub use features::Features;
pub use fib_writer::FibWriter;
pub use links::{LinkError, Links};
pub use lookout::Lookout;
pub use monitor::Monitor;
pub use snapshot::{kernel_fib, snapshot};
pub use socket::words;
pub use sysctl::Finding;
