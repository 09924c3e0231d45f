//! OpenConfirm: OPENs are exchanged and agreed on, the peer's KEEPALIVE is awaited.
//!
//! Never lets two connections pass: here a collision is decided (RFC 4271 §6.8).

use std::time::Instant;

use bgp_wire::message::{Message, Open};
use bgp_wire::notification::{Notification, Reason};

use super::timers::Timers;
use super::{Afterwards, Established, Event, OpenSent, Opening, State, opening, rest};
use crate::cease;
use crate::collision::{Opener, Speaker, survivor};
use crate::line::Line;
use crate::negotiate::negotiate;
use crate::session::{ConnId, Context, Kept, Negotiated, StopReason};

/// RFC 4271 §8.2.2 OpenConfirm.
#[derive(Debug)]
pub(crate) struct OpenConfirm {
    line: Line,
    negotiated: Box<Negotiated>,
    /// `None` when the negotiated hold time is zero.
    timers: Option<Timers>,
    /// A second connection, opened by the other side, whose OPEN has not come.
    rival: Option<Opening>,
}

impl OpenConfirm {
    /// Confirms the peer's OPEN.
    pub(crate) fn begin(
        context: &mut Context<'_>,
        line: Line,
        negotiated: Negotiated,
        rival: Option<Opening>,
    ) -> State {
        context.send_keepalive(line.conn);
        let timers = Timers::start(context, &negotiated);
        State::OpenConfirm(Self { line, negotiated: Box::new(negotiated), timers, rival })
    }

    /// Keepalives go at the interval of the configuration from now on.
    pub(crate) fn change_interval(&mut self, context: &mut Context<'_>) {
        Timers::change_interval(&mut self.timers, &mut self.negotiated, context);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let timers = self.timers.as_ref().map(Timers::deadline);
        [timers, self.rival.as_ref().map(|rival| rival.give_up)].into_iter().flatten().min()
    }

    pub(crate) fn receive(&mut self, now: Instant, conn: ConnId, octets: &[u8]) {
        if self.line.conn == conn {
            self.line.receive(octets);
            if let Some(timers) = &mut self.timers {
                timers.heard(now);
            }
        } else if let Some(rival) = &mut self.rival {
            rival.receive(conn, octets);
        }
    }

    pub(crate) fn next_received(&mut self) -> Option<Event> {
        opening::next_received(&mut self.line, &self.negotiated.codec).or_else(|| self.rival.as_mut()?.next_received())
    }

    pub(crate) fn handle(self, context: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Stop(reason) => self.end(context, &reason, Afterwards::Stopped),
            Event::Reset(reason) => self.end(context, &reason, Afterwards::Again),
            Event::Connected(conn) => {
                // The call was given up before it was answered.
                context.close(conn);
                State::OpenConfirm(self)
            }
            Event::Accepted(conn) => self.accepted(context, conn),
            Event::Message(conn, message) if conn == self.line.conn => self.message(context, message),
            Event::Message(_, Message::Open(open)) => self.rival_open(context, &open),
            Event::Message(conn, Message::Notification(_)) => {
                context.close(conn);
                State::OpenConfirm(Self { rival: None, ..self })
            }
            Event::Message(conn, _) => self.refuse(context, conn, Notification::new(Reason::UnexpectedInOpenSent), ""),
            Event::Fault(conn, error) => self.refuse(context, conn, Notification::from(&error), &error.to_string()),
            Event::Closed(conn, why) => self.lose(context, conn, super::closed(why)),
            Event::Tick => self.tick(context),
            Event::Start
            | Event::ConnectFailed(_)
            | Event::SendQueue(..)
            | Event::PrefixCount(..)
            | Event::OutOfResources(_)
            | Event::RequestRefresh(_)
            | Event::Reachable => State::OpenConfirm(self),
        }
    }

    fn end(self, context: &mut Context<'_>, reason: &StopReason, afterwards: Afterwards) -> State {
        for conn in [Some(self.line.conn), self.rival.map(|rival| rival.conn())].into_iter().flatten() {
            super::dismiss(context, conn, reason, false);
        }
        context.down(cease::words(reason), false, Kept::default());
        afterwards.begin(context)
    }

    fn accepted(self, context: &mut Context<'_>, conn: ConnId) -> State {
        let newcomer = Opening::begin(context, conn, Opener::Theirs);
        if self.line.opener == Opener::Theirs {
            // The peer opens one connection at a time: the older one is of a peer that has gone.
            context.close(self.line.conn);
            return OpenSent::with(newcomer);
        }
        if let Some(older) = &self.rival {
            context.close(older.conn());
        }
        State::OpenConfirm(Self { rival: Some(newcomer), ..self })
    }

    fn message(self, context: &mut Context<'_>, message: Message) -> State {
        let conn = self.line.conn;
        match message {
            Message::Keepalive => {
                let rival = self.rival;
                Established::begin(context, self.line, self.negotiated, self.timers, rival)
            }
            Message::Notification(notification) => {
                context.close(conn);
                self.lose(context, conn, format!("Notification received: {notification}"))
            }
            Message::Open(_) | Message::Update(_) | Message::RouteRefresh(_) => self.refuse(
                context,
                conn,
                Notification::new(Reason::UnexpectedInOpenConfirm),
                "a KEEPALIVE was expected",
            ),
        }
    }

    /// The second OPEN came: the connection of the speaker with the higher identifier stays.
    fn rival_open(mut self, context: &mut Context<'_>, open: &Open) -> State {
        let Some(rival) = self.rival.take() else { return State::OpenConfirm(self) };
        let negotiated = match negotiate(context.config, open) {
            Ok(negotiated) => negotiated,
            Err(refusal) => {
                context.warn(refusal.text);
                context.notify(rival.conn(), refusal.notification);
                return State::OpenConfirm(self);
            }
        };
        let local = Speaker { router_id: context.config.router_id, asn: context.config.local_as };
        let remote = Speaker { router_id: open.router_id, asn: open.asn };
        if survivor(local, remote) == rival.line.opener {
            context.notify(self.line.conn, cease::collision());
            Self::begin(context, rival.line, negotiated, None)
        } else {
            context.notify(rival.conn(), cease::collision());
            State::OpenConfirm(self)
        }
    }

    fn tick(mut self, context: &mut Context<'_>) -> State {
        if let Some(timers) = &mut self.timers {
            if timers.hold <= context.now {
                let conn = self.line.conn;
                return self.refuse(context, conn, Notification::new(Reason::HoldTimerExpired), "no KEEPALIVE came");
            }
            if timers.keepalive <= context.now {
                context.send_keepalive(self.line.conn);
                timers.spoke(context);
            }
        }
        if let Some(late) = self.rival.take_if(|rival| rival.give_up <= context.now) {
            context.notify(late.conn(), Notification::new(Reason::HoldTimerExpired));
        }
        State::OpenConfirm(self)
    }

    fn refuse(self, context: &mut Context<'_>, conn: ConnId, notification: Notification, why: &str) -> State {
        let reason = format!("Notification sent: {notification} ({why})");
        context.notify(conn, notification);
        self.lose(context, conn, reason)
    }

    /// One connection is gone; what is left goes on.
    fn lose(self, context: &mut Context<'_>, conn: ConnId, reason: String) -> State {
        match self.rival {
            Some(rival) if rival.conn() == conn => State::OpenConfirm(Self { rival: None, ..self }),
            rival if self.line.conn != conn => State::OpenConfirm(Self { rival, ..self }),
            Some(rival) => OpenSent::with(rival),
            None => {
                context.down(reason, false, Kept::default());
                rest(context)
            }
        }
    }
}
