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
const FIRST: &str = "172.20.0.0/32";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    for services in effort.services {
        let deaths = (0..effort.long).map(|_| once(*services)).collect::<Result<Vec<_>>>()?;
        let of = |figure: fn(&Death) -> f64| deaths.iter().map(figure).collect();
        let what = format!("one of three nodes dies under {services} services");
        let target = if *services == 10_000 { "50 ms" } else { "–" };
        report.add(CHAPTER, format!("{what} → repaired in the kernel"), target, "ms", of(|death| death.repaired));
        report.add(CHAPTER, format!("{what}: changes of next hops"), "a few", "", of(|death| death.objects));
        report.add(CHAPTER, format!("{what}: changes of routes"), "0", "", of(|death| death.routes));
    }
    Ok(())
}

/// What the kernel told of one death.
struct Death {
    /// Milliseconds until the last change that matters.
    repaired: f64,
    /// Changes of next hops and groups.
    objects: f64,
    /// Changes of routes.
    routes: f64,
}

fn once(services: u32) -> Result<Death> {
    let mut scene = Scene::new(0)?;
    scene.announce(FIRST, services)?;
    let watch = KernelWatch::start(&scene.lab.router)?;
    let closed = scene.nodes.last_mut().context("the scene has no node")?.close()?;
    let first = watch.wait(Duration::from_secs(5), "a change", |change| change.at >= closed)?;
    let mut changes = watch.until_silence(Duration::from_secs(1));
    changes.insert(0, first);
    let legs = scene.legs(FIRST)?;
    ensure!(legs == 2, "the kernel has {legs} next hops for {FIRST} after the death of one of three nodes");
    let is_object = |text: &str| text.trim_start_matches("Deleted ").starts_with("id ");
    let objects = changes.iter().filter(|change| is_object(&change.text)).count();
    // What is left of the node goes later and forwards nothing by then.
    let counts = changes.iter().filter(|change| !change.text.starts_with("Deleted id"));
    let last = counts.map(|change| change.at).max().context("no change but deletions of next hops")?;
    Ok(Death {
        repaired: last.milliseconds_since(closed),
        objects: f64::from(u32::try_from(objects)?),
        routes: f64::from(u32::try_from(changes.len() - objects)?),
    })
}
