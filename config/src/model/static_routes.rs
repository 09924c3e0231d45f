//! `protocols static …`: routes that a person typed.
//!
//! Never resolves a next hop.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nouns::{IfName, MacAddress, Prefix};

use super::reader::Reader;

/// What `protocols static` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Static {
    /// `route` and `route6`, by destination.
    pub routes: BTreeMap<Prefix, StaticRoute>,
    /// `table`, each with its routes.
    pub tables: BTreeMap<u32, BTreeMap<Prefix, StaticRoute>>,
    /// `arp`, by host.
    pub arp: BTreeMap<IpAddr, MacAddress>,
}

/// `protocols static route <net>` or `route6 <net>`: next hops, or a blackhole, or both at different distances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticRoute {
    /// `next-hop <address>`
    pub next_hops: BTreeMap<IpAddr, StaticNextHop>,
    /// `interface <name>`: on-link through an interface, with the distance.
    pub interfaces: BTreeMap<IfName, u8>,
    /// `blackhole`, with its distance.
    pub blackhole: Option<u8>,
    /// `reject`, with its distance.
    pub reject: Option<u8>,
    /// `description`
    pub description: Option<String>,
    /// `tag`
    pub tag: Option<u32>,
}

impl StaticRoute {
    /// The links that it names.
    pub fn links(&self) -> impl Iterator<Item = &IfName> {
        let gateways = self.next_hops.values().filter_map(|hop| hop.interface.as_ref());
        gateways.chain(self.interfaces.keys())
    }
}

/// One next hop of a static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticNextHop {
    /// `distance`, 1 by default.
    pub distance: u8,
    /// `interface`: the outgoing link, needed for a link-local next hop.
    pub interface: Option<IfName>,
    /// `disable`
    pub disable: bool,
}

impl StaticNextHop {
    /// A next hop with nothing said about it.
    pub(super) fn nearest() -> Self {
        Self { distance: 1, interface: None, disable: false }
    }
}

pub(super) fn lower(place: Reader<'_>) -> Static {
    let tables = place.instances::<u32>("table").into_iter().map(|(number, table)| {
        // For people only.
        let _: Option<String> = table.leaf("description");
        (number, routes(&table))
    });
    let arp = place.instances::<IpAddr>("arp").into_iter().filter_map(|(host, entry)| {
        let address = entry.leaf("hwaddr");
        if address.is_none() {
            entry.error(format!("must set hwaddr, the hardware address of {host}"));
        }
        Some((host, address?))
    });
    Static { tables: tables.collect(), arp: arp.collect(), routes: routes(&place) }
}

fn routes(routes: &Reader<'_>) -> BTreeMap<Prefix, StaticRoute> {
    let mut lowered = BTreeMap::new();
    for word in ["route", "route6"] {
        for (prefix, place) in routes.instances::<Prefix>(word) {
            lowered.insert(prefix, route(&place));
        }
    }
    lowered
}

fn route(place: &Reader<'_>) -> StaticRoute {
    let next_hops = place.instances::<IpAddr>("next-hop").into_iter().map(|(address, hop)| (address, next_hop(&hop)));
    let interfaces = place.instances::<IfName>("interface").into_iter();
    StaticRoute {
        next_hops: next_hops.collect(),
        interfaces: interfaces.map(|(name, link)| (name, link.leaf_or_default("distance"))).collect(),
        blackhole: place.is_set("blackhole").then(|| place.at("blackhole").leaf_or_default("distance")),
        reject: place.is_set("reject").then(|| place.at("reject").leaf_or_default("distance")),
        description: place.leaf("description"),
        tag: place.leaf("tag"),
    }
}

fn next_hop(place: &Reader<'_>) -> StaticNextHop {
    StaticNextHop {
        distance: place.leaf_or_default("distance"),
        interface: place.leaf("interface"),
        disable: place.flag("disable"),
    }
}
