//! Towpath's configurations.
//!
//! It never leaves out a default that the other routers have.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use scenarios::lab::{Lab, Process};
use scenarios::router::Router;

use super::{ASN, Job};
use crate::clock::wait_for;
use crate::control::Control;

/// Starts `towpathd` with a configuration and waits until it answers.
pub(crate) fn start(lab: &Lab, configuration: &str) -> Result<(Router, Process)> {
    let router = Router::prepare(lab)?;
    router.host().write("config.boot", configuration)?;
    // What the last daemon remembered would be read in place of the file.
    let _ = std::fs::remove_dir_all(router.path("state"));
    let process = router.spawn("towpathd")?;
    let socket = router.path("towpathd.sock");
    let answers = || Control::open(&socket).ok();
    wait_for(Duration::from_secs(20), Duration::from_millis(5), "towpathd answers", answers)
        .with_context(|| router.log())?;
    Ok((router, process))
}

/// The configuration of a job, as `set` lines.
pub(crate) fn job(job: &Job) -> String {
    let bgp = format!("set protocols bgp {ASN}");
    let mut text =
        format!("{bgp} parameters router-id {}\n{bgp} parameters ebgp-requires-policy disable\n", job.router);
    // Writing into a String cannot fail.
    if !job.kernel {
        let _ = writeln!(text, "{bgp} parameters no-fib-install");
    }
    if let Some(paths) = job.paths {
        let _ = writeln!(text, "{bgp} maximum-paths ebgp {paths}");
    }
    for peer in &job.peers {
        let neighbor = format!("{bgp} neighbor {}", peer.address);
        let _ = writeln!(text, "{neighbor} remote-as {}\n{neighbor} passive", peer.asn);
        if job.reflects {
            let _ = writeln!(text, "{neighbor} route-reflector-client");
        }
    }
    text
}

/// The three nodes as neighbors, and so many more that nobody answers for.
pub(crate) fn configuration(silent: u32) -> String {
    let nodes = (201..=203).map(|last| format!("192.168.101.{last}"));
    let neighbors: String = nodes
        .chain((0..silent).map(silent_neighbor))
        .map(|address| format!("        neighbor {address} {{\n            remote-as 64512\n        }}\n"))
        .collect();
    format!(
        "protocols {{\n    bgp 64512 {{\n{neighbors}        parameters {{\n            router-id 192.168.101.1\n        \
         }}\n    }}\n}}\n"
    )
}

/// An address that the router has no route to.
pub(crate) fn silent_neighbor(number: u32) -> String {
    let [_, _, high, low] = number.to_be_bytes();
    format!("198.18.{high}.{low}")
}
