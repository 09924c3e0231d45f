//! How soon a node's session stands.
//!
//! Told from the node's side: what counts is when the node may start to announce.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Effort;
use super::scene::Scene;
use crate::report::Report;

const CHAPTER: &str = "session";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let mut scene = Scene::new(0)?;
    let node = scene.nodes.first_mut().context("the scene has no node")?;
    let (mut established, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..effort.short {
        let [syn, keepalive, end_of_rib] = node.connect_until_end_of_rib()?;
        established.push(keepalive.milliseconds_since(syn));
        ended.push(end_of_rib.milliseconds_since(syn));
        node.close()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    report.add(CHAPTER, "a node's SYN → its session is established", "1,000 ms", "ms", established);
    report.add(CHAPTER, "a node's SYN → End-of-RIB from the router", "–", "ms", ended);
    Ok(())
}
