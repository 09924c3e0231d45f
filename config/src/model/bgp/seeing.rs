//! `protocols bgp <asn> {bmp, dump} …`: collectors and dump files.
//!
//! Never knows whether a collector answers or a file can be written.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nouns::Family;

use crate::model::reader::Reader;

/// `bmp target <name>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BmpTarget {
    /// `address`; a commit lets no target be without one.
    pub address: Option<IpAddr>,
    /// `port`, 5000 by default.
    pub port: u16,
    /// `min-retry` in milliseconds.
    pub min_retry: u32,
    /// `max-retry` in milliseconds.
    pub max_retry: u32,
    /// `statistics-interval` in seconds; 0 for none.
    pub statistics: u32,
    /// `monitor`
    pub monitor: BTreeSet<(Family, MonitoredView)>,
}

/// `monitor <family> <view>`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MonitoredView {
    /// `pre-policy`
    PrePolicy,
    /// `post-policy`
    PostPolicy,
    /// `adj-rib-out`
    AdjRibOut,
    /// `loc-rib`
    LocRib,
}

/// `dump`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dumps {
    /// `dump table`
    pub table: Option<Dump>,
    /// `dump updates`
    pub updates: Option<Dump>,
}

/// `dump table`, `dump updates`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// `file`, with letters behind `%` for the time.
    pub file: String,
    /// `interval` in seconds, 3600 by default.
    pub interval: u32,
}

pub(super) fn targets(place: &Reader<'_>) -> BTreeMap<String, BmpTarget> {
    let bmp = place.at("bmp");
    let targets = bmp.instances::<String>("target").into_iter();
    targets.map(|(name, place)| (name, target(&place))).collect()
}

fn target(place: &Reader<'_>) -> BmpTarget {
    let monitor = place.at("monitor");
    let mut views = BTreeSet::new();
    for (family, word) in [(Family::Ipv4Unicast, "ipv4-unicast"), (Family::Ipv6Unicast, "ipv6-unicast")] {
        let of_family = monitor.at(word);
        for (word, view) in [
            ("pre-policy", MonitoredView::PrePolicy),
            ("post-policy", MonitoredView::PostPolicy),
            ("adj-rib-out", MonitoredView::AdjRibOut),
            ("loc-rib", MonitoredView::LocRib),
        ] {
            if of_family.flag(word) {
                views.insert((family, view));
            }
        }
    }
    BmpTarget {
        address: place.leaf("address"),
        port: place.leaf_or_default("port"),
        min_retry: place.leaf_or_default("min-retry"),
        max_retry: place.leaf_or_default("max-retry"),
        statistics: place.leaf_or_default("statistics-interval"),
        monitor: views,
    }
}

pub(super) fn dumps(place: &Reader<'_>) -> Dumps {
    let dump = place.at("dump");
    let one = |word| {
        let place = dump.at(word);
        let interval = place.leaf_or_default("interval");
        place.leaf("file").map(|file| Dump { file, interval })
    };
    Dumps { table: one("table"), updates: one("updates") }
}
