//! What the monitor has to remember because the kernel does not say it.
//!
//! When a link goes down, Linux throws away the next-hop objects on it, the groups that become empty, and
//! the IPv4 routes through them, all without a notification; and a notification about a route may name a
//! next-hop object instead of its legs. So the monitor keeps books: all next-hop objects and all foreign
//! routes. Routes of ours are not kept, however many there are. Never does IO.

use std::collections::{BTreeMap, BTreeSet};

use nouns::Prefix;
use rib::fib::{ROUTE_METRIC, RTPROT_TOWPATH};
use rib::world::{ForeignRoute, Leg, WorldEvent};

use crate::decode::{NextHop, NextHopKind, Route};

/// Next-hop objects of everybody, and routes of everybody else.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    objects: BTreeMap<u32, NextHop>,
    foreign: BTreeMap<(Prefix, u32), Vec<ForeignRoute>>,
    /// How many foreign routes leave through a link: most links have none, and come and go without a search.
    routes_over: BTreeMap<u32, usize>,
    /// How many next-hop objects are on a link.
    objects_on: BTreeMap<u32, usize>,
}

impl Ledger {
    /// Starts from what a dump of next hops told.
    pub(crate) fn begin(&mut self, objects: Vec<NextHop>) {
        for object in objects {
            self.keep(object);
        }
    }

    /// Starts with a foreign route that a dump told.
    pub(crate) fn remember(&mut self, route: ForeignRoute) {
        self.count_routes(&route, true);
        self.foreign.entry((route.prefix, route.metric)).or_default().push(route);
    }

    /// The foreign route that a decoded one is, its legs looked up; `None` for ours and for what does not matter.
    pub(crate) fn foreign(&self, route: &Route) -> Option<ForeignRoute> {
        if route.protocol == RTPROT_TOWPATH || !route.matters() {
            return None;
        }
        let mut legs = route.legs.clone();
        if let (true, Some(id)) = (legs.is_empty(), route.next_hop) {
            legs = self.legs_of(id);
        }
        Some(ForeignRoute { prefix: route.prefix, metric: route.metric, protocol: route.protocol, legs })
    }

    /// `RTM_NEWROUTE` that we did not cause; `replaced` is `NLM_F_REPLACE` of the notification.
    pub(crate) fn route_is_there(&mut self, route: &Route, replaced: bool, events: &mut Vec<WorldEvent>) {
        if route.is_ours() || (route.metric == ROUTE_METRIC && replaced) {
            events.push(WorldEvent::OurRouteLost(route.key()));
        }
        if !route.matters() {
            return;
        }
        let Some(new) = self.foreign(route) else { return };
        let twins = self.foreign.entry((new.prefix, new.metric)).or_default();
        if twins.contains(&new) {
            return;
        }
        // A notification tells the whole route: IPv6 repeats the legs that were there when one is added.
        let superseded = twins.iter().position(|old| replaced || grew_from(&new, old));
        let old = superseded.map(|place| twins.remove(place));
        twins.push(new.clone());
        if let Some(old) = old {
            self.count_routes(&old, false);
            events.push(WorldEvent::RouteGone(old));
        }
        self.count_routes(&new, true);
        events.push(WorldEvent::Route(new));
    }

    /// `RTM_DELROUTE` that we did not cause.
    pub(crate) fn route_is_gone(&mut self, route: &Route, events: &mut Vec<WorldEvent>) {
        if route.is_ours() {
            events.push(WorldEvent::OurRouteLost(route.key()));
        }
        if !route.matters() || route.protocol == RTPROT_TOWPATH {
            return;
        }
        let Some(gone) = self.foreign(route) else { return };
        let key = (gone.prefix, gone.metric);
        let Some(twins) = self.foreign.get_mut(&key) else { return };
        let exact = twins.iter().position(|old| *old == gone);
        // IPv6 tells the loss of one leg of several as the deletion of a route with that leg alone.
        let place = exact.or_else(|| twins.iter().position(|old| grew_from(old, &gone)));
        let Some(old) = place.map(|place| twins.remove(place)) else { return };
        let mut rest = old.clone();
        rest.legs.retain(|leg| !gone.legs.contains(leg));
        let stays = exact.is_none() && !rest.legs.is_empty();
        if stays {
            twins.push(rest.clone());
        }
        if twins.is_empty() {
            self.foreign.remove(&key);
        }
        self.count_routes(&old, false);
        events.push(WorldEvent::RouteGone(old));
        if stays {
            self.count_routes(&rest, true);
            events.push(WorldEvent::Route(rest));
        }
    }

    /// `RTM_NEWNEXTHOP`; `by_us` when our own writer caused it.
    pub(crate) fn object_is_there(&mut self, object: NextHop, by_us: bool, events: &mut Vec<WorldEvent>) {
        let known = self.objects.get(&object.id);
        let was_ours = known.is_some_and(|known| known.protocol == RTPROT_TOWPATH);
        if !by_us && (was_ours || object.protocol == RTPROT_TOWPATH) && known != Some(&object) {
            events.push(WorldEvent::OurNextHopLost(object.id));
        }
        self.keep(object);
    }

    /// `RTM_DELNEXTHOP`: returns the links whose foreign routes have to be looked at again, because the
    /// routes that used a deleted object vanish without a word when `nexthop_compat_mode` is off.
    pub(crate) fn object_is_gone(&mut self, id: u32, by_us: bool, events: &mut Vec<WorldEvent>) -> Vec<u32> {
        let legs = self.legs_of(id);
        let Some(object) = self.forget(id) else { return Vec::new() };
        if object.protocol == RTPROT_TOWPATH {
            if !by_us {
                events.push(WorldEvent::OurNextHopLost(id));
            }
            self.leave_groups(id, by_us, events);
            return Vec::new();
        }
        self.leave_groups(id, false, events);
        legs.iter().map(|leg| leg.ifindex).filter(|ifindex| self.has_routes_over(*ifindex)).collect()
    }

