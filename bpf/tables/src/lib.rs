//! What stands in the balancer's maps, and how it becomes something else: Maglev tables, services, transitions.
//!
//! It never knows a program, a file descriptor or the hour: what is wished, what the links say, what flows were seen and
//! the time are arguments; what to write into which map and when to call again are answers.

mod answers;
mod backends;
pub mod directory;
pub mod explain;
pub mod maglev;
mod numbers;
pub mod report;
pub mod room;
mod servers;
pub mod state;
mod table;
pub mod wish;

pub use bpf_common::layout::Pin;
pub use bpf_common::{flow, reason, way};
pub use report::Report;
pub use state::{Balancer, Input, Write};
