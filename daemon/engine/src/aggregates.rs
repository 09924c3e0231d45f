//! Aggregates and conditions: what the BGP table holds as a whole decides what is told of it.
//!
//! Both are told of each prefix whose best path is news, and of all prefixes in a walk when they are new. Never chooses
//! a path, and never tells a peer anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bgp::export::HeldBack;
use bgp::policy::{Chain, Draft, Source, Subject};
use bgp_wire::attribute::{Aggregator, PathAttributes};
use config::model::bgp::Conditional;
use config::model::policy::route_map_changed;
use config::model::{Bgp, Model};
use nouns::{Family, Marks, Prefix};
use rib::aggregate::Wish;
use rib::bgp_table::{Inserted, PathKey, PeerId};
use rib::prefix_map::PrefixMap;

use crate::engine::Engine;
use crate::event::Moment;

/// The path of an aggregate, beside that of a network of the same prefix.
pub(crate) const AGGREGATE: PathKey = PathKey { peer: PeerId::LOCAL, path_id: 1 };

/// Which routes there are that conditions of neighbors ask for, by family and route map.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    maps: BTreeMap<(Family, String), Found>,
}

/// What a map lets through.
#[derive(Debug)]
struct Found {
    map: Chain,
    routes: PrefixMap<()>,
    /// All routes were looked at.
    complete: bool,
}

impl Conditions {
    /// Whether the condition of a neighbor is met; it is not while not all routes were looked at.
    pub(crate) fn is_met(&self, family: Family, wish: &Conditional) -> bool {
        let found = self.maps.get(&(family, wish.map.clone()));
        found.is_some_and(|found| found.routes.is_empty() != wish.exist && (found.complete || wish.exist))
    }

    /// Whether all routes were looked at for the condition of a neighbor.
    fn is_complete(&self, family: Family, wish: &Conditional) -> bool {
        self.maps.get(&(family, wish.map.clone())).is_some_and(|found| found.complete)
    }

    /// How many routes a map lets through that decides.
    pub(crate) fn found(&self, family: Family, map: &str) -> usize {
        self.maps.get(&(family, map.to_owned())).map_or(0, |found| found.routes.len())
    }
}

/// What the maps are that conditions ask for.
fn asked_for(bgp: Option<&Bgp>) -> BTreeSet<(Family, &String)> {
    let neighbors = bgp.into_iter().flat_map(|bgp| bgp.neighbors.values().map(|neighbor| &neighbor.settings));
    let ranges = bgp.into_iter().flat_map(|bgp| bgp.listen_ranges.values().map(|range| &range.settings));
    let settings = neighbors.chain(ranges);
    settings
        .flat_map(|settings| Family::ALL.map(|family| (family, settings.policies.of(family).conditional.as_ref())))
        .filter_map(|(family, wish)| Some((family, &wish?.map)))
        .collect()
}

impl Engine {
    /// Puts the aggregates and conditions of the running model in force.
    pub(crate) fn configure_aggregates(&mut self, old: Option<&Model>) {
        let new = self.running.model.bgp.clone();
        let policy = Arc::clone(&self.running.model.policy);
        let mut walk: BTreeSet<Family> = BTreeSet::new();
        let mut offer: BTreeSet<Family> = BTreeSet::new();
        let none = BTreeMap::new();
        let before = old.and_then(|old| old.bgp.as_deref()).map_or(&none, |bgp| &bgp.aggregates);
        let now = new.as_deref().map_or(&none, |bgp| &bgp.aggregates);
        if !before.is_empty() || !now.is_empty() {
            let wishes = now
                .iter()
                .map(|(prefix, wish)| (*prefix, Wish { as_set: wish.as_set, summary_only: wish.summary_only }));
            self.aggregates.configure(&wishes.collect());
            let others = before.keys().chain(now.keys());
            for prefix in others.filter(|prefix| before.contains_key(prefix) != now.contains_key(prefix)) {
                walk.insert(prefix.family());
            }
            let only = |all: &BTreeMap<Prefix, config::model::bgp::Aggregate>, prefix: &Prefix| {
                all.get(prefix).is_some_and(|wish| wish.summary_only)
            };
            let others = before.keys().chain(now.keys());
            offer.extend(
                others.filter(|prefix| only(before, prefix) != only(now, prefix)).map(|prefix| prefix.family()),
            );
        }
        let wanted = asked_for(new.as_deref());
        self.conditions.maps.retain(|(family, map), _| wanted.contains(&(*family, map)));
        for (family, map) in wanted {
            let same = old.is_some_and(|old| route_map_changed(&old.policy, &policy, map).is_none());
            if same && self.conditions.maps.contains_key(&(family, map.clone())) {
                continue;
            }
            let found = Found { map: self.policies.through(Some(map)), routes: PrefixMap::new(), complete: false };
            self.conditions.maps.insert((family, map.clone()), found);
            walk.insert(family);
        }
        for family in walk {
            self.reviews.observe(family);
        }
        for family in offer {
            self.offer_to_everybody(family);
        }
    }

