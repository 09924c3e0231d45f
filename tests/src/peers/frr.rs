//! FRR's bgpd as a node, without zebra: it announces and needs no kernel.
//!
//! It never installs a route.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::{Change, Session, family};
use crate::lab::{Host, Process};

/// Debian keeps FRR's daemons out of the search path.
pub(super) const PROGRAM: &str = "/usr/lib/frr/bgpd";

fn config(session: &Session, name: &str) -> String {
    let peer = session.remote;
    let mut text = format!(
        "hostname {name}\nlog stdout informational\nrouter bgp {}\n bgp router-id {}\n no bgp ebgp-requires-policy\n \
         no bgp network import-check\n no bgp default ipv4-unicast\n neighbor {peer} remote-as {}\n \
         neighbor {peer} timers {} {}\n neighbor {peer} timers connect 1\n neighbor {peer} update-source {}\n",
        session.local_as,
        session.router_id(),
        session.remote_as,
        session.keepalive(),
        session.hold_time,
        session.local,
    );
    // Writing into a String cannot fail.
    if let Some(password) = &session.password {
        let _ = writeln!(text, " neighbor {peer} password {password}");
    }
    if let Some(ttl) = session.multihop {
        let _ = writeln!(text, " neighbor {peer} ebgp-multihop {ttl}");
    }
    if session.ttl_security {
        let _ = writeln!(text, " neighbor {peer} ttl-security hops 1");
    }
    for word in &session.words {
        let _ = writeln!(text, " neighbor {peer} {word}");
    }
    for word in &session.speaker_words {
        let _ = writeln!(text, " {word}");
    }
    if session.graceful_restart {
        text.push_str(" bgp graceful-restart\n");
    }
    if let Some((restart, stale)) = session.long_lived {
        let _ = writeln!(
            text,
            " bgp graceful-restart restart-time {restart}\n bgp graceful-restart preserve-fw-state\n \
             bgp long-lived-graceful-restart stale-time {stale}"
        );
    }
    for client in &session.clients {
        let _ = writeln!(text, " neighbor {client} remote-as {}\n neighbor {client} passive", session.local_as);
    }
    for name in ["ipv4", "ipv6"] {
        let _ = writeln!(text, " address-family {name} unicast\n  neighbor {peer} activate");
        if session.add_path {
            let _ = writeln!(text, "  neighbor {peer} addpath-tx-all-paths");
        }
        for client in session.clients.iter().chain((!session.clients.is_empty()).then_some(&peer)) {
            let _ = writeln!(text, "  neighbor {client} activate\n  neighbor {client} route-reflector-client");
        }
        text.push_str(" exit-address-family\n");
    }
    text
}

pub(super) fn start(host: &Host, session: &Session) -> Result<Process> {
    let file = host.write("bgpd.conf", &config(session, &host.role))?;
    let directory = host.directory().to_string_lossy().into_owned();
    let pid_file = host.directory().join("bgpd.pid");
    host.start(
        "frr",
        PROGRAM,
        &[
            "--no_zebra",
            "--skip_runas",
            "--no_kernel",
            "-f",
            &file.to_string_lossy(),
            "-i",
            &pid_file.to_string_lossy(),
            "--vty_socket",
            &directory,
            "-l",
            &session.local.to_string(),
            "-P",
            "0",
        ],
    )
}

pub(super) fn state(host: &Host, session: &Session) -> Result<String> {
    vtysh(host, &[&format!("show bgp neighbors {}", session.remote)])
}

pub(super) fn part(host: &Host, session: &Session, text: &str) -> Result<()> {
    let router = format!("router bgp {}", session.local_as);
    let shutdown = format!("neighbor {} shutdown message {text}", session.remote);
    vtysh(host, &["configure terminal", &router, &shutdown]).map(drop)
}

pub(super) fn refresh(host: &Host, session: &Session) -> Result<()> {
    vtysh(host, &[&format!("clear bgp ipv4 unicast {} soft in", session.remote)]).map(drop)
}

pub(super) fn table(host: &Host, prefix: &str) -> Result<String> {
    vtysh(host, &[&format!("show bgp {} unicast {prefix}", family(prefix, "ipv4", "ipv6"))])
}

pub(super) fn change(host: &Host, session: &Session, change: Change, prefix: &str) -> Result<()> {
    let no = if change == Change::Announce { "" } else { "no " };
    vtysh(
        host,
        &[
            "configure terminal",
            &format!("router bgp {}", session.local_as),
            &format!("address-family {} unicast", family(prefix, "ipv4", "ipv6")),
            &format!("{no}network {prefix}"),
        ],
    )?;
    Ok(())
}

pub(super) fn vtysh(host: &Host, commands: &[&str]) -> Result<String> {
    vtysh_to(host, "bgpd", commands)
}

pub(super) fn vtysh_to(host: &Host, daemon: &str, commands: &[&str]) -> Result<String> {
    let directory = host.directory().to_string_lossy().into_owned();
    let mut arguments = vec!["--vty_socket", &directory, "-d", daemon];
    for command in commands {
        arguments.extend(["-c", command]);
    }
    let said = host.run("vtysh", &arguments)?.success()?;
    if said.contains("Unknown command") || said.contains("failed to connect") {
        bail!("vtysh {commands:?}: {said}");
    }
    Ok(said)
}
