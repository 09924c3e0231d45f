//! What is balanced: services that BGP teaches and such that persons name, their backends, and how each of them fares.
//!
//! Never touches a map of the kernel: the wish is a value, and what becomes of it an event.

use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;

/// What the engine knows of the balancer.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    /// Why what is wished does not stand in the kernel.
    fault: Option<String>,
}

impl Engine {
    /// The kernel took the wish, or did not.
    pub(crate) fn balanced(&mut self, at: Moment, result: Result<(), String>, out: &mut Vec<Effect>) {
        let fault = result.err();
        if self.balancer.fault != fault {
            let notice = match &fault {
                Some(why) => Notice::error(format!("the balancer does not do what it shall: {why}")),
                None => Notice::info("the balancer does what it shall again"),
            };
            self.notice(at, notice, out);
            self.balancer.fault = fault;
        }
    }
}
