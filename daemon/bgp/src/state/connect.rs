//! Connect: the peer is being called.
//!
//! Never turns a caller away: whoever of both is first has the session.

use std::time::Instant;

use super::{Active, Afterwards, Event, OpenSent, State};
use crate::collision::Opener;
use crate::session::{Context, Output};

/// A call that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// When to call anew (ConnectRetryTimer).
    pub(crate) until: Instant,
}

/// RFC 4271 §8.2.2 Connect.
#[derive(Debug)]
pub(crate) struct Connect {
    call: Call,
}

impl Connect {
    /// Calls the peer.
    pub(crate) fn call(context: &mut Context<'_>) -> Self {
        context.push(Output::Connect);
        Self { call: Call { until: context.connect_retry() } }
    }

    /// Goes on with a call that was made before.
    pub(crate) fn calling(context: &Context<'_>, call: Call) -> Self {
        Self { call: Call { until: call.until.max(context.now) } }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.call.until
    }

    fn call_anew(self, context: &mut Context<'_>) -> State {
        context.push(Output::CancelConnect);
        State::Connect(Self::call(context))
    }

    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Stop(_) => give_up(context, Afterwards::Stopped),
            Event::Reset(_) => give_up(context, Afterwards::Again),
            Event::Connected(conn) => OpenSent::begin(context, conn, Opener::Ours),
            Event::ConnectFailed(why) => {
                context.call_failed(why);
                State::Active(Active::retrying(context))
            }
            Event::Accepted(conn) => OpenSent::begin_beside(context, conn, self.call),
            // What was sent to where the peer was not is sent again only after longer and longer pauses.
            Event::Reachable => self.call_anew(context),
            Event::Tick if self.call.until <= context.now => self.call_anew(context),
            Event::Start
            | Event::Tick
            | Event::Message(..)
            | Event::Fault(..)
            | Event::Closed(..)
            | Event::SendQueue(..)
            | Event::PrefixCount(..)
            | Event::OutOfResources(_)
            | Event::RequestRefresh(_) => State::Connect(self),
        }
    }
}

fn give_up(context: &mut Context<'_>, afterwards: Afterwards) -> State {
    context.push(Output::CancelConnect);
    afterwards.begin(context)
}
