//! BIRD as a node.
//!
//! What it announces is a file of static routes that is rewritten and read again.
//!
//! It never installs a route: there is no kernel protocol in its configuration.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use super::{Change, Session};
use crate::lab::{Host, Process};

/// The file of announced prefixes, one a line, from which the static protocols are written.
const ANNOUNCED: &str = "announced.txt";
/// The static protocols, included by the configuration.
const ROUTES: &str = "routes.conf";

fn config(session: &Session, routes: &str) -> String {
    let mut options = String::new();
    // Writing into a String cannot fail.
    if let Some(password) = &session.password {
        let _ = writeln!(options, "  password \"{password}\";");
    }
    if let Some(ttl) = session.multihop {
        let _ = writeln!(options, "  multihop {ttl};");
    }
    if session.ttl_security {
        options.push_str("  ttl security on;\n");
    }
    for word in &session.words {
        let _ = writeln!(options, "  {word};");
    }
    if let Some((restart, stale)) = session.long_lived {
        let _ = writeln!(
            options,
            "  graceful restart time {restart};\n  long lived graceful restart on;\n  long lived stale time {stale};"
        );
    }
    let graceful = if session.graceful_restart { "on" } else { "off" };
    // Next hops of static routes are the node's own anyway; those of reflected ones are left alone.
    let (channel, client) = if session.clients.is_empty() {
        ("import all; export where source = RTS_STATIC; next hop self;", "")
    } else {
        ("import all; export where source ~ [RTS_STATIC, RTS_BGP];", "  rr client;\n")
    };
    let paths = if session.add_path { "add paths on;" } else { "" };
    let others = session.clients.iter().enumerate().map(|(index, address)| {
        format!(
            "protocol bgp client{index} {{\n  local {} as {};\n  neighbor {address} as {};\n  passive on;\n{client}  \
             ipv4 {{ {channel} }};\n  ipv6 {{ {channel} }};\n}}\n",
            session.local, session.local_as, session.local_as
        )
    });
    let others: String = others.collect();
    format!(
        "log stderr all;\nrouter id {};\nprotocol device {{}}\ninclude \"{routes}\";\nprotocol bgp tower {{\n  \
         local {} as {};\n  neighbor {} as {};\n  hold time {};\n  keepalive time {};\n  connect delay time 1;\n  \
         connect retry time 1;\n  error wait time 1, 3;\n  graceful restart {graceful};\n{options}{client}  \
         ipv4 {{ {channel} extended next hop on; {paths} }};\n  ipv6 {{ {channel} {paths} }};\n}}\n{others}{}\n",
        session.router_id(),
        session.local,
        session.local_as,
        session.remote,
        session.remote_as,
        session.hold_time,
        session.keepalive(),
        session.speaker_words.join("\n"),
    )
}

pub(super) fn start(host: &Host, session: &Session) -> Result<Process> {
    let routes = write_routes(host, &BTreeSet::new())?;
    let file = host.write("bird.conf", &config(session, &routes))?;
    let socket = socket(host);
    host.start("bird", "bird", &["-f", "-c", &file.to_string_lossy(), "-s", &socket])
}

pub(super) fn state(host: &Host) -> Result<String> {
    birdc(host, &["show", "protocols", "tower"])
}

pub(super) fn part(host: &Host, text: &str) -> Result<()> {
    birdc(host, &["disable", "tower", &format!("\"{text}\"")]).map(drop)
}

pub(super) fn refresh(host: &Host) -> Result<()> {
    birdc(host, &["reload", "in", "tower"]).map(drop)
}

pub(super) fn table(host: &Host, prefix: &str) -> Result<String> {
    birdc(host, &["show", "route", "for", prefix, "protocol", "tower", "all"])
}

pub(super) fn change(host: &Host, change: Change, prefix: &str) -> Result<()> {
    let path = host.directory().join(ANNOUNCED);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut announced: BTreeSet<&str> = text.lines().collect();
    match change {
        Change::Announce => announced.insert(prefix),
        Change::Withdraw => announced.remove(prefix),
    };
    write_routes(host, &announced)?;
    let said = birdc(host, &["configure"])?;
    if !said.contains("Reconfigur") {
        bail!("birdc configure: {said}");
    }
    Ok(())
}

fn write_routes(host: &Host, announced: &BTreeSet<&str>) -> Result<String> {
    host.write(ANNOUNCED, &announced.iter().map(|prefix| format!("{prefix}\n")).collect::<String>())?;
    let protocol = |family: &str, colon: bool| {
        let routes: String = announced
            .iter()
            .filter(|prefix| prefix.contains(':') == colon)
            .map(|route| route.split_once(' ').unwrap_or((route, "")))
            .map(|(prefix, words)| format!("  route {prefix} blackhole {words};\n"))
            .collect();
        format!("protocol static static_{family} {{\n  {family};\n{routes}}}\n")
    };
    let text = format!("{}{}", protocol("ipv4", false), protocol("ipv6", true));
    Ok(host.write(ROUTES, &text)?.to_string_lossy().into_owned())
}

fn socket(host: &Host) -> String {
    host.directory().join("bird.ctl").to_string_lossy().into_owned()
}

fn birdc(host: &Host, command: &[&str]) -> Result<String> {
    let socket = socket(host);
    let mut arguments = vec!["-s", &socket];
    arguments.extend(command);
    host.run("birdc", &arguments)?.success()
}
