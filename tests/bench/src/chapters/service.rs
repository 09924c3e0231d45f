//! How soon a service that a node announces is in the kernel, and how soon one that it withdraws is out.
//!
//! From the stamp before the node's write to the kernel's notification.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Effort;
use super::scene::Scene;
use crate::kernel_watch::KernelWatch;
use crate::report::Report;

const CHAPTER: &str = "service";
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let mut scene = Scene::new(0)?;
    for (loaded, name) in [(0, "an empty table"), (10_000, "10,000 services")] {
        if loaded > 0 {
            scene.announce("172.20.0.0/32", loaded)?;
        } else {
            scene.nodes.first_mut().context("the scene has no node")?.connect_until_end_of_rib()?;
        }
        let (announced, withdrawn) = changes(effort, &mut scene)?;
        report.add(CHAPTER, format!("UPDATE with a service → in the kernel, {name}"), "50 ms", "ms", announced);
        report.add(CHAPTER, format!("UPDATE that withdraws it → out of the kernel, {name}"), "50 ms", "ms", withdrawn);
        if loaded == 0 {
            scene.nodes.first_mut().context("the scene has no node")?.close()?;
        }
    }
    Ok(())
}

fn changes(effort: &Effort, scene: &mut Scene) -> Result<(Vec<f64>, Vec<f64>)> {
    let watch = KernelWatch::start(&scene.lab.router)?;
    let node = scene.nodes.first_mut().context("the scene has no node")?;
    let (mut announced, mut withdrawn) = (Vec::new(), Vec::new());
    for number in 0..effort.short {
        let address = format!("172.16.102.{number}");
        let service = format!("{address}/32");
        node.prepare_announce(&service, 1, 1)?;
        let [begin, _] = node.send()?;
        let there = format!("{address} ");
        let change = watch.wait(DEADLINE, &service, |change| change.text.starts_with(&there))?;
        announced.push(change.at.milliseconds_since(begin));
        watch.until_silence(Duration::from_millis(20));

        node.prepare_withdraw(&service, 1)?;
        let [begin, _] = node.send()?;
        let gone = format!("Deleted {address} ");
        let change = watch.wait(DEADLINE, &gone, |change| change.text.starts_with(&gone))?;
        withdrawn.push(change.at.milliseconds_since(begin));
        watch.until_silence(Duration::from_millis(20));
    }
    Ok((announced, withdrawn))
}
