//! The daemon is killed and started again over 10,000 services: what the kernel and the client notice.
//!
//! Nothing is what they should: routes are adopted, not written again, and pings go on.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use scenarios::lab::SHOP;

use super::Effort;
use super::scene::Scene;
use crate::kernel_watch::KernelWatch;
use crate::report::Report;

const CHAPTER: &str = "restart";
const SERVICES: u32 = 10_000;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let (mut changes, mut lost) = (Vec::new(), Vec::new());
    for _ in 0..effort.long.min(3) {
        let (told, missing) = once()?;
        changes.push(f64::from(u32::try_from(told)?));
        lost.push(missing);
    }
    let what = "kill -9 and restart over 10,000 services of three legs";
    report.add(CHAPTER, format!("{what}: changes that the kernel tells"), "0", "", changes);
    report.add(CHAPTER, format!("{what}: pings lost, one every 5 ms"), "0", "", lost);
    Ok(())
}

fn once() -> Result<(usize, f64)> {
    let mut scene = Scene::new(0)?;
    // The shop is one of the services, and the nodes answer at its address.
    let first = format!("{SHOP}/32");
    scene.announce(&first, SERVICES)?;
    let watch = KernelWatch::start(&scene.lab.router)?;
    let mut ping = scene.lab.client.command("ping");
    ping.args(["-q", "-i", "0.005", "-c", "1200", "-W", "1", &SHOP.to_string()]);
    let ping = ping.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting ping")?;
    std::thread::sleep(Duration::from_millis(500));
    scene.daemon.kill9();
    std::thread::sleep(Duration::from_millis(200));
    scene.daemon = scene.router.spawn("towpathd")?;
    scene.announce_again(&first, SERVICES)?;
    let said = ping.wait_with_output().context("waiting for ping")?;
    let changes = watch.until_silence(Duration::from_secs(1));
    for change in changes.iter().take(5) {
        eprintln!("changed at the restart: {}", change.text);
    }
    let legs = scene.legs(&first)?;
    ensure!(legs == 3, "the kernel has {legs} next hops for {first} after the restart");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    Ok((changes.len(), lost(&said).with_context(|| format!("ping said {said}"))?))
}

/// `1200 packets transmitted, 1199 received, …`
fn lost(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("packets transmitted"))?;
    let mut numbers = line.split(',').filter_map(|part| part.split_whitespace().next()?.parse::<f64>().ok());
    Some(numbers.next()? - numbers.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_pings_are_those_sent_less_those_received() {
        let said = "--- x ping statistics ---\n1200 packets transmitted, 1197 received, 0.25% packet loss, time 6ms\n";
        assert_eq!(lost(said), Some(3.0));
        assert_eq!(lost("nothing"), None);
    }
}
