//! One peer's full table from the wire into the kernel and out again, beside a writer that does nothing but write; and
//! what many legs cost.
//!
//! Counting the kernel's routes takes a core for a tenth of a second, so they are counted only once a witness, who asks
//! for a few thousand of them, has seen these. A count that finds all of them is the proof, and no part of the time: it
//! ends when that count was asked for. It never looks at what a daemon believes to have written.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::Effort;
use super::contest::{renew, rest, thousands};
use crate::clock::Stamp;
use crate::daemons::{ASN, Daemon, Job, Kind};
use crate::feed::{FIRST_AS, Recipe, Shape};
use crate::report::{Column, Contest, Entrant, Report};
use crate::swarm::{DAEMON, Peer, Swarm, address};
use crate::witness::Witness;
use crate::{floor, usage};

const CHAPTER: &str = "kernel";
const PATIENCE: Duration = Duration::from_secs(180);
const FLOOR: &str = "raw netlink writer";
const COLUMNS: &[Column] = &[
    Column { name: "into the kernel", unit: "s", compared: true },
    Column { name: "out again", unit: "s", compared: true },
    Column { name: "peak memory", unit: "MiB", compared: true },
    Column { name: "CPU", unit: "s", compared: true },
];
/// Routes of which each is asked for its legs.
const SAMPLES: u32 = 16;

/// Who writes the routes, and how many legs they have.
#[derive(Debug, Clone, Copy)]
enum Writer {
    Floor { legs: u8 },
    Daemon { kind: Kind, peers: u8, legs: u8 },
}

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let one = |kind: Kind| Writer::Daemon { kind, peers: 1, legs: 1 };
    let mut writers = vec![(FLOOR.to_owned(), Writer::Floor { legs: 1 }, effort.rounds)];
    for (kind, runs) in effort.entrants(&[]) {
        if !matches!(kind, Kind::Gobgp | Kind::Openbgpd) {
            writers.push((kind.name().to_owned(), one(kind), runs));
        }
    }
    let work = format!("1 peer × {} routes into the kernel", thousands(effort.table));
    contest(work, FLOOR, effort.table, Shape::Table, &writers, report)?;

    const ONE_LEG: &str = "Towpath, one leg of 64";
    let many = |legs: u8| Writer::Daemon { kind: Kind::Towpath, peers: 64, legs };
    let rounds = effort.rounds.min(3);
    let writers = [
        ("raw netlink writer, one leg".to_owned(), Writer::Floor { legs: 1 }, rounds),
        ("raw netlink writer, 64 legs".to_owned(), Writer::Floor { legs: 64 }, rounds),
        (ONE_LEG.to_owned(), many(1), rounds),
        ("Towpath, 64 legs".to_owned(), many(64), rounds),
    ];
    let routes = effort.table / 10;
    let work = format!("64 peers × the same {} routes into the kernel", thousands(routes));
    contest(work, ONE_LEG, routes, Shape::Equal, &writers, report)
}

fn contest(
    work: String,
    measure: &'static str,
    routes: u32,
    shape: Shape,
    writers: &[(String, Writer, usize)],
    report: &mut Report,
) -> Result<()> {
    let lab = Lab::new()?;
    let mut contest = Contest { measure, ..Contest::new(CHAPTER, work, COLUMNS) };
    let named = |(name, _, _): &(String, Writer, usize)| Entrant { name: name.clone(), runs: vec![], failure: None };
    contest.entrants = writers.iter().map(named).collect();
    let rounds = writers.iter().map(|(_, _, runs)| *runs).max().unwrap_or(0);
    for round in 0..rounds {
        for ((_, writer, runs), entrant) in writers.iter().zip(&mut contest.entrants) {
            if round >= *runs || entrant.failure.is_some() {
                continue;
            }
            renew(&lab)?;
            let done = match *writer {
                Writer::Floor { legs } => floor(&lab, routes, shape, legs),
                Writer::Daemon { kind, peers, legs } => once(&lab, kind, peers, legs, routes, shape),
            };
            entrant.note(done);
        }
    }
    report.compare(contest);
    Ok(())
}

