//! BGP's part of a turn: prefixes that wait are decided, and what was chosen becomes an offer to the main table.
//!
//! What is news is offered to the update groups. Never encodes a word of it, and never touches the kernel's wish.

use config::model::Bgp;
use config::model::bgp::{Bandwidth, MonitoredView};
use nouns::{Family, Prefix};
use rib::bgp_table::{Decided, Outcome, Path};
use rib::decision::{Rules, StepRules};
use rib::prefix_table::Spot;
use rib::routes::{Protocol, Route, RouteNextHop};

use crate::aggregates::AGGREGATE;
use crate::engine::Engine;
use crate::event::Moment;
use crate::peers::Peers;
use crate::peers::groups::Offer;
use crate::routes::Budget;
use crate::table_map::{Shaped, TableMap};

/// How many prefixes are decided together; their entries stay in the processor's cache meanwhile.
const PIECE: usize = 1024;
/// When BGP is no longer configured, its last routes still have to be seen off.
const WITHOUT_BGP: Rules = Rules {
    maximum_paths_ebgp: 1,
    maximum_paths_ibgp: 1,
    always_compare_med: false,
    multipath_relax: false,
    default_local_pref: 100,
    steps: StepRules::NONE,
};
/// Names the BGP offer of a prefix, of whichever kind.
pub(crate) const BGP: Protocol = Protocol::Bgp { internal: false };

impl Engine {
    /// Decides BGP as far as the budget goes.
    pub(crate) fn settle_tables(&mut self, at: Moment, budget: &mut Budget) {
        let mut rules = self.rules().unwrap_or(WITHOUT_BGP);
        if self.running.model.bgp.as_deref().is_some_and(|bgp| bgp.no_fib_install) {
            // Nobody asks who would share the load.
            (rules.maximum_paths_ebgp, rules.maximum_paths_ibgp) = (1, 1);
        }
        for family in Family::ALL {
            let spots = self.take_undecided(family, budget);
            if spots.is_empty() {
                continue;
            }
            for piece in spots.chunks(PIECE) {
                for spot in piece {
                    self.judge_prefix(family, *spot);
                }
                self.decide(at, family, piece, &rules);
            }
            self.next_version(family);
        }
    }

    /// Best paths changed.
    pub(crate) fn next_version(&mut self, family: Family) {
        let version = self.table_version.entry(family).or_default();
        *version = version.saturating_add(1);
    }

    /// The prefixes of a family that are decided in this turn.
    fn take_undecided(&mut self, family: Family, budget: &mut Budget) -> Vec<Spot> {
        let table = self.tables.of_mut(family);
        let kept = budget.kept.min(table.contested_len());
        let mut spots = table.take_pressing(budget.prefixes.saturating_sub(kept));
        budget.prefixes = budget.prefixes.saturating_sub(spots.len());
        let (contested, paths) = table.take_contested(budget.prefixes, budget.contested_paths);
        budget.prefixes = budget.prefixes.saturating_sub(contested.len());
        budget.contested_paths = budget.contested_paths.saturating_sub(paths);
        budget.kept = budget.kept.saturating_sub(contested.len());
        spots.extend(contested);
        spots
    }

