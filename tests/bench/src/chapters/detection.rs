//! How soon a node that dies without a word leaves the kernel: by BFD and by probes, and whether BFD lives through work.
//!
//! A detection time begins with the last packet that came of the node, so that its time is taken where it arrives; what
//! counts is how much later than the end of the detection time the kernel told of its last change. It never judges what a
//! node that closes its connection costs: that is another chapter.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api::{Request, Show};
use scenarios::lab::{Host, Lab, Process, ROUTER};
use scenarios::peers::bfd::{BfdPeer, BfdSession, Watcher};
use scenarios::router::Router;
use serde_json::Value;

use super::Effort;
use super::busy;
use super::contest::{Work, thousands};
use super::convergence::TABLE;
use super::death::{Death, changes_since, judge};
use crate::clock::{Stamp, wait_for};
use crate::control::Control;
use crate::daemons::{configuration, towpath};
use crate::kernel_watch::KernelWatch;
use crate::node::Node;
use crate::report::Report;
use crate::usage;

const CHAPTER: &str = "detection";
const SERVICES: u32 = 10_000;
const FIRST: &str = "172.20.0.0/32";
const SIGNS: &str = include_str!("../signs.py");
const SOON: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// How a dead node is noticed.
struct Case {
    name: &'static str,
    /// The kind of its signs of life, and the word of a neighbor.
    sign: &'static str,
    words: &'static str,
    /// Milliseconds between them; three may be lost.
    interval: u32,
    target: &'static str,
}

const CASES: [Case; 5] = [
    Case { name: "BFD, 3 × 300 ms", sign: "bfd", words: "bfd", interval: 300, target: "905 ms" },
    Case { name: "BFD, 3 × 50 ms", sign: "bfd", words: "bfd profile fast", interval: 50, target: "155 ms" },
    Case { name: "liveness arp, 3 × 300 ms", sign: "arp", words: "liveness arp", interval: 300, target: "905 ms" },
    Case { name: "liveness icmp, 3 × 300 ms", sign: "icmp", words: "liveness icmp", interval: 300, target: "905 ms" },
    Case { name: "liveness tcp, 3 × 300 ms", sign: "tcp", words: "liveness tcp 1", interval: 300, target: "905 ms" },
];

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    for case in &CASES {
        let deaths = (0..effort.long).map(|_| once(case)).collect::<Result<Vec<_>>>()?;
        let what = format!("{}: one of three nodes dies under {} services", case.name, thousands(SERVICES));
        let of = |figure: fn(&Noticed) -> f64| deaths.iter().map(figure).collect();
        report.add(CHAPTER, format!("{what} → repaired"), case.target, "ms", of(|death| death.since_death));
        let beyond = format!("{what}: repaired after the end of the detection time");
        report.add(CHAPTER, beyond, "5 ms", "ms", of(|death| death.beyond));
    }
    let lost = (0..effort.long.min(3)).map(|_| beside_a_table(effort.table)).collect::<Result<Vec<_>>>()?;
    let what = format!("sessions of BFD, 3 × 50 ms, that fail while {} routes converge", thousands(effort.table));
    report.add(CHAPTER, what, "0", "", lost);
    Ok(())
}

/// Milliseconds until the kernel has repaired its groups.
struct Noticed {
    /// Since the node's link went down.
    since_death: f64,
    /// Since the detection time was over, which began with its last packet.
    beyond: f64,
}

/// Fields in the order in which they have to go: the network last.
struct Watched {
    nodes: Vec<Node>,
    _bfd: Vec<BfdPeer>,
    signs: Process,
    router: Router,
    _daemon: Process,
    lab: Lab,
}

/// Three nodes with the same services, each of which is watched.
fn watched(case: &Case) -> Result<Watched> {
    let lab = Lab::new()?;
    let (router, daemon) = towpath(&lab, &configuration(0))?;
    let mut lines = fast();
    lines.extend(lab.nodes.iter().map(|node| neighbor(node, case.words)));
    Control::open(&router.path("towpathd.sock"))?.commit(&lines)?;
    let mut nodes: Vec<Node> = lab.nodes.iter().map(Node::start).collect::<Result<_>>()?;
    let wanted = usage::ipv4_prefixes(daemon.id())? + usize::try_from(SERVICES)?;
    for node in &mut nodes {
        node.connect_until_end_of_rib()?;
        node.prepare_announce(FIRST, SERVICES, SERVICES)?;
        node.send()?;
        node.end_of_rib()?;
    }
    let has_all = || usage::ipv4_prefixes(daemon.id()).is_ok_and(|has| has >= wanted).then_some(());
    wait_for(SOON * 2, PAUSE, "the kernel has all routes", has_all)?;
    let bfd = if case.sign == "bfd" { sessions(&lab, &router, case.interval)? } else { Vec::new() };
    let dying = lab.nodes.last().context("the laboratory has no node")?;
    let script = lab.router.write("signs.py", SIGNS)?.to_string_lossy().into_owned();
    let signs = lab.router.start("signs", "python3", &[&script, "eth1", &dying.ipv4.to_string()])?;
    let some = || (signs_of(&signs, case.sign).len() > 3).then_some(());
    wait_for(SOON, PAUSE, "the node gives signs of life", some)?;
    Ok(Watched { nodes, _bfd: bfd, signs, router, _daemon: daemon, lab })
}

