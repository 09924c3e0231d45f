//! Steps for `interfaces …`: links that are made and deleted, what they are like, their bridges and addresses.
//!
//! A link that somebody else made is changed where the configuration names it, and never deleted: the configuration
//! that no longer names it takes back what it had given. A link of ours that no configuration names goes.

use std::collections::{BTreeMap, BTreeSet};

use config::model::interfaces::{Bridge, InterfaceKind};
use config::model::{Interface, Model};
use nouns::{IfName, InterfaceAddress, MacAddress};
use rib::world::{BridgeSettings, Link, LinkKind, VirtualLink};
use rib::world_view::{World, is_link_local};

use super::{LinkSettings, Step, settings};

/// What a link has that nobody gave another size (`ETH_DATA_LEN`).
const DEFAULT_MTU: u32 = 1500;

type Interfaces = BTreeMap<IfName, Interface>;

/// A configuration and the next, and what is there.
#[derive(Clone, Copy)]
struct Change<'a> {
    old: &'a Interfaces,
    new: &'a Interfaces,
    world: &'a World,
}

pub(super) fn plan(old: &Interfaces, new: &Interfaces, world: &World, steps: &mut Vec<Step>) {
    let change = Change { old, new, world };
    let ours = world.links().filter(|link| link.is_ours()).map(|link| &link.name);
    let names: BTreeSet<&IfName> = old.keys().chain(new.keys()).chain(ours).collect();
    for name in &names {
        change.link(name, steps);
    }
    change.ports(&names, steps);
}

/// The steps for a link that has just appeared, for its VLANs, and for what else waits for it.
#[must_use]
pub(crate) fn appear(name: &IfName, model: &Model, world: &World) -> Vec<Step> {
    let nothing = Interfaces::new();
    let change = Change { old: &nothing, new: &model.interfaces, world };
    let rests_on = |wish: &Interface| wish.parent() == Some(name) || wish.bridge.as_ref() == Some(name);
    let concerned = model.interfaces.iter().filter(|(other, wish)| *other == name || rests_on(wish));
    let names: BTreeSet<&IfName> = concerned.map(|(name, _)| name).collect();
    let mut steps = Vec::new();
    if names.is_empty() {
        // Other people's links come and go by the thousand, and what they do to others is no affair of theirs.
        return steps;
    }
    for name in &names {
        change.link(name, &mut steps);
    }
    change.ports(&names, &mut steps);
    super::sort(&mut steps);
    steps
}

/// Whether a link is what the configuration means by its name.
#[must_use]
pub(crate) fn fits(link: &Link, wish: &Interface, world: &World) -> bool {
    match (&wish.kind, &link.kind) {
        (InterfaceKind::Bridge(_), LinkKind::Bridge(_)) | (InterfaceKind::Dummy, LinkKind::Dummy) => true,
        (InterfaceKind::Vif(vif), LinkKind::Vlan { parent, id }) => {
            vif.id == *id && world.link(*parent).is_some_and(|link| link.name == vif.parent)
        }
        (InterfaceKind::Loopback, _) => link.loopback,
        (InterfaceKind::Ethernet, _) => true,
        _ => false,
    }
}