    /// Everything of a family is offered to all peers again; what they know already is not told.
    fn offer_to_everybody(&mut self, family: Family) {
        for peer in self.peers.iter() {
            self.groups.change(peer.id, family);
        }
    }

    /// Whether anybody wants to know which routes there are.
    pub(crate) fn is_observed(&self) -> bool {
        !self.aggregates.is_empty() || !self.conditions.maps.is_empty()
    }

    /// The best path of a prefix may have changed: aggregates and conditions hear of it. What is undecided is looked at
    /// once it is decided.
    pub(crate) fn observe(&mut self, family: Family, prefix: Prefix) {
        let Ok(best) = self.tables.of(family).settled_best(prefix) else { return };
        self.aggregates.note(prefix, best.map(|best| best.attributes()));
        let met = best.map(|best| {
            let interface = self.interface_of(best, prefix);
            let peer = self.tables.of(family).peer(best.peer()).filter(|_| !best.is_local()).map(|peer| peer.address);
            let source = if best.is_local() { self.own_source(prefix) } else { Source::Bgp };
            let (validity, path_validity) = (self.validity_of(best, prefix), self.path_validity_of(best));
            let subject = Subject {
                prefix,
                source,
                peer,
                interface: interface.as_ref(),
                nowhere: false,
                validity,
                path_validity,
                shares: None,
            };
            let rules = self.rules();
            let passes = |map: &Chain| {
                let default = rules.map_or(100, |rules| rules.default_local_pref);
                let mut draft = Draft::new(best.attributes(), best.marks(), default);
                map.apply(&subject, &mut draft).is_ok()
            };
            let maps = self.conditions.maps.iter().filter(|((of, _), _)| *of == family);
            maps.filter(|(_, found)| passes(&found.map)).map(|(key, _)| key.clone()).collect::<BTreeSet<_>>()
        });
        let met = met.unwrap_or_default();
        let mut turned = false;
        for (key, found) in self.conditions.maps.iter_mut().filter(|((of, _), _)| *of == family) {
            let before = found.routes.is_empty();
            if met.contains(key) {
                found.routes.insert(prefix, ());
            } else {
                found.routes.remove(prefix);
            }
            turned |= before != found.routes.is_empty();
        }
        if turned {
            self.conditions_changed(family);
        }
    }

    /// All routes of a family were looked at.
    pub(crate) fn observed_all(&mut self, family: Family) {
        let of_family = self.conditions.maps.iter_mut().filter(|((of, _), _)| *of == family);
        let news = of_family.filter_map(|(_, found)| (!std::mem::replace(&mut found.complete, true)).then_some(()));
        if news.count() > 0 {
            self.conditions_changed(family);
        }
    }

    /// Peers with conditions may hear of other routes than before.
    fn conditions_changed(&mut self, family: Family) {
        for peer in self.peers.iter().filter(|peer| peer.settings.policies.of(family).conditional.is_some()) {
            self.groups.change(peer.id, family);
        }
    }

    /// What a peer does not hear of because a condition is not met.
    pub(crate) fn held_back(&self, wish: Option<&Conditional>, family: Family) -> Option<HeldBack> {
        let wish = wish.filter(|wish| !self.conditions.is_met(family, wish))?;
        let known = self.conditions.is_complete(family, wish);
        Some(HeldBack { routes: self.policies.through(Some(&wish.advertise)), known })
    }

    /// Makes what became of the aggregates: paths of the router's own that come and go with what they cover.
    pub(crate) fn settle_aggregates(&mut self, at: Moment) {
        for prefix in self.aggregates.take_changed() {
            match self.aggregate(prefix) {
                Some((attributes, marks)) => {
                    let attributes = self.attribute_sets.intern(Arc::new(attributes));
                    let inserted = Inserted::new(Arc::clone(&attributes), attributes, None, marks);
                    self.tables.of_mut(prefix.family()).insert(prefix, AGGREGATE, &inserted, at.instant);
                }
                None => _ = self.tables.of_mut(prefix.family()).withdraw(prefix, AGGREGATE),
            }
        }
    }

    /// The attributes and marks of an aggregate, after its map; `None` while there is none.
    fn aggregate(&self, prefix: Prefix) -> Option<(PathAttributes, Marks)> {
        let bgp = self.running.model.bgp.as_deref()?;
        let wish = bgp.aggregates.get(&prefix)?;
        let mut attributes = self.aggregates.made(prefix)?;
        attributes.aggregator = Some(Aggregator { asn: bgp.asn, address: self.router_id() });
        let policy = self.policies.through(wish.route_map.as_ref());
        let subject = Subject::new(prefix, Source::Bgp);
        let marks = Marks { weight: Marks::OWN_WEIGHT, ..Marks::default() };
        let mut draft = Draft::new(&attributes, marks, bgp.default_local_pref);
        policy.apply(&subject, &mut draft).ok()?;
        Some((draft.attributes.into_owned(), draft.marks))
    }
}
