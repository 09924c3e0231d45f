//! The balancer's thread: programs, maps and links of the kernel.
//!
//! Never decides what is balanced: the engine does.

use std::collections::BTreeMap;

use bpf_tables::wish::{Hook, Wish};
use engine::{Event, StepId};
use nouns::IfName;

use crate::run::Inbox;

/// Why nothing is balanced.
const OFF: &str = "this build has no balancer";

/// The way to the balancer.
pub(crate) struct Balancer {
    inbox: Inbox,
}

impl Balancer {
    /// Nothing is balanced yet.
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox }
    }

    /// Balances this and nothing else; answered by `Event::Balanced`.
    pub(crate) fn balance(&mut self, wish: Wish) {
        let done = if wish.links.is_empty() { Ok(()) } else { Err(OFF.to_owned()) };
        self.inbox.push(Event::Balanced(done));
    }

    /// Puts the programs on these links and no others; answered by `Event::StepDone`.
    pub(crate) fn attach(&mut self, id: StepId, links: BTreeMap<IfName, Hook>) {
        let done = if links.is_empty() { Ok(()) } else { Err(OFF.to_owned()) };
        self.inbox.push(Event::StepDone(id, done));
    }
}
