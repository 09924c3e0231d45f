//! How soon the death of a node is repaired in the kernel under many services.
//!
//! From the end of its connection to the last change that the kernel tells: of a next-hop group, where that is enough,
//! or of the last route.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Effort;
use super::scene::Scene;
use crate::kernel_watch::KernelWatch;
use crate::report::Report;

const CHAPTER: &str = "death";
const SERVICES: u32 = 10_000;
const FIRST: &str = "172.20.0.0/32";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let (mut repaired, mut changes_told, mut routes_told) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.long {
        let mut scene = Scene::new(0)?;
        scene.announce(FIRST, SERVICES)?;
        let watch = KernelWatch::start(&scene.lab.router)?;
        let closed = scene.nodes.last_mut().context("the scene has no node")?.close()?;
        let first = watch.wait(Duration::from_secs(5), "a change", |change| change.at >= closed)?;
        let mut changes = watch.until_silence(Duration::from_millis(700));
        changes.insert(0, first);
        let legs = scene.legs(FIRST)?;
        ensure!(legs == 2, "the kernel has {legs} next hops for {FIRST} after the death of one of three nodes");
        let routes = changes.iter().filter(|change| change.text.contains("172.20.")).count();
        // What is left of the node goes later and forwards nothing by then.
        let counts = changes.iter().filter(|change| !change.text.starts_with("Deleted id"));
        let last = counts.map(|change| change.at).max().context("no change but deletions of next hops")?;
        repaired.push(last.milliseconds_since(closed));
        changes_told.push(f64::from(u32::try_from(changes.len())?));
        routes_told.push(f64::from(u32::try_from(routes)?));
    }
    let what = "one of three nodes dies, 10,000 services of three legs";
    report.add(CHAPTER, format!("{what} → repaired in the kernel"), "50 ms", "ms", repaired);
    report.add(CHAPTER, format!("{what}: changes that the kernel tells"), "a few", "", changes_told);
    report.add(CHAPTER, format!("{what}: of routes"), "0", "", routes_told);
    Ok(())
}
