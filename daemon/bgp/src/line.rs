//! One TCP connection of a session: who opened it, and the octets not yet understood.
//!
//! Never opens or closes anything; the name of the connection is all that it has.

use std::collections::VecDeque;

use bgp_wire::Negotiated as Codec;
use bgp_wire::error::DecodeError;
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
    /// What was decoded before it came here; behind the octets.
    decoded: VecDeque<Result<Message, DecodeError>>,
    /// The peer's OPEN as it came, once it has.
    open: Vec<u8>,
}

impl Line {
    pub(crate) fn new(conn: ConnId, opener: Opener) -> Self {
        Self { conn, opener, received: Vec::new(), understood: 0, decoded: VecDeque::new(), open: Vec::new() }
    }

    /// Takes in what arrived.
    pub(crate) fn receive(&mut self, octets: &[u8]) {
        self.received.drain(..self.understood.min(self.received.len()));
        self.understood = 0;
        self.received.extend_from_slice(octets);
    }

    /// Takes in what was decoded already.
    pub(crate) fn receive_decoded(&mut self, messages: Vec<Result<Message, DecodeError>>) {
        if self.decoded.is_empty() {
            self.decoded = messages.into();
        } else {
            self.decoded.extend(messages);
        }
    }

    /// Octets that are not understood yet.
    pub(crate) fn pending(&self) -> usize {
        self.received.len().saturating_sub(self.understood)
    }

    /// The octets of the peer's OPEN; none before it came.
    pub(crate) fn open(&self) -> &[u8] {
        &self.open
    }

    /// The next whole message, if there is one; what is left waits for more octets.
    pub(crate) fn next_message(&mut self, codec: &Codec) -> Option<Result<Message, DecodeError>> {
        let rest = self.received.get(self.understood..).unwrap_or_default();
        let (message, length) = match Message::decode_first(rest, codec) {
            Ok(None) => return self.decoded.pop_front(),
            Ok(Some(first)) => first,
            Err(error) => return Some(Err(error)),
        };
        if matches!(message, Message::Open(_)) {
            self.open = rest.get(..length).unwrap_or_default().to_vec();
        }
        self.understood = self.understood.saturating_add(length);
        if self.understood == self.received.len() {
            self.received = Vec::new();
            self.understood = 0;
        }
        Some(Ok(message))
    }
}
