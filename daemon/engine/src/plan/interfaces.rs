//! Steps for `interfaces …`: links first, then their addresses.
//!
//! An interface that the configuration does not name is left as it is; one that it no longer names
//! keeps its state but loses the addresses that the configuration had given it.

use std::collections::{BTreeMap, BTreeSet};

use config::model::Interface;
use nouns::{IfName, InterfaceAddress};
use rib::world::Link;
use rib::world_view::World;

use super::{LinkSettings, Step};

/// What a link gets back when its `mtu` is deleted (`ETH_DATA_LEN`).
const DEFAULT_MTU: u32 = 1500;

pub(super) fn plan(
    old: &BTreeMap<IfName, Interface>,
    new: &BTreeMap<IfName, Interface>,
    world: &World,
    steps: &mut Vec<Step>,
) {
    let names: BTreeSet<&IfName> = old.keys().chain(new.keys()).collect();
    for name in names {
        let Some(link) = world.link_by_name(name.as_str()) else {
            // The configuration may name a card that is not plugged in; its steps follow when it appears.
            continue;
        };
        let (before, after) = (old.get(name), new.get(name));
        if before != after {
            link_step(name, before, after, link, steps);
            address_steps(name, before, after, link, world, steps);
        }
    }
}

/// The steps for one link that has just appeared.
#[must_use]
pub(crate) fn appear(name: &IfName, wish: &Interface, world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(link) = world.link_by_name(name.as_str()) {
        link_step(name, None, Some(wish), link, &mut steps);
        address_steps(name, None, Some(wish), link, world, &mut steps);
    }
    steps
}

fn link_step(name: &IfName, before: Option<&Interface>, after: Option<&Interface>, link: &Link, steps: &mut Vec<Step>) {
    let from = LinkSettings { up: link.admin_up, mtu: link.mtu, alias: link.alias.clone() };
    let to = LinkSettings {
        up: match after {
            Some(wish) => !wish.disable,
            None => link.admin_up || before.is_some_and(|wish| wish.disable),
        },
        mtu: match (before.and_then(|wish| wish.mtu), after.and_then(|wish| wish.mtu)) {
            (_, Some(mtu)) => mtu,
            (Some(_), None) if !link.loopback => DEFAULT_MTU,
            (_, None) => link.mtu,
        },
        alias: match (
            before.and_then(|wish| wish.description.as_ref()),
            after.and_then(|wish| wish.description.as_ref()),
        ) {
            (_, Some(text)) => text.clone(),
            (Some(_), None) => String::new(),
            (None, None) => link.alias.clone(),
        },
    };
    // One property a step, so that a step is done or not done and never half done.
    let mtu = LinkSettings { mtu: to.mtu, ..from.clone() };
    let alias = LinkSettings { alias: to.alias.clone(), ..mtu.clone() };
    for (from, to) in [(&from, &mtu), (&mtu, &alias), (&alias, &to)] {
        if from != to {
            steps.push(Step::Link { name: name.clone(), from: from.clone(), to: to.clone() });
        }
    }
}

fn address_steps(
    name: &IfName,
    before: Option<&Interface>,
    after: Option<&Interface>,
    link: &Link,
    world: &World,
    steps: &mut Vec<Step>,
) {
    let empty = BTreeSet::new();
    let old: &BTreeSet<InterfaceAddress> = before.map_or(&empty, |wish| &wish.addresses);
    let new: &BTreeSet<InterfaceAddress> = after.map_or(&empty, |wish| &wish.addresses);
    let present = |address: &InterfaceAddress| {
        world.addresses().any(|there| there.ifindex == link.index && there.address == *address)
    };
    for address in old.difference(new).filter(|address| present(address)) {
        steps.push(Step::Address { name: name.clone(), address: *address, add: false });
    }
    for address in new.difference(old).filter(|address| !present(address)) {
        steps.push(Step::Address { name: name.clone(), address: *address, add: true });
    }
}
