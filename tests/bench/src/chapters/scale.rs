//! Many routes of one peer into the kernel and out again, beside BIRD and FRR in the same run.
//!
//! From the stamp before the first octet of the first UPDATE until the kernel's table has, or no longer has, all.
//! The daemons take turns, so that a slow minute of the machine is a slow minute for all.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use scenarios::lab::Lab;

use super::Effort;
use crate::clock::Stamp;
use crate::daemons::{Daemon, Kind};
use crate::node::Node;
use crate::report::{Comparison, Report, median};
use crate::usage;

const DEADLINE: Duration = Duration::from_secs(120);
/// Mean number of routes with the same attributes in a full table of the Internet.
const SHARED: u32 = 4;
const FIRST: &str = "16.0.0.0/24";

/// One run of one daemon.
struct Run {
    announce: f64,
    withdraw: f64,
    memory: f64,
    cpu: f64,
}

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let lab = Lab::new()?;
    for (routes, runs) in effort.scale {
        let mut taken: [Vec<Run>; Kind::ALL.len()] = Default::default();
        for _ in 0..*runs {
            for (kind, taken) in Kind::ALL.into_iter().zip(&mut taken) {
                taken.push(once(&lab, kind, *routes).with_context(|| format!("{routes} routes, {}", kind.name()))?);
            }
        }
        for (kind, taken) in Kind::ALL.into_iter().zip(taken) {
            let of = |figure: fn(&Run) -> f64| median(&taken.iter().map(figure).collect::<Vec<_>>());
            report.compare(Comparison {
                routes: *routes,
                daemon: kind.name(),
                runs: taken.len(),
                announce: of(|run| run.announce),
                withdraw: of(|run| run.withdraw),
                memory: of(|run| run.memory),
                cpu: of(|run| run.cpu),
            });
        }
    }
    Ok(())
}

fn once(lab: &Lab, kind: Kind, routes: u32) -> Result<Run> {
    let mut node = Node::start(&lab.nodes[0])?;
    let daemon = kind.start(lab)?;
    node.connect()?;
    let before = usage::ipv4_prefixes(daemon.process()?)?;
    let all = before + usize::try_from(routes)?;
    let idle_cpu = daemon.cpu_seconds()?;

    node.prepare_announce(FIRST, routes, SHARED)?;
    let [began, _] = node.send()?;
    let announce = wait_for_prefixes(&daemon, began, |has| has >= all)?;
    node.end_of_rib()?;
    // What is still written behind the last route belongs to the announcement, not to the withdrawal.
    std::thread::sleep(Duration::from_millis(500));
    node.prepare_withdraw(FIRST, routes)?;
    let [began, _] = node.send()?;
    let withdraw = wait_for_prefixes(&daemon, began, |has| has <= before)?;
    let run = Run { announce, withdraw, memory: daemon.peak()?, cpu: daemon.cpu_seconds()? - idle_cpu };
    drop((daemon, node));
    renew(lab)?;
    Ok(run)
}

/// A fresh router for the next daemon; the nodes forget the old one's link address.
fn renew(lab: &Lab) -> Result<()> {
    lab.reboot_router()?;
    for node in &lab.nodes {
        node.ip(&["neighbor", "flush", "all"])?;
    }
    Ok(())
}

/// Seconds until the kernel's count satisfies the condition. Counting walks the table, so it is done a tenth of the
/// time at most.
fn wait_for_prefixes(daemon: &Daemon, began: Stamp, condition: impl Fn(usize) -> bool) -> Result<f64> {
    let end = Instant::now() + DEADLINE;
    loop {
        let asked = Instant::now();
        let has = usage::ipv4_prefixes(daemon.process()?)?;
        if condition(has) {
            return Ok(Stamp::now().milliseconds_since(began) / 1e3);
        }
        if Instant::now() > end {
            bail!("the kernel has {has} prefixes after {DEADLINE:?}");
        }
        std::thread::sleep((asked.elapsed() * 9).max(Duration::from_millis(1)));
    }
}
