//! How the daemon answers while it is busy: a person who looks, a peer that waits for its keepalive, and a change of
//! policy over many paths.
//!
//! A look is due every 50 ms whether the last one was answered or not, and its time counts from when it was due; so a
//! daemon that is away for a second does not have twenty looks forgiven. It never looks through the shell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use api::{Request, Show};
use nouns::Family;
use scenarios::lab::Lab;

use super::Effort;
use super::contest::{Work, renew, rest_of, thousands};
use super::convergence::TABLE;
use crate::clock::Stamp;
use crate::control::Control;
use crate::daemons::{ASN, Daemon, Job, Kind, towpath, towpath_job};
use crate::report::Report;
use crate::swarm::{DAEMON, Peer, Swarm, address};

const CHAPTER: &str = "busy";
const RELOAD: &str = "reload";
/// Changes of policy over the same paths, one after the other.
const EDITS: u32 = 8;
const PACE: Duration = Duration::from_millis(50);
/// The AS of who watches.
const WATCHER: u32 = 64998;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let lab = Lab::new()?;
    let mut looks = Looks::default();
    let mut silences = Vec::new();
    for _ in 0..effort.rounds.min(3) {
        let (times, gap) = converging(&lab, effort.table)?;
        looks.add(times);
        silences.push(gap);
    }
    let while_busy = format!("while {} routes converge", thousands(effort.table));
    looks.report(CHAPTER, report, &while_busy, "20 ms");
    report.add(
        CHAPTER,
        format!("{while_busy}: the longest silence for a peer with a hold time of 3 s"),
        "1,000 ms",
        "ms",
        silences,
    );
    Ok(())
}

/// A change of policy over many paths.
pub(super) fn reload(effort: &Effort, report: &mut Report) -> Result<()> {
    let lab = Lab::new()?;
    let mut looks = Looks::default();
    let (mut whole, mut cpu, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds.min(2) {
        let reload = edits(&lab, effort.table / 2)?;
        looks.add(reload.looks);
        whole.extend(reload.whole);
        cpu.extend(reload.cpu);
        gaps.push(reload.gap);
    }
    let what = format!("a policy is changed over 10 × {} paths", thousands(effort.table / 2));
    report.add(RELOAD, format!("{what} → the last peer has heard all of it"), "2,000 ms", "ms", whole);
    report.add(RELOAD, format!("{what}: CPU time"), "–", "ms", cpu);
    let name = format!("while {what}");
    looks.report(RELOAD, report, &name, "100 ms");
    report.add(
        RELOAD,
        format!("{name}: the longest silence for a peer with a hold time of 3 s"),
        "1,000 ms",
        "ms",
        gaps,
    );
    Ok(())
}

/// Milliseconds of looks, over all runs.
#[derive(Default)]
struct Looks {
    all: Vec<f64>,
    late: Vec<f64>,
    worst: Vec<f64>,
}

impl Looks {
    fn add(&mut self, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        self.late.extend(times.get(times.len() * 99 / 100));
        self.worst.extend(times.last());
        self.all.extend(times);
    }

    fn report(self, chapter: &'static str, report: &mut Report, name: &str, target: &'static str) {
        let what = format!("`show ip bgp summary` {name}");
        report.add(chapter, what.clone(), target, "ms", self.all);
        report.add(chapter, format!("{what}, the 99th of a hundred"), target, "ms", self.late);
        report.add(chapter, format!("{what}, the slowest"), target, "ms", self.worst);
    }
}

/// Somebody who looks again and again.
struct Looker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<f64>>>,
}

impl Looker {
    fn start(socket: &str) -> Result<Self> {
        let mut control = Control::open(socket)?;
        let request = serde_json::to_value(Request::Show(Show::BgpSummary { family: Some(Family::Ipv4Unicast) }))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut due, mut times) = (Instant::now(), Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let reply = control.ask(&request)?;
                ensure!(reply.get("view").is_some(), "the daemon answered with {reply}");
                times.push(due.elapsed().as_secs_f64() * 1e3);
                due += PACE;
            }
            Ok(times)
        });
        Ok(Self { stop, thread })
    }

    fn end(self) -> Result<Vec<f64>> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(times) => times,
            Err(_) => bail!("the looker has panicked"),
        }
    }
}

