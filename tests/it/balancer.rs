//! The balancer between real clients and nodes that announce a service with BIRD: who joins, drains, leaves or dies, and
//! what that does to connections that are open.
//!
//! Never looks into a map: what counts is what clients notice.

mod captured;
mod explained;
mod filters;
mod health;
mod joining;
mod kinds;
mod lives;
mod named;
mod quic;
mod refusals;
mod remembered;
mod tunnels;
mod warned;
