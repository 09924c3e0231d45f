//! How fast daemons converge without a kernel: a full table of one peer, the same table of many, many peers' small tables
//! to many receivers, and a route reflector's clients.
//!
//! Converged means that every receiver has the best path of every route. It never touches the kernel's routes.

use std::time::Duration;

use anyhow::Result;

use super::Effort;
use super::contest::{Work, contest};
use crate::daemons::Kind;
use crate::feed::{Shape, files};
use crate::report::Report;

pub(super) const TABLE: Work = Work {
    shape: Shape::Table,
    senders: 1,
    routes: 1_000_000,
    receivers: 1,
    reflects: false,
    withdraws: true,
    patience: Duration::from_secs(180),
};

/// One peer's full table to one receiver, and its withdrawal; and how fast the harness itself is.
pub(super) fn table(effort: &Effort, report: &mut Report) -> Result<()> {
    let work = Work { routes: effort.table, ..TABLE };
    contest("convergence", &work, &effort.entrants(&[Kind::Wire]), report)
}

/// The Internet's table to one receiver, and its withdrawal.
pub(super) fn feed(effort: &Effort, report: &mut Report) -> Result<()> {
    let shape = if files().is_some() {
        Shape::Real
    } else {
        eprintln!("  the files of a real feed are not at ../shared/data: made-up routes take its place");
        Shape::Table
    };
    // A full feed has 1,042,000 routes that a daemon takes.
    let work = Work { shape, routes: effort.table / 1000 * 1042, ..TABLE };
    contest("feed", &work, &effort.entrants(&[]), report)
}

/// The same routes of ten peers, each with another path.
pub(super) fn peers(effort: &Effort, report: &mut Report) -> Result<()> {
    let work = Work { senders: 10, routes: effort.table / 2, withdraws: false, ..TABLE };
    contest("peers", &work, &effort.entrants(&[]), report)
}

/// Many peers, several receivers.
pub(super) fn fan(effort: &Effort, report: &mut Report) -> Result<()> {
    let work = Work { senders: 50, routes: effort.table / 100, receivers: 10, withdraws: false, ..TABLE };
    contest("fan", &work, &effort.entrants(&[]), report)
}

/// One client's routes to all others.
pub(super) fn reflector(effort: &Effort, report: &mut Report) -> Result<()> {
    let work = Work { routes: effort.table / 50, receivers: 199, reflects: true, withdraws: false, ..TABLE };
    contest("reflector", &work, &effort.entrants(&[]), report)
}
