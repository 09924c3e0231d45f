//! What policies cost: nanoseconds for each route, and how long the daemon's loop is away while an edit is walked
//! through a large table.
//!
//! Within this process, on the engine itself: no socket and no kernel. What the kernel would answer is answered at once.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use bgp::policy::{Chain, Change, Condition, Draft, PrefixList, PrefixRule, RouteMap, Rule, Source, Subject, Then};
use bgp_wire::attribute::{AsPath, Origin, PathAttributes, thin_vec};
use bgp_wire::message::Nlri;
use bgp_wire::{Negotiated, encode_reach};
use nouns::{Asn, Family, Marks, Prefix};

use super::Effort;
use super::inside::{Inside, address};
use crate::report::Report;

const CHAPTER: &str = "policy";
/// Routes that go through a policy in one run.
const ROUTES: u32 = 100_000;
/// Paths in the table while an edit is walked through it.
const PATHS: u32 = 200_000;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let list = Arc::new(PrefixList::new("prefix-list", "THOUSAND", rules(1_000)?));
    let lists = Chain { prefix_list: Some(Arc::clone(&list)), ..Chain::default() };
    let maps = Chain { route_map: Some(Arc::new(map(list))), ..Chain::default() };
    for (chain, name) in [(&lists, "a prefix list of 1,000 rules"), (&maps, "a route map of 10 rules")] {
        let values: Result<Vec<f64>> = (0..effort.short).map(|_| each_route(chain)).collect();
        report.add(CHAPTER, format!("one route through {name}"), "–", "ns", values?);
    }
    let (mut longest, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..effort.long {
        let mut router = Inside::new(CONFIGURATION, [(SPEAKER, 65_002), (LISTENER, 65_003)].into_iter())?;
        fill(&mut router)?;
        for metric in 1..=2 {
            let turns = edit(&mut router, metric)?;
            longest.push(turns.iter().copied().fold(0.0, f64::max));
            whole.push(turns.iter().sum());
        }
    }
    report.add(CHAPTER, format!("an edit over {PATHS} paths: the longest turn of the loop"), "100 ms", "ms", longest);
    report.add(CHAPTER, format!("an edit over {PATHS} paths: all turns"), "–", "ms", whole);
    Ok(())
}

/// `10.0.0.0/24`, `10.0.1.0/24`, …
fn prefix(number: u32) -> Result<Prefix> {
    Ok(Prefix::masked(Ipv4Addr::from(0x0a00_0000_u32.wrapping_add(number << 8)).into(), 24)?)
}

fn rules(count: u16) -> Result<Vec<PrefixRule>> {
    let rule = |number: u16| {
        // Every hundredth route has a rule of its own.
        Ok(PrefixRule { number, permit: true, prefix: prefix(u32::from(number) * 100)?, lengths: (24, 24) })
    };
    (1..=count).map(rule).collect()
}

/// Nine rules that ask and do not match, then one that changes three attributes.
fn map(list: Arc<PrefixList>) -> RouteMap {
    let rule = |number: u16| Rule {
        number: number * 10,
        permit: true,
        conditions: match number {
            10 => Vec::new(),
            odd if odd % 2 == 1 => vec![Condition::Prefix(Arc::clone(&list)), Condition::Metric(u32::from(odd))],
            even => vec![Condition::LocalPreference(u32::from(even))],
        },
        changes: vec![Change::LocalPreference(200), Change::Communities(vec![7], true), Change::Weight(5)],
        call: None,
        then: Then::Exit,
    };
    RouteMap::new("TEN", (1..=10).map(rule).collect())
}

/// Nanoseconds for each of many routes.
fn each_route(chain: &Chain) -> Result<f64> {
    let prefixes: Vec<Prefix> = (0..ROUTES).map(prefix).collect::<Result<_>>()?;
    let attributes = attributes();
    let began = Instant::now();
    for prefix in prefixes {
        let subject = Subject::new(prefix, Source::Bgp);
        let mut draft = Draft::new(&attributes, Marks::default(), 100);
        let _ = black_box(chain.apply(&subject, &mut draft));
        black_box(&draft);
    }
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(ROUTES))
}

fn attributes() -> PathAttributes {
    PathAttributes {
        as_path: AsPath::sequence(&[Asn(65_002), Asn(65_100), Asn(65_200)]),
        communities: thin_vec![1, 2, 3],
        ..PathAttributes::new(Origin::Igp, address(SPEAKER).into())
    }
}

const SPEAKER: u16 = 2;
const LISTENER: u16 = 3;

/// Everything goes in and out through maps.
const CONFIGURATION: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 65002
set protocols bgp 64512 neighbor 192.0.2.2 passive
set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN
set protocols bgp 64512 neighbor 192.0.2.3 remote-as 65003
set protocols bgp 64512 neighbor 192.0.2.3 passive
set protocols bgp 64512 neighbor 192.0.2.3 route-map export OUT
set protocols bgp 64512 parameters router-id 192.0.2.1
set policy route-map IN rule 10 action permit
set policy route-map OUT rule 10 action permit";

fn fill(router: &mut Inside) -> Result<()> {
    for begin in (0..PATHS).step_by(500) {
        let prefixes: Vec<Prefix> = (begin..begin + 500).map(prefix).collect::<Result<_>>()?;
        let mut nlri = prefixes.into_iter().map(|prefix| Nlri { prefix, path_id: 0 });
        let mut octets = Vec::new();
        encode_reach(Family::Ipv4Unicast, &attributes(), &mut nlri, &codec(), &mut octets)
            .context("an update that cannot be encoded")?;
        router.hear(SPEAKER, octets);
    }
    router.rest()
}

/// Changes what both maps do; answers the milliseconds of each turn until all of it is done.
fn edit(router: &mut Inside, metric: u32) -> Result<Vec<f64>> {
    router.commit(&["IN", "OUT"].map(|map| format!("policy route-map {map} rule 10 set metric {metric}")))
}

fn codec() -> Negotiated {
    Negotiated { four_octet_as: true, families: Family::ALL.to_vec(), ..Negotiated::default() }
}
