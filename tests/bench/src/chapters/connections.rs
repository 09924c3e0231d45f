//! What becomes of 2,000 open TCP connections while nodes join, drain, leave and die; and where new ones go meanwhile.
//!
//! Real clients and nodes in namespaces, nodes speak BGP with BIRD. In the same run as a rival: BIRD on the router, and
//! Linux's own choice among next hops by addresses and ports (`fib_multipath_hash_policy=1`).
//!
//! It never counts what a dying node's own connections lose as another one's.

mod life;
mod rival;

use anyhow::Result;

use super::Effort;
use crate::report::{Column, Contest, Entrant, Report};
use life::{Contender, Figures};

const CHAPTER: &str = "connections";
/// How many nodes there are before one more joins.
const NODES: &[u8] = &[3, 4, 8, 16];
/// The contender that the goals are for.
const OURS: &str = "Towpath";
const RIVAL: &str = "BIRD and Linux";

const COLUMNS: &[Column] = &[
    Column { name: "joins: broken", unit: "", compared: false },
    Column { name: "first new connection there", unit: "ms", compared: false },
    Column { name: "its part a second later", unit: "%", compared: false },
    Column { name: "drains: broken", unit: "", compared: false },
    Column { name: "leaves: broken", unit: "", compared: false },
    Column { name: "dies: others' broken", unit: "", compared: false },
    Column { name: "dead → new ones elsewhere", unit: "ms", compared: false },
];

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let mut contest = Contest::new(
        CHAPTER,
        "2,000 open TCP connections: how many of nodes that live are broken or moved, and where new ones go",
        COLUMNS,
    );
    contest.measure = RIVAL;
    let counts = if effort.slow { NODES } else { NODES.get(..1).unwrap_or(NODES) };
    for count in counts {
        let mut ours = Entrant { name: format!("{OURS}, {count} nodes"), runs: Vec::new(), failure: None };
        let lived = life::live(Contender::towpath(*count)?, *count)?;
        ours.note(Ok(columns(&lived)));
        tell(report, *count, &lived);
        let mut rival = Entrant { name: format!("{RIVAL}, {count} nodes"), runs: Vec::new(), failure: None };
        rival.note(Contender::bird(*count).and_then(|rival| life::live(rival, *count)).map(|lived| columns(&lived)));
        contest.entrants.extend([ours, rival]);
    }
    report.compare(contest);
    Ok(())
}

fn columns(figures: &Figures) -> Vec<f64> {
    let Figures { joins, first, part, drains, leaves, dies, elsewhere, .. } = *figures;
    vec![joins, first, part, drains, leaves, dies, elsewhere]
}

/// What the goals are about.
fn tell(report: &mut Report, count: u8, figures: &Figures) {
    let mut add = |what: &str, target: &'static str, unit: &'static str, value: f64| {
        report.add(CHAPTER, format!("{count} nodes, {what}"), target, unit, vec![value]);
    };
    add("one more joins: of 2,000 connections broken or moved", "0", "", figures.joins);
    add("the new one's first connection after its announcement", "<= 1000 ms", "ms", figures.first);
    add("the new one's part of slots, off the ideal", "<= 1 %", "%", figures.slots);
    add("any one's part of 20,000 new connections, off the ideal", "<= 1 %", "%", figures.off);
    add("one drains: broken or moved", "0", "", figures.drains);
    add("the draining one's part of new connections", "0", "%", figures.drained);
    add("one withdraws its route: broken or moved, its own, too", "0", "", figures.leaves);
    add("one dies: others' broken or moved", "0", "", figures.dies);
    add("death to its detection by BFD, 3 times 50 ms", "–", "ms", figures.detected);
    let after = (figures.elsewhere - figures.detected).max(0.0);
    add("detection to the last new connection that was lost", "<= 5 ms", "ms", after);
    add("new connections that failed in all that", "0", "", figures.failed);
}
