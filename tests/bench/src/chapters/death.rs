//! How soon the death of a node is repaired in the kernel under many services.
//!
//! From the end of its connection to the last change that the kernel tells: of a next-hop group, where that is enough,
//! or of the last route.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::Effort;
use super::contest::{renew, rest};
use super::scene::Scene;
use crate::clock::{Stamp, wait_for};
use crate::daemons::{ASN, Job, Kind};
use crate::feed::{FIRST_AS, Recipe, Shape};
use crate::kernel_watch::{Change, KernelWatch};
use crate::report::Report;
use crate::swarm::{DAEMON, Peer, Swarm, address};
use crate::usage;

const CHAPTER: &str = "death";
const FIRST: &str = "172.20.0.0/32";
/// Nodes that announce the same services.
const NODES: u8 = 64;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    for services in effort.services {
        let deaths = (0..effort.long).map(|_| once(*services)).collect::<Result<Vec<_>>>()?;
        let of = |figure: fn(&Death) -> f64| deaths.iter().map(figure).collect();
        let what = format!("one of three nodes dies under {services} services");
        let target = if *services == 10_000 { "50 ms" } else { "–" };
        report.add(CHAPTER, format!("{what} → repaired in the kernel"), target, "ms", of(|death| death.repaired));
        report.add(CHAPTER, format!("{what}: changes of next hops"), "a few", "", of(|death| death.objects));
        report.add(CHAPTER, format!("{what}: changes of routes"), "0", "", of(|death| death.routes));
    }
    of_many(effort, report)
}

/// One of 64 nodes, which is a leg of 64.
fn of_many(effort: &Effort, report: &mut Report) -> Result<()> {
    let lab = Lab::new()?;
    for services in effort.many_services {
        // A million of them are 64 million paths.
        let runs = if *services > 100_000 { 1 } else { effort.long.min(3) };
        let deaths = (0..runs).map(|_| one_of_many(&lab, *services)).collect::<Result<Vec<_>>>()?;
        let of = |figure: fn(&Death) -> f64| deaths.iter().map(figure).collect();
        let what = format!("one of {NODES} nodes dies under {services} services");
        let target = if *services > 100_000 { "5 ms" } else { "2 ms" };
        report.add(CHAPTER, format!("{what} → repaired in the kernel"), target, "ms", of(|death| death.repaired));
        report.add(CHAPTER, format!("{what}: changes of next hops"), "a few", "", of(|death| death.objects));
        report.add(CHAPTER, format!("{what}: changes of routes"), "0", "", of(|death| death.routes));
    }
    Ok(())
}

fn one_of_many(lab: &Lab, services: u32) -> Result<Death> {
    renew(lab)?;
    let peer = |number: u8| Peer { address: address(number), asn: FIRST_AS, sends: true, hold_time: 180 };
    let peers: Vec<Peer> = (0..NODES).map(peer).collect();
    let job = Job { router: DAEMON, peers, reflects: false, kernel: true, paths: Some(NODES) };
    let daemon = Kind::Towpath.start(lab, &job)?;
    let mut swarm = Swarm::start(lab)?;
    let recipe = Recipe { routes: services, senders: u32::from(NODES), shape: Shape::Equal, prepended: ASN };
    swarm.connect(recipe, &job.peers, ASN)?;
    swarm.announce()?;
    let router = Router::prepare(lab)?;
    let first = crate::feed::prefix(0).to_string();
    let legs = |wanted: usize| {
        let has = router.kernel_route(&first).ok().flatten().map_or(0, |route| route.legs.len());
        (has == wanted).then_some(())
    };
    let all = usize::from(NODES);
    wait_for(Duration::from_secs(300), Duration::from_millis(100), "a route has all legs", || legs(all))?;
    let has_all =
        || usage::ipv4_prefixes(daemon.process().ok()?).is_ok_and(|has| has > services as usize).then_some(());
    wait_for(Duration::from_secs(300), Duration::from_millis(100), "the kernel has all routes", has_all)?;
    rest(&daemon)?;
    let watch = KernelWatch::start(&lab.router)?;
    let closed = swarm.close()?;
    let told = changes_since(&watch, closed)?;
    wait_for(Duration::from_secs(5), Duration::from_millis(20), "the leg is gone", || legs(all - 1))?;
    judge(&told, closed, "Deleted")
}

/// What the kernel told of one death.
pub(super) struct Death {
    /// Milliseconds until the last change that matters.
    pub(super) repaired: f64,
    /// Changes of next hops and groups.
    objects: f64,
    /// Changes of routes.
    routes: f64,
}

fn once(services: u32) -> Result<Death> {
    let mut scene = Scene::new(0)?;
    scene.announce(FIRST, services)?;
    let watch = KernelWatch::start(&scene.lab.router)?;
    let closed = scene.nodes.last_mut().context("the scene has no node")?.close()?;
    let changes = changes_since(&watch, closed)?;
    let legs = scene.legs(FIRST)?;
    ensure!(legs == 2, "the kernel has {legs} next hops for {FIRST} after the death of one of three nodes");
    judge(&changes, closed, "Deleted id")
}

/// The first change after a moment, and all until there are no more.
pub(super) fn changes_since(watch: &KernelWatch, closed: Stamp) -> Result<Vec<Change>> {
    let first = watch.wait(Duration::from_secs(5), "a change", |change| change.at >= closed)?;
    let mut changes = watch.until_silence(Duration::from_secs(1));
    changes.insert(0, first);
    Ok(changes)
}

/// What is left of the node goes later and forwards nothing by then: changes that begin so do not count for the time.
pub(super) fn judge(changes: &[Change], closed: Stamp, left: &str) -> Result<Death> {
    let is_object = |text: &str| text.trim_start_matches("Deleted ").starts_with("id ");
    let objects = changes.iter().filter(|change| is_object(&change.text)).count();
    let counts = changes.iter().filter(|change| !change.text.starts_with(left));
    let last = counts.map(|change| change.at).max().context("no change but deletions")?;
    Ok(Death {
        repaired: last.milliseconds_since(closed),
        objects: f64::from(u32::try_from(objects)?),
        routes: f64::from(u32::try_from(changes.len() - objects)?),
    })
}
