//! The chapters of the report, each a scene of its own and a few figures.
//!
//! A chapter never depends on another one.

mod commit;
mod configuration;
mod death;
mod policy;
mod restart;
mod scale;
mod scene;
mod service;
mod session;
mod start;

use anyhow::Result;

use crate::report::Report;

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
    /// Runs for each number of routes.
    scale: &'static [(u32, usize)],
}

impl Effort {
    /// For `make bench`: some minutes.
    pub(crate) const FULL: Self =
        Self { short: 31, long: 5, services: &[10_000, 100_000], scale: &[(100_000, 3), (500_000, 3)] };
    /// For `make bench-quick`: less than a minute.
    pub(crate) const QUICK: Self = Self { short: 11, long: 1, services: &[10_000], scale: &[(100_000, 1)] };
}

/// What measures a chapter and adds its figures.
type Chapter = fn(&Effort, &mut Report) -> Result<()>;

/// The chapters by name, in the order of the report.
pub(crate) const ALL: &[(&str, Chapter)] = &[
    ("start", start::measure),
    ("session", session::measure),
    ("service", service::measure),
    ("death", death::measure),
    ("commit", commit::measure),
    ("configuration", configuration::measure),
    ("policy", policy::measure),
    ("restart", restart::measure),
    ("scale", scale::measure),
];
