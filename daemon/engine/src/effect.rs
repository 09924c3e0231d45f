//! Effects: everything that the engine wants done, as plain data; the results come back as events.
//!
//! An effect never does anything by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use api::reply::Reply;
use api::request::HeldPacket;
use api::view::{Balancer, BfdPeers};
use api::watch::WantedPackets;
use api::{Flush, Machine, View};
use bgp::reception::Codec;
use bgp::session::ConnId;
use bpf_tables::wish::Wish;
use config::model::key_chain::Secret;
use config::store::JournalRecord;
use nouns::{Family, IfName, Revision};
use rib::fib::FibChange;

use crate::event::{AskId, StepId};
use crate::paths::Watched;
use crate::plan::Step;
use crate::validation::CacheTarget;

/// A flow that a person asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedFlow {
    /// The client.
    pub source: IpAddr,
    /// Its port.
    pub source_port: u16,
    /// The service.
    pub destination: IpAddr,
    /// Its port.
    pub destination_port: u16,
    /// The number of the protocol.
    pub protocol: u8,
}

/// Which of the flows that are remembered a person asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedFlows {
    /// Only those of this service.
    pub service: Option<String>,
    /// Only those that this node has.
    pub node: Option<IpAddr>,
    /// Only those of this client.
    pub client: Option<IpAddr>,
}

/// What the rim shall do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a TCP connection.
    Connect(ConnId, Target),
    /// Set the options of a connection: of an accepted one before anything is sent on it, or while it goes on.
    Adjust(ConnId, SocketOptions),
    /// Decode what the peer says from its next message on, so that it comes as `Event::Messages`. Whoever goes on giving
    /// octets does no harm.
    Decode(ConnId, Box<Codec>),
    /// Tell all nodes of a link that a router is there, which is nobody's default router (RFC 4861 §6.2).
    Advertise {
        /// The link.
        ifindex: u32,
        /// Its hardware address.
        mac: Vec<u8>,
        /// Its MTU.
        mtu: u32,
    },
    /// Write octets, which may go to other connections, too.
    Send(ConnId, Arc<Vec<u8>>),
    /// Close once everything that was sent is written; also gives up an attempt to connect.
    Close(ConnId),
    /// Ask an RPKI cache from now on, anew where it is asked already; `None`: no longer. What it says comes as
    /// `Event::Cache`.
    AskCache(IpAddr, Option<CacheTarget>),
    /// Change the kernel's forwarding table, in this order; answered by `Event::FibDone`.
    Fib(Vec<FibChange>),
    /// Change groups of next hops at once, ahead of every `Fib` that waits; answered by `Event::Repaired`.
    Repair(Vec<FibChange>),
    /// Watch these paths and no others; what becomes of them comes as `Event::Paths`.
    WatchPaths(Watched),
    /// Ask these whether they live, and no others; what becomes of them comes as `Event::Health`.
    Probe(bfd::liveness::Wishes),
    /// Ask these services on their nodes whether they work, and no others; what becomes of them comes as `Event::Checked`.
    Check(bfd::check::Wishes),
    /// Balance this and nothing else; what the kernel says to it comes as `Event::Balanced`.
    Balance(Box<Wish>),
    /// Capture these packets of the balancer and perhaps others, or none any longer; they come as `Event::Captured`.
    Capture(Option<WantedPackets>),
    /// Carry out a step of a commit; answered by `Event::StepDone`.
    Step(StepId, Step),
    /// Tell what an earlier life of the daemon has changed of the system and not given back, behind all steps so far;
    /// answered by `Event::Held`.
    AskHeld,
    /// Make a journal record durable; answered by `Event::Journaled`.
    Journal(JournalRecord),
    /// Keep the active configuration, so that a daemon that crashed comes back with it; answered by
    /// `Event::Remembered`.
    Remember {
        /// Its revision.
        revision: Revision,
        /// Its text.
        text: String,
    },
    /// Write the file that the daemon starts with; answered by `Event::Saved`.
    Save {
        /// Its revision.
        revision: Revision,
        /// What.
        text: String,
        /// Keep the file that is there beside the new one: parts of it were left out at the start.
        keep_former: bool,
    },
    /// Read something that only the rim has, then answer the client.
    Recall(AskId, Recall),
    /// Forget something of the kernel's, then answer the client.
    Flush(AskId, Flush),
    /// Tell how much memory the process has; answered by `Event::Memory`.
    MeasureMemory {
        /// First give back to the system what is free, which takes a moment.
        give_back: bool,
    },
    /// Write into a dump file; what is written is answered by `Event::Dumped`, what cannot be, and the end, with no octets.
    Dump(DumpFile, Writing),
    /// Answer a client.
    Answer(AskId, Reply),
    /// Tell the operator.
    Notice(Notice),
    /// Tell of links of these names at once, whatever other links come and go.
    Heed(BTreeSet<IfName>),
    /// Take a full picture of the kernel; answered by `Event::Snapshot`.
    Snapshot,
    /// Read what the kernel has of ours; answered by `Event::Audited`.
    Audit,
    /// End the process: every connection is closed without a NOTIFICATION, routes stay in the kernel.
    Exit,
}

