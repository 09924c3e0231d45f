//! A kernel that obeys the rules of Linux for routes, groups and next hops, for tests.
//!
//! Members exist before their group and groups before their routes; a next hop that goes leaves its groups, and
//! an empty group goes with its routes. Never compiled into the library.

use std::collections::{BTreeMap, BTreeSet};

use super::{FibChange, FibTarget, KernelFib, Refused, RouteKey};
use crate::world::Leg;

#[derive(Clone, Debug, Default)]
pub(super) struct Kernel {
    pub(super) state: KernelFib,
}

impl Kernel {
    /// Applies changes in order; those that `refuse` picks, and those that depend on them, come back.
    pub(super) fn apply(&mut self, changes: &[FibChange], mut refuse: impl FnMut(&FibChange) -> bool) -> Vec<Refused> {
        let mut refused = Vec::new();
        for change in changes {
            let outcome = if refuse(change) { Err("injected") } else { self.apply_one(change) };
            if let Err(reason) = outcome {
                refused.push(Refused { change: change.clone(), errno: 22, reason: reason.into() });
            }
        }
        refused
    }

    fn apply_one(&mut self, change: &FibChange) -> Result<(), &'static str> {
        match change {
            FibChange::NextHop { id, leg } => {
                self.state.next_hops.insert(*id, *leg);
            }
            FibChange::Group { id, members } => {
                if members.is_empty() || members.iter().any(|(id, _)| !self.state.next_hops.contains_key(id)) {
                    return Err("invalid nexthop id in group");
                }
                self.state.groups.insert(*id, members.clone());
            }
            FibChange::Route { key, target } => {
                if let FibTarget::Group(id) = target
                    && !self.state.groups.contains_key(id)
                {
                    return Err("nexthop id does not exist");
                }
                self.state.routes.insert(*key, *target);
            }
            FibChange::RouteGone(prefix) => _ = self.state.routes.remove(*prefix),
            FibChange::NextHopGone(id) => self.remove_object(*id),
        }
        Ok(())
    }

    /// What the kernel does when a next hop or a group goes.
    pub(super) fn remove_object(&mut self, id: u32) {
        self.state.next_hops.remove(&id);
        let mut emptied = BTreeSet::from([id]);
        for (group, members) in &mut self.state.groups {
            members.retain(|(member, _)| *member != id);
            if members.is_empty() {
                emptied.insert(*group);
            }
        }
        self.state.groups.retain(|group, _| !emptied.contains(group));
        self.state.routes.retain(|_, target| !matches!(target, FibTarget::Group(id) if emptied.contains(id)));
    }

    /// The legs of a route, `None` without a route; none of them for a blackhole.
    pub(super) fn legs(&self, key: impl Into<RouteKey>) -> Option<BTreeSet<Leg>> {
        match self.state.routes.get(key.into())? {
            FibTarget::Blackhole | FibTarget::Unreachable => Some(BTreeSet::new()),
            FibTarget::Group(id) => {
                let members = self.state.groups.get(id)?.iter();
                Some(members.filter_map(|(id, _)| self.state.next_hops.get(id).copied()).collect())
            }
        }
    }

    /// The weights of a route's legs, in the order of the legs.
    pub(super) fn weights(&self, key: RouteKey) -> Vec<u16> {
        let Some(FibTarget::Group(id)) = self.state.routes.get(key) else { return Vec::new() };
        let members = self.state.groups.get(id).into_iter().flatten();
        let ways: BTreeMap<Leg, u16> =
            members.filter_map(|(id, weight)| Some((*self.state.next_hops.get(id)?, *weight))).collect();
        ways.into_values().collect()
    }

    /// Whether an object is there that no route needs.
    pub(super) fn has_unused(&self) -> bool {
        let used_groups: BTreeSet<u32> = self
            .state
            .routes
            .iter()
            .filter_map(|(_, target)| if let FibTarget::Group(id) = target { Some(*id) } else { None })
            .collect();
        let used: BTreeSet<u32> = self.state.groups.values().flatten().map(|(id, _)| *id).collect();
        self.state.groups.keys().any(|id| !used_groups.contains(id))
            || self.state.next_hops.keys().any(|id| !used.contains(id))
    }
}
