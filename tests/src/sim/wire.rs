//! TCP as BGP sees it: octets in order or not at all, later when a segment is lost, and an end that may be silent.
//!
//! It never loses or reorders octets of a connection that lives: TCP would not either.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bgp::session::ConnId;

/// One connection, or the attempt at one.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    /// Who dialled, and who was dialled.
    pub(crate) ends: [End; 2],
    /// What is under way from each end to the other.
    pub(crate) ways: [Way; 2],
    pub(crate) stage: Stage,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Dialling,
    Open,
    Dead,
}

/// One end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) machine: usize,
    /// In which life of the daemon; a later daemon knows nothing of the connection.
    pub(crate) life: u64,
    pub(crate) conn: ConnId,
    pub(crate) address: SocketAddr,
    /// Whether the daemon still reads from it.
    pub(crate) open: bool,
}

/// One direction.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// When the last segment arrives; no later one overtakes it.
    pub(crate) last: Instant,
    /// What arrived while the network was cut, and is sent again once it is whole.
    pub(crate) held: VecDeque<Segment>,
}

/// What goes over a connection.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Octets(Vec<u8>),
    /// FIN, or RST with its words.
    End(Option<String>),
}
