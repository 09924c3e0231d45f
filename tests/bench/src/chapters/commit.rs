//! How long a commit of one neighbor takes, alone and on top of a thousand.
//!
//! From the request on the control socket to its reply, without the shell.

use std::time::Instant;

use anyhow::Result;

use super::Effort;
use super::scene::Scene;
use crate::control::Control;
use crate::daemons::silent_neighbor;
use crate::report::Report;

const CHAPTER: &str = "commit";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    for (silent, name) in [(0, "next to three"), (1_000, "next to 1,000")] {
        let scene = Scene::new(silent)?;
        let mut control = Control::open(&scene.router.path("towpathd.sock"))?;
        let mut values = Vec::new();
        for number in 0..effort.short {
            let address = silent_neighbor(60_000 + u32::try_from(number)?);
            let began = Instant::now();
            control.commit(&[format!("set protocols bgp 64512 neighbor {address} remote-as 64512")])?;
            values.push(began.elapsed().as_secs_f64() * 1e3);
            control.commit(&[format!("delete protocols bgp 64512 neighbor {address}")])?;
        }
        report.add(CHAPTER, format!("commit of one neighbor, {name}"), "20 ms", "ms", values);
    }
    Ok(())
}
