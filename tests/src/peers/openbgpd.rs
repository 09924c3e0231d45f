//! `OpenBGPD` as a node.
//!
//! It never installs a route (`fib-update no`).

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, bail};

use super::{Change, Session};
use crate::lab::{Host, Process};

/// The directory that its unprivileged processes are locked into; Debian's service file makes it at its start.
const CHROOT: &str = "/run/openbgpd";
/// Debian's name; FRR's daemon of the same name is elsewhere.
const PROGRAM: &str = "/usr/sbin/bgpd";

fn config(session: &Session, socket: &str) -> String {
    let mut options = String::new();
    // Writing into a String cannot fail.
    if let Some(password) = &session.password {
        let _ = writeln!(options, "  tcp md5sig password \"{password}\"");
    }
    if let Some(ttl) = session.multihop {
        let _ = writeln!(options, "  multihop {ttl}");
    }
    if session.ttl_security {
        options.push_str("  ttl-security yes\n");
    }
    for word in &session.words {
        let _ = writeln!(options, "  {word}");
    }
    if session.add_path {
        options.push_str("  announce add-path recv yes\n  announce add-path send all\n");
    }
    let client = if session.clients.is_empty() { "" } else { "  route-reflector\n" };
    let others: String = session
        .clients
        .iter()
        .map(|address| {
            format!(
                "neighbor {address} {{\n  remote-as {}\n  local-address {}\n  passive\n  announce IPv4 unicast\n  \
                 announce IPv6 unicast\n{client}}}\n",
                session.local_as, session.local
            )
        })
        .collect();
    let graceful = if session.graceful_restart { "yes" } else { "no" };
    format!(
        "AS {}\nrouter-id {}\nlisten on {}\nsocket \"{socket}\"\nfib-update no\nholdtime {}\nconnect-retry 1\n\
         neighbor {} {{\n  remote-as {}\n  local-address {}\n  announce IPv4 unicast\n  announce IPv6 unicast\n  \
         announce restart {graceful}\n{client}{options}}}\n{others}{}\nallow from any\nallow to any\n",
        session.local_as,
        session.router_id(),
        session.local,
        session.hold_time,
        session.remote,
        session.remote_as,
        session.local,
        session.speaker_words.join("\n"),
    )
}

pub(super) fn start(host: &Host, session: &Session) -> Result<Process> {
    std::fs::create_dir_all(CHROOT).with_context(|| format!("creating {CHROOT}"))?;
    let file = host.write("openbgpd.conf", &config(session, &socket(host)))?;
    // It refuses a configuration that others may read.
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).context("closing openbgpd.conf")?;
    host.start("openbgpd", PROGRAM, &["-d", "-f", &file.to_string_lossy()])
}

pub(super) fn state(host: &Host, session: &Session) -> Result<String> {
    let said = bgpctl(host, &["show", "neighbor", &session.remote.to_string()])?;
    if !said.contains("BGP state") {
        bail!("no such neighbor yet: {said}");
    }
    Ok(said)
}

pub(super) fn part(host: &Host, session: &Session, text: &str) -> Result<()> {
    bgpctl(host, &["neighbor", &session.remote.to_string(), "down", text]).map(drop)
}

pub(super) fn refresh(host: &Host, session: &Session) -> Result<()> {
    bgpctl(host, &["neighbor", &session.remote.to_string(), "refresh"]).map(drop)
}

pub(super) fn table(host: &Host, prefix: &str) -> Result<String> {
    bgpctl(host, &["show", "rib", "detail", prefix])
}

pub(super) fn change(host: &Host, change: Change, prefix: &str) -> Result<()> {
    let word = if change == Change::Announce { "add" } else { "delete" };
    bgpctl(host, &["network", word, prefix])?;
    Ok(())
}

fn socket(host: &Host) -> String {
    host.directory().join("openbgpd.ctl").to_string_lossy().into_owned()
}

fn bgpctl(host: &Host, command: &[&str]) -> Result<String> {
    let socket = socket(host);
    let mut arguments = vec!["-s", &socket];
    arguments.extend(command);
    host.run("bgpctl", &arguments)?.success()
}