/// Dump files of one kind; one is open at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DumpFile {
    /// `dump table`
    Table,
    /// `dump updates`
    Updates,
    /// `dump bgp table`: once, because a person asked for it.
    Once,
}

impl fmt::Display for DumpFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table | Self::Once => "table",
            Self::Updates => "updates",
        })
    }
}

/// What is done to a dump file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Begin the one of this name.
    Open(String),
    /// Write this behind the rest.
    Octets(Vec<u8>),
    /// It is whole.
    Close,
}

/// What only the rim can read.
#[derive(Clone, Debug, PartialEq)]
pub enum Recall {
    /// The saved configuration.
    Saved {
        /// The active revision.
        revision: Revision,
        /// Whether the active configuration differs from the saved one.
        unsaved: bool,
        /// For somebody who may not see secrets.
        masked: bool,
    },
    /// The newest revisions.
    Revisions {
        /// At most so many.
        limit: u16,
    },
    /// One revision's text.
    Revision {
        /// Which.
        revision: Revision,
        /// Without its secrets.
        masked: bool,
    },
    /// What only the machine knows.
    Machine(Machine),
    /// Hosts on links.
    Neighbors {
        /// Of the addresses.
        family: Family,
        /// Only those on this link.
        interface: Option<IfName>,
    },
    /// One of the kernel's routing tables.
    KernelRoutes {
        /// Of the routes.
        family: Family,
        /// The kernel's number of the table.
        table: u32,
    },
    /// What the maps of the kernel say of the services and backends that this view lists, and perhaps of flows.
    Balancer(Box<Balancer>, Option<WantedFlows>),
    /// What becomes of a packet of this flow.
    Explain(AskedFlow),
    /// What becomes of these packets, and whether there are more.
    Trace(Vec<HeldPacket>, bool),
    /// How the sessions of BFD are that this view lists.
    BfdPeers(Box<BfdPeers>),
    /// What is missing in this view: counters of interfaces, the machine's kind and uptime.
    Complete(Box<View>),
}

/// Where and how to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The peer.
    pub remote: SocketAddr,
    /// The local address, if one is configured.
    pub source: Option<IpAddr>,
    /// The interface whose address is the source, if one is configured.
    pub source_interface: Option<IfName>,
    /// The interface of a link-local peer.
    pub scope: Option<u32>,
    /// Options that have to be there before the first segment.
    pub options: SocketOptions,
    /// What the connection is signed with.
    pub secret: Option<Secret>,
    /// Seconds until the attempt is given up.
    pub timeout: u16,
}

/// Options of a BGP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// The TTL or hop limit of what we send; `None` leaves the system's.
    pub ttl: Option<u8>,
    /// The least TTL of what we accept (RFC 5082).
    pub minimum_ttl: Option<u8>,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look into the details.
    Debug,
    /// What happened.
    Info,
    /// What somebody should act upon.
    Warning,
    /// What does not work.
    Error,
}

/// A line of the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How loud.
    pub level: Level,
    /// One sentence, without a full stop.
    pub text: String,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl Notice {
    /// Something happened.
    pub fn info(text: impl Into<String>) -> Self {
        Self { level: Level::Info, text: text.into() }
    }

    /// Somebody should act.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into() }
    }

    /// Something does not work.
    pub fn error(text: impl Into<String>) -> Self {
        Self { level: Level::Error, text: text.into() }
    }
}
