//! All that may happen to nodes, one after the other, and what it costs.
//!
//! It never goes on before what happened is in force, and connections that were lost are opened anew.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::view::system::LogLevel;
use api::{News, Watch};
use scenarios::cluster::{Attempt, Cluster, Farm, OPEN, SESSIONS, Shares, total};
use scenarios::lab::{Host, ROUTER, SHOP};
use scenarios::peers::bfd::{BfdPeer, BfdSession, Watcher};
use scenarios::router::control::Control;

use super::rival::Rival;
use crate::clock::{Stamp, wait_for};

/// New connections a second while something happens.
const RATE: u32 = 1000;
/// How often BFD says that it lives, in milliseconds; three of these that miss are a death.
const BFD: u32 = 50;
/// New connections that shares are judged by.
const JUDGED: u64 = 20_000;
/// Addresses of the client that nothing was remembered of: a port that is used again soon is a flow that goes on.
const FRESH: &str = "10.9.0.3";
const FRESHER: &str = "10.9.0.4";
/// A connection that took longer began with a packet that was lost.
const LOST: Duration = Duration::from_millis(500);
/// How long connections are begun before and after something happens.
const BEFORE: Duration = Duration::from_millis(300);
const AFTER: Duration = Duration::from_secs(3);
/// How long what happens may take to be in force.
const FORCE: Duration = Duration::from_secs(20);

/// Who is between the client and the nodes.
pub(super) enum Contender {
    Towpath(Box<Cluster>),
    Bird(Box<Rival>),
}

/// What it came to. Times are milliseconds, parts per cent; what was not measured is no number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Connections of nodes that live, broken or moved, when one joins, drains, leaves and dies.
    pub(super) joins: f64,
    pub(super) drains: f64,
    pub(super) leaves: f64,
    pub(super) dies: f64,
    /// From the announcement to the first connection that the new node had.
    pub(super) first: f64,
    /// What part of its ideal share it had of connections that began a second later or more.
    pub(super) part: f64,
    /// How far the share of slots that is farthest off the ideal is off it, in parts of the ideal.
    pub(super) slots: f64,
    /// How far the share of new connections that is farthest off the ideal is off it, in parts of all.
    pub(super) off: f64,
    /// The part of new connections that a draining node had.
    pub(super) drained: f64,
    /// From a death to its detection, and to the last connection that was begun with the dead one.
    pub(super) detected: f64,
    pub(super) elsewhere: f64,
    /// New connections that failed, but those that were begun before a death was detected.
    pub(super) failed: f64,
}

impl Contender {
    /// Our own router, in front of so many nodes.
    pub(super) fn towpath(count: u8) -> Result<Self> {
        let rate = BFD.to_string();
        let words = ["transmit", "receive"].map(|way| format!("set protocols bfd profile fast interval {way} {rate}"));
        let [transmit, receive] = &words;
        let bfd = "set protocols bgp 64512 peer-group nodes bfd profile fast";
        let cluster = Cluster::of(Farm::new()?, &[transmit, receive, bfd])?;
        Self::Towpath(Box::new(cluster)).filled(count)
    }

    /// BIRD and the kernel.
    pub(super) fn bird(count: u8) -> Result<Self> {
        Self::Bird(Box::new(Rival::new(Farm::new()?, count + 1, BFD)?)).filled(count)
    }

    fn filled(mut self, count: u8) -> Result<Self> {
        for _ in 0..count {
            self.farm_mut().join()?;
        }
        self.wait(usize::from(count), "all nodes serve")?;
        Ok(self)
    }

    fn farm(&self) -> &Farm {
        match self {
            Self::Towpath(cluster) => &cluster.farm,
            Self::Bird(rival) => &rival.farm,
        }
    }

    fn farm_mut(&mut self) -> &mut Farm {
        match self {
            Self::Towpath(cluster) => &mut cluster.farm,
            Self::Bird(rival) => &mut rival.farm,
        }
    }

    /// Waits until so many nodes get new connections.
    fn wait(&self, count: usize, what: &str) -> Result<()> {
        let serving = || match self {
            Self::Towpath(cluster) => cluster.active(),
            Self::Bird(rival) => rival.serving(),
        };
        self.farm().lab.wait_until(SESSIONS, what, || serving() == count)
    }