fn recipe(routes: u32, senders: u8, shape: Shape) -> Recipe {
    Recipe { routes, senders: u32::from(senders), shape, prepended: ASN }
}

fn floor(lab: &Lab, routes: u32, shape: Shape, legs: u8) -> Result<Vec<f64>> {
    let [add, delete] = floor::measure(lab, recipe(routes, 1, shape), legs)?;
    Ok(vec![add, delete, f64::NAN, f64::NAN])
}

fn once(lab: &Lab, kind: Kind, peers: u8, legs: u8, routes: u32, shape: Shape) -> Result<Vec<f64>> {
    let peer = |number: u8| Peer { address: address(number), asn: FIRST_AS, sends: true, hold_time: 180 };
    let peers: Vec<Peer> = (0..peers).map(peer).collect();
    let recipe = recipe(routes, u8::try_from(peers.len())?, shape);
    let job = Job { router: DAEMON, peers, reflects: false, kernel: true, paths: Some(legs) };
    let mut daemon = kind.start(lab, &job)?;
    let mut swarm = Swarm::start(lab)?;
    let mut witness = Witness::start(lab)?;
    let done = run(lab, (&mut swarm, &mut witness), &daemon, &job, recipe, usize::from(legs));
    daemon.explain(done)
}

fn run(
    lab: &Lab,
    (swarm, witness): (&mut Swarm, &mut Witness),
    daemon: &Daemon,
    job: &Job,
    recipe: Recipe,
    legs: usize,
) -> Result<Vec<f64>> {
    swarm.connect(recipe, &job.peers, ASN)?;
    rest(daemon)?;
    let (before, idle_cpu) = (usage::ipv4_prefixes(daemon.process()?)?, daemon.cpu_seconds()?);
    let routes = usize::try_from(recipe.routes + recipe.senders)?;
    let began = swarm.announce()?;
    witness.wait(recipe, true, PATIENCE)?;
    let mut there = wait_for_prefixes(daemon, |has| (before + routes).saturating_sub(has))?;
    if job.peers.len() > 1 {
        let router = Router::prepare(lab)?;
        let step = (recipe.routes / SAMPLES).max(1);
        for number in (0..recipe.routes).step_by(usize::try_from(step)?) {
            there = there.max(wait_for_legs(&router, number, legs)?);
        }
    }
    let into = there.milliseconds_since(began) / 1e3;
    rest(daemon)?;
    let began = swarm.withdraw()?;
    witness.wait(recipe, false, PATIENCE)?;
    let gone = wait_for_prefixes(daemon, |has| has.saturating_sub(before))?;
    let cpu = daemon.cpu_seconds()? - idle_cpu;
    Ok(vec![into, gone.milliseconds_since(began) / 1e3, daemon.peak()?, cpu])
}

/// Waits until the kernel's count lacks nothing: when the one was begun that found that.
fn wait_for_prefixes(daemon: &Daemon, left: impl Fn(usize) -> usize) -> Result<Stamp> {
    let end = Instant::now() + PATIENCE;
    loop {
        let (asked, stamp) = (Instant::now(), Stamp::now());
        let left = left(usage::ipv4_prefixes(daemon.process()?)?);
        if left == 0 {
            return Ok(stamp);
        }
        if Instant::now() > end {
            bail!("did not finish within {PATIENCE:?}: {left} routes are left to do");
        }
        std::thread::sleep(asked.elapsed());
    }
}

/// Waits until a route has all its legs.
fn wait_for_legs(router: &Router, number: u32, wanted: usize) -> Result<Stamp> {
    let prefix = crate::feed::prefix(number).to_string();
    let end = Instant::now() + PATIENCE;
    loop {
        let legs = router.kernel_route(&prefix)?.map_or(0, |route| route.legs.len());
        if legs == wanted {
            return Ok(Stamp::now());
        }
        if Instant::now() > end {
            bail!("did not finish within {PATIENCE:?}: {prefix} has {legs} next hops");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
