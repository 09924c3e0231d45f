//! One peer's full table to one receiver, and its withdrawal; and how fast the harness itself is.
//!
//! It never touches the kernel's routes.

use std::time::Duration;

use anyhow::Result;

use super::Effort;
use super::contest::{Work, contest};
use crate::daemons::Kind;
use crate::report::Report;

const CHAPTER: &str = "convergence";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let work = Work {
        senders: 1,
        routes: effort.table,
        receivers: 1,
        reflects: false,
        withdraws: true,
        patience: Duration::from_secs(180),
    };
    contest(CHAPTER, &work, &effort.entrants(&[Kind::Wire]), report)
}
