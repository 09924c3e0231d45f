//! Routes of the router's own: networks and redistributed routes enter the BGP table.
//!
//! Never chooses among paths; the router's own take part in the decision like all others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bgp::policy::{Draft, Source, Subject};
use bgp_wire::attribute::{Origin, PathAttributes};
use config::model::bgp::RedistributeSource;
use nouns::{Family, IfName, Marks, Prefix};
use rib::bgp_table::{Inserted, Path, PathKey, PeerId};
use rib::routes::{Protocol, Route, RouteNextHop};

use crate::decide::BGP;
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::Peer;

impl Engine {
    /// Networks and redistributed routes enter the BGP table as the router's own.
    pub(crate) fn originate(&mut self, at: Moment, prefix: Prefix) {
        let own = self.origination(prefix);
        let family = prefix.family();
        let key = PathKey { peer: PeerId::LOCAL, path_id: 0 };
        match own {
            Some((attributes, marks)) => {
                let attributes = self.attribute_sets.intern(Arc::new(attributes));
                let received = Arc::clone(&attributes);
                let inserted = Inserted::new(attributes, received, None, marks);
                self.tables.of_mut(family).insert(prefix, key, &inserted, at.instant);
                self.originated.insert(prefix);
            }
            None => {
                if !self.originated.is_empty() && self.originated.remove(&prefix) {
                    self.tables.of_mut(family).withdraw(prefix, key);
                }
            }
        }
    }

    /// The attributes and marks of a route of our own, after its map; `None` where it is not announced.
    fn origination(&self, prefix: Prefix) -> Option<(PathAttributes, Marks)> {
        let bgp = self.running.model.bgp.as_deref()?;
        if bgp.networks.is_empty() && bgp.redistribute.is_empty() {
            return None;
        }
        let selected = self.rib.selected(prefix).filter(|route| !route.protocol.same_source(BGP))?;
        let own = match prefix.family() {
            Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let (attributes, map) = if let Some(map) = bgp.networks.get(&prefix) {
            (PathAttributes::new(Origin::Igp, own), map.as_ref())
        } else {
            let source = match selected.protocol {
                Protocol::Connected => RedistributeSource::Connected,
                Protocol::Kernel => RedistributeSource::Kernel,
                Protocol::Static => RedistributeSource::Static,
                Protocol::Bgp { .. } => return None,
            };
            let redistribute = bgp.redistribute.get(&(prefix.family(), source))?;
            let mut attributes = PathAttributes::new(Origin::Incomplete, own);
            attributes.med = Some(redistribute.metric.unwrap_or(selected.metric));
            (attributes, redistribute.route_map.as_ref())
        };
        let policy = self.policies.through(map);
        let interface = if policy.looks_at_interface() { self.interface_out(prefix) } else { None };
        let source = self.own_source(prefix);
        let nowhere =
            selected.next_hops.iter().all(|hop| matches!(hop, RouteNextHop::Blackhole | RouteNextHop::Reject));
        let subject = Subject { interface: interface.as_ref(), nowhere, ..Subject::new(prefix, source) };
        let marks = Marks { weight: Marks::OWN_WEIGHT, tag: self.tag_of(prefix, selected), ..Marks::default() };
        let mut draft = Draft::new(&attributes, marks, bgp.default_local_pref);
        policy.apply(&subject, &mut draft).ok()?;
        Some((draft.attributes.into_owned(), draft.marks))
    }

    /// The number that a person gave a static route for policies; 0 for none.
    fn tag_of(&self, prefix: Prefix, selected: &Route) -> u32 {
        let route = self.running.model.static_routes.get(&prefix).filter(|_| selected.protocol == Protocol::Static);
        route.and_then(|route| route.tag).unwrap_or(0)
    }

    /// Where a route of our own has its source.
    pub(crate) fn own_source(&self, prefix: Prefix) -> Source {
        match self.rib.selected(prefix).map(|route| route.protocol) {
            Some(Protocol::Connected) => Source::Connected,
            Some(Protocol::Kernel) => Source::Kernel,
            Some(Protocol::Static) => Source::Static,
            Some(Protocol::Bgp { .. }) | None => Source::Bgp,
        }
    }

    /// The interface that a path was learned through, or that our own route leads through.
    pub(crate) fn interface_of(&self, path: &Path, prefix: Prefix) -> Option<IfName> {
        if path.is_local() { self.interface_out(prefix) } else { self.interface_to(self.peers.get(path.peer())?) }
    }

    /// The interface that the session with a peer runs over.
    pub(crate) fn interface_to(&self, peer: &Peer) -> Option<IfName> {
        let local = peer.local?.ip().to_canonical();
        let link = self.world.addresses().find(|there| there.address.address() == local)?.ifindex;
        Some(self.world.link(link)?.name.clone())
    }

    /// The first interface that the selected route of a prefix leads through.
    fn interface_out(&self, prefix: Prefix) -> Option<IfName> {
        let route = self.rib.selected(prefix)?;
        let link = route.next_hops.iter().find_map(|next_hop| match next_hop {
            RouteNextHop::Connected { ifindex } => Some(*ifindex),
            RouteNextHop::Gateway { interface: Some(ifindex), .. } => Some(*ifindex),
            RouteNextHop::Gateway { address, interface: None } => {
                self.next_hops.resolve(*address).legs().first().map(|leg| leg.ifindex)
            }
            RouteNextHop::Blackhole | RouteNextHop::Reject => None,
        })?;
        Some(self.world.link(link)?.name.clone())
    }
}
