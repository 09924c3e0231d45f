//! Kernel messages that are lost in the middle of a full table: the daemon sleeps while others change more than its socket
//! holds, and somebody takes routes of its own out of the kernel.
//!
//! From the moment when it goes on until the kernel has every route. It never asks the daemon what it believes.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use scenarios::lab::Lab;

use super::Effort;
use super::contest::{Work, renew, rest, thousands};
use super::convergence::TABLE;
use crate::clock::{Stamp, wait_for};
use crate::daemons::{ASN, Daemon, Job, Kind, towpath, towpath_job};
use crate::feed;
use crate::report::Report;
use crate::swarm::{DAEMON, Swarm};
use crate::usage;

const CHAPTER: &str = "overrun";
const PATIENCE: Duration = Duration::from_secs(120);
/// Routes of somebody else that come and go meanwhile; of these some stay.
const FOREIGN: u32 = 80_000;
const STAY: u32 = 10;
/// Routes of ours that somebody takes.
const STOLEN: u32 = 20;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let lab = Lab::new()?;
    let times = (0..effort.rounds.min(2)).map(|_| once(&lab, effort.table)).collect::<Result<Vec<_>>>()?;
    let name = format!("messages are lost in the middle of {} routes, {STOLEN} are stolen", thousands(effort.table));
    report.add(CHAPTER, format!("{name} → the kernel has all of them"), "–", "s", times);
    Ok(())
}

fn once(lab: &Lab, routes: u32) -> Result<f64> {
    renew(lab)?;
    let work = Work { routes, ..TABLE };
    let job = Job { router: DAEMON, peers: work.peers(), reflects: false, kernel: true, paths: None };
    let (router, process) = towpath(lab, &towpath_job(&job))?;
    let daemon = Daemon::of(process);
    let mut swarm = Swarm::start(lab)?;
    swarm.connect(work.recipe(Kind::Towpath), &job.peers, ASN)?;
    rest(&daemon)?;
    let pid = daemon.process()?;
    let before = usage::ipv4_prefixes(pid)?;
    let all = before + usize::try_from(routes)?;
    let count = || usage::ipv4_prefixes(pid).unwrap_or(0);
    let signal = |name: &str| lab.router.run("kill", &[name, &pid.to_string()])?.success();

    swarm.announce()?;
    let middle = || (count() > before + (all - before) / 4).then_some(());
    wait_for(PATIENCE, Duration::from_millis(1), "a part of the table is in the kernel", middle)?;
    signal("-STOP")?;
    let there = count();
    ensure!(there < all, "the table was there already");
    lab.router.run_with_input("ip", &["-batch", "-"], &storm())?.success()?;
    let mut stolen = 0;
    for number in 0..routes {
        let prefix = feed::prefix(number).to_string();
        if stolen < STOLEN && lab.router.ip(&["route", "del", &prefix]).is_ok() {
            stolen += 1;
        }
        if stolen == STOLEN || number > 10_000 {
            break;
        }
    }
    ensure!(stolen == STOLEN, "only {stolen} routes could be stolen");
    let began = Stamp::now();
    signal("-CONT")?;
    // Its own last route beside those that all senders announce.
    let wanted = all + 1 + usize::try_from(STAY)?;
    let complete = || (count() == wanted).then_some(());
    wait_for(PATIENCE, Duration::from_millis(5), "the kernel has every route", complete)?;
    let took = Stamp::now().milliseconds_since(began) / 1e3;
    ensure!(router.log().contains("ENOBUFS"), "no message was lost");
    rest(&daemon)?;
    ensure!(count() == wanted, "{} routes are in the kernel in the end, not {wanted}", count());
    Ok(took)
}

/// Routes that come and go, and some that stay.
fn storm() -> String {
    let mut batch = String::new();
    for number in 0..FOREIGN {
        let prefix = format!("11.{}.{}.{}/32", number >> 16, number >> 8 & 255, number & 255);
        // Writing into a String cannot fail.
        let _ = writeln!(batch, "route add blackhole {prefix} proto static");
        if number < FOREIGN - STAY {
            let _ = writeln!(batch, "route del blackhole {prefix} proto static");
        }
    }
    batch
}
