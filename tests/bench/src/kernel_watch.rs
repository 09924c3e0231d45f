//! Every change of a namespace's routes and next hops, with the time at which the kernel told it.
//!
//! The kernel's own notifications say when a route is there; asking for it again and again would say when it was
//! asked. It never changes anything.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use scenarios::lab::Host;

use crate::clock::Stamp;

/// Room for notifications that have not been read, in octets.
const RECEIVE_BUFFER: &str = "67108864";

/// A running watch.
#[derive(Debug)]
pub(crate) struct KernelWatch {
    child: Child,
    lines: Receiver<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// When it was read from the kernel.
    pub(crate) at: Stamp,
    /// As `ip monitor` prints it: `172.16.0.1 nhid 5 …`, `Deleted id 5 group …`.
    pub(crate) text: String,
}

impl KernelWatch {
    /// Starts to watch the routes and next-hop objects of IPv4 and IPv6.
    pub(crate) fn start(host: &Host) -> Result<Self> {
        let mut command = host.command("ip");
        command.args(["-o", "-ts", "-rc", RECEIVE_BUFFER, "monitor", "route", "nexthop"]).env("TZ", "UTC");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.context("starting `ip monitor`")?;
        let output = BufReader::new(child.stdout.take().context("`ip monitor` has no output")?);
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let watch = Self { child, lines };
        watch.prove(host)?;
        Ok(watch)
    }

    /// The first change that satisfies the condition; earlier ones are dropped.
    pub(crate) fn wait(&self, deadline: Duration, what: &str, condition: impl Fn(&Change) -> bool) -> Result<Change> {
        let end = Instant::now() + deadline;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let Ok(line) = self.lines.recv_timeout(left) else { break };
            if let Some(change) = parse(&line).filter(|change| condition(change)) {
                return Ok(change);
            }
        }
        bail!("waited {deadline:?} in vain until the kernel told of {what}")
    }

    /// All changes until there was none for this long.
    pub(crate) fn until_silence(&self, silence: Duration) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(silence) {
            changes.extend(parse(&line));
        }
        changes
    }

    /// Waits until the watch tells of a route that is made for the purpose: from then on nothing is missed.
    fn prove(&self, host: &Host) -> Result<()> {
        const PROBE: &str = "198.51.100.77";
        for _ in 0..50 {
            host.ip(&["route", "add", "blackhole", PROBE])?;
            host.ip(&["route", "del", "blackhole", PROBE])?;
            let told = |change: &Change| change.text.starts_with("Deleted") && change.text.contains(PROBE);
            if self.wait(Duration::from_millis(100), "a probe", told).is_ok() {
                self.until_silence(Duration::from_millis(50));
                return Ok(());
            }
        }
        bail!("`ip monitor` tells nothing")
    }
}

impl Drop for KernelWatch {
    fn drop(&mut self) {
        // Already ended is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `[2026-01-02T03:04:05.678901] 172.16.0.1 …`
fn parse(line: &str) -> Option<Change> {
    let (time, text) = line.strip_prefix('[')?.split_once(']')?;
    let (_, clock) = time.split_once('T')?;
    let (whole, fraction) = clock.split_once('.')?;
    let seconds = whole.split(':').try_fold(0u64, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
    let at = Stamp::now().at_time_of_day(seconds * 1_000_000 + fraction.parse::<u64>().ok()?);
    Some(Change { at, text: text.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_line_of_the_watch_carries_its_time() {
        let change = parse("[2026-01-02T00:01:05.000123] Deleted 172.16.0.1 via 10.0.0.1 dev eth0 ").unwrap();
        assert_eq!(change.text, "Deleted 172.16.0.1 via 10.0.0.1 dev eth0");
        assert_eq!(change.at.0 % 86_400_000_000, 65_000_123);
        assert_eq!(parse("Timestamp without a bracket"), None);
    }
}
