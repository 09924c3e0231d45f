//! What the Resource Public Key Infrastructure says of routes: the protocol by which caches tell it (RTR, RFC 6810,
//! 8210 and 8210bis), the table of what they said, and what that means for a route (RFC 6811, ASPA).
//!
//! It never knows a socket, a session of BGP, or a route table: octets and time come in, octets and data go out.

pub mod aspa;
pub mod caches;
pub mod client;
pub mod data;
pub mod vrps;
pub mod wire;

pub use aspa::{Aspas, Hops};
pub use caches::Caches;
pub use client::{Client, Input, Output};
pub use data::{Changed, Data, Fault, Record};
pub use vrps::{Vrp, Vrps};
