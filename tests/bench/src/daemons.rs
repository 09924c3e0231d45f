//! The routers that are compared, each in the router's namespace of the laboratory.
//!
//! A [`Job`] says what is wanted; each kind writes its own configuration from it. All get the same sessions and the same
//! job: everything is taken from everybody and told to everybody.
//!
//! It never tunes one daemon and leaves another at its defaults.

mod bird;
mod frr;
mod gobgp;
mod openbgpd;
mod towpath;

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use scenarios::lab::{Lab, Process};

use crate::swarm::Peer;
use crate::{relay, usage};

pub(crate) use towpath::{configuration, job as towpath_job, silent_neighbor, start as towpath};

/// The AS of the router.
pub(crate) const ASN: u32 = 64512;

/// Which router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No router: what the sender writes is passed on as it is. Nothing can be faster, and the harness is no slower.
    Wire,
    /// `towpathd`
    Towpath,
    /// `bird`
    Bird,
    /// `bgpd` of FRR, and `zebra` where the kernel is served
    Frr,
    /// `gobgpd`
    Gobgp,
    /// `bgpd` of `OpenBGPD`
    Openbgpd,
}

/// What a router has to do.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Its address on the peers' network, and its identifier.
    pub(crate) router: Ipv4Addr,
    /// Whom it has sessions with; they dial.
    pub(crate) peers: Vec<Peer>,
    /// Whether the peers are clients of a route reflector (RFC 4456).
    pub(crate) reflects: bool,
    /// Whether the routes go into the kernel.
    pub(crate) kernel: bool,
    /// How many equal paths of external peers share the traffic, where that is not left to the daemon.
    pub(crate) paths: Option<u8>,
}

/// A running router; dropped, its processes are killed.
#[derive(Debug)]
pub(crate) struct Daemon {
    processes: Vec<Process>,
}

impl Kind {
    /// As the report prints it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wire => "no daemon",
            Self::Towpath => "Towpath",
            Self::Bird => "BIRD",
            Self::Frr => "FRR",
            Self::Gobgp => "GoBGP",
            Self::Openbgpd => "OpenBGPD",
        }
    }

    /// What it puts before the path of an external peer; 0 for nothing.
    pub(crate) fn prepends(self) -> u32 {
        if self == Self::Wire { 0 } else { ASN }
    }

    /// Starts it; it may need a moment until it listens.
    pub(crate) fn start(self, lab: &Lab, job: &Job) -> Result<Daemon> {
        let processes = match self {
            Self::Wire => vec![relay::start(lab, job)?],
            Self::Towpath => vec![towpath(lab, &towpath_job(job))?.1],
            Self::Bird => vec![bird::start(lab, job)?],
            Self::Frr => frr::start(lab, job)?,
            Self::Gobgp => vec![gobgp::start(lab, job)?],
            Self::Openbgpd => vec![openbgpd::start(lab, job)?],
        };
        Ok(Daemon { processes })
    }
}

impl Daemon {
    /// A daemon that was started otherwise.
    pub(crate) fn of(process: Process) -> Self {
        Self { processes: vec![process] }
    }

    /// A process in the router's namespace, to look at the namespace through.
    pub(crate) fn process(&self) -> Result<u32> {
        Ok(self.processes.first().context("the daemon has no process")?.id())
    }

    /// CPU seconds of all processes.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        self.all()?.into_iter().map(usage::cpu_seconds).sum()
    }

    /// Peak resident memory of all processes in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.all()?.into_iter().map(usage::peak).sum()
    }

    /// Those that were started and those that they started.
    fn all(&self) -> Result<Vec<u32>> {
        usage::families(self.processes.iter().map(Process::id).collect())
    }

    /// Adds what a dead daemon said last to what went wrong.
    pub(crate) fn explain<T>(&mut self, done: Result<T>) -> Result<T> {
        let dead = self.processes.iter_mut().find_map(|process| (!process.is_running()).then(|| process.output()));
        match dead {
            Some(said) => done.with_context(|| format!("the daemon has ended and said: {}", said.trim())),
            None => done,
        }
    }
}
