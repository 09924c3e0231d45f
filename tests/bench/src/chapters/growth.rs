//! How time and memory grow with routes, with peers and with legs; drawn into `docs/`.
//!
//! Each point is a process of its own that holds an engine and nothing else, so that its memory is told apart. It never
//! opens a socket.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::Effort;
use super::contest::thousands;
use super::inside::{Inside, address};
use super::parts::each;
use crate::feed::{FIRST_AS, Feed, Recipe, Shape};
use crate::report::Report;
use crate::svg::{Panel, Picture};
use crate::usage;

/// The first word of the command line that makes this program a point; then routes, peers and legs.
pub(crate) const ROLE: &str = "grow";

const CHAPTER: &str = "growth";
/// The first neighbor's number; the router itself is 1.
const FIRST: u16 = 2;
/// Octets that are read from a neighbor at once.
const READ: usize = 1 << 16;

/// One curve: its file, what is counted, and the points as routes, peers and legs.
type Curve = (&'static str, &'static str, Vec<[u32; 3]>);

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let routes = [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|routes| *routes <= effort.table);
    let peers = [1, 3, 10, 30, 100, 300, 1_000].into_iter().filter(|peers| *peers * 1_000 <= effort.table);
    let legs = [1, 4, 16, 64, 256];
    let curves: [Curve; 3] = [
        ("routes", "routes of one peer", routes.map(|routes| [routes, 1, 1]).collect()),
        ("peers", "peers, each with the same 1,000 routes", peers.map(|peers| [1_000, peers, 1]).collect()),
        ("legs", "legs of each of 1,000 routes, one peer each", legs.map(|legs| [1_000, legs, legs]).to_vec()),
    ];
    for (name, across, points) in curves {
        curve(effort, report, name, across, &points)?;
    }
    Ok(())
}

fn curve(effort: &Effort, report: &mut Report, name: &str, across: &'static str, points: &[[u32; 3]]) -> Result<()> {
    let mut panels = [("seconds on a core until all is told", 1), ("peak memory, MiB", 2)]
        .map(|(name, _)| Panel { name, points: Vec::new() });
    for point in points {
        let [routes, peers, legs] = *point;
        let across = match name {
            "routes" => routes,
            "peers" => peers,
            _ => legs,
        };
        // What takes long is taken once.
        let most = if routes * peers < 300_000 { 3 } else { 1 };
        let runs = (0..effort.rounds.min(most)).map(|_| ask(*point)).collect::<Result<Vec<_>>>()?;
        let figures = [0, 1].map(|place| runs.iter().filter_map(|run| run.get(place).copied()).collect::<Vec<f64>>());
        for ((panel, values), (what, unit)) in
            panels.iter_mut().zip(figures).zip([("time on a core", "s"), ("peak memory", "MiB")])
        {
            panel.points.push((f64::from(across), crate::report::median(&values)));
            let work = format!("{} routes × {peers} peers, {legs} legs: {what}", thousands(routes));
            report.add(CHAPTER, work, "–", unit, values);
        }
    }
    let title = format!("Towpath's engine over {across}");
    let picture = Picture { title, across, panels: panels.into_iter().collect() };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(format!("growth-{name}.svg"));
    // A quick run shows that it works; the picture is that of a whole one.
    if effort.slow {
        std::fs::write(&file, picture.svg()).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Lets a process of its own take a point: seconds and MiB.
fn ask(point: [u32; 3]) -> Result<Vec<f64>> {
    let own = std::env::current_exe().context("asking for the own path")?;
    let output = Command::new(own).arg(ROLE).args(point.map(|number| number.to_string())).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{point:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("  {point:?}: {}", said.trim());
    said.split_whitespace().map(|word| word.parse().with_context(|| format!("{said:?}"))).collect()
}

/// Takes one point and prints seconds and MiB.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let numbers = words.iter().map(|word| word.parse()).collect::<Result<Vec<u32>, _>>()?;
    let [routes, peers, legs] = numbers.as_slice() else { bail!("a point has three numbers") };
    let shape = if *legs > 1 { Shape::Equal } else { Shape::Table };
    let feed = Feed::new(Recipe { routes: *routes, senders: *peers, shape, prepended: 0 })?;
    let last = FIRST + u16::try_from(*peers)?;
    let mut router = router(*peers, *legs)?;
    let loads: Vec<(u16, Vec<u8>)> = (FIRST..last)
        .map(|number| (number, feed.announcements(u32::from(number - FIRST), false, address(number))))
        .collect();
    let process = std::process::id();
    let (before, began) = (usage::resident(process)?, usage::own_nanoseconds()?);
    for (number, load) in &loads {
        for chunk in load.chunks(READ) {
            router.hear(*number, chunk.to_vec());
        }
    }
    router.rest()?;
    // The kernel counts in ticks of a few milliseconds.
    let seconds = ((usage::own_nanoseconds()? - began) / 1e9).max(0.001);
    let told = router.told();
    ensure!(told >= *routes, "only {told} of {routes} routes were told");
    // The loads were there before and are there still, so that what is more is the engine's.
    drop(loads);
    println!("{seconds} {}", (usage::peak(process)? - before).max(0.01));
    Ok(())
}

/// An engine with so many senders and one who listens; legs are of one AS, so that their paths are equal.
fn router(peers: u32, legs: u32) -> Result<Inside> {
    let last = FIRST + u16::try_from(peers)?;
    let asn = |number: u16| if legs > 1 && number < last { FIRST_AS } else { FIRST_AS + u32::from(number - FIRST) };
    let neighbors: Vec<(u16, u32)> = (FIRST..=last).map(|number| (number, asn(number))).collect();
    Inside::new(&configuration(&neighbors, legs), neighbors.iter().copied())
}

/// Nanoseconds of each change, where the first of many senders takes back what it announced and announces it again.
pub(super) fn each_change(peers: u32, routes: u32) -> Result<f64> {
    let feed = Feed::new(Recipe { routes, senders: peers, shape: Shape::Table, prepended: 0 })?;
    let mut router = router(peers, 1)?;
    for sender in 0..peers {
        let number = FIRST + u16::try_from(sender)?;
        router.hear(number, feed.announcements(sender, false, address(number)));
    }
    router.rest()?;
    let (withdraw, announce) = (feed.withdrawals(0), feed.announcements(0, false, address(FIRST)));
    let began = usage::own_nanoseconds()?;
    for load in [withdraw, announce] {
        for chunk in load.chunks(READ) {
            router.hear(FIRST, chunk.to_vec());
        }
        router.rest()?;
    }
    each(began, 2 * routes)
}

/// Senders and, as the last, one who listens.
fn configuration(neighbors: &[(u16, u32)], legs: u32) -> String {
    let bgp = "set protocols bgp 64512";
    let mut text = format!(
        "{bgp} parameters router-id 192.0.2.1\n{bgp} parameters ebgp-requires-policy disable\n\
         {bgp} maximum-paths ebgp {legs}\n"
    );
    for (number, asn) in neighbors {
        let neighbor = format!("{bgp} neighbor {}", address(*number));
        text.push_str(&format!("{neighbor} remote-as {asn}\n{neighbor} passive\n"));
    }
    text
}
