//! Live packets through the balancer, on one processor: made by a program, carried by a veth, balanced in its driver, sent back
//! and counted.
//!
//! The links are in a namespace of a process of its own, and go with it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use scenarios::balancer::chain::Chain;

use super::scene;

/// The word that this program is started with inside the namespace.
pub(crate) const ROLE: &str = "balancer-chain";

/// Packets of a run.
const PACKETS: u32 = 4_000_000;
/// Runs in which packets may be lost.
const TRIES: usize = 10;

/// Runs in the namespace; prints million packets a second, one run a line.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [flows, runs] = words else { anyhow::bail!("{ROLE} needs a number of flows and of runs") };
    let (flows, runs): (u32, usize) = (flows.parse()?, runs.parse()?);
    let mut chain = Chain::new(scene::world())?;
    chain.run(flows, PACKETS / 10)?;
    let (mut told, mut tries) = (0, 0);
    while told < runs {
        let run = chain.run(flows, PACKETS)?;
        tries += 1;
        // Where another processor takes over amid a run, the queue between the two overflows: that run was not of one.
        if run.arrived.abs_diff(run.made) >= u64::from(PACKETS) / 1000 {
            ensure!(tries < runs + TRIES, "{run:?}: packets were lost");
            continue;
        }
        told += 1;
        println!("{}", run.arrived as f64 / run.seconds / 1e6);
    }
    Ok(())
}

/// Million packets a second of so many flows, each value a run.
pub(super) fn measure(flows: u32, runs: usize) -> Result<Vec<f64>> {
    let last = std::thread::available_parallelism()?.get() - 1;
    let own = std::env::current_exe().context("asking for the own path")?;
    let mut command = Command::new("unshare");
    command.args(["-n", "taskset", "-c", &last.to_string()]).arg(own).args([
        ROLE,
        &flows.to_string(),
        &runs.to_string(),
    ]);
    let done = command.output().context("running unshare")?;
    ensure!(done.status.success(), "the chain: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    text.lines().map(|line| line.parse().with_context(|| format!("{line:?} is no number"))).collect()
}