impl Change<'_> {
    /// The link as it is and stays; `None` where it is not there, or goes before another takes its name.
    fn staying(&self, name: &IfName) -> Option<&Link> {
        let link = self.world.link_by_name(name.as_str())?;
        let keeps = match self.new.get(name) {
            Some(wish) => fits(link, wish, self.world) && self.parent_stays(wish),
            None => !link.is_ours(),
        };
        (keeps || !link.is_ours()).then_some(link)
    }

    /// A link that is deleted takes its VLANs along.
    fn parent_stays(&self, wish: &Interface) -> bool {
        wish.parent().is_none_or(|parent| parent.is_vif() || self.staying(parent).is_some())
    }

    fn link(&self, name: &IfName, steps: &mut Vec<Step>) {
        let there = self.world.link_by_name(name.as_str());
        let staying = self.staying(name);
        let (before, after) = (self.old.get(name), self.new.get(name));
        if let (Some(link), None) = (there, staying) {
            self.delete(link, before, steps);
        }
        match (staying, after) {
            (Some(link), _) => {
                if before != after || self.parent_changed(after) {
                    self.change(name, link, (before, after), steps);
                }
            }
            (None, Some(wish)) if wish.is_virtual() && self.parent_exists(wish) => self.create(name, wish, steps),
            // The configuration may name a card that is not plugged in; its steps follow when it appears.
            (None, _) => {}
        }
    }

    fn parent_exists(&self, wish: &Interface) -> bool {
        wish.parent().is_none_or(|parent| {
            self.world.link_by_name(parent.as_str()).is_some()
                || self.new.get(parent).is_some_and(Interface::is_virtual)
        })
    }

    /// A VLAN follows the size of its parent unless it has one of its own.
    fn parent_changed(&self, wish: Option<&Interface>) -> bool {
        let Some(parent) = wish.and_then(Interface::parent) else { return false };
        let mtu = |side: &Interfaces| side.get(parent).and_then(|parent| parent.mtu);
        mtu(self.old) != mtu(self.new)
    }

    fn create(&self, name: &IfName, wish: &Interface, steps: &mut Vec<Step>) {
        let Some(device) = device(wish) else { return };
        let settings = LinkSettings {
            up: !wish.disable,
            mtu: wish.mtu.unwrap_or_else(|| self.mtu_of_parent(wish).unwrap_or(DEFAULT_MTU)),
            alias: wish.description.clone().unwrap_or_default(),
            mac: wish.mac,
        };
        steps.push(Step::Device { name: name.clone(), device, settings, create: true });
        setting_steps(name, None, Some(wish), steps);
        let parent = wish.parent().and_then(|parent| self.mac_to_be(parent));
        for address in wish.all_addresses(wish.mac.or(parent)) {
            steps.push(Step::Address { name: name.clone(), address, add: true });
        }
    }

    /// The hardware address that a link will have.
    fn mac_to_be(&self, name: &IfName) -> Option<MacAddress> {
        let (had, wished) = (self.old.get(name), self.new.get(name).and_then(|wish| wish.mac));
        let there = self.world.link_by_name(name.as_str());
        let given_back = || there.filter(|_| had.is_some_and(|wish| wish.mac.is_some())).and_then(card_mac);
        wished.or_else(given_back).or_else(|| there.and_then(mac))
    }

    /// What a link has whose hardware address is its own again: a VLAN has that of its parent.
    fn own_mac(&self, link: &Link, wish: Option<&Interface>) -> Option<MacAddress> {
        let parent = || wish.and_then(Interface::parent).and_then(|parent| self.mac_to_be(parent));
        card_mac(link).or_else(parent)
    }

    fn mtu_of_parent(&self, wish: &Interface) -> Option<u32> {
        let parent = wish.parent()?;
        let wished = self.new.get(parent).and_then(|parent| parent.mtu);
        let given_back = self.old.get(parent).and_then(|parent| parent.mtu).map(|_| DEFAULT_MTU);
        let has = || self.world.link_by_name(parent.as_str()).map(|link| link.mtu);
        wished.or(given_back).or_else(has)
    }

    /// All that a link of ours has is taken off it first, so that the way back gives it everything again.
    fn delete(&self, link: &Link, before: Option<&Interface>, steps: &mut Vec<Step>) {
        let Some(device) = existing(link, self.world) else { return };
        let configured = before.map(|wish| wish.all_addresses(mac(link))).unwrap_or_default();
        for there in self.world.addresses_of(link.index) {
            let address = there.address;
            // The kernel makes the link-local address of a link by itself.
            if !is_link_local(address.address()) || configured.contains(&address) {
                steps.push(Step::Address { name: link.name.clone(), address, add: false });
            }
        }
        setting_steps(&link.name, before, None, steps);
        let own_mac = match &device {
            // One that was named is named again, though it is that of the parent: the two may part one day.
            VirtualLink::Vif { parent, .. } if before.is_none_or(|wish| wish.mac.is_none()) => {
                mac(link).filter(|own| self.world.link_by_name(parent.as_str()).and_then(mac) != Some(*own))
            }
            VirtualLink::Vif { .. } | VirtualLink::Bridge(_) | VirtualLink::Dummy => mac(link),
        };
        let settings = LinkSettings { mac: own_mac, ..settings_of(link) };
        steps.push(Step::Device { name: link.name.clone(), device, settings, create: false });
    }

    fn change(
        &self,
        name: &IfName,
        link: &Link,
        (before, after): (Option<&Interface>, Option<&Interface>),
        steps: &mut Vec<Step>,
    ) {
        self.link_steps(name, link, (before, after), steps);
        if let (LinkKind::Bridge(from), Some(InterfaceKind::Bridge(wish))) = (&link.kind, after.map(|wish| &wish.kind))
        {
            let to = bridge_settings(wish);
            if *from != to {
                steps.push(Step::Bridge { name: name.clone(), from: *from, to });
            }
        }
        setting_steps(name, before, after, steps);
        let given_back = || before.filter(|wish| wish.mac.is_some()).and_then(|_| self.own_mac(link, after));
        let own = after.and_then(|wish| wish.mac).or_else(given_back).or_else(|| mac(link));
        let old = before.map(|wish| self.given(link, wish)).unwrap_or_default();
        let new = after.map(|wish| wish.all_addresses(own)).unwrap_or_default();
        let present =
            |address: &&InterfaceAddress| self.world.addresses_of(link.index).any(|there| there.address == **address);
        for address in old.difference(&new).filter(present) {
            steps.push(Step::Address { name: name.clone(), address: *address, add: false });
        }
        for address in new.difference(&old).filter(|address| !present(address)) {
            steps.push(Step::Address { name: name.clone(), address: *address, add: true });
        }
    }

    /// What a link has of its configuration, also what was made of a hardware address that it no longer has.
    fn given(&self, link: &Link, wish: &Interface) -> BTreeSet<InterfaceAddress> {
        let there = self.world.addresses_of(link.index).map(|there| there.address);
        let made = there.filter(|address| wish.made_by_eui64(*address));
        wish.all_addresses(mac(link)).into_iter().chain(made).collect()
    }

    fn link_steps(
        &self,
        name: &IfName,
        link: &Link,
        (before, after): (Option<&Interface>, Option<&Interface>),
        steps: &mut Vec<Step>,
    ) {
        let from = settings_of(link);
        let had = |word: fn(&Interface) -> bool| before.is_some_and(word);
        let inherited = after.filter(|wish| wish.mtu.is_none()).and_then(|wish| self.mtu_of_parent(wish));
        let to = LinkSettings {
            up: match after {
                Some(wish) => !wish.disable,
                None => link.admin_up || had(|wish| wish.disable),
            },
            mtu: match after.and_then(|wish| wish.mtu).or(inherited) {
                Some(mtu) => mtu,
                None if had(|wish| wish.mtu.is_some()) && !link.loopback => DEFAULT_MTU,
                None => link.mtu,
            },
            alias: match after.and_then(|wish| wish.description.clone()) {
                Some(text) => text,
                None if had(|wish| wish.description.is_some()) => String::new(),
                None => link.alias.clone(),
            },
            mac: match after.and_then(|wish| wish.mac) {
                Some(mac) => Some(mac),
                None if had(|wish| wish.mac.is_some()) => self.own_mac(link, after).or(from.mac),
                None => from.mac,
            },
        };
        // One property a step, so that a step is done or not done and never half done.
        let mtu = LinkSettings { mtu: to.mtu, ..from.clone() };
        let alias = LinkSettings { alias: to.alias.clone(), ..mtu.clone() };
        let mac = LinkSettings { mac: to.mac, ..alias.clone() };
        for (from, to) in [(&from, &mtu), (&mtu, &alias), (&alias, &mac), (&mac, &to)] {
            if from != to {
                steps.push(Step::Link { name: name.clone(), from: from.clone(), to: to.clone() });
            }
        }
    }

    /// Who leaves which bridge, and who joins which. A bridge that goes lets its ports go one by one before.
    fn ports(&self, names: &BTreeSet<&IfName>, steps: &mut Vec<Step>) {
        let enslaved = self.world.links().filter(|link| link.master.is_some()).map(|link| &link.name);
        let names: BTreeSet<&IfName> = names.iter().copied().chain(enslaved).collect();
        for name in names {
            let there = self.world.link_by_name(name.as_str());
            let now = there.and_then(|link| self.bridge_of(link));
            let wished = self.new.get(name).and_then(|wish| wish.bridge.as_ref());
            let had = self.old.get(name).and_then(|wish| wish.bridge.as_ref());
            let stays = self.staying(name).is_some() && now.is_some_and(|bridge| self.staying(bridge).is_some());
            let wanted = match (wished, now) {
                (Some(bridge), _) => Some(bridge),
                (None, Some(bridge)) if had == Some(bridge) || !stays => None,
                (None, now) => now,
            };
            if now == wanted && (stays || now.is_none()) {
                continue;
            }
            if let Some(bridge) = now {
                steps.push(Step::Port { name: name.clone(), bridge: bridge.clone(), join: false });
            }
            let comes = self.staying(name).is_some() || self.new.get(name).is_some_and(Interface::is_virtual);
            if let (Some(bridge), true) = (wanted, comes) {
                steps.push(Step::Port { name: name.clone(), bridge: bridge.clone(), join: true });
            }
        }
    }

    fn bridge_of(&self, link: &Link) -> Option<&IfName> {
        let master = self.world.link(link.master?)?;
        matches!(master.kind, LinkKind::Bridge(_)).then_some(&master.name)
    }
}