fn once(case: &Case) -> Result<Noticed> {
    let scene = watched(case)?;
    let legs = || scene.router.kernel_route(FIRST).ok().flatten().map_or(0, |route| route.legs.len());
    let whole = || (legs() == scene.nodes.len()).then_some(());
    wait_for(SOON, PAUSE, "all nodes are legs", whole)?;
    let watch = KernelWatch::start(&scene.lab.router)?;
    let dying = scene.lab.nodes.last().context("the laboratory has no node")?;
    let died = Stamp::now();
    dying.ip(&["link", "set", "eth0", "down"])?;
    let told = changes_since(&watch, died)?;
    ensure!(legs() == 2, "the kernel has {} legs after the death of one of three nodes", legs());
    let Death { repaired, .. } = judge(&told, died, "Deleted id")?;
    let last = signs_of(&scene.signs, case.sign).pop().context("the node gave no sign of life")?;
    let beyond = repaired - last.milliseconds_since(died) - f64::from(case.interval * 3);
    Ok(Noticed { since_death: repaired, beyond })
}

/// When signs of this kind came, so far.
fn signs_of(signs: &Process, kind: &str) -> Vec<Stamp> {
    let said = signs.output();
    let of_kind = said.lines().filter_map(|line| line.split_once(' ').filter(|(_, what)| *what == kind));
    of_kind.filter_map(|(at, _)| at.parse().ok().map(Stamp)).collect()
}

/// A profile of 3 × 50 ms.
fn fast() -> Vec<String> {
    ["transmit", "receive"].map(|word| format!("set protocols bfd profile fast interval {word} 50")).into()
}

fn neighbor(node: &Host, words: &str) -> String {
    format!("set protocols bgp 64512 neighbor {} {words}", node.ipv4)
}

/// BIRD watches the router on each node; all sessions are up and have agreed on their intervals.
fn sessions(lab: &Lab, router: &Router, interval: u32) -> Result<Vec<BfdPeer>> {
    let start = |node: &Host| {
        let wish = BfdSession { interval, ..BfdSession::between(node.ipv4.into(), ROUTER.into()) };
        BfdPeer::start(lab, node, Watcher::Bird, wish)
    };
    let peers = lab.nodes.iter().map(start).collect::<Result<Vec<_>>>()?;
    let agreed = |session: &Value| session["status"] == "up" && session["detectionTime"] == u64::from(interval) * 3;
    let all = || {
        let told = told(&router.path("towpathd.sock")).unwrap_or_default();
        (told.len() == peers.len() && told.iter().all(agreed)).then_some(())
    };
    wait_for(SOON, PAUSE, "all sessions of BFD are up", all)?;
    Ok(peers)
}

/// What the router tells of its sessions of BFD.
fn told(socket: &str) -> Result<Vec<Value>> {
    let request = Request::Show(Show::BfdPeers { peer: None, brief: false });
    let reply = Control::open(socket)?.ask(&serde_json::to_value(request)?)?;
    let peers = reply.pointer("/view/bfd-peers/peers").and_then(Value::as_array);
    let peers = peers.with_context(|| format!("no sessions of BFD in {reply}"))?;
    Ok(peers.iter().filter_map(|peer| peer.get("session").cloned()).collect())
}

/// How often a session of BFD fails while a full table comes and is passed on.
fn beside_a_table(routes: u32) -> Result<f64> {
    let lab = Lab::new()?;
    let work = Work { routes, ..TABLE };
    let mut more = fast();
    more.extend(
        lab.nodes.iter().map(|node| format!("set protocols bfd peer {} profile fast", IpAddr::from(node.ipv4))),
    );
    let (mut swarm, _daemon, socket) = busy::scene(&lab, &work, &more.join("\n"))?;
    let router = Router::prepare(&lab)?;
    let _peers = sessions(&lab, &router, 50)?;
    swarm.announce()?;
    swarm.reached(work.patience)?;
    let downs = told(&socket)?.iter().filter_map(|session| session["downs"].as_f64()).sum();
    Ok(downs)
}
