//! A kernel that obeys the rules of Linux for links, addresses, routes, groups and next hops.
//!
//! Members exist before their group and groups before their routes; a gateway has to be on a link that is up; a
//! next hop that goes leaves its groups, and an empty group goes with its routes. It outlives the daemon, and it
//! never forwards a packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bpf_tables::wish::{Hook, Wish};
use engine::plan::Setting;
use nouns::{IfName, InterfaceAddress, MacAddress};
use rib::fib::{FibChange, FibTarget, KernelFib, Refused, RouteKey};
use rib::world::{Leg, Link, LinkAddress, Snapshot, WorldEvent};

/// `EINVAL`
const INVALID: i32 = 22;

/// What one machine's kernel has.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Links by index.
    pub links: BTreeMap<u32, Link>,
    /// Addresses of links.
    pub addresses: BTreeSet<LinkAddress>,
    /// What the daemon has put in.
    pub ours: KernelFib,
    /// How many changes of routes, groups or next hops were made that changed anything.
    pub changes: u64,
    /// So many of the next routes are refused.
    pub refuse_routes: u32,
    /// Settings of links below `/proc/sys` that were written.
    pub settings: BTreeMap<(IfName, Setting), String>,
    /// Hardware addresses of hosts that were set for good.
    pub neighbors: BTreeMap<(IfName, IpAddr), MacAddress>,
    /// Links that the balancer is on.
    pub balanced: BTreeMap<IfName, Hook>,
    /// What it does.
    pub balance: Option<Wish>,
    /// The highest index that a link ever had.
    last_index: u32,
}

impl Kernel {
    /// A kernel with links `eth1`, `eth2`, … of one address each.
    #[must_use]
    pub fn new(addresses: &[InterfaceAddress]) -> Self {
        let mut kernel = Self::default();
        for (address, index) in addresses.iter().zip(2..) {
            kernel.plug(index);
            kernel.addresses.insert(LinkAddress { ifindex: index, address: *address, peer: None });
        }
        kernel
    }

    /// Adds an Ethernet link that is up and has carrier; its name is `eth` and the index less one.
    pub fn plug(&mut self, index: u32) -> Link {
        let name = format!("eth{}", index.saturating_sub(1)).parse().expect("a link's name");
        let mac = vec![0, 0x53, 0, 0, 0, u8::try_from(index).unwrap_or(u8::MAX)];
        let link = Link { permanent_mac: mac.clone(), mac, ..Link::card(index, name) };
        self.last_index = self.last_index.max(index);
        self.links.insert(index, link.clone());
        link
    }

    /// An index that no link has had.
    pub(super) fn next_index(&mut self) -> u32 {
        self.last_index += 1;
        self.last_index
    }

