//! The six states of RFC 4271 §8.2.2; each file is one, and each struct holds what exists then.
//!
//! A state never survives its own event: it is consumed, and the next one comes back.

mod active;
mod connect;
mod established;
mod idle;
mod open_confirm;
mod open_sent;
mod opening;
mod timers;

use std::time::Instant;

use bgp_wire::error::DecodeError;
use bgp_wire::message::Message;
use nouns::Family;

use crate::cease;
use crate::session::{ConnId, Context, StateName, StopReason};

pub(crate) use active::Active;
pub(crate) use connect::Connect;
pub(crate) use established::Established;
pub(crate) use idle::Idle;
pub use idle::IdleReason;
pub(crate) use open_confirm::OpenConfirm;
pub(crate) use open_sent::OpenSent;
pub(crate) use opening::Opening;

/// What a state is told: an `Input`, with octets already turned into messages.
#[derive(Debug)]
pub(crate) enum Event {
    Start,
    Stop(StopReason),
    Reset(StopReason),
    Connected(ConnId),
    ConnectFailed(String),
    Accepted(ConnId),
    Message(ConnId, Message),
    Fault(ConnId, DecodeError),
    Closed(ConnId, Option<String>),
    SendQueue(ConnId, usize),
    Tick,
    PrefixCount(Family, u32),
    OutOfResources(String),
    RequestRefresh(Family),
    Reachable,
}

/// The state of a session.
#[derive(Debug)]
pub(crate) enum State {
    Idle(Idle),
    Connect(Connect),
    Active(Active),
    OpenSent(OpenSent),
    OpenConfirm(OpenConfirm),
    Established(Established),
}

impl State {
    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> Self {
        match self {
            Self::Idle(state) => state.handle(context, event),
            Self::Connect(state) => state.handle(context, event),
            Self::Active(state) => state.handle(context, event),
            Self::OpenSent(state) => state.handle(context, event),
            Self::OpenConfirm(state) => state.handle(context, event),
            Self::Established(state) => state.handle(context, event),
        }
    }

    pub(crate) fn name(&self) -> StateName {
        match self {
            Self::Idle(_) => StateName::Idle,
            Self::Connect(_) => StateName::Connect,
            Self::Active(_) => StateName::Active,
            Self::OpenSent(_) => StateName::OpenSent,
            Self::OpenConfirm(_) => StateName::OpenConfirm,
            Self::Established(_) => StateName::Established,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle(state) => state.deadline(),
            Self::Connect(state) => Some(state.deadline()),
            Self::Active(state) => state.deadline(),
            Self::OpenSent(state) => Some(state.deadline()),
            Self::OpenConfirm(state) => state.deadline(),
            Self::Established(state) => state.deadline(),
        }
    }

    /// Keepalives go at the interval of the configuration from now on, where they go already.
    pub(crate) fn change_interval(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Idle(_) | Self::Connect(_) | Self::Active(_) | Self::OpenSent(_) => {}
            Self::OpenConfirm(state) => state.change_interval(context),
            Self::Established(state) => state.change_interval(context),
        }
    }

    pub(crate) fn established(&self) -> Option<&Established> {
        match self {
            Self::Established(state) => Some(state),
            _ => None,
        }
    }

    /// Takes in octets; those of a connection that is not (or no longer) ours are dropped.
    pub(crate) fn receive(&mut self, now: Instant, conn: ConnId, octets: &[u8]) {
        match self {
            Self::Idle(_) | Self::Connect(_) | Self::Active(_) => {}
            Self::OpenSent(state) => state.receive(conn, octets),
            Self::OpenConfirm(state) => state.receive(now, conn, octets),
            Self::Established(state) => state.receive(now, conn, octets),
        }
    }

    /// Takes in what was decoded already. Only an Established session has told how to, so what comes to any other state
    /// belongs to a connection that is no longer ours.
    pub(crate) fn receive_decoded(&mut self, now: Instant, conn: ConnId, messages: Vec<Result<Message, DecodeError>>) {
        if let Self::Established(state) = self {
            state.receive_decoded(now, conn, messages);
        }
    }

    /// The next whole message, or what is wrong with it, of the connections that are listened to.
    pub(crate) fn next_received(&mut self) -> Option<Event> {
        match self {
            Self::Idle(_) | Self::Connect(_) | Self::Active(_) => None,
            Self::OpenSent(state) => state.next_received(),
            Self::OpenConfirm(state) => state.next_received(),
            Self::Established(state) => state.next_received(),
        }
    }
}

/// Begins to look for the peer: by calling it, or by waiting for it.
pub(crate) fn search(context: &mut Context<'_>) -> State {
    if context.config.passive { State::Active(Active::waiting()) } else { State::Connect(Connect::call(context)) }
}

/// Rests after an error; the rest grows with each error in a row.
pub(crate) fn rest(context: &mut Context<'_>) -> State {
    State::Idle(Idle::hold_back(context.hold_back()))
}

/// Why a connection is gone, in the words of `show ip bgp neighbors`.
pub(crate) fn closed(why: Option<String>) -> String {
    why.map_or_else(|| "Peer closed the session".to_owned(), |error| format!("Connection lost: {error}"))
}

/// Tells the peer why this connection is stopped, and closes it.
pub(crate) fn dismiss(context: &mut Context<'_>, conn: ConnId, reason: &StopReason, hard: bool) {
    match cease::notification(reason, hard) {
        Some(notification) => context.notify(conn, notification),
        None => context.close(conn),
    }
}

/// What comes after a stop: rest for good, or a new beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    Stopped,
    Again,
}

impl Afterwards {
    pub(crate) fn begin(self, context: &mut Context<'_>) -> State {
        match self {
            Self::Stopped => State::Idle(Idle::stopped()),
            Self::Again => {
                context.forgive();
                rest(context)
            }
        }
    }
}