    /// Decides some prefixes; what was chosen is offered to the main table, and what is news to the peers.
    fn decide(&mut self, at: Moment, family: Family, spots: &[Spot], rules: &Rules) {
        let (monitored, observed) = (self.collectors.want(family, MonitoredView::LocRib), self.is_observed());
        let mut chosen = (monitored || observed).then(Vec::new);
        let map = self.table_map(family);
        let Self { tables, next_hops, running, groups, rib, peers, .. } = self;
        let bgp = running.model.bgp.as_deref().filter(|bgp| !bgp.no_fib_install);
        // What a prefix is offered like the one before costs no look at its paths, unless a map looks at prefixes.
        let mut offered = false;
        tables.of_mut(family).decide(spots, next_hops, rules, |spot, outcome| {
            let prefix = spot.prefix();
            let (decided, news) = match outcome {
                Outcome::Stays => return groups.offer_to_all(family, spot, Offer::Undecided, false),
                Outcome::Unreachable => (None, true),
                Outcome::Chosen(decided) => {
                    let news = decided.is_news();
                    (Some(decided), news)
                }
            };
            let best = decided.as_ref().and_then(Decided::best);
            groups.offer_to_all(family, spot, Offer::of(best.map(Path::peer)), news);
            if let Some(chosen) = chosen.as_mut().filter(|_| news) {
                chosen.push(prefix);
            }
            let again = offered && map.is_none() && decided.as_ref().is_some_and(Decided::repeats);
            if again && rib.set_again(spot, at.instant) {
                return;
            }
            let route =
                bgp.zip(decided).and_then(|(bgp, decided)| bgp_route(bgp, &decided, (prefix, map.as_ref(), peers)));
            offered = route.is_some();
            match route {
                Some(route) => rib.set(spot, &route, at.instant),
                None => rib.remove(spot, BGP, None),
            }
        });
        let chosen = chosen.unwrap_or_default();
        if observed {
            chosen.iter().for_each(|prefix| self.observe(family, *prefix));
        }
        if monitored {
            self.monitor_chosen(at, family, &chosen);
        }
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        let bgp = self.running.model.bgp.as_deref()?;
        Some(Rules {
            maximum_paths_ebgp: bgp.maximum_paths_ebgp,
            maximum_paths_ibgp: bgp.maximum_paths_ibgp,
            always_compare_med: bgp.always_compare_med,
            multipath_relax: bgp.multipath_relax,
            default_local_pref: bgp.default_local_pref,
            steps: StepRules {
                ignore_length: bgp.best_path.ignore_length,
                count_confederation: bgp.best_path.count_confederation,
                med_in_confederation: bgp.best_path.med_in_confederation,
                missing_med_is_worst: bgp.best_path.missing_med_is_worst,
                mixed_multipath: bgp.best_path.mixed_multipath,
            },
        })
    }
}

/// The route that the chosen paths make; none for a path that the router made itself, or that a map keeps out. What an
/// aggregate has no better route for is discarded, so that it does not leave by a wider route and come back (RFC 4632
/// §5.1).
fn bgp_route(
    bgp: &Bgp,
    decided: &Decided<'_>,
    (prefix, map, peers): (Prefix, Option<&TableMap>, &Peers),
) -> Option<Route> {
    if decided.best().is_some_and(|best| best.is_local() && best.key() == AGGREGATE) {
        let protocol = Protocol::Bgp { internal: true };
        return Some(Route::new(protocol, bgp.distance_internal, 0, vec![RouteNextHop::Blackhole]));
    }
    let best = decided.best().filter(|best| !best.is_local())?;
    let shaped = match map {
        Some(map) => map.apply(peers, prefix, best).ok()?,
        None => Shaped::untouched(best),
    };
    let internal = decided.is_internal();
    let configured = if internal { bgp.distance_internal } else { bgp.distance_external };
    let distance = shaped.distance.unwrap_or(configured);
    let rates = rates(bgp.bandwidth, decided);
    let shares = |place: usize| rates.get(place).is_none_or(|rate| *rate != 0);
    let chosen = decided.chosen().enumerate().filter(|(place, _)| shares(*place)).map(|(_, path)| path);
    let next_hops = chosen.map(|path| {
        let (address, interface) = decided.gateway(path);
        RouteNextHop::Gateway { address, interface }
    });
    let route = Route::new(Protocol::Bgp { internal }, distance, shaped.metric, next_hops.collect());
    Some(route.sharing(rates.into_iter().filter(|rate| *rate != 0).collect()))
}

/// The rates by which the chosen paths share the load (draft-ietf-idr-linkbandwidth §3): none where they share it
/// equally, 0 for one that gets nothing.
fn rates(bandwidth: Bandwidth, decided: &Decided<'_>) -> Vec<u64> {
    let has_any = |path: &Path| !path.attributes().extended_communities.is_empty();
    if bandwidth == Bandwidth::Ignore || !decided.shares() || !decided.chosen().any(has_any) {
        return Vec::new();
    }
    let told: Vec<Option<u64>> = decided.chosen().map(|path| path.attributes().link_bandwidth()).collect();
    let (some, all) = (told.iter().any(Option::is_some), told.iter().all(Option::is_some));
    let missing = match bandwidth {
        Bandwidth::SkipMissing => 0,
        Bandwidth::DefaultWeightForMissing => 1,
        Bandwidth::All | Bandwidth::Ignore if all => 0,
        Bandwidth::All | Bandwidth::Ignore => return Vec::new(),
    };
    if !some {
        return Vec::new();
    }
    // One that tells of no bandwidth at all still gets the least, as it would be without any such word.
    told.into_iter().map(|rate| rate.map_or(missing, |rate| rate.max(1))).collect()
}
