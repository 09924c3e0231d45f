//! BIRD 2.
//!
//! It never has a kernel protocol where the routes stay out of the kernel.

use std::fmt::Write as _;

use anyhow::Result;
use scenarios::lab::{Lab, Process};

use super::{ASN, Job};

pub(super) fn start(lab: &Lab, job: &Job) -> Result<Process> {
    let host = &lab.router;
    let file = host.write("bird.conf", &configuration(job))?;
    let socket = host.directory().join("bird.ctl");
    host.start("bird", "bird", &["-f", "-c", &file.to_string_lossy(), "-s", &socket.to_string_lossy()])
}

fn configuration(job: &Job) -> String {
    let router = job.router;
    let mut text = format!("log stderr {{ error, fatal }};\nrouter id {router};\nprotocol device {{}}\n");
    if job.peers.iter().any(|peer| peer.asn == ASN) {
        // What internal peers tell is resolved through the connected networks.
        text.push_str("protocol direct { ipv4; }\n");
    }
    if job.kernel {
        let paths = if job.peers.len() > 1 { "merge paths on limit 64;" } else { "" };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "protocol kernel {{ {paths} ipv4 {{ import none; export where source = RTS_BGP; }}; }}");
    }
    let client = if job.reflects { "rr client;" } else { "" };
    let _ = writeln!(
        text,
        "template bgp peer {{\n  local {router} as {ASN};\n  passive on;\n  ipv4 {{ import all; export all; }};\n}}"
    );
    for (number, peer) in job.peers.iter().enumerate() {
        let (address, asn) = (peer.address, peer.asn);
        let _ = writeln!(text, "protocol bgp p{number} from peer {{ neighbor {address} as {asn}; {client} }}");
    }
    text
}
