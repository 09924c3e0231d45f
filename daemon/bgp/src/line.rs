//! One TCP connection of a session: who opened it, and the octets not yet understood.
//!
//! Never opens or closes anything; the name of the connection is all that it has.

use bgp_wire::Negotiated as Codec;
use bgp_wire::error::DecodeError;
use bgp_wire::header;
use bgp_wire::message::Message;

use crate::collision::Opener;
use crate::session::ConnId;

/// A connection, and what came over it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) conn: ConnId,
    pub(crate) opener: Opener,
    received: Vec<u8>,
    /// Octets of `received` that are understood already; they go with the next `receive`.
    understood: usize,
}

impl Line {
    pub(crate) fn new(conn: ConnId, opener: Opener) -> Self {
        Self { conn, opener, received: Vec::new(), understood: 0 }
    }

    /// Takes in what arrived.
    pub(crate) fn receive(&mut self, octets: &[u8]) {
        self.received.drain(..self.understood.min(self.received.len()));
        self.understood = 0;
        self.received.extend_from_slice(octets);
    }

    /// Octets that are not understood yet.
    pub(crate) fn pending(&self) -> usize {
        self.received.len().saturating_sub(self.understood)
    }

    /// The next whole message, if there is one; what is left waits for more octets.
    pub(crate) fn next_message(&mut self, codec: &Codec) -> Option<Result<Message, DecodeError>> {
        let rest = self.received.get(self.understood..).unwrap_or_default();
        let length = match header::frame(rest, codec.max_message()) {
            Ok(None) => return None,
            Ok(Some(length)) => length,
            Err(error) => return Some(Err(error)),
        };
        let decoded = Message::decode(rest.get(..length)?, codec);
        self.understood = self.understood.saturating_add(length);
        if self.understood == self.received.len() {
            self.received = Vec::new();
            self.understood = 0;
        }
        Some(decoded)
    }
}
