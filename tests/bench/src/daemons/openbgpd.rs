//! `OpenBGPD`, portable.
//!
//! It never serves the kernel here (`fib-update no`).

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use scenarios::lab::{Lab, Process};

use super::{ASN, Job};

/// The directory that its unprivileged processes are locked into; Debian's service file makes it at its start.
const CHROOT: &str = "/run/openbgpd";
/// Debian's name; FRR's daemon of the same name is elsewhere.
const PROGRAM: &str = "/usr/sbin/bgpd";

pub(super) fn start(lab: &Lab, job: &Job) -> Result<Process> {
    ensure!(!job.kernel, "OpenBGPD's FIB is not measured");
    std::fs::create_dir_all(CHROOT).with_context(|| format!("creating {CHROOT}"))?;
    let host = &lab.router;
    let socket = host.directory().join("openbgpd.ctl");
    let file = host.write("openbgpd.conf", &configuration(job, &socket.to_string_lossy()))?;
    // It refuses a configuration that others may read.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).context("closing openbgpd.conf")?;
    host.start("openbgpd", PROGRAM, &["-d", "-f", &file.to_string_lossy()])
}

fn configuration(job: &Job, socket: &str) -> String {
    let router = job.router;
    let mut text = format!("AS {ASN}\nrouter-id {router}\nlisten on {router}\nsocket \"{socket}\"\nfib-update no\n");
    let reflector = if job.reflects { "  route-reflector\n" } else { "" };
    for peer in &job.peers {
        let (address, asn) = (peer.address, peer.asn);
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "neighbor {address} {{\n  remote-as {asn}\n  passive\n  announce IPv4 unicast\n{reflector}}}"
        );
    }
    text.push_str("allow from any\nallow to any\n");
    text
}
