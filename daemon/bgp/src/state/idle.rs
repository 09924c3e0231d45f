//! Idle: nothing is tried, but after an error the peer may still come.
//!
//! Never refuses a peer for having failed before: a node that was rebooted is taken back at once.

use std::time::Instant;

use nouns::Family;

use super::{Event, OpenSent, State, search};
use crate::cease;
use crate::collision::Opener;
use crate::session::Context;

/// Why a session is Idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleReason {
    /// Not started, or stopped by a person or the configuration: `Idle (Admin)`.
    Stopped,
    /// Resting after an error until the given time; a connection by the peer ends the rest.
    HoldBack(Instant),
    /// More prefixes of a family came than `maximum-prefix` allows: `Idle (PfxCt)`, until `Input::Reset` or the given
    /// time.
    PrefixLimit(Family, Option<Instant>),
    /// What it announced did not fit into a limit of the router: `Idle (Limit)`, until the given time or `Input::Reset`;
    /// a connection by the peer is refused.
    OutOfResources(Instant),
}

/// RFC 4271 §8.2.2 Idle, with the damping of §8.1 as a hold-back.
#[derive(Debug)]
pub(crate) struct Idle {
    reason: IdleReason,
}

impl Idle {
    pub(crate) fn stopped() -> Self {
        Self { reason: IdleReason::Stopped }
    }

    pub(crate) fn hold_back(until: Instant) -> Self {
        Self { reason: IdleReason::HoldBack(until) }
    }

    pub(crate) fn prefix_limit(family: Family, until: Option<Instant>) -> Self {
        Self { reason: IdleReason::PrefixLimit(family, until) }
    }

    pub(crate) fn out_of_resources(until: Instant) -> Self {
        Self { reason: IdleReason::OutOfResources(until) }
    }

    pub(crate) fn reason(&self) -> IdleReason {
        self.reason
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.reason {
            IdleReason::HoldBack(until) | IdleReason::OutOfResources(until) => Some(until),
            IdleReason::PrefixLimit(_, until) => until,
            IdleReason::Stopped => None,
        }
    }

    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> State {
        match (event, self.reason) {
            (Event::Start, IdleReason::Stopped) => search(context),
            (Event::Stop(_), _) => State::Idle(Self::stopped()),
            (
                Event::Reset(_),
                IdleReason::HoldBack(_) | IdleReason::PrefixLimit(..) | IdleReason::OutOfResources(_),
            ) => {
                context.forgive();
                context.forgive_shortages();
                search(context)
            }
            (
                Event::Tick,
                IdleReason::HoldBack(until)
                | IdleReason::OutOfResources(until)
                | IdleReason::PrefixLimit(_, Some(until)),
            ) if until <= context.now => search(context),
            (Event::Accepted(conn), IdleReason::HoldBack(_)) => OpenSent::begin(context, conn, Opener::Theirs),
            (Event::Accepted(conn), IdleReason::OutOfResources(_)) => {
                context.notify(conn, cease::out_of_resources(false));
                State::Idle(self)
            }
            (Event::Accepted(conn), IdleReason::Stopped | IdleReason::PrefixLimit(..)) => {
                context.notify(conn, cease::connection_rejected());
                State::Idle(self)
            }
            (Event::Connected(conn), _) => {
                // The call was given up before it was answered.
                context.close(conn);
                State::Idle(self)
            }
            (
                Event::Start
                | Event::Reset(_)
                | Event::Tick
                | Event::ConnectFailed(_)
                | Event::Message(..)
                | Event::Fault(..)
                | Event::Closed(..)
                | Event::SendQueue(..)
                | Event::PrefixCount(..)
                | Event::OutOfResources(_)
                | Event::RequestRefresh(_)
                | Event::Reachable,
                _,
            ) => State::Idle(self),
        }
    }
}