    /// Opens connections anew for those that were lost.
    fn refill(&mut self) -> Result<()> {
        let (alive, _) = self.farm_mut().connections.check()?;
        let missing = OPEN.saturating_sub(total(&alive));
        self.farm_mut().connections.open(missing).map(drop)
    }

    /// What is lost of open connections, but those of this node.
    fn lost(&mut self, own: Option<&str>) -> Result<f64> {
        let (_, lost) = self.farm_mut().connections.check()?;
        Ok(lost.iter().filter(|(node, _)| Some(node.as_str()) != own).fold(0.0, |sum, (_, count)| sum + *count as f64))
    }

    /// New connections while something happens, and when it happened.
    fn during(&mut self, happen: impl FnOnce(&Farm) -> Result<()>) -> Result<(Stamp, Vec<Attempt>)> {
        self.farm_mut().connections.begin(RATE)?;
        std::thread::sleep(BEFORE);
        let at = Stamp::now();
        happen(self.farm())?;
        std::thread::sleep(AFTER);
        Ok((at, self.farm_mut().connections.end()?))
    }
}

/// A life of so many nodes, and of one more.
pub(super) fn live(mut contender: Contender, count: u8) -> Result<Figures> {
    let mut figures = Figures::default();
    for address in [FRESH, FRESHER] {
        contender.farm().lab.client.ip(&["addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
    }
    contender.farm_mut().connections.open(OPEN)?;
    joins(&mut contender, usize::from(count) + 1, &mut figures)?;
    drains(&mut contender, usize::from(count) + 1, &mut figures)?;
    leaves(&mut contender, usize::from(count), &mut figures)?;
    dies(&mut contender, &mut figures)?;
    Ok(figures)
}

fn failed(attempts: &[Attempt]) -> f64 {
    attempts.iter().filter(|attempt| attempt.node.is_none()).count() as f64
}

fn joins(contender: &mut Contender, nodes: usize, figures: &mut Figures) -> Result<()> {
    contender.farm_mut().prepare()?;
    let node = contender.farm().nodes.last().context("no node")?;
    let (name, speaker) = (node.host.role.clone(), &node.speaker);
    let established = || speaker.is_established().then_some(());
    wait_for(SESSIONS, Duration::from_millis(100), "the new node's session is up", established)?;
    let (at, attempts) =
        contender.during(|farm| farm.nodes.last().context("no node")?.speaker.announce(&format!("{SHOP}/32")))?;
    contender.wait(nodes, "the new node serves")?;
    let at_node = |attempt: &&Attempt| attempt.node.as_ref() == Some(&name);
    let first = attempts.iter().filter(at_node).map(|attempt| attempt.begun).min();
    figures.first = first.map_or(f64::NAN, |first| Stamp(first).milliseconds_since(at));
    let later: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.begun >= at.0 + 1_000_000).collect();
    let its = later.iter().copied().filter(at_node).count();
    figures.part = 100.0 * its as f64 * nodes as f64 / later.len() as f64;
    figures.failed += failed(&attempts);
    figures.joins = contender.lost(None)?;
    let (shares, missed) = contender.farm_mut().connections.burst_from(JUDGED, FRESH)?;
    figures.failed += missed as f64;
    figures.off = off(&shares, nodes)?;
    figures.slots = match contender {
        Contender::Towpath(cluster) => off(&cluster.slots_of(&SHOP.to_string()), nodes)? * nodes as f64,
        Contender::Bird(_) => f64::NAN,
    };
    contender.refill()
}

/// How far the share that is farthest off an equal one is off it, in per cent of all.
fn off(shares: &Shares, nodes: usize) -> Result<f64> {
    ensure!(shares.len() == nodes, "{shares:?} are not {nodes} nodes");
    let ideal = 1.0 / nodes as f64;
    let all = total(shares) as f64;
    Ok(shares.values().map(|count| (*count as f64 / all - ideal).abs() * 100.0).fold(0.0, f64::max))
}

fn drains(contender: &mut Contender, nodes: usize, figures: &mut Figures) -> Result<()> {
    let (name, address) = first(contender.farm())?;
    let Contender::Towpath(cluster) = contender else {
        // Nothing there drains but by a withdrawal, which is measured anyway.
        (figures.drains, figures.drained) = (f64::NAN, f64::NAN);
        return Ok(());
    };
    cluster.router.configure(&[&format!("set balancer node {address} drain")])?;
    contender.wait(nodes - 1, "one drains")?;
    let (shares, missed) = contender.farm_mut().connections.burst_from(RATE.into(), FRESHER)?;
    figures.failed += missed as f64;
    figures.drained = 100.0 * shares.get(&name).map_or(0.0, |count| *count as f64) / f64::from(RATE);
    figures.drains = contender.lost(None)?;
    if let Contender::Towpath(cluster) = contender {
        cluster.router.configure(&[&format!("delete balancer node {address}")])?;
    }
    contender.wait(nodes, "it serves again")
}

fn leaves(contender: &mut Contender, left: usize, figures: &mut Figures) -> Result<()> {
    let (name, _) = first(contender.farm())?;
    let (_, attempts) =
        contender.during(|farm| farm.nodes.first().context("no node")?.speaker.withdraw(&format!("{SHOP}/32")))?;
    contender.wait(left, "one has left")?;
    figures.failed += failed(&attempts);
    // Its own connections stay with us, and cannot stay with the rival: there they do not count.
    let own = matches!(contender, Contender::Bird(_)).then_some(name);
    figures.leaves = contender.lost(own.as_deref())?;
    contender.refill()
}

fn first(farm: &Farm) -> Result<(String, std::net::Ipv4Addr)> {
    let node = farm.nodes.first().context("no node")?;
    Ok((node.host.role.clone(), node.host.ipv4))
}

fn dies(contender: &mut Contender, figures: &mut Figures) -> Result<()> {
    let host = contender.farm().nodes.get(1).context("no node")?.host.clone();
    let session = BfdSession { interval: BFD, ..BfdSession::between(host.ipv4.into(), ROUTER.into()) };
    let bfd = BfdPeer::start(&contender.farm().lab, &host, Watcher::Bird, session)?;
    wait_for(SESSIONS, Duration::from_millis(100), "BFD is up", || bfd.is_up().then_some(()))?;
    // Both sides have to agree on the fast pace first.
    std::thread::sleep(Duration::from_secs(2));
    let detections = match contender {
        Contender::Towpath(cluster) => Some(detections(&cluster.router.path("towpathd.sock"), &host)?),
        Contender::Bird(_) => None,
    };
    let (at, attempts) = contender.during(|_| host.ip(&["link", "set", "eth0", "down"]).map(drop))?;
    let lost = |attempt: &&Attempt| attempt.node.is_none() || u128::from(attempt.took) > LOST.as_micros();
    let last = attempts.iter().filter(lost).map(|attempt| attempt.begun).max();
    figures.elsewhere = last.map_or(0.0, |last| Stamp(last).milliseconds_since(at));
    figures.detected = f64::NAN;
    if let Some(detections) = detections {
        let told = detections.recv_timeout(FORCE).context("nobody told of the death")?;
        figures.detected = told.milliseconds_since(at);
        let late = attempts.iter().filter(|attempt| attempt.begun > told.0 + 5_000 && attempt.node.is_none());
        figures.failed += late.count() as f64;
    }
    figures.dies = contender.lost(Some(&host.role))?;
    Ok(())
}

/// When the daemon says that BFD has found a node dead.
fn detections(socket: &str, host: &Host) -> Result<Receiver<Stamp>> {
    let mut watcher = Control::open(socket)?.watch(Watch::Log { least: LogLevel::Warning })?;
    let words = format!("BFD session with {} down", host.ipv4);
    let (sender, detections) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(news) = watcher.read() {
            let now = Stamp::now();
            let is_it = matches!(&news, News::Log(entry) if entry.text.contains(&words));
            if is_it && sender.send(now).is_err() {
                return;
            }
        }
    });
    Ok(detections)
}
