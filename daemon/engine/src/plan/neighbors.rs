//! Steps for `protocols static arp …`: which hardware address a host has.
//!
//! Never asks whether the host is there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use config::model::{Interface, Model};
use nouns::IfName;
use rib::world::LinkAddress;
use rib::world_view::World;

use super::Step;

pub(super) fn plan(old: &Model, new: &Model, world: &World, steps: &mut Vec<Step>) {
    let hosts: BTreeSet<&IpAddr> = old.static_arp.keys().chain(new.static_arp.keys()).collect();
    for host in hosts {
        let said = |model: &Model| Some((link_of(*host, model, old, world)?, *model.static_arp.get(host)?));
        let (before, after) = (said(old), said(new));
        if before == after {
            continue;
        }
        let same_link = before.as_ref().map(|(name, _)| name) == after.as_ref().map(|(name, _)| name);
        let step = |name, from, to| Step::Neighbor { name, host: *host, from, to };
        match (before, after) {
            (Some((name, from)), Some((_, to))) if same_link => steps.push(step(name, Some(from), Some(to))),
            (before, after) => {
                steps.extend(before.map(|(name, from)| step(name, Some(from), None)));
                steps.extend(after.map(|(name, to)| step(name, None, Some(to))));
            }
        }
    }
}

/// The link in whose network a host is: as the model has it, or else as the world has it without what the active
/// configuration gives.
#[must_use]
pub(crate) fn link_of(host: IpAddr, model: &Model, active: &Model, world: &World) -> Option<IfName> {
    let of = |(name, wish): (&'_ IfName, &'_ Interface)| {
        let holding = wish.addresses.iter().filter(|there| there.network().contains(host));
        holding.map(|there| (there.length(), name.clone())).max()
    };
    let wished = model.interfaces.iter().filter_map(of).max();
    let given = |there: &&LinkAddress| active.interfaces.values().any(|wish| wish.addresses.contains(&there.address));
    let foreign = || {
        let holding = world.addresses().filter(|there| there.address.network().contains(host) && !given(there));
        let named = holding.filter_map(|there| Some((there.address.length(), world.link(there.ifindex)?)));
        named.filter(|(_, link)| !link.is_ours()).map(|(length, link)| (length, link.name.clone())).max()
    };
    wished.or_else(foreign).map(|(_, name)| name)
}
