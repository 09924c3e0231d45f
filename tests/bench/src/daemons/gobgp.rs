//! GoBGP.
//!
//! It never serves the kernel: `gobgpd` has no FIB.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use scenarios::lab::{Lab, Process};

use super::{ASN, Job};

pub(super) fn start(lab: &Lab, job: &Job) -> Result<Process> {
    ensure!(!job.kernel, "gobgpd has no FIB");
    let file = lab.router.write("gobgpd.toml", &configuration(job))?;
    let file = file.to_string_lossy();
    lab.router.start("gobgpd", "gobgpd", &["-t", "toml", "-f", &file, "--pprof-disable", "--log-level", "error"])
}

fn configuration(job: &Job) -> String {
    let mut text = format!("[global.config]\nas = {ASN}\nrouter-id = \"{}\"\n", job.router);
    for peer in &job.peers {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"{}\"\npeer-as = {}\n\
             [neighbors.transport.config]\npassive-mode = true",
            peer.address, peer.asn
        );
        if job.reflects {
            let _ = writeln!(
                text,
                "[neighbors.route-reflector.config]\nroute-reflector-client = true\n\
                 route-reflector-cluster-id = \"{}\"",
                job.router
            );
        }
    }
    text
}
