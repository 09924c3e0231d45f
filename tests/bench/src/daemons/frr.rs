//! FRR: bgpd, and zebra where the kernel is served.
//!
//! It never changes the timer that collects changes before they are told: that is FRR as it comes.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use scenarios::lab::{Lab, Process};

use super::{ASN, Job};
use crate::clock::wait_for;

/// Debian keeps FRR's daemons out of the search path.
const FRR: &str = "/usr/lib/frr";

pub(super) fn start(lab: &Lab, job: &Job) -> Result<Vec<Process>> {
    let host = &lab.router;
    // Both become FRR's own user, who may not write into the laboratory's directory.
    let directory = host.directory().join("frr");
    std::fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    std::fs::set_permissions(&directory, Permissions::from_mode(0o777))?;
    let directory = directory.to_string_lossy().into_owned();
    let socket = format!("{directory}/zebra.api");
    // The socket of the last run is not this one's.
    if Path::new(&socket).exists() {
        std::fs::remove_file(&socket)?;
    }
    let start = |name: &str, configuration: &str, more: &[&str]| {
        let file = host.write(&format!("{name}.conf"), configuration)?;
        let pid_file = format!("{directory}/{name}.pid");
        let file = file.to_string_lossy();
        let arguments = ["-f", &file, "-i", &pid_file, "-z", &socket, "--vty_socket", &directory, "-P", "0"];
        host.start(name, &format!("{FRR}/{name}"), &[&arguments, more].concat())
    };
    if !job.kernel {
        return Ok(vec![start("bgpd", &configuration(job), &["--no_zebra", "--no_kernel", "--skip_runas"])?]);
    }
    let zebra = start("zebra", "", &[])?;
    let listens = || Path::new(&socket).exists().then_some(());
    wait_for(Duration::from_secs(10), Duration::from_millis(10), "zebra listens", listens)?;
    Ok(vec![zebra, start("bgpd", &configuration(job), &[])?])
}

fn configuration(job: &Job) -> String {
    let mut text = format!(
        "router bgp {ASN}\n bgp router-id {}\n no bgp ebgp-requires-policy\n no bgp network import-check\n",
        job.router
    );
    for peer in &job.peers {
        let (address, asn) = (peer.address, peer.asn);
        // Writing into a String cannot fail.
        let _ = writeln!(text, " neighbor {address} remote-as {asn}\n neighbor {address} passive");
    }
    if let Some(paths) = job.paths {
        let _ = writeln!(text, " address-family ipv4 unicast\n  maximum-paths {paths}\n exit-address-family");
    }
    if job.reflects {
        text.push_str(" address-family ipv4 unicast\n");
        for peer in &job.peers {
            let _ = writeln!(text, "  neighbor {} route-reflector-client", peer.address);
        }
        text.push_str(" exit-address-family\n");
    }
    text
}
