//! Routes: the BGP table, the decision, next hops, and what the kernel should have.
//!
//! Paths that peers announced stand in `bgp_table`; `decision` picks the best and says why the others lost;
//! `nexthop` finds the legs to a next hop through the main table, `routes`, and the `world_view`; `fib` turns
//! what is wanted into the smallest set of changes of the kernel. Obeys RFC 4271 §9.1, RFC 4456 §9, RFC 4724 §4.2
//! and RFC 8950. This crate never knows the kernel, a session, or the hour.

pub mod adj_out;
pub mod aggregate;
pub mod attribute_sets;
pub mod bgp_table;
pub mod damping;
pub mod decision;
mod few;
pub mod fib;
#[cfg(test)]
mod fixtures;
mod id_hash;
mod length_index;
pub mod nexthop;
pub mod path_ids;
pub mod prefix_map;
pub mod prefix_table;
pub mod routes;
pub mod world;
pub mod world_view;
