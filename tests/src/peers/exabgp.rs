//! `ExaBGP` as a node.
//!
//! Its announcements are lines of a file that a `tail` inside of it reads.
//!
//! It has no table: a listener of its own writes what the router sends into a file, and what stands is read out of that.
//!
//! It never decides.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Change, Session};
use crate::lab::{Host, Process};

fn config(session: &Session, commands: &str, listener: &str) -> String {
    let mut options = String::new();
    // Writing into a String cannot fail.
    if let Some(password) = &session.password {
        let _ = writeln!(options, "  md5-password \"{password}\";");
    }
    if let Some(ttl) = session.multihop {
        let _ = writeln!(options, "  outgoing-ttl {ttl};");
    }
    if session.ttl_security {
        options.push_str("  outgoing-ttl 255;\n  incoming-ttl 255;\n");
    }
    for word in &session.words {
        let _ = writeln!(options, "  {word}");
    }
    let mut capabilities = "route-refresh enable;".to_owned();
    if session.graceful_restart {
        capabilities.push_str(" graceful-restart 120;");
    }
    if session.add_path {
        capabilities.push_str(" add-path send/receive;");
    }
    format!(
        "process announcer {{\n  run /usr/bin/tail -n +1 -F {commands};\n  encoder text;\n}}\nprocess listener {{\n  run {listener};\n  encoder text;\n}}\nneighbor {} {{\n  \
         router-id {};\n  local-address {};\n  local-as {};\n  peer-as {};\n  hold-time {};\n  \
         capability {{ {capabilities} }}\n{options}  \
         family {{ ipv4 unicast; ipv6 unicast; }}\n  api {{ processes [ announcer ]; }}\n  api heard {{ processes [ listener ]; neighbor-changes; receive {{ parsed; update; }} }}\n}}\n{}\n",
        session.remote,
        session.router_id(),
        session.local,
        session.local_as,
        session.remote_as,
        session.hold_time,
        session.speaker_words.join("\n"),
    )
}

pub(super) fn start(host: &Host, session: &Session) -> Result<Process> {
    host.write("exabgp.commands", "")?;
    let heard = heard(host);
    let listener = host.write(
        "exabgp.listener",
        &format!(
            "#!/bin/sh\n# Without exec: whoever closes its standard output is dead to ExaBGP.\ncat > {}\n",
            heard.display()
        ),
    )?;
    std::fs::set_permissions(&listener, Permissions::from_mode(0o755))
        .with_context(|| format!("making {} executable", listener.display()))?;
    let text = config(session, &commands(host).to_string_lossy(), &listener.to_string_lossy());
    let file = host.write("exabgp.conf", &text)?;
    host.start(
        "exabgp",
        "env",
        &[
            "exabgp.daemon.daemonize=false",
            "exabgp.daemon.drop=false",
            "exabgp.daemon.user=root",
            "exabgp.log.destination=stdout",
            "exabgp.log.network=true",
            "exabgp.log.routes=true",
            "exabgp.api.ack=false",
            "exabgp.api.cli=false",
            "exabgp.tcp.bind=",
            "exabgp",
            &file.to_string_lossy(),
        ],
    )
}

/// The announcements of a prefix that stand: one line for each of its paths.
pub(super) fn table(host: &Host, prefix: &str) -> Result<String> {
    let said = said(host)?;
    let mut paths = BTreeMap::new();
    for line in said.lines() {
        if line.contains(" down - ") {
            paths.clear();
        } else if let Some((path, line)) = path_of(line, " announced ", prefix) {
            paths.insert(path, line);
        } else if let Some((path, _)) = path_of(line, " withdrawn ", prefix) {
            paths.remove(path);
        }
    }
    Ok(paths.into_values().map(|line| format!("{line}\n")).collect())
}

/// The identifier of the path of this prefix that a line tells of, and what it tells.
fn path_of<'a>(line: &'a str, word: &str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let told = line.split_once(word)?.1;
    let rest = told.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    let identifier = rest.split_once("path-information ").and_then(|(_, rest)| rest.split(' ').next());
    Some((identifier.unwrap_or_default(), told))
}

/// Everything that its listener was told of the session.
fn said(host: &Host) -> Result<String> {
    let path = heard(host);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// The last word of its listener about the session: `up` once it is established.
pub(super) fn state(host: &Host) -> Result<String> {
    let said = said(host)?;
    let last = said.lines().rev().find(|line| line.ends_with(" up") || line.contains(" down"));
    Ok(last.unwrap_or_default().to_owned())
}

pub(super) fn change(host: &Host, change: Change, prefix: &str) -> Result<()> {
    let word = if change == Change::Announce { "announce" } else { "withdraw" };
    let own = if prefix.contains(" next-hop ") { "" } else { " next-hop self" };
    command(host, &format!("{word} route {prefix}{own}"))
}

pub(super) fn refresh(host: &Host) -> Result<()> {
    command(host, "announce route-refresh ipv4 unicast")
}

fn command(host: &Host, line: &str) -> Result<()> {
    let path = commands(host);
    let mut file =
        OpenOptions::new().append(true).open(&path).with_context(|| format!("opening {}", path.display()))?;
    writeln!(file, "{line}").with_context(|| format!("writing {}", path.display()))
}

fn heard(host: &Host) -> PathBuf {
    host.directory().join("exabgp.heard")
}

fn commands(host: &Host) -> PathBuf {
    host.directory().join("exabgp.commands")
}
