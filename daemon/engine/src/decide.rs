//! BGP's part of a turn: prefixes that wait are decided, and what was chosen becomes an offer to the main table.
//!
//! Never tells a peer and never touches the kernel's wish.

use nouns::{Family, Prefix};
use rib::bgp_table::Path;
use rib::decision::{Chooser, Rules};
use rib::routes::{Protocol, Route, RouteNextHop};

use crate::engine::Engine;
use crate::event::Moment;

/// How many prefixes are decided together; their entries stay in the processor's cache meanwhile.
const PIECE: usize = 1024;
/// When BGP is no longer configured, its last routes still have to be seen off.
const WITHOUT_BGP: Rules = Rules {
    maximum_paths_ebgp: 1,
    maximum_paths_ibgp: 1,
    always_compare_med: false,
    multipath_relax: false,
    default_local_pref: 100,
};
/// Names the BGP offer of a prefix, of whichever kind.
pub(crate) const BGP: Protocol = Protocol::Bgp { internal: false };

/// What the decision made of a prefix.
struct Outcome {
    prefix: Prefix,
    best: Option<usize>,
    route: Option<Route>,
}

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
            for piece in prefixes.chunks(PIECE) {
                for prefix in piece {
                    self.judge_prefix(family, *prefix);
                }
                for outcome in self.choose(family, piece, &rules) {
                    if self.tables.of_mut(family).decided(outcome.prefix, outcome.best) {
                        self.groups.offer_to_all(family, outcome.prefix, outcome.best.is_some());
                    }
                    match outcome.route {
                        Some(route) => self.rib.set(outcome.prefix, &route, at.instant),
                        None => self.rib.remove(outcome.prefix, BGP, None),
                    }
                }
            }
            let version = self.table_version.entry(family).or_default();
            *version = version.saturating_add(1);
        }
        budget
    }

    /// Decides some prefixes, while nothing changes.
    fn choose(&self, family: Family, prefixes: &[Prefix], rules: &Rules) -> Vec<Outcome> {
        let table = self.tables.of(family);
        let mut chooser = Chooser::new(table, &self.next_hops, rules);
        let outcome = |prefix: &Prefix| {
            let paths = table.paths(*prefix);
            let choice = chooser.choose(paths);
            let best = choice.as_ref().map(|choice| choice.best);
            let route = choice.and_then(|choice| {
                let chosen = choice.all().filter_map(|index| paths.get(index));
                self.bgp_route(family, paths.get(choice.best)?, chosen)
            });
            Outcome { prefix: *prefix, best, route }
        };
        prefixes.iter().map(outcome).collect()
    }

    /// The route that the chosen paths make; none for a path that the router made itself, and none where all of BGP
    /// stays out of the route table (`no-fib-install`).
    fn bgp_route<'a>(&self, family: Family, best: &Path, chosen: impl Iterator<Item = &'a Path>) -> Option<Route> {
        let bgp = self.running.model.bgp.as_deref().filter(|bgp| !best.is_local() && !bgp.no_fib_install)?;
        let internal = self.tables.of(family).peer(best.peer()).is_some_and(|peer| peer.internal);
        let configured = if internal { bgp.distance_internal } else { bgp.distance_external };
        let distance = best.marks().distance.unwrap_or(configured);
        let next_hops = chosen.map(|path| RouteNextHop::Gateway { address: path.next_hop(), interface: None });
        let metric = best.attributes().med.unwrap_or(0);
        Some(Route::new(Protocol::Bgp { internal }, distance, metric, next_hops.collect()))
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        let bgp = self.running.model.bgp.as_deref()?;
        Some(Rules {
            maximum_paths_ebgp: bgp.maximum_paths_ebgp,
            maximum_paths_ibgp: bgp.maximum_paths_ibgp,
            always_compare_med: bgp.always_compare_med,
            multipath_relax: bgp.multipath_relax,
            default_local_pref: bgp.default_local_pref,
        })
    }
}
