//! Active: waiting for the peer to call, or for the time to call again.
//!
//! Never calls when the session is passive.

use std::time::Instant;

use super::{Afterwards, Connect, Event, OpenSent, State};
use crate::collision::Opener;
use crate::session::Context;

/// RFC 4271 §8.2.2 Active.
#[derive(Debug)]
pub(crate) struct Active {
    /// When to call again; `None` when passive.
    retry: Option<Instant>,
}

impl Active {
    /// Waits for the peer, however long.
    pub(crate) fn waiting() -> Self {
        Self { retry: None }
    }

    /// Waits for the peer until it is time to call again.
    pub(crate) fn retrying(context: &mut Context<'_>) -> Self {
        if context.config.passive { Self::waiting() } else { Self { retry: Some(context.connect_retry()) } }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.retry
    }

    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Stop(_) => Afterwards::Stopped.begin(context),
            Event::Reset(_) => Afterwards::Again.begin(context),
            Event::Accepted(conn) => OpenSent::begin(context, conn, Opener::Theirs),
            Event::Connected(conn) => {
                // The call was given up before it was answered.
                context.close(conn);
                State::Active(self)
            }
            Event::Tick if self.retry.is_some_and(|retry| retry <= context.now) => {
                State::Connect(Connect::call(context))
            }
            Event::Reachable if self.retry.is_some() => State::Connect(Connect::call(context)),
            Event::Start
            | Event::Tick
            | Event::ConnectFailed(_)
            | Event::Message(..)
            | Event::Fault(..)
            | Event::Closed(..)
            | Event::SendQueue(..)
            | Event::PrefixCount(..)
            | Event::OutOfResources(_)
            | Event::RequestRefresh(_)
            | Event::Reachable => State::Active(self),
        }
    }
}