    /// A link that is down or gone takes its next hops along, and groups that have no other.
    pub(crate) fn link_dropped(&mut self, ifindex: u32, events: &mut Vec<WorldEvent>) {
        self.drop_objects(ifindex, |_| true, events);
    }

    fn drop_objects(&mut self, ifindex: u32, goes: impl Fn(u32) -> bool, events: &mut Vec<WorldEvent>) {
        if !self.has_objects_on(ifindex) {
            return;
        }
        let on_link = |object: &NextHop| matches!(object.kind, NextHopKind::Leg(leg) if leg.ifindex == ifindex && goes(object.id));
        let lost: Vec<NextHop> = self.objects.values().filter(|object| on_link(object)).cloned().collect();
        for object in lost {
            self.forget(object.id);
            if object.protocol == RTPROT_TOWPATH {
                events.push(WorldEvent::OurNextHopLost(object.id));
            }
            self.leave_groups(object.id, false, events);
        }
    }

    /// Whether any next-hop object is on a link.
    pub(crate) fn has_objects_on(&self, ifindex: u32) -> bool {
        self.objects_on.contains_key(&ifindex)
    }

    /// Compares with the objects that the kernel still has on a link: what it has no more is gone without a word. One
    /// whose end has yet to be heard of is told too early, which does no harm.
    pub(crate) fn audit_objects(&mut self, ifindex: u32, present: &BTreeSet<u32>, events: &mut Vec<WorldEvent>) {
        self.drop_objects(ifindex, |id| !present.contains(&id), events);
    }

    /// Whether any foreign route leaves through a link.
    pub(crate) fn has_routes_over(&self, ifindex: u32) -> bool {
        self.routes_over.contains_key(&ifindex)
    }

    /// The links that foreign routes or next-hop objects lead through; some twice.
    pub(crate) fn links(&self) -> impl Iterator<Item = u32> {
        self.routes_over.keys().chain(self.objects_on.keys()).copied()
    }

    /// Compares with what the kernel still has over a link: what it has no more is gone.
    pub(crate) fn audit(&mut self, ifindex: u32, present: &[ForeignRoute], events: &mut Vec<WorldEvent>) {
        let mut lost = Vec::new();
        for twins in self.foreign.values_mut() {
            twins.retain(|route| {
                let keep = !leaves_through(route, ifindex) || present.contains(route);
                if !keep {
                    lost.push(route.clone());
                }
                keep
            });
        }
        self.foreign.retain(|_, twins| !twins.is_empty());
        for route in lost {
            self.count_routes(&route, false);
            events.push(WorldEvent::RouteGone(route));
        }
        for route in present {
            let twins = self.foreign.entry((route.prefix, route.metric)).or_default();
            if !twins.contains(route) {
                twins.push(route.clone());
                self.count_routes(route, true);
                events.push(WorldEvent::Route(route.clone()));
            }
        }
    }

    fn keep(&mut self, object: NextHop) {
        self.forget(object.id);
        if let NextHopKind::Leg(leg) = object.kind {
            count(&mut self.objects_on, leg.ifindex, true);
        }
        self.objects.insert(object.id, object);
    }

    fn forget(&mut self, id: u32) -> Option<NextHop> {
        let object = self.objects.remove(&id)?;
        if let NextHopKind::Leg(leg) = object.kind {
            count(&mut self.objects_on, leg.ifindex, false);
        }
        Some(object)
    }

    fn count_routes(&mut self, route: &ForeignRoute, more: bool) {
        let links: BTreeSet<u32> = route.legs.iter().map(|leg| leg.ifindex).collect();
        for link in links {
            count(&mut self.routes_over, link, more);
        }
    }

    /// Takes a member out of all groups, as the kernel does; a group without members ceases to be.
    fn leave_groups(&mut self, member: u32, by_us: bool, events: &mut Vec<WorldEvent>) {
        self.objects.retain(|_, object| {
            let NextHopKind::Group(members) = &mut object.kind else { return true };
            let before = members.len();
            members.retain(|(id, _)| *id != member);
            let emptied = members.is_empty() && before != 0;
            if emptied && !by_us && object.protocol == RTPROT_TOWPATH {
                events.push(WorldEvent::OurNextHopLost(object.id));
            }
            !emptied
        });
    }

    fn legs_of(&self, id: u32) -> Vec<Leg> {
        let single = |id: u32| match self.objects.get(&id).map(|object| &object.kind) {
            Some(NextHopKind::Leg(leg)) => Some(*leg),
            _ => None,
        };
        match self.objects.get(&id).map(|object| &object.kind) {
            Some(NextHopKind::Group(members)) => members.iter().filter_map(|(id, _)| single(*id)).collect(),
            _ => single(id).into_iter().collect(),
        }
    }
}

/// Whether a route has all legs of another of the same owner, and more.
fn grew_from(large: &ForeignRoute, small: &ForeignRoute) -> bool {
    large.protocol == small.protocol
        && !small.legs.is_empty()
        && small.legs.len() < large.legs.len()
        && small.legs.iter().all(|leg| large.legs.contains(leg))
}

/// One more or one less; what comes to zero is forgotten.
fn count(counts: &mut BTreeMap<u32, usize>, link: u32, more: bool) {
    let count = counts.entry(link).or_default();
    *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
    if *count == 0 {
        counts.remove(&link);
    }
}

fn leaves_through(route: &ForeignRoute, ifindex: u32) -> bool {
    route.legs.iter().any(|leg| leg.ifindex == ifindex)
}

#[cfg(test)]
mod tests;
