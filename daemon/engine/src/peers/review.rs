//! Routes that have to be looked at once more: judged again after import rules changed, or offered again to a peer
//! whose export rules changed, or that is new.
//!
//! A walk through the table in pieces, so that persons and sockets get their turn, in the order in which prefixes came: what
//! came together has the same attributes, or those that lie beside them in memory. A prefix changes from the old rules
//! to the new ones as a whole: its paths are judged before anybody hears of it, also when something else makes it
//! undecided in the middle of a walk. Never sends what has not changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use nouns::{Family, Prefix};
use rib::bgp_table::{Path, PeerId};
use rib::prefix_table::{Arrival, Spot};

use super::groups::{GroupId, Offer};
use super::learn::Judge;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Moment;

/// How many routes are judged or offered before the sockets get their turn again; a test of walks needs no large table.
const PIECE: usize = if cfg!(test) { 2_000 } else { 20_000 };

/// One walk.
#[derive(Debug, Default)]
struct Walk {
    /// Peers whose routes are judged again.
    judge: Arc<BTreeSet<PeerId>>,
    /// Groups to which everything is offered again.
    offer: BTreeSet<GroupId>,
    /// Aggregates and conditions look at every route.
    observe: bool,
    /// Where it goes on; `None` before the first piece.
    next: Option<Arrival>,
}

/// The walks of each family: one under way, and one behind it for what was asked meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Reviews {
    walks: BTreeMap<Family, VecDeque<Walk>>,
}

impl Reviews {
    /// Asks for a peer's routes to be judged again.
    pub(crate) fn judge(&mut self, family: Family, peer: PeerId) {
        self.ask(family, |walk| Arc::make_mut(&mut walk.judge).insert(peer));
    }

    /// Asks for everything to be offered to a group.
    pub(crate) fn offer(&mut self, family: Family, group: GroupId) {
        self.ask(family, |walk| walk.offer.insert(group));
    }

    /// Asks for all routes to be looked at for aggregates and conditions.
    pub(crate) fn observe(&mut self, family: Family) {
        self.ask(family, |walk| !std::mem::replace(&mut walk.observe, true));
    }

    /// Whether a group has yet to be offered something.
    pub(crate) fn owes(&self, family: Family, group: GroupId) -> bool {
        self.walks.get(&family).into_iter().flatten().any(|walk| walk.offer.contains(&group))
    }

    /// Whether paths are still to be judged.
    fn judge_more(&self) -> bool {
        self.walks.values().flatten().any(|walk| !walk.judge.is_empty())
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.walks.values().all(VecDeque::is_empty)
    }

    /// Peers whose routes to a prefix may have been judged by older rules: those of one walk, hardly ever of two.
    pub(super) fn unjudged(&self, family: Family, spot: Spot) -> Arc<BTreeSet<PeerId>> {
        let walks = self.walks.get(&family).into_iter().flatten();
        let ahead = walks.filter(|walk| walk.next.zip(spot.arrival()).is_none_or(|(next, arrival)| arrival >= next));
        let mut judged = ahead.map(|walk| Arc::clone(&walk.judge)).filter(|judge| !judge.is_empty());
        let first = judged.next().unwrap_or_default();
        judged.fold(first, |one, other| Arc::new(&*one | &*other))
    }

    /// Adds to the walk that has not begun.
    fn ask(&mut self, family: Family, add: impl FnOnce(&mut Walk) -> bool) {
        let walks = self.walks.entry(family).or_default();
        match walks.back_mut().filter(|walk| walk.next.is_none()) {
            Some(walk) => _ = add(walk),
            None => {
                let mut walk = Walk::default();
                add(&mut walk);
                walks.push_back(walk);
            }
        }
    }
}

impl Engine {
    /// Goes on with the walks, a piece at a time. Answers whether groups were told beside that what waited for them, and
    /// will be told what follows beside the next piece.
    pub(crate) fn settle_reviews(&mut self, at: Moment, out: &mut Vec<Effect>) -> bool {
        let (mut budget, mut told) = (PIECE, false);
        for family in Family::ALL {
            while budget > 0
                && let Some(walk) = self.reviews.walks.get(&family).and_then(VecDeque::front)
            {
                let (offer, next) = (walk.offer.clone(), walk.next);
                told = self.walk_on(at, family, (&offer, next), &mut budget, out);
            }
        }
        told && self.reviews.judge_more()
    }

    /// One piece of a family's first walk, as far as the budget goes; answers whether what waited was told beside it.
    fn walk_on(
        &mut self,
        at: Moment,
        family: Family,
        (offer, next): (&BTreeSet<GroupId>, Option<Arrival>),
        budget: &mut usize,
        out: &mut Vec<Effect>,
    ) -> bool {
        let mut piece = Vec::new();
        let mut after = None;
        for (spot, paths) in self.tables.of(family).arrivals_from(next.unwrap_or_default()) {
            if *budget == 0 {
                after = spot.arrival();
                break;
            }
            *budget = budget.saturating_sub(paths.len().saturating_add(offer.len()).max(1));
            piece.push(spot);
        }
        let observe = self.reviews.walks.get(&family).and_then(VecDeque::front).is_some_and(|walk| walk.observe);
        let told = self.judge_piece(at, family, &piece, out);
        for spot in piece {
            if observe {
                self.observe(family, spot.prefix());
            }
            self.offer_again(family, spot, offer);
        }
        if after.is_none() {
            for id in offer {
                self.offer_default(*id, family);
            }
        }
        if let Some(walks) = self.reviews.walks.get_mut(&family) {
            match (after, walks.front_mut()) {
                (Some(after), Some(walk)) => walk.next = Some(after),
                _ => _ = walks.pop_front(),
            }
        }
        if observe && after.is_none() {
            self.observed_all(family);
        }
        if self.reviews.is_empty() {
            self.imports.values_mut().for_each(Judge::rest);
        }
        told
    }

    /// Offers a prefix to groups once more.
    pub(crate) fn offer_again(&mut self, family: Family, spot: impl Into<Spot>, groups: &BTreeSet<GroupId>) {
        if groups.is_empty() {
            return;
        }
        let spot = spot.into();
        // What is undecided waits in the group until it is decided.
        let best = self.tables.of(family).settled_best(spot);
        let offer = best.map_or(Offer::Undecided, |best| Offer::of(best.map(Path::peer)));
        for id in groups {
            if let Some(group) = self.groups.get_mut(*id) {
                group.offer(spot, offer);
            }
        }
    }

    /// Judges those paths of a prefix again that may have been judged by older rules.
    pub(crate) fn judge_prefix(&mut self, family: Family, spot: Spot) {
        if self.reviews.is_empty() {
            return;
        }
        let peers = self.reviews.unjudged(family, spot);
        self.judge_paths(family, spot.prefix(), &peers);
    }

    /// Judges the paths of a prefix again that came from some peers.
    pub(crate) fn judge_paths(&mut self, family: Family, prefix: Prefix, peers: &BTreeSet<PeerId>) {
        if !peers.is_empty() {
            self.judge_again(family, prefix, |path| peers.contains(&path.peer()));
        }
    }
}

/// The prefix of everything.
pub(crate) fn default_route(family: Family) -> Prefix {
    match family {
        Family::Ipv4Unicast => Prefix::DEFAULT_V4,
        Family::Ipv6Unicast => Prefix::DEFAULT_V6,
    }
}
