//! What the parts cost: reading and writing UPDATEs, deciding between paths, and writing a route for the kernel.
//!
//! Within this process, nanoseconds on a core for each, so that a part that became slow is seen before the whole has. What a policy
//! costs is in a chapter of its own. It never opens a socket.

use std::hint::black_box;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use bgp_wire::message::{Message, Reach};
use bgp_wire::{Negotiated, encode_reach};
use nouns::{Family, Prefix};
use rib::fib::{FibChange, FibTarget, RouteKey};

use super::Effort;
use super::growth;
use crate::feed::{Feed, Recipe, Shape};
use crate::report::Report;
use crate::usage::own_nanoseconds;

const CHAPTER: &str = "parts";
/// So many that the ticks of the kernel's clock do not matter.
const ROUTES: u32 = 500_000;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let feed = Feed::new(Recipe { routes: ROUTES, senders: 1, shape: Shape::Table, prepended: 0 })?;
    let octets = feed.announcements(0, false, Ipv4Addr::new(192, 0, 2, 2));
    let (mut reading, mut writing, mut kernel) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.short {
        let began = own_nanoseconds()?;
        let sets = decoded(&octets)?;
        reading.push(each(began, ROUTES)?);
        let began = own_nanoseconds()?;
        encode(&sets)?;
        writing.push(each(began, ROUTES)?);
        kernel.push(netlink(&sets)?);
    }
    report.add(CHAPTER, "an UPDATE is read, four routes a set: each prefix", "–", "ns", reading);
    report.add(CHAPTER, "an UPDATE is written, four routes a set: each prefix", "–", "ns", writing);
    report.add(CHAPTER, "a route is written for the kernel", "–", "ns", kernel);
    let changes = (0..effort.long).map(|_| growth::each_change(10, 10_000)).collect::<Result<Vec<_>>>()?;
    let name = "one of ten paths goes or comes, read, decided and told: each change";
    report.add(CHAPTER, name, "–", "ns", changes);
    Ok(())
}

/// Nanoseconds on a core since then, for each of so many.
pub(super) fn each(began: f64, count: u32) -> Result<f64> {
    Ok((own_nanoseconds()? - began) / f64::from(count))
}

fn codec() -> Negotiated {
    Negotiated { four_octet_as: true, families: Family::ALL.to_vec(), ..Negotiated::default() }
}

fn decoded(octets: &[u8]) -> Result<Vec<Reach>> {
    let (codec, mut rest, mut sets) = (codec(), octets, Vec::new());
    while !rest.is_empty() {
        let (message, length) = Message::decode_first(rest, &codec)?.context("half a message")?;
        if let Message::Update(update) = message {
            sets.extend(update.reach);
        }
        rest = rest.get(length..).context("a message longer than what there is")?;
    }
    ensure!(!sets.is_empty(), "nothing was announced");
    Ok(sets)
}

fn encode(sets: &[Reach]) -> Result<()> {
    let (codec, mut out) = (codec(), Vec::new());
    for set in sets {
        let mut nlri = set.nlri.iter().copied();
        encode_reach(Family::Ipv4Unicast, &set.attributes, &mut nlri, &codec, &mut out)?;
        if out.len() > 1 << 16 {
            black_box(&out);
            out.clear();
        }
    }
    Ok(())
}

fn netlink(sets: &[Reach]) -> Result<f64> {
    let prefixes: Vec<Prefix> = sets.iter().flat_map(|set| set.nlri.iter().map(|nlri| nlri.prefix)).collect();
    let began = own_nanoseconds()?;
    for (sequence, prefix) in (0u32..).zip(&prefixes) {
        let change = FibChange::Route { key: RouteKey::from(*prefix), target: FibTarget::Group(7) };
        black_box(kernel::encode::message(&change, sequence));
    }
    each(began, u32::try_from(prefixes.len())?)
}
