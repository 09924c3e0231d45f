//! The chapters of the report, each a scene of its own and a few figures.
//!
//! A chapter never depends on another one.

mod balancer;
mod busy;
mod churn;
mod commit;
mod configuration;
mod connections;
mod contest;
mod convergence;
mod death;
mod detection;
mod growth;
mod inside;
mod kernel;
mod overrun;
mod parts;
mod policy;
mod restart;
mod scene;
mod service;
mod session;
mod start;

use anyhow::Result;

use crate::daemons::Kind;
use crate::report::Report;

pub(crate) use balancer::change::{ROLE as CHANGE, run as change};
pub(crate) use balancer::live::{ROLE as CHAIN, run as chain};
pub(crate) use growth::{ROLE as GROWTH, run as grow};
pub(crate) use start::{STOPWATCH, stopwatch};

/// How often everything is measured.
#[derive(Debug)]
pub(crate) struct Effort {
    /// Runs of what takes milliseconds.
    short: usize,
    /// Runs of what takes a second or so.
    long: usize,
    /// Services under which a node dies.
    services: &'static [u32],
    /// Services that 64 nodes announce, under which one of them dies.
    many_services: &'static [u32],
    /// Packets of each case of the balancer.
    packets: usize,
    /// Routes of a full table.
    table: u32,
    /// Rounds of a contest.
    pub(crate) rounds: usize,
    /// Whether the slow daemons take part, once each.
    slow: bool,
    /// The names of the daemons that take part in contests; empty for all.
    pub(crate) daemons: Vec<String>,
}

impl Effort {
    /// For `make bench`.
    pub(crate) fn full() -> Self {
        Self {
            short: 31,
            long: 5,
            services: &[10_000, 100_000],
            many_services: &[100_000, 1_000_000],
            packets: 200_000,
            table: 1_000_000,
            rounds: 5,
            slow: true,
            daemons: Vec::new(),
        }
    }

    /// For `make bench-quick`: a tenth of the routes.
    pub(crate) fn quick() -> Self {
        Self {
            short: 11,
            long: 1,
            services: &[10_000],
            many_services: &[10_000],
            packets: 20_000,
            table: 100_000,
            rounds: 1,
            slow: false,
            ..Self::full()
        }
    }

    /// The daemons of a contest and the runs of each, behind others that take part: FRR is slow, so that it runs less
    /// often, and GoBGP and OpenBGPD are slower.
    fn entrants(&self, others: &[Kind]) -> Vec<(Kind, usize)> {
        let fast = others.iter().chain(&[Kind::Towpath, Kind::Bird]).map(|kind| (*kind, self.rounds));
        let slow = [(Kind::Frr, self.rounds.min(2)), (Kind::Openbgpd, 1), (Kind::Gobgp, 1)];
        let all = fast.chain(slow.into_iter().filter(|_| self.slow || !self.daemons.is_empty()));
        let wanted = |kind: Kind| self.daemons.iter().any(|name| name.eq_ignore_ascii_case(kind.name()));
        all.filter(|(kind, _)| self.daemons.is_empty() || wanted(*kind)).collect()
    }
}

/// What measures a chapter and adds its figures.
type Chapter = fn(&Effort, &mut Report) -> Result<()>;

/// The chapters by name, in the order of the report.
pub(crate) const ALL: &[(&str, Chapter)] = &[
    ("start", start::measure),
    ("session", session::measure),
    ("service", service::measure),
    ("death", death::measure),
    ("detection", detection::measure),
    ("commit", commit::measure),
    ("configuration", configuration::measure),
    ("policy", policy::measure),
    ("restart", restart::measure),
    ("convergence", convergence::table),
    ("peers", convergence::peers),
    ("fan", convergence::fan),
    ("reflector", convergence::reflector),
    ("feed", convergence::feed),
    ("kernel", kernel::measure),
    ("overrun", overrun::measure),
    ("busy", busy::measure),
    ("reload", busy::reload),
    ("churn", churn::measure),
    ("growth", growth::measure),
    ("parts", parts::measure),
    ("balancer", balancer::measure),
    ("connections", connections::measure),
];
