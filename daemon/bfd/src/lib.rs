//! Whether a path to a neighbor works: Bidirectional Forwarding Detection (RFC 5880, 5881, 5883) as state machines.
//!
//! It never knows a route or BGP, a socket, or the hour: packets and the time are arguments, what shall be sent and when
//! to call again are answers. Asynchronous mode only; demand mode of the other side is understood, echo is not offered.

pub mod authentication;
mod chance;
pub mod check;
pub mod liveness;
pub mod packet;
pub mod session;
pub mod table;

pub use authentication::{Method, Secret};
pub use packet::{Diagnostic, Packet, PacketError, State};
pub use session::{Change, Counters, Session, Settings, Told};
pub use table::{Arrival, Discard, Hops, Key, Link, Output, Report, Table};
