//! The BGP session, as a state machine without a socket or a clock.
//!
//! This crate never knows a socket, the hour, a route table, or how an answer is shown.
//!
//! Obeyed: RFC 4271 (§6.8 collisions, §8 states; DelayOpen is absent), RFC 2918 (route refresh), RFC 4724 and
//! RFC 8538 (graceful restart as helper, notifications included), RFC 4760, RFC 5492, RFC 6793, RFC 7911 (receive),
//! RFC 8654, RFC 8950 (capabilities), RFC 6286 (identifiers), RFC 6608 (subcodes of state errors), RFC 8212
//! (no policy, no routes), RFC 8326 (graceful shutdown), RFC 9234 (roles), RFC 7947 (route servers), RFC 9003 (words of a shutdown), RFC 9687 (send hold timer).

pub mod classify;
pub mod collision;
pub mod export;
pub mod import;
pub mod negotiate;
pub mod policy;
pub mod reception;
pub mod role;
pub mod session;

mod cease;
mod graceful;
mod jitter;
mod line;
mod state;

#[cfg(test)]
mod tests_support;
