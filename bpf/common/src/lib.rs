//! What the balancer's programs in the kernel and user space share: the layouts of the maps, the hash of a flow, and
//! the way of a packet.
//!
//! It never knows whether it runs in the kernel or in a test: packets and maps come through traits. Nothing in it
//! allocates, formats or panics, because the verifier would refuse that.
#![no_std]

pub mod directory;
pub mod flow;
pub mod layout;
pub mod packet;
pub mod reason;
pub mod way;
