//! Static routes: what the configuration says becomes offers to the main table, and the wish of the other tables.
//!
//! Never resolves a gateway through other routes; the main table does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use config::model::StaticRoute;
use nouns::{IfName, Prefix};
use rib::fib::{RouteKey, Wanted};
use rib::routes::{Protocol, Route, RouteNextHop};
use rib::world::Leg;
use rib::world_view::{News, is_link_local};

use crate::engine::Engine;
use crate::event::Moment;

/// Links that static routes name, and which these were when the routes were offered last.
#[derive(Debug, Default)]
pub(crate) struct StaticLinks {
    names: BTreeSet<IfName>,
    indexes: BTreeSet<u32>,
}

impl Engine {
    /// Offers the static routes anew.
    pub(crate) fn settle_statics(&mut self, at: Moment) {
        let names: BTreeSet<IfName> = self.statics().flat_map(StaticRoute::links).cloned().collect();
        let indexes = names.iter().filter_map(|name| self.world.link_by_name(name.as_str()));
        self.static_links = StaticLinks { indexes: indexes.map(|link| link.index).collect(), names };
        self.rib.replace_protocol(Protocol::Static, self.static_routes(), at.instant);
        self.settle_static_tables();
    }

    /// Whether news of the world can change a static route: those of a link that one names, and those of any
    /// network where tables have to find their gateways themselves.
    pub(crate) fn statics_need(&self, news: &News) -> bool {
        let links = &self.static_links;
        let named = |index: u32| self.world.link(index).is_some_and(|link| links.names.contains(&link.name));
        news.links.iter().any(|index| links.indexes.contains(index) || named(*index))
            || (!self.running.model.static_tables.is_empty() && !news.networks.is_empty())
    }

    /// Static routes of all tables.
    fn statics(&self) -> impl Iterator<Item = &StaticRoute> {
        let model = &self.running.model;
        model.static_routes.values().chain(model.static_tables.values().flat_map(|routes| routes.values()))
    }

    fn static_routes(&self) -> BTreeMap<Prefix, Vec<Route>> {
        let wishes = self.running.model.static_routes.iter();
        let all = wishes.map(|(prefix, wish)| {
            let offers = self.offers(wish).into_iter();
            let routes = offers.map(|(distance, next_hops)| Route::new(Protocol::Static, distance, 0, next_hops));
            (*prefix, routes.collect())
        });
        all.collect()
    }

    /// The next hops of a static route by distance; those through links that are not there are left out.
    fn offers(&self, wish: &StaticRoute) -> BTreeMap<u8, Vec<RouteNextHop>> {
        let mut by_distance: BTreeMap<u8, Vec<RouteNextHop>> = BTreeMap::new();
        for (address, hop) in wish.next_hops.iter().filter(|(_, hop)| !hop.disable) {
            let interface = hop.interface.as_ref().and_then(|name| self.world.link_by_name(name.as_str()));
            if hop.interface.is_some() && interface.is_none() {
                continue;
            }
            let gateway = RouteNextHop::Gateway { address: *address, interface: interface.map(|link| link.index) };
            by_distance.entry(hop.distance).or_default().push(gateway);
        }
        for (name, distance) in &wish.interfaces {
            if let Some(link) = self.world.link_by_name(name.as_str()).filter(|link| link.usable()) {
                by_distance.entry(*distance).or_default().push(RouteNextHop::Connected { ifindex: link.index });
            }
        }
        for (distance, nowhere) in [(wish.blackhole, RouteNextHop::Blackhole), (wish.reject, RouteNextHop::Reject)] {
            if let Some(distance) = distance {
                by_distance.entry(distance).or_default().push(nowhere);
            }
        }
        by_distance
    }

    /// Routes of other tables than the main one: nobody else offers any, so they go to the kernel's wish at once.
    pub(crate) fn settle_static_tables(&mut self) {
        let tables = self.running.model.static_tables.iter();
        let routes = tables.flat_map(|(table, routes)| {
            routes.iter().map(|(prefix, wish)| (RouteKey { table: *table, prefix: *prefix }, wish))
        });
        let wanted: BTreeMap<RouteKey, Wanted> =
            routes.filter_map(|(key, wish)| Some((key, self.wanted_of_table(wish)?))).collect();
        for key in std::mem::take(&mut self.table_routes) {
            if !wanted.contains_key(&key) {
                self.fib.want(key, None);
            }
        }
        self.table_routes = wanted.keys().copied().collect();
        for (key, wanted) in wanted {
            self.fib.want(key, Some(wanted));
        }
    }

    /// The best distance that leads somewhere. Gateways have to be on a link: tables do not resolve through each other.
    fn wanted_of_table(&self, wish: &StaticRoute) -> Option<Wanted> {
        self.offers(wish).into_values().find_map(|next_hops| {
            let legs = next_hops.iter().filter_map(|next_hop| match *next_hop {
                RouteNextHop::Connected { ifindex } => Some(Leg { gateway: None, ifindex }),
                RouteNextHop::Gateway { address, interface } => self.leg_towards(address, interface),
                RouteNextHop::Blackhole | RouteNextHop::Reject => None,
            });
            Wanted::legs(legs.collect()).or_else(|| Route::nowhere(&next_hops))
        })
    }

    fn leg_towards(&self, address: IpAddr, interface: Option<u32>) -> Option<Leg> {
        let ifindex = match interface {
            Some(ifindex) => {
                let mut networks = self.world.addresses_of(ifindex).map(|there| there.address.network());
                (is_link_local(address) || networks.any(|network| network.contains(address))).then_some(ifindex)
            }
            None => self.world.network_towards(address).map(|towards| towards.ifindex),
        };
        let ifindex = ifindex.filter(|ifindex| self.world.link_usable(*ifindex))?;
        Some(Leg { gateway: Some(address), ifindex })
    }
}
