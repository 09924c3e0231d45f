//! What other people's interfaces cost: pairs of them come and go beside a router that has nothing to do with them.
//!
//! The share is that of one core, while the kernel makes and removes them as fast as it can and until the daemon knows that
//! they are gone. It never uses one of them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::lab::Lab;

use super::Effort;
use super::contest::{Work, renew, rest, thousands};
use super::convergence::TABLE;
use crate::clock::wait_for;
use crate::daemons::{ASN, Daemon, Job, Kind, towpath, towpath_job};
use crate::report::Report;
use crate::swarm::{DAEMON, Swarm};

const CHAPTER: &str = "churn";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let pairs = effort.table / 200;
    let lab = Lab::new()?;
    let work = Work { routes: effort.table / 100, ..TABLE };
    let (mut shares, mut each) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds.min(3) {
        renew(&lab)?;
        let job = Job { router: DAEMON, peers: work.peers(), reflects: false, kernel: true, paths: None };
        let (router, process) = towpath(&lab, &towpath_job(&job))?;
        let daemon = Daemon::of(process);
        let mut swarm = Swarm::start(&lab)?;
        swarm.connect(work.recipe(Kind::Towpath), &job.peers, ASN)?;
        swarm.announce()?;
        swarm.reached(work.patience)?;
        rest(&daemon)?;
        let (used, began) = (daemon.cpu_seconds()?, Instant::now());
        let mut batch = String::new();
        for number in 0..pairs {
            // Writing into a String cannot fail.
            let _ = writeln!(batch, "link add name c{number} group 77 type veth peer name d{number} group 77");
        }
        batch.push_str("link set group 77 up\nlink delete group 77\n");
        lab.router.run_with_input("ip", &["-batch", "-"], &batch)?.success()?;
        // What it has put off belongs to the price.
        let knows = || router.show("show interfaces").ok().filter(|shown| !shown.contains("c1"));
        wait_for(work.patience, Duration::from_millis(50), "the daemon knows that they are gone", knows)?;
        rest(&daemon)?;
        let used = daemon.cpu_seconds()? - used;
        shares.push(used / began.elapsed().as_secs_f64() * 100.0);
        each.push(used / f64::from(pairs) * 1e6);
    }
    let name = format!("{} pairs of interfaces come and go", thousands(pairs));
    report.add(CHAPTER, format!("{name}: share of a core"), "1 %", "%", shares);
    report.add(CHAPTER, format!("{name}: CPU time for each"), "–", "µs", each);
    Ok(())
}
