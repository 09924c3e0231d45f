//! What the balancer's programs in the kernel and user space share: the layouts of the maps, the hash of a flow, and
//! the way of a packet.
//!
//! It never knows whether it runs in the kernel or in a test: packets and maps come through traits. Nothing in it
//! allocates, formats or panics, because the verifier would refuse that.
#![no_std]

mod choose;
mod clamp;
pub mod directory;
pub mod flow;
pub mod frame;
mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod layout;
mod nat;
pub mod packet;
pub mod probe;
pub mod protocol;
mod quic;
pub mod reason;
mod send;
pub mod sum;
mod too_big;
pub mod way;
