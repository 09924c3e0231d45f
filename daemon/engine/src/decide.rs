//! BGP's part of a turn: prefixes that wait are decided, and what was chosen becomes an offer to the main table.
//!
//! Never tells a peer and never touches the kernel's wish.

use std::collections::BTreeSet;

use nouns::{Family, Prefix};
use rib::bgp_table::Path;
use rib::decision::{Rules, decide};
use rib::routes::{Protocol, Route, RouteNextHop};

use crate::engine::Engine;
use crate::event::Moment;

/// When BGP is no longer configured, its last routes still have to be seen off.
const WITHOUT_BGP: Rules =
    Rules { maximum_paths_ebgp: 1, maximum_paths_ibgp: 1, always_compare_med: false, multipath_relax: false };
/// Names the BGP offer of a prefix, of whichever kind.
pub(crate) const BGP: Protocol = Protocol::Bgp { internal: false };

impl Engine {
    /// Decides BGP; answers what is left of the budget.
    pub(crate) fn settle_tables(&mut self, at: Moment, mut budget: usize) -> usize {
        let rules = self.rules().unwrap_or(WITHOUT_BGP);
        for family in Family::ALL {
            let prefixes = self.tables.of_mut(family).take_dirty(budget);
            budget = budget.saturating_sub(prefixes.len());
            if prefixes.is_empty() {
                continue;
            }
            let mut offered = BTreeSet::new();
            for prefix in prefixes {
                if self.decide_prefix(at, family, prefix, &rules) {
                    offered.insert(prefix);
                }
            }
            let version = self.table_version.entry(family).or_default();
            *version = version.saturating_add(1);
            self.offer_all(family, &offered);
        }
        budget
    }

    /// Decides one prefix; answers whether peers have to be told.
    fn decide_prefix(&mut self, at: Moment, family: Family, prefix: Prefix, rules: &Rules) -> bool {
        self.judge_prefix(at, family, prefix);
        let table = self.tables.of(family);
        let paths = table.paths(prefix);
        let Some(decision) = decide(paths, table, &self.next_hops, rules) else {
            self.rib.remove(prefix, BGP, None);
            return self.best.remove(&prefix).is_some();
        };
        let Some(best) = paths.get(decision.best) else { return false };
        let key = best.key;
        let chosen = decision.multipath.iter().filter_map(|index| paths.get(*index));
        match self.bgp_route(at, family, best, chosen) {
            Some(route) => self.rib.set(prefix, route),
            None => self.rib.remove(prefix, BGP, None),
        }
        // The same path may have new attributes: peers hear of it either way, and the queue knows what is news.
        self.best.insert(prefix, key);
        true
    }

    /// The route that the chosen paths make; none for a path that the router made itself, and none where all of BGP
    /// stays out of the route table (`no-fib-install`).
    fn bgp_route<'a>(
        &self,
        at: Moment,
        family: Family,
        best: &Path,
        chosen: impl Iterator<Item = &'a Path>,
    ) -> Option<Route> {
        let bgp = self.running.model.bgp.as_deref().filter(|bgp| !best.is_local() && !bgp.no_fib_install)?;
        let internal = self.tables.of(family).peer(best.key.peer).is_some_and(|peer| peer.internal);
        let configured = if internal { bgp.distance_internal } else { bgp.distance_external };
        let distance = best.marks.distance.unwrap_or(configured);
        let next_hops = chosen.map(|path| RouteNextHop::Gateway { address: path.next_hop(), interface: None });
        let metric = best.attributes.med.unwrap_or(0);
        Some(Route::new(Protocol::Bgp { internal }, distance, metric, next_hops.collect(), at.instant))
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        let bgp = self.running.model.bgp.as_deref()?;
        Some(Rules {
            maximum_paths_ebgp: bgp.maximum_paths_ebgp,
            maximum_paths_ibgp: bgp.maximum_paths_ibgp,
            always_compare_med: bgp.always_compare_med,
            multipath_relax: bgp.multipath_relax,
        })
    }
}
