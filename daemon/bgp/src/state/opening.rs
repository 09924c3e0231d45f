//! A connection on which our OPEN was sent and the peer's is awaited.
//!
//! Never a state by itself: OpenSent has one or two of them, later states may have one as a rival.

use std::time::{Duration, Instant};

use bgp_wire::{MAX_MESSAGE, Negotiated as Codec};

use super::Event;
use crate::collision::Opener;
use crate::line::Line;
use crate::session::{ConnId, Context};

/// The large hold time while the peer's OPEN is awaited (RFC 4271 §8.2.2 suggests 4 minutes).
const LARGE_HOLD_TIME: Duration = Duration::from_secs(240);

/// A connection that awaits the peer's OPEN.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) line: Line,
    /// When the peer has been silent for too long.
    pub(crate) give_up: Instant,
}

impl Opening {
    /// Sends our OPEN over a new connection.
    pub(crate) fn begin(context: &mut Context<'_>, conn: ConnId, opener: Opener) -> Self {
        context.send_open(conn);
        Self { line: Line::new(conn, opener), give_up: context.exactly_after(LARGE_HOLD_TIME) }
    }

    /// The same connection, with the whole time for the peer's OPEN before it.
    pub(crate) fn renewed(self, context: &Context<'_>) -> Self {
        Self { give_up: context.exactly_after(LARGE_HOLD_TIME), ..self }
    }

    pub(crate) fn conn(&self) -> ConnId {
        self.line.conn
    }

    /// Takes in octets. Before its OPEN is answered a peer has nothing else to say, so what exceeds a message is
    /// dropped: a connection that is not listened to yet must not fill the memory.
    pub(crate) fn receive(&mut self, conn: ConnId, octets: &[u8]) {
        if self.line.conn == conn && self.line.pending() <= MAX_MESSAGE {
            self.line.receive(octets);
        }
    }

    pub(crate) fn next_received(&mut self) -> Option<Event> {
        next_received(&mut self.line, &Codec::default())
    }
}

/// The next message of a connection as an event.
pub(crate) fn next_received(line: &mut Line, codec: &Codec) -> Option<Event> {
    let conn = line.conn;
    line.next_message(codec).map(|message| match message {
        Ok(message) => Event::Message(conn, message),
        Err(error) => Event::Fault(conn, error),
    })
}
