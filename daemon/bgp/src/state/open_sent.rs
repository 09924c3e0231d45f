//! OpenSent: our OPEN is out, on one connection or on two, and the peer's is awaited.
//!
//! Never decides between two connections: that needs the peer's OPEN, and is OpenConfirm's.

use std::time::Instant;

use bgp_wire::message::{Message, Open};
use bgp_wire::notification::{Notification, Reason};

use super::connect::Call;
use super::{Active, Afterwards, Connect, Event, OpenConfirm, Opening, State, rest};
use crate::cease;
use crate::collision::Opener;
use crate::negotiate::negotiate;
use crate::session::{ConnId, Context, Kept, Output, StopReason};

/// RFC 4271 §8.2.2 OpenSent.
#[derive(Debug)]
pub(crate) struct OpenSent {
    opening: Opening,
    /// A second connection, always opened by the other side.
    rival: Option<Opening>,
    /// Our own call, if it was under way when the peer's connection came.
    call: Option<Call>,
}

/// How a connection was lost before it became a session.
enum Loss {
    /// The peer closed it or it broke: look for the peer again (RFC 4271 §8.2.2, event 18).
    Closed(String),
    /// One side found fault: rest first.
    Fault(String),
}

impl OpenSent {
    /// Sends our OPEN over the only connection.
    pub(crate) fn begin(context: &mut Context<'_>, conn: ConnId, opener: Opener) -> State {
        State::OpenSent(Self { opening: Opening::begin(context, conn, opener), rival: None, call: None })
    }

    /// Sends our OPEN over the peer's connection while our own call goes on.
    pub(crate) fn begin_beside(context: &mut Context<'_>, conn: ConnId, call: Call) -> State {
        let opening = Opening::begin(context, conn, Opener::Theirs);
        State::OpenSent(Self { opening, rival: None, call: Some(call) })
    }

    /// Goes on with a connection on which our OPEN was sent before.
    pub(crate) fn with(opening: Opening) -> State {
        State::OpenSent(Self { opening, rival: None, call: None })
    }

    pub(crate) fn deadline(&self) -> Instant {
        let rival = self.rival.as_ref().map_or(self.opening.give_up, |rival| rival.give_up);
        self.opening.give_up.min(rival)
    }

    pub(crate) fn receive(&mut self, conn: ConnId, octets: &[u8]) {
        self.opening.receive(conn, octets);
        if let Some(rival) = &mut self.rival {
            rival.receive(conn, octets);
        }
    }

