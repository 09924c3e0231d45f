//! Remembered flows, told: whose each is, and why it is remembered.
//!
//! Never forgets one: that is done when all of them are looked at, by the same judgement.

use std::sync::Arc;
use std::time::Duration;

use bpf_common::flow::Flow;
use bpf_common::layout::{CLIENT_ONLY, Pin};

use super::pins::Fate;
use super::{Balancer, Clock};
use crate::backends::Who;
use crate::wish::{Destination, State};

/// What is known of a remembered flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The service that it is for; nothing when that is no more.
    pub service: Option<(Arc<str>, Destination)>,
    /// Its backend; nothing when that is no more.
    pub backend: Option<Who>,
    /// How long it has said nothing, to [`Clock::unit`].
    pub silent: Duration,
    /// Why it is remembered.
    pub why: Kept,
    /// All flows of a client go where this one goes.
    pub by_client: bool,
}

/// Why a flow is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It began while its slot changed hands, at the new owner.
    Begun,
    /// Its slot has gone to another backend, and it stays.
    Stays,
    /// The same, because its backend drains, or leaves.
    Drains,
    /// Nothing needs it any more: it ends with the next look at all of them.
    Over,
}

impl Balancer {
    /// What is known of a flow that is remembered.
    #[must_use]
    pub fn remembered(&self, clock: Clock, flow: &Flow, pin: Pin) -> Remembered {
        let place = self.place_of(flow);
        let standing = place.as_ref().map(|place| place.standing);
        let service = standing.and_then(|standing| standing.service.as_ref());
        let destination = standing.and_then(|standing| self.by_number.get(&standing.number));
        let backend = self.who(pin.backend);
        let state = service.zip(backend).and_then(|(service, who)| {
            let of = |member: &&crate::wish::Member| (member.backend.address, member.backend.way) == who;
            service.backends.iter().find(of).map(|member| member.state)
        });
        let owner = place.as_ref().map(|place| u32::from(place.shared.table.owner(place.slot)));
        let why = match (self.judge(clock, flow, pin), state) {
            (Fate::Forgotten, _) => Kept::Over,
            _ if owner == Some(pin.backend) => Kept::Begun,
            (_, Some(State::Draining)) => Kept::Drains,
            _ => Kept::Stays,
        };
        Remembered {
            service: service.map(|service| Arc::clone(&service.name)).zip(destination.copied()),
            backend,
            silent: clock.silent(pin),
            why,
            by_client: standing.is_some_and(|standing| standing.flags() & CLIENT_ONLY != 0),
        }
    }
}