/// Sessions of a work and of a watcher with a hold time of three seconds, and a daemon with more configuration.
pub(super) fn scene(lab: &Lab, work: &Work, more: &str) -> Result<(Swarm, Daemon, String)> {
    renew(lab)?;
    let mut peers = work.peers();
    let last = u8::try_from(peers.len())?;
    let watcher = Peer { address: address(last), asn: WATCHER, sends: false, hold_time: 3 };
    let job = Job { router: DAEMON, peers: peers.clone(), reflects: false, kernel: false, paths: None };
    peers.push(watcher);
    let configuration = towpath_job(&Job { peers: peers.clone(), ..job.clone() });
    let (router, process) = towpath(lab, &format!("{configuration}{more}"))?;
    let daemon = Daemon::of(process);
    let mut swarm = Swarm::start(lab)?;
    swarm.connect(work.recipe(Kind::Towpath), &job.peers, ASN)?;
    swarm.watch(watcher)?;
    Ok((swarm, daemon, router.path("towpathd.sock")))
}

/// The times of looks while a full table converges, and the longest silence for who watches.
fn converging(lab: &Lab, routes: u32) -> Result<(Vec<f64>, f64)> {
    let work = Work { routes, ..TABLE };
    let (mut swarm, daemon, socket) = scene(lab, &work, "")?;
    let looker = Looker::start(&socket)?;
    swarm.signs()?;
    let began = swarm.announce()?;
    swarm.reached(work.patience)?;
    rest_of(&daemon, Duration::from_secs(5))?;
    let looks = looker.end()?;
    Ok((looks, longest_gap(began, &swarm.signs()?)))
}

/// The longest time without a sign of life, in milliseconds, from the beginning until now.
fn longest_gap(began: Stamp, signs: &[Stamp]) -> f64 {
    let times = [began].into_iter().chain(signs.iter().copied()).collect::<Vec<_>>();
    let to_the_end = times.last().map(|last| Stamp::now().milliseconds_since(*last));
    let between = times.windows(2).filter_map(|pair| Some(pair.last()?.milliseconds_since(*pair.first()?)));
    between.chain(to_the_end).fold(0.0, f64::max)
}

/// What changes of policy showed.
struct Reload {
    whole: Vec<f64>,
    cpu: Vec<f64>,
    looks: Vec<f64>,
    gap: f64,
}

/// What is imported gets another community, again and again, so every path is judged again and every route is told again.
fn edits(lab: &Lab, routes: u32) -> Result<Reload> {
    let work = Work { senders: 10, routes, ..TABLE };
    let map = |number: u32| format!("set policy route-map IN rule 10 set community '64512:{number}'");
    let mut more = format!("set policy route-map IN rule 10 action permit\n{}\n", map(1));
    for peer in work.peers().iter().filter(|peer| peer.sends) {
        more.push_str(&format!("set protocols bgp {ASN} neighbor {} route-map import IN\n", peer.address));
    }
    let (mut swarm, daemon, socket) = scene(lab, &work, &more)?;
    swarm.announce()?;
    swarm.reached(work.patience)?;
    rest_of(&daemon, Duration::from_secs(60))?;
    let looker = Looker::start(&socket)?;
    swarm.signs()?;
    let first = Stamp::now();
    let (mut whole, mut cpu) = (Vec::new(), Vec::new());
    for edit in 0..EDITS {
        let (before, used) = (swarm.counts()?, daemon.cpu_seconds()?);
        let began = Stamp::now();
        Control::open(&socket)?.commit(&[map(edit + 2).replace('\'', "")])?;
        // The first change may take a moment; the last one is followed by silence.
        std::thread::sleep(Duration::from_millis(500));
        let last = swarm.silence(Duration::from_secs(1)).context("waiting for the end of the change")?;
        cpu.push((daemon.cpu_seconds()? - used) * 1e3);
        let told = swarm.counts()?.prefixes - before.prefixes;
        ensure!(told >= f64::from(routes), "only {told} of {routes} routes were told again");
        whole.push(last.milliseconds_since(began));
    }
    let looks = looker.end()?;
    Ok(Reload { whole, cpu, looks, gap: longest_gap(first, &swarm.signs()?) })
}