    pub(crate) fn next_received(&mut self) -> Option<Event> {
        self.opening.next_received().or_else(|| self.rival.as_mut()?.next_received())
    }

    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Stop(reason) => self.end(context, &reason, Afterwards::Stopped),
            Event::Reset(reason) => self.end(context, &reason, Afterwards::Again),
            Event::Connected(conn) => self.connected(context, conn),
            Event::ConnectFailed(_) => State::OpenSent(Self { call: None, ..self }),
            Event::Accepted(conn) => {
                let newcomer = Opening::begin(context, conn, Opener::Theirs);
                self.admit(context, newcomer)
            }
            Event::Message(conn, Message::Open(open)) => self.open(context, conn, &open),
            Event::Message(conn, Message::Notification(notification)) => {
                context.close(conn);
                self.lose(context, conn, Loss::Fault(format!("Notification received: {notification}")))
            }
            Event::Message(conn, _) => {
                self.refuse(context, conn, Notification::new(Reason::UnexpectedInOpenSent), "an OPEN was expected")
            }
            Event::Fault(conn, error) => self.refuse(context, conn, Notification::from(&error), &error.to_string()),
            Event::Closed(conn, why) => self.lose(context, conn, Loss::Closed(super::closed(why))),
            Event::Tick => self.tick(context),
            Event::Start
            | Event::SendQueue(..)
            | Event::PrefixCount(..)
            | Event::OutOfResources(_)
            | Event::RequestRefresh(_)
            | Event::Reachable => State::OpenSent(self),
        }
    }

    fn end(self, context: &mut Context<'_>, reason: &StopReason, afterwards: Afterwards) -> State {
        for opening in [Some(self.opening), self.rival].into_iter().flatten() {
            super::dismiss(context, opening.conn(), reason, false);
        }
        if self.call.is_some() {
            context.push(Output::CancelConnect);
        }
        context.down(cease::words(reason), false, Kept::default());
        afterwards.begin(context)
    }

    fn connected(self, context: &mut Context<'_>, conn: ConnId) -> State {
        if self.call.is_none() {
            context.close(conn);
            return State::OpenSent(self);
        }
        let newcomer = Opening::begin(context, conn, Opener::Ours);
        Self { call: None, ..self }.admit(context, newcomer)
    }

    /// A second connection runs beside the first. Two by the same side cannot both be alive: the newer is.
    fn admit(mut self, context: &mut Context<'_>, newcomer: Opening) -> State {
        if self.opening.line.opener == newcomer.line.opener {
            context.close(self.opening.conn());
            self.opening = newcomer;
        } else if let Some(older) = self.rival.replace(newcomer) {
            context.close(older.conn());
        }
        State::OpenSent(self)
    }

    fn open(self, context: &mut Context<'_>, conn: ConnId, open: &Open) -> State {
        let negotiated = match negotiate(context.config, open) {
            Ok(negotiated) => negotiated,
            Err(refusal) => {
                context.warn(refusal.text.clone());
                return self.refuse(context, conn, refusal.notification, &refusal.text);
            }
        };
        if self.call.is_some() {
            // The peer is here; a call that is not answered by now would only collide.
            context.push(Output::CancelConnect);
        }
        let (chosen, rival) = match self.rival {
            Some(rival) if rival.conn() == conn => (rival, Some(self.opening)),
            rival => (self.opening, rival),
        };
        OpenConfirm::begin(context, chosen.line, negotiated, rival)
    }

    fn tick(self, context: &mut Context<'_>) -> State {
        let late = [Some(&self.opening), self.rival.as_ref()];
        let late = late.into_iter().flatten().find(|opening| opening.give_up <= context.now).map(Opening::conn);
        match late {
            Some(conn) => {
                self.refuse(context, conn, Notification::new(Reason::HoldTimerExpired), "no OPEN came within 240 s")
            }
            None => State::OpenSent(self),
        }
    }

    fn refuse(self, context: &mut Context<'_>, conn: ConnId, notification: Notification, why: &str) -> State {
        let reason = format!("Notification sent: {notification} ({why})");
        context.notify(conn, notification);
        self.lose(context, conn, Loss::Fault(reason))
    }

    /// One connection is gone; what is left goes on.
    fn lose(self, context: &mut Context<'_>, conn: ConnId, loss: Loss) -> State {
        match self.rival {
            Some(rival) if rival.conn() == conn => State::OpenSent(Self { rival: None, ..self }),
            rival if self.opening.conn() != conn => State::OpenSent(Self { rival, ..self }),
            Some(rival) => State::OpenSent(Self { opening: rival, rival: None, call: self.call }),
            None => Self::alone(context, self.call, loss),
        }
    }

    /// No connection is left.
    fn alone(context: &mut Context<'_>, call: Option<Call>, loss: Loss) -> State {
        match (loss, call) {
            (Loss::Closed(reason), Some(call)) => {
                context.down(reason, false, Kept::default());
                State::Connect(Connect::calling(context, call))
            }
            (Loss::Closed(reason), None) => {
                context.down(reason, false, Kept::default());
                State::Active(Active::retrying(context))
            }
            (Loss::Fault(reason), call) => {
                if call.is_some() {
                    context.push(Output::CancelConnect);
                }
                context.down(reason, false, Kept::default());
                rest(context)
            }
        }
    }
}
