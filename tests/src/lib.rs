//! Many routers in virtual time, real speakers in namespaces.
//!
//! What the unit tests of the crates cannot show is shown here: the daemon and the shell as a person runs them,
//! among real BGP speakers, on the real kernel. The tests themselves are in `it/`; this library holds what they
//! share, so that the benchmarks stand on the same network.
//!
//! It never waits without a deadline, and it leaves nothing behind: not a namespace, not a process, not a file.

pub mod appliance;
pub mod balancer;
pub mod cluster;
pub mod guest;
pub mod lab;
pub mod peers;
pub mod router;
pub mod sim;
pub mod terminal;
