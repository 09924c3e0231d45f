//! Events: everything that can happen to the router, as one closed list of plain data.
//!
//! An event never carries a socket, a callback or a clock; its time stands beside it in `Moment`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::effect::DumpFile;
use crate::plan::Held;
use api::request::Request;
use api::{ApiError, Level};
use bgp::session::ConnId;
use bgp_wire::DecodeError;
use bgp_wire::message::Message;
use rib::fib::{KernelFib, Refused};
use rib::world::{Snapshot, WorldEvent};
use rpki::client::{Status, Synchronized};

/// When something happened: the monotonic clock for timers, the wall clock for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time.
    pub instant: Instant,
    /// Seconds since the Unix epoch.
    pub unix: u64,
}

/// A shell or another program at the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// One request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId {
    /// Who asked.
    pub client: ClientId,
    /// The number that the client gave to the request.
    pub id: u64,
}

/// Numbers the steps of commits; an answer to an older step is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u64);

/// Who is on the other end of the control socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, from the peer credentials of the socket.
    pub user: String,
    /// How the user came: `cli`, `api`.
    pub via: String,
    /// The terminal that the user sits at, where it is known.
    pub tty: Option<String>,
    /// What the user may do.
    pub level: Level,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {}", self.user, self.via)?;
        self.tty.as_ref().map_or(Ok(()), |tty| write!(f, " on {tty}"))
    }
}

/// Where the configuration was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedAs {
    /// The file.
    pub path: String,
    /// Where the file that was there before is kept, if that was asked for.
    pub former: Option<String>,
}

/// What an RPKI cache is heard of.
#[derive(Clone, Debug)]
pub enum CacheNews {
    /// A response of it is complete.
    Synchronized(Box<Synchronized>),
    /// What it said counts no more.
    Flush,
    /// How it stands with it.
    Status(Status),
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// A deadline may have passed.
    Tick,
    /// A client asks for something.
    Ask(AskId, Caller, Request),
    /// A client is gone.
    Left(ClientId),
    /// The kernel changed.
    World(Vec<WorldEvent>),
    /// A full picture, asked for with `Effect::Snapshot`.
    Snapshot(Box<Snapshot>),
    /// What the kernel has of ours, asked for with `Effect::Audit`.
    Audited(Box<KernelFib>),
    /// The writer is done with a batch; these changes were refused.
    FibDone(Vec<Refused>),
    /// The changes of one `Effect::Repair` are made, but for those that the kernel refused.
    Repaired(Vec<Refused>),
    /// A step of a commit is done, or why it could not be.
    StepDone(StepId, Result<(), String>),
    /// What an earlier life of the daemon has changed of the system and not given back, asked for with
    /// `Effect::AskHeld`; or why nobody tells.
    Held(Result<Held, String>),
    /// The journal record is durable, or why it is not.
    Journaled(Result<(), String>),
    /// The active configuration is kept, or cannot be, which the rim has told.
    Remembered,
    /// The configuration is saved, or why it is not.
    Saved(Result<SavedAs, ApiError>),
    /// So many octets for a dump file are written, or why they, or the file, are not.
    Dumped(DumpFile, usize, Result<(), String>),
    /// An outgoing connection is open, from this local address.
    Connected(ConnId, SocketAddr),
    /// An outgoing connection could not be opened.
    ConnectFailed(ConnId, String),
    /// A peer opened a connection.
    Accepted {
        /// Its number, given by the rim.
        conn: ConnId,
        /// Our end.
        local: SocketAddr,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// A router advertised itself on a link.
    Router {
        /// The link.
        ifindex: u32,
        /// Its link-local address.
        address: IpAddr,
    },
    /// Somebody asks on a link which routers there are.
    Solicited {
        /// The link.
        ifindex: u32,
    },
    /// Octets arrived.
    Bytes(ConnId, Vec<u8>),
    /// What arrived was decoded already, as `Effect::Decode` asked for; in its order behind whole messages of octets.
    Messages(ConnId, Vec<Result<Message, DecodeError>>),
    /// The connection is gone: `None` for an orderly end.
    Closed(ConnId, Option<String>),
    /// Octets that still wait to be written.
    SendQueue(ConnId, usize),
    /// An RPKI cache that was to be asked is heard of.
    Cache(IpAddr, CacheNews),
    /// Sessions of BFD changed their state.
    Paths(Vec<(bfd::Key, bfd::Change)>),
    /// Somebody who is asked answers, or does not any more.
    Health(Vec<(bfd::liveness::Target, bfd::liveness::Health)>),
    /// Services on nodes are well, or not any more, by the marks that they are asked under.
    Checked(Vec<(u32, bfd::check::Verdict)>),
    /// What the balancer was to do stands in the kernel; or why not, in words, and the former state holds.
    Balanced(Result<(), String>),
    /// Packets of the balancer, for those who watch them, and how many were left out because they were too many.
    Captured(Vec<api::watch::CapturedPacket>, u64),
    /// Octets of the machine's memory that the process has; `None` where the system does not tell.
    Memory(Option<u64>),
    /// The process was asked to end.
    Terminate,
}
