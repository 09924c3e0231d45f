//! Links of a simulated kernel: what a step of a commit does to them, and what the kernel says of it.
//!
//! As strict as Linux: what is not there cannot be changed, what is there cannot be made, and a link that goes takes its
//! addresses, its VLANs and its next hops along. Never asks whether the step was a good idea.

use engine::plan::{LinkSettings, Step};
use nouns::IfName;
use rib::world::{LINK_GROUP_TOWPATH, Link, LinkAddress, LinkKind, VirtualLink, WorldEvent};

use super::kernel::Kernel;

type Done = Result<Vec<WorldEvent>, String>;

impl Kernel {
    /// Carries out a step about a link; answers what the kernel tells of it.
    pub(super) fn carry_out(&mut self, step: &Step) -> Done {
        match step {
            Step::Device { name, device, settings, create: true } => self.make(name, device, settings),
            Step::Device { name, create: false, .. } => self.delete(name),
            Step::Address { name, address, add } => {
                let ifindex = self.index_of(name)?;
                let there = LinkAddress { ifindex, address: *address, peer: None };
                let done = if *add { self.addresses.insert(there) } else { self.addresses.remove(&there) };
                if !done {
                    return Err(format!("{address} is there already, or not at all"));
                }
                Ok(vec![if *add { WorldEvent::Address(there) } else { WorldEvent::AddressGone(there) }])
            }
            Step::Link { name, from, to } => self.adjust(name, from, to),
            Step::Bridge { name, from, to } => self.change(name, |link| {
                let was = std::mem::replace(&mut link.kind, LinkKind::Bridge(*to));
                (was == LinkKind::Bridge(*from)).then_some(()).ok_or(format!("{name} is {was:?}"))
            }),
            Step::Port { name, bridge, join } => {
                let bridge = self.index_of(bridge)?;
                self.change(name, |link| {
                    let was = std::mem::replace(&mut link.master, join.then_some(bridge));
                    (was == (!join).then_some(bridge)).then_some(()).ok_or(format!("{name} was in {was:?}"))
                })
            }
            Step::Setting { name, setting, to, .. } => {
                self.index_of(name)?;
                match to {
                    Some(value) => drop(self.settings.insert((name.clone(), *setting), value.clone())),
                    None => drop(self.settings.remove(&(name.clone(), *setting))),
                }
                Ok(Vec::new())
            }
            Step::Neighbor { name, host, to, .. } => {
                self.index_of(name)?;
                match to {
                    Some(mac) => drop(self.neighbors.insert((name.clone(), *host), *mac)),
                    None => drop(self.neighbors.remove(&(name.clone(), *host))),
                }
                Ok(Vec::new())
            }
            Step::Balancer { from, to } => {
                let was = std::mem::replace(&mut self.balanced, to.clone());
                (was == *from).then(Vec::new).ok_or(format!("the balancer was on {was:?}"))
            }
            Step::HostName { .. }
            | Step::Account { .. }
            | Step::File { .. }
            | Step::Sysctl { .. }
            | Step::TimeZone { .. }
            | Step::Listener { .. }
            | Step::Secret { .. }
            | Step::Routing => Ok(Vec::new()),
        }
    }

    fn index_of(&self, name: &IfName) -> Result<u32, String> {
        let link = self.links.values().find(|link| link.name == *name);
        link.map(|link| link.index).ok_or(format!("no link {name}"))
    }

    fn change(&mut self, name: &IfName, change: impl FnOnce(&mut Link) -> Result<(), String>) -> Done {
        let index = self.index_of(name)?;
        let link = self.links.get_mut(&index).ok_or("no link")?;
        change(link)?;
        Ok(vec![WorldEvent::Link(link.clone())])
    }

