//! GoBGP as Cilium runs it.
//!
//! Dials out only (port -1, never passive), hold 90 and keepalive 30, IPv6 unicast offered before IPv4 unicast, and
//! with graceful restart in the state "local restarting" with the notification bit, which makes it withhold every
//! route until the router's End-of-RIB arrives.
//!
//! It listens only as a route reflector, whose clients call it, and where it has neighbors of a range.

use std::net::IpAddr;

use anyhow::Result;

use super::{Change, Session, family};
use crate::lab::{Host, Process};

/// The configuration of a node, with `{words}` for what differs; `make demo` fills in the same text.
const TEMPLATE: &str = include_str!("gobgp.toml");

fn config(session: &Session) -> String {
    let words = [
        ("local-as", session.local_as.to_string()),
        ("router-id", session.router_id()),
        ("router", session.remote.to_string()),
        ("remote-as", session.remote_as.to_string()),
        ("password", session.password.clone().unwrap_or_default()),
        ("hold-time", session.hold_time.to_string()),
        ("keepalive", session.keepalive().to_string()),
        ("address", session.local.to_string()),
        ("multihop", session.multihop.is_some().to_string()),
        ("ttl", session.multihop.unwrap_or_default().to_string()),
        ("ttl-security", session.ttl_security.to_string()),
        ("graceful-restart", session.graceful_restart.to_string()),
        ("restart-time", session.long_lived.map_or(120, |(restart, _)| restart).to_string()),
        ("long-lived", session.long_lived.is_some().to_string()),
        ("stale-time", session.long_lived.map_or(0, |(_, stale)| stale).to_string()),
        ("words", session.speaker_words.join("\n") + &reflection(session)),
        ("port", if listens(session) { "179" } else { "-1" }.to_owned()),
        ("several", session.add_path.to_string()),
        ("paths", (u8::from(session.add_path) * 8).to_string()),
    ];
    words.iter().fold(TEMPLATE.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
}

/// Whether others call it: clients of a route reflector, and members of a range.
fn listens(session: &Session) -> bool {
    !session.clients.is_empty() || session.speaker_words.iter().any(|words| words.contains("[[dynamic-neighbors]]"))
}

/// The router as a client of a route reflector, and its other clients.
fn reflection(session: &Session) -> String {
    let client = format!(
        "  [neighbors.route-reflector.config]\n    route-reflector-client = true\n    route-reflector-cluster-id = \"{}\"\n",
        session.router_id()
    );
    let other = |address: &IpAddr| {
        format!(
            "[[neighbors]]\n  [neighbors.config]\n    neighbor-address = \"{address}\"\n    peer-as = {}\n  \
             [neighbors.transport.config]\n    passive-mode = true\n{client}",
            session.local_as
        )
    };
    let others: String = session.clients.iter().map(other).collect();
    if session.clients.is_empty() { others } else { client + &others }
}

pub(super) fn start(host: &Host, session: &Session) -> Result<Process> {
    let file = host.write("gobgpd.toml", &config(session))?;
    host.start(
        "gobgpd",
        "gobgpd",
        &["-t", "toml", "-f", &file.to_string_lossy(), "--pprof-disable", "--api-hosts", "127.0.0.1:50051"],
    )
}

pub(super) fn state(host: &Host, session: &Session) -> Result<String> {
    host.run("gobgp", &["neighbor", &session.remote.to_string()])?.success()
}

pub(super) fn part(host: &Host, session: &Session, text: &str) -> Result<()> {
    host.run("gobgp", &["neighbor", &session.remote.to_string(), "shutdown", "--reason", text])?.success().map(drop)
}

pub(super) fn table(host: &Host, prefix: &str) -> Result<String> {
    host.run("gobgp", &["global", "rib", "-a", family(prefix, "ipv4", "ipv6"), prefix])?.success()
}

pub(super) fn change(host: &Host, change: Change, prefix: &str) -> Result<()> {
    let word = if change == Change::Announce { "add" } else { "del" };
    // Whatever stands behind the prefix are further words of the command: an identifier, a next hop.
    let (prefix, further) = prefix.split_once(' ').unwrap_or((prefix, ""));
    let mut arguments = vec!["global", "rib", word, prefix];
    arguments.extend(further.split_whitespace());
    if change == Change::Announce {
        arguments.extend(["origin", "igp"]);
    }
    arguments.extend(["-a", family(prefix, "ipv4", "ipv6")]);
    host.run("gobgp", &arguments)?.success()?;
    Ok(())
}
