//! Which next hops the usable paths have, and which of them came into use or went out of it.
//!
//! Never resolves a next hop.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::routes::Gateway;
use crate::world_view::is_link_local;

/// One next hop.
#[derive(Debug)]
struct Use {
    gateway: Gateway,
    paths: usize,
    reported: bool,
}

/// How many paths lead through each next hop.
#[derive(Debug, Default)]
pub(super) struct NextHopUses {
    uses: Vec<Use>,
    places: HashMap<Gateway, usize>,
    /// The place that was used last: routes with the same next hop come together.
    cursor: Cell<usize>,
    news: BTreeSet<Gateway>,
}

impl NextHopUses {
    /// One path more.
    pub(super) fn add(&mut self, gateway: Option<Gateway>) {
        let Some(gateway) = gateway else { return };
        let place = self.place(gateway).unwrap_or_else(|| {
            self.uses.push(Use { gateway, paths: 0, reported: false });
            let place = self.uses.len().saturating_sub(1);
            self.places.insert(gateway, place);
            place
        });
        if let Some(usage) = self.uses.get_mut(place) {
            usage.paths = usage.paths.saturating_add(1);
            if usage.paths == 1 {
                self.news.insert(gateway);
            }
        }
    }

    /// One path fewer.
    pub(super) fn drop(&mut self, gateway: Option<Gateway>) {
        let Some(gateway) = gateway else { return };
        if let Some(usage) = self.place(gateway).and_then(|place| self.uses.get_mut(place)) {
            usage.paths = usage.paths.saturating_sub(1);
            if usage.paths == 0 {
                self.news.insert(gateway);
            }
        }
    }

    /// How many paths lead through an address, on whatever link.
    pub(super) fn of(&self, address: IpAddr) -> usize {
        if is_link_local(address) {
            return self.uses.iter().filter(|usage| usage.gateway.0 == address).map(|usage| usage.paths).sum();
        }
        self.place((address, None)).and_then(|place| self.uses.get(place)).map_or(0, |usage| usage.paths)
    }

    /// The addresses that paths lead through, sorted.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let used = self.uses.iter().filter(|usage| usage.paths > 0);
        let mut addresses: Vec<IpAddr> = used.map(|usage| usage.gateway.0).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Those that came into use (true) or went out of it (false) since the last call.
    pub(super) fn take_news(&mut self) -> Vec<(Gateway, bool)> {
        let mut news = Vec::new();
        for gateway in std::mem::take(&mut self.news) {
            let Some(place) = self.place(gateway) else { continue };
            let Some(usage) = self.uses.get_mut(place) else { continue };
            let used = usage.paths > 0;
            if used != std::mem::replace(&mut usage.reported, used) {
                news.push((gateway, used));
            }
            if !used {
                self.forget(place);
            }
        }
        news
    }

    fn forget(&mut self, place: usize) {
        let gone = self.uses.swap_remove(place);
        self.places.remove(&gone.gateway);
        if let Some(moved) = self.uses.get(place) {
            self.places.insert(moved.gateway, place);
        }
    }

    fn place(&self, gateway: Gateway) -> Option<usize> {
        let cursor = self.cursor.get();
        if self.uses.get(cursor).is_some_and(|usage| usage.gateway == gateway) {
            return Some(cursor);
        }
        let place = *self.places.get(&gateway)?;
        self.cursor.set(place);
        Some(place)
    }
}
