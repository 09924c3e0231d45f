//! Rough treatment: daemons that are killed, storms in the kernel, hostile peers, broken disks, confused clients.
//!
//! What is asked of the router is always the same: it goes on, what it had it keeps, and it says what is wrong.

mod control;
mod disk;
mod limits;
mod peers;
mod process;
mod world;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use scenarios::lab::{Host, Lab, Process};
use scenarios::router::Router;

/// For what happens at once, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);
const SHOP: &str = "172.16.102.229/32";
const SPEAKER: &str = include_str!("robustness/speaker.py");

/// A router with the first two nodes as neighbors of its own AS.
const NEIGHBORS: [&str; 3] = [
    "set protocols bgp 64512 parameters router-id 192.168.101.1",
    "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
];

fn speaker(host: &Host, what: &[&str]) -> Result<Process> {
    let program = host.write("speaker.py", SPEAKER)?.to_string_lossy().into_owned();
    let local = host.ipv4.to_string();
    let arguments = [&[program.as_str(), local.as_str(), "192.168.101.1"], what].concat();
    host.start(what.first().copied().unwrap_or("speaker"), "python3", &arguments)
}

/// A speaker with a hold time of 3 seconds, whose route has arrived.
fn steady(lab: &Lab, router: &Router) -> Result<Process> {
    let steady = speaker(&lab.nodes[0], &["steady"])?;
    lab.wait_until(SOON, "the steady speaker's route is there", || router.gateways(SHOP) == ["192.168.101.201"])?;
    Ok(steady)
}

/// Fails unless the steady speaker has had one session all along.
fn assert_undisturbed(steady: &mut Process, router: &Router, by: &str) {
    assert_eq!(steady.output().trim(), "established", "undisturbed by {by}: {}", router.log());
    assert!(steady.is_running(), "undisturbed by {by}");
    assert_eq!(router.gateways(SHOP), ["192.168.101.201"], "undisturbed by {by}");
}

/// The number of the daemon's process.
fn pid(host: &Host) -> Result<u32> {
    let listed = Command::new("ip").args(["netns", "pids", host.namespace()]).output().context("ip netns pids")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut pids = listed.split_whitespace().filter_map(|pid| pid.parse().ok());
    let is_daemon =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "towpathd");
    pids.find(is_daemon).context("towpathd does not run")
}

/// How many descriptors a process has open.
fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or_default()
}

/// Memory that a process holds, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Processor time that a process has used, in hundredths of a second.
fn processor_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// The prefixes that the kernel has from the daemon.
fn ours(host: &Host) -> Result<Vec<String>> {
    let protocol = rib::fib::RTPROT_TOWPATH.to_string();
    let listed = host.ip(&["-4", "route", "show", "proto", &protocol])?;
    let mut words: Vec<String> = listed
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.trim_start_matches("blackhole ").split_whitespace().next().map(str::to_owned))
        .collect();
    words.sort();
    Ok(words)
}

/// A file system of this size in memory, unmounted at the end.
struct SmallDisk {
    path: std::path::PathBuf,
}

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let options = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).status()?;
        anyhow::ensure!(status.success(), "mounting {}", path.display());
        Ok(Self { path: path.to_owned() })
    }

    fn remount(&self, options: &str) -> Result<()> {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.path).status()?;
        anyhow::ensure!(status.success(), "mounting {} with {options}", self.path.display());
        Ok(())
    }

    fn fill(&self) {
        // Writing more than fits is how a disk gets full.
        let _ = std::fs::write(self.path.join("ballast"), vec![0u8; 4 << 20]);
    }

    fn empty(&self) -> Result<()> {
        std::fs::remove_file(self.path.join("ballast")).context("removing the ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