    fn make(&mut self, name: &IfName, device: &VirtualLink, settings: &LinkSettings) -> Done {
        if self.index_of(name).is_ok() {
            return Err(format!("{name} is there already"));
        }
        let kind = match device {
            VirtualLink::Bridge(settings) => LinkKind::Bridge(*settings),
            VirtualLink::Dummy => LinkKind::Dummy,
            VirtualLink::Vif { parent, id } => {
                let parent = self.index_of(parent)?;
                if self.links.get(&parent).is_some_and(|parent| parent.mtu < settings.mtu) {
                    return Err("the parent has a smaller mtu".to_owned());
                }
                LinkKind::Vlan { parent, id: *id }
            }
        };
        let index = self.next_index();
        // Linux invents one each time; here the name decides, so that two pictures can be compared.
        let invented = || name.as_str().bytes().rev().chain([0; 6]).take(5).collect::<Vec<u8>>();
        let inherited = match kind {
            LinkKind::Vlan { parent, .. } => {
                self.links.get(&parent).map(|parent| parent.mac.clone()).unwrap_or_default()
            }
            _ => [vec![2], invented()].concat(),
        };
        let link = Link {
            admin_up: settings.up,
            mtu: settings.mtu,
            alias: settings.alias.clone(),
            mac: settings.mac.map_or(inherited, |mac| mac.octets().to_vec()),
            kind,
            group: LINK_GROUP_TOWPATH,
            ..Link::card(index, name.clone())
        };
        self.links.insert(index, link.clone());
        Ok(vec![WorldEvent::Link(link)])
    }

    /// A link goes, by a step or by somebody's hand.
    ///
    /// # Errors
    /// When it is not there.
    pub fn delete(&mut self, name: &IfName) -> Done {
        let index = self.index_of(name)?;
        let mut events = Vec::new();
        let vlans =
            self.links.values().filter(|link| matches!(link.kind, LinkKind::Vlan { parent, .. } if parent == index));
        for vlan in vlans.map(|link| link.name.clone()).collect::<Vec<_>>() {
            events.extend(self.delete(&vlan)?);
        }
        for port in self.links.values_mut().filter(|link| link.master == Some(index)) {
            port.master = None;
            events.push(WorldEvent::Link(port.clone()));
        }
        let gone: Vec<LinkAddress> = self.addresses.iter().filter(|there| there.ifindex == index).copied().collect();
        self.addresses.retain(|there| there.ifindex != index);
        events.extend(gone.into_iter().map(WorldEvent::AddressGone));
        self.drop_next_hops(index, &mut events);
        self.settings.retain(|(owner, _), _| owner != name);
        self.neighbors.retain(|(owner, _), _| owner != name);
        self.links.remove(&index);
        events.push(WorldEvent::LinkGone(index));
        Ok(events)
    }

    fn adjust(&mut self, name: &IfName, from: &LinkSettings, to: &LinkSettings) -> Done {
        let index = self.index_of(name)?;
        let link = self.links.get(&index).ok_or("no link")?;
        if let LinkKind::Vlan { parent, .. } = link.kind
            && self.links.get(&parent).is_some_and(|parent| parent.mtu < to.mtu)
        {
            return Err("the parent has a smaller mtu".to_owned());
        }
        let mut events = self.change(name, |link| {
            if (link.admin_up, link.mtu, &link.alias) != (from.up, from.mtu, &from.alias) {
                return Err(format!("{name} is not as it was"));
            }
            link.admin_up = to.up;
            link.mtu = to.mtu;
            link.alias.clone_from(&to.alias);
            link.mac = to.mac.map(|mac| mac.octets().to_vec()).unwrap_or_default();
            Ok(())
        })?;
        let small = |link: &&mut Link| matches!(link.kind, LinkKind::Vlan { parent, .. } if parent == index && link.mtu > to.mtu);
        for vlan in self.links.values_mut().filter(small) {
            vlan.mtu = to.mtu;
            events.push(WorldEvent::Link(vlan.clone()));
        }
        if !to.up {
            self.neighbors.retain(|(owner, _), _| owner != name);
            self.drop_next_hops(index, &mut events);
        }
        Ok(events)
    }
}