/// The kernel's word for what has to be made for an interface; none for one that is found.
#[must_use]
pub(crate) fn kind_word(wish: &Interface) -> Option<&'static str> {
    device(wish).map(|device| device.word())
}

/// What has to be made for an interface.
fn device(wish: &Interface) -> Option<VirtualLink> {
    match &wish.kind {
        InterfaceKind::Bridge(bridge) => Some(VirtualLink::Bridge(bridge_settings(bridge))),
        InterfaceKind::Dummy => Some(VirtualLink::Dummy),
        InterfaceKind::Vif(vif) => Some(VirtualLink::Vif { parent: vif.parent.clone(), id: vif.id }),
        InterfaceKind::Ethernet | InterfaceKind::Loopback => None,
    }
}

/// What a link of ours is.
fn existing(link: &Link, world: &World) -> Option<VirtualLink> {
    match &link.kind {
        LinkKind::Bridge(settings) => Some(VirtualLink::Bridge(*settings)),
        LinkKind::Dummy => Some(VirtualLink::Dummy),
        LinkKind::Vlan { parent, id } => Some(VirtualLink::Vif { parent: world.link(*parent)?.name.clone(), id: *id }),
        LinkKind::Card | LinkKind::Other(_) => None,
    }
}

/// Seconds become the hundredths that the kernel counts in.
fn bridge_settings(bridge: &Bridge) -> BridgeSettings {
    let hundredths = |seconds: u32| seconds.saturating_mul(100);
    BridgeSettings {
        aging: hundredths(bridge.aging),
        forwarding_delay: hundredths(bridge.forwarding_delay),
        hello_time: hundredths(bridge.hello_time),
        max_age: hundredths(bridge.max_age),
        priority: bridge.priority,
        stp: bridge.stp,
    }
}

fn settings_of(link: &Link) -> LinkSettings {
    LinkSettings { up: link.admin_up, mtu: link.mtu, alias: link.alias.clone(), mac: mac(link) }
}

fn mac(link: &Link) -> Option<MacAddress> {
    octets(&link.mac)
}

fn card_mac(link: &Link) -> Option<MacAddress> {
    octets(&link.permanent_mac)
}

fn octets(mac: &[u8]) -> Option<MacAddress> {
    <[u8; 6]>::try_from(mac).ok().map(MacAddress::from).filter(|mac| mac.is_unicast())
}

fn setting_steps(name: &IfName, before: Option<&Interface>, after: Option<&Interface>, steps: &mut Vec<Step>) {
    let (from, to) = (settings::wished(before), settings::wished(after));
    let all: BTreeSet<_> = from.keys().chain(to.keys()).collect();
    for setting in all {
        let (from, to) = (from.get(setting), to.get(setting));
        if from != to {
            steps.push(Step::Setting { name: name.clone(), setting: *setting, from: from.cloned(), to: to.cloned() });
        }
    }
}