    /// Everything at once.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            links: self.links.values().cloned().collect(),
            addresses: self.addresses.iter().copied().collect(),
            routes: Vec::new(),
            ours: self.ours.clone(),
        }
    }

    /// Applies changes in order; those that cannot be made, and those that depend on them, come back.
    pub fn apply(&mut self, changes: Vec<FibChange>) -> Vec<Refused> {
        let mut refused = Vec::new();
        for change in changes {
            match self.apply_one(&change) {
                Ok(changed) => self.changes += u64::from(changed),
                Err(reason) => refused.push(Refused { change, errno: INVALID, reason: reason.to_owned() }),
            }
        }
        refused
    }

    /// Answers whether anything is another than before.
    fn apply_one(&mut self, change: &FibChange) -> Result<bool, &'static str> {
        Ok(match change {
            FibChange::NextHop { id, leg } => {
                if !self.reaches(leg) {
                    return Err("Nexthop has invalid gateway");
                }
                self.ours.next_hops.insert(*id, *leg) != Some(*leg)
            }
            FibChange::Group { id, members } => {
                if members.is_empty() || members.iter().any(|(id, _)| !self.ours.next_hops.contains_key(id)) {
                    return Err("Invalid nexthop id in group");
                }
                self.ours.groups.insert(*id, members.clone()).as_ref() != Some(members)
            }
            FibChange::Route { key, target } => {
                if self.refuse_routes > 0 {
                    self.refuse_routes -= 1;
                    return Err("refused on purpose");
                }
                if let FibTarget::Group(id) = target
                    && !self.ours.groups.contains_key(id)
                {
                    return Err("Nexthop id does not exist");
                }
                self.ours.routes.insert(*key, *target) != Some(*target)
            }
            FibChange::RouteGone(key) => {
                if self.ours.routes.remove(*key).is_none() {
                    return Err("No such process");
                }
                true
            }
            FibChange::NextHopGone(id) => {
                self.remove_object(*id);
                true
            }
        })
    }

    /// A gateway has to be in a network of a link that is up.
    fn reaches(&self, leg: &Leg) -> bool {
        let usable = self.links.get(&leg.ifindex).is_some_and(Link::usable);
        let mut networks = self.addresses.iter().filter(|there| there.ifindex == leg.ifindex);
        usable && leg.gateway.is_none_or(|gateway| networks.any(|there| there.address.network().contains(gateway)))
    }

    fn remove_object(&mut self, id: u32) {
        self.ours.next_hops.remove(&id);
        let mut emptied = BTreeSet::from([id]);
        for (group, members) in &mut self.ours.groups {
            members.retain(|(member, _)| *member != id);
            if members.is_empty() {
                emptied.insert(*group);
            }
        }
        self.ours.groups.retain(|group, _| !emptied.contains(group));
        self.ours.routes.retain(|_, target| !matches!(target, FibTarget::Group(id) if emptied.contains(id)));
    }

    /// The cable is pulled or put back; a next hop over a link without carrier goes, as in Linux.
    pub fn carrier(&mut self, index: u32, carrier: bool) -> Vec<WorldEvent> {
        let Some(link) = self.links.get_mut(&index) else { return Vec::new() };
        link.carrier = carrier;
        let mut events = vec![WorldEvent::Link(link.clone())];
        if !carrier {
            self.drop_next_hops(index, &mut events);
        }
        events
    }

    /// A link that is down or gone takes its next hops along, and routes that have no other.
    pub(super) fn drop_next_hops(&mut self, index: u32, events: &mut Vec<WorldEvent>) {
        let dead = self.ours.next_hops.iter().filter(|(_, leg)| leg.ifindex == index);
        let dead: Vec<u32> = dead.map(|(id, _)| *id).collect();
        let before: BTreeSet<RouteKey> = self.ours.routes.keys().collect();
        for id in dead {
            self.remove_object(id);
            events.push(WorldEvent::OurNextHopLost(id));
        }
        let lost = before.into_iter().filter(|prefix| !self.ours.routes.contains(*prefix));
        events.extend(lost.map(WorldEvent::OurRouteLost));
    }

    /// The gateways of a route, in order; `None` without a route, none of them for a blackhole.
    #[must_use]
    pub fn gateways(&self, key: impl Into<RouteKey>) -> Option<BTreeSet<IpAddr>> {
        match self.ours.routes.get(key.into())? {
            FibTarget::Blackhole | FibTarget::Unreachable => Some(BTreeSet::new()),
            FibTarget::Group(id) => {
                let members = self.ours.groups.get(id)?.iter();
                let legs = members.filter_map(|(id, _)| self.ours.next_hops.get(id));
                Some(legs.filter_map(|leg| leg.gateway).collect())
            }
        }
    }

    /// Groups and next hops that nothing leads to.
    #[must_use]
    pub fn unused(&self) -> Vec<u32> {
        let targets = self.ours.routes.iter().map(|(_, target)| target);
        let groups: BTreeSet<u32> =
            targets.filter_map(|target| if let FibTarget::Group(id) = target { Some(*id) } else { None }).collect();
        let members: BTreeSet<u32> = self.ours.groups.values().flatten().map(|(id, _)| *id).collect();
        let idle_groups = self.ours.groups.keys().filter(|id| !groups.contains(id));
        let idle_hops = self.ours.next_hops.keys().filter(|id| !members.contains(id));
        idle_groups.chain(idle_hops).copied().collect()
    }
}
